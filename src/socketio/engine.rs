//! Engine.IO: the layer that opens, keeps alive and closes; a digit before each message.
//!
//! On a WebSocket each packet is a message of its own. What is different in the two versions:
//!
//! | | v4 | v3 |
//! |---|---|---|
//! | ping | from the server | from the client, with data that its pong has too |
//! | bytes on a WebSocket | as they are | after the byte 4, or as the text `b4` and base64 |
//! | several packets in a payload | between separators | each after its length |

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::PacketError;
use super::message::{Message, Outgoing};
use super::sid::Sid;

/// The version of Engine.IO that a session speaks, and with it that of Socket.IO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// v3, with Socket.IO v4: clients of version 1 and 2.
    V3,
    /// v4, with Socket.IO v5: clients of version 3 and 4.
    #[default]
    V4,
}

/// What bytes begin with in v3: the type of the packet, which is a message.
const BYTES_V3: u8 = 4;

/// The same where they are text, in base64.
pub(super) const BASE64_V3: &str = "b4";

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

impl Engine {
    /// Bytes as a message of a WebSocket.
    pub fn bytes(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Engine::V3 => [&[BYTES_V3], bytes].concat().into(),
            Engine::V4 => bytes.into(),
        }
    }
}

/// What a client sends in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnginePacket<'a> {
    /// `1`: it ends the session.
    Close,
    /// `3`: it is there.
    Pong,
    /// `2`: it asks whether the server is there, with this data (v3).
    Ping(&'a str),
    /// `4`: something for the layer above.
    Message(&'a str),
    /// Bytes for the layer above. Which ones is no matter to it.
    Bytes,
}

impl<'a> EnginePacket<'a> {
    /// Decodes a message. What only servers send (open, noop, and one of ping and pong) and what
    /// moves a session to another transport (upgrade) are errors here.
    pub fn decode(message: Message<'a>, engine: Engine) -> Result<EnginePacket<'a>, PacketError> {
        let text = match (message, engine) {
            (Message::Text(text), _) => text,
            (Message::Binary(_), Engine::V4) | (Message::Binary([BYTES_V3, ..]), Engine::V3) => {
                return Ok(EnginePacket::Bytes);
            }
            (Message::Binary(_), Engine::V3) => return Err(PacketError::UnknownType),
        };
        if let Some(message) = text.strip_prefix('4') {
            return Ok(EnginePacket::Message(message));
        }
        match (text, engine) {
            ("1", _) => Ok(EnginePacket::Close),
            ("3", Engine::V4) => Ok(EnginePacket::Pong),
            (text, Engine::V3) => decode_v3(text),
            _ => Err(PacketError::UnknownType),
        }
    }
}

/// Decodes what v4 does not have.
fn decode_v3(text: &str) -> Result<EnginePacket<'_>, PacketError> {
    if let Some(data) = text.strip_prefix('2') {
        return Ok(EnginePacket::Ping(data));
    }
    let base64 = text.strip_prefix(BASE64_V3).ok_or(PacketError::UnknownType)?;
    match STANDARD.decode(base64) {
        Ok(_) => Ok(EnginePacket::Bytes),
        Err(_) => Err(PacketError::BadBase64),
    }
}

/// The answer to a client's ping: the same data.
pub(super) fn pong(data: &str) -> Outgoing {
    Outgoing::Text(format!("3{data}").into_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_is_what_its_version_says() {
        use EnginePacket::*;
        use PacketError::*;
        for (text, v4, v3) in [
            ("1", Ok(Close), Ok(Close)),
            ("3", Ok(Pong), Err(UnknownType)),
            ("2", Err(UnknownType), Ok(Ping(""))),
            ("2probe", Err(UnknownType), Ok(Ping("probe"))),
            ("4", Ok(Message("")), Ok(Message(""))),
            ("42[]", Ok(Message("2[]")), Ok(Message("2[]"))),
            ("b4AQID", Err(UnknownType), Ok(Bytes)),
            ("b4", Err(UnknownType), Ok(Bytes)),
            ("b4AQI", Err(UnknownType), Err(BadBase64)),
            ("b4\u{e9}", Err(UnknownType), Err(BadBase64)),
            ("b2AQID", Err(UnknownType), Err(UnknownType)),
            ("b", Err(UnknownType), Err(UnknownType)),
            ("0", Err(UnknownType), Err(UnknownType)),
            ("5", Err(UnknownType), Err(UnknownType)),
            ("6", Err(UnknownType), Err(UnknownType)),
            ("1x", Err(UnknownType), Err(UnknownType)),
            ("3x", Err(UnknownType), Err(UnknownType)),
            ("", Err(UnknownType), Err(UnknownType)),
            ("\u{1e}", Err(UnknownType), Err(UnknownType)),
        ] {
            let decode = |engine| EnginePacket::decode(super::Message::Text(text), engine);
            assert_eq!((decode(Engine::V4), decode(Engine::V3)), (v4, v3), "{text:?}");
        }
        let cases: [(&[u8], _); 5] = [
            (&[4, 1, 2], Ok(Bytes)),
            (&[4], Ok(Bytes)),
            (&[], Err(UnknownType)),
            (b"4", Err(UnknownType)),
            (&[2, 1], Err(UnknownType)),
        ];
        for (bytes, v3) in cases {
            let decode = |engine| EnginePacket::decode(super::Message::Binary(bytes), engine);
            assert_eq!((decode(Engine::V4), decode(Engine::V3)), (Ok(Bytes), v3), "{bytes:?}");
        }
    }
}
