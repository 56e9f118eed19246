//! The status codes of a Close frame (RFC 6455 §7.4).

/// A status code of a Close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// 1001: the server is going down, or the page is left.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: CloseCode = CloseCode(1002);
    /// 1007: the peer sent data that its message type does not allow.
    pub const INVALID_PAYLOAD: CloseCode = CloseCode(1007);
    /// 1008: the peer broke a rule of this server, a rate for one.
    pub const POLICY_VIOLATION: CloseCode = CloseCode(1008);
    /// 1009: the peer's message is over a limit.
    pub const TOO_BIG: CloseCode = CloseCode(1009);
    /// 1011: the server met with something that it can't go on after.
    pub const INTERNAL_ERROR: CloseCode = CloseCode(1011);
    /// Ours (§7.4.2): the client leaves for good, and its names with it.
    pub const LOGOUT: CloseCode = CloseCode(4000);

    /// The number on the wire.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// RFC 6455 §7.4: 1000–1003 and 1007–1011 are defined for use in a frame, and so are 1012–1014
    /// by registration; 3000–4999 are for libraries and applications. 1004–1006 and 1015 must not
    /// be sent, the rest is unused or reserved.
    pub(super) const fn decode(code: u16) -> Option<CloseCode> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(CloseCode(code)),
            _ => None,
        }
    }
}
