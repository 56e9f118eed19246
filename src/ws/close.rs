//! The payload of a Close frame (RFC 6455 §5.5.1, §7.4).

use std::str;

use super::error::ProtocolError;

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

    /// The number on the wire.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// RFC 6455 §7.4: 1000–1003 and 1007–1011 are defined for use in a frame, and so are 1012–1014
    /// by registration; 3000–4999 are for libraries and applications. 1004–1006 and 1015 must not
    /// be sent, the rest is unused or reserved.
    const fn decode(code: u16) -> Result<CloseCode, ProtocolError> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(CloseCode(code)),
            _ => Err(ProtocolError::CloseCodeInvalid),
        }
    }
}

/// The status code in the payload of a Close frame; `None` if the payload is empty.
pub fn decode(payload: &[u8]) -> Result<Option<CloseCode>, ProtocolError> {
    match *payload {
        [] => Ok(None),
        [_] => Err(ProtocolError::CloseTooShort),
        [high, low, ref reason @ ..] => {
            let code = CloseCode::decode(u16::from_be_bytes([high, low]))?;
            str::from_utf8(reason).map_err(|_| ProtocolError::InvalidUtf8)?;
            Ok(Some(code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_code_is_accepted_only_if_it_may_be_sent() {
        for code in 0..=u16::MAX {
            let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            let expected = if allowed {
                Ok(Some(CloseCode(code)))
            } else {
                Err(ProtocolError::CloseCodeInvalid)
            };
            assert_eq!(decode(&code.to_be_bytes()), expected, "{code}");
        }
    }

    #[test]
    fn close_reason_must_be_utf8() {
        assert_eq!(decode(b""), Ok(None));
        assert_eq!(decode(b"\x03"), Err(ProtocolError::CloseTooShort));
        assert_eq!(decode("\u{3}\u{e8}再见".as_bytes()), Err(ProtocolError::CloseCodeInvalid));
        assert_eq!(decode(b"\x03\xe8\xe5\x86\x8d"), Ok(Some(CloseCode::NORMAL)));
        assert_eq!(decode(b"\x03\xe8\xe5\x86"), Err(ProtocolError::InvalidUtf8));
    }
}
