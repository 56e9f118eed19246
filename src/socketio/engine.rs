//! Engine.IO v4: the layer that opens, keeps alive and closes; a digit before each message.
//!
//! On a WebSocket each packet is a message of its own, and bytes are a binary message as they are.

use super::error::PacketError;
use super::sid::Sid;

/// Asks a client whether it is there.
pub const PING: &[u8] = b"2";

/// Ends a session.
pub const CLOSE: &[u8] = b"1";

/// Says nothing: a request that waits for something to be said is answered so, when nothing is to
/// come that way any more.
pub const NOOP: &[u8] = b"6";

/// What a client sends and is answered with on a WebSocket to which its session is to move, and
/// what it then sends once it is told nothing any more on the other way.
pub const PROBE: &str = "2probe";
/// The answer to [`PROBE`].
pub const PROBED: &[u8] = b"3probe";
/// The session is on the WebSocket from now on.
pub const UPGRADE: &str = "5";

/// What a client sends in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnginePacket<'a> {
    /// `1`: it ends the session.
    Close,
    /// `3`: it is there.
    Pong,
    /// `4`: something for the layer above.
    Message(&'a str),
}

impl<'a> EnginePacket<'a> {
    /// Decodes a text. What only servers send (open, ping, noop) and what moves a session to
    /// another transport (upgrade) are errors here.
    pub fn decode(text: &'a str) -> Result<EnginePacket<'a>, PacketError> {
        if let Some(message) = text.strip_prefix('4') {
            return Ok(EnginePacket::Message(message));
        }
        match text {
            "1" => Ok(EnginePacket::Close),
            "3" => Ok(EnginePacket::Pong),
            _ => Err(PacketError::UnknownType),
        }
    }
}

/// What a client is told first.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// Between two pings, in ms.
    pub ping_interval_ms: u32,
    /// From a ping to its pong, in ms.
    pub ping_timeout_ms: u32,
    /// Of one message, or of all in one request, in bytes.
    pub message_bytes_max: u32,
    /// Whether the session may move to a WebSocket.
    pub upgrades: bool,
}

impl Opening {
    /// The open packet of the session `sid`.
    pub fn encode(self, sid: Sid) -> Vec<u8> {
        let Opening { ping_interval_ms, ping_timeout_ms, message_bytes_max, upgrades } = self;
        let upgrades = if upgrades { "\"websocket\"" } else { "" };
        format!(
            "0{{\"sid\":\"{sid}\",\"upgrades\":[{upgrades}],\"pingInterval\":{ping_interval_ms},\
             \"pingTimeout\":{ping_timeout_ms},\"maxPayload\":{message_bytes_max}}}"
        )
        .into_bytes()
    }
}
