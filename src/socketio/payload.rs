//! Long-polling: the packets of Engine.IO v4 in the body of a request or a response.
//!
//! ```text
//!   4hello 1E 2 1E bAQIDBA==       a message, a ping, and four bytes in base64
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::PacketError;
use super::message::{Message, Outgoing};

/// What is between two packets: no text in JSON has it unescaped.
const SEPARATOR: u8 = 0x1E;

/// A packet that was in a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes, from their base64.
    Binary(Vec<u8>),
}

impl Part<'_> {
    /// The packet as a message, as a WebSocket would have it.
    pub fn message(&self) -> Message<'_> {
        match self {
            Part::Text(text) => Message::Text(text),
            Part::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

/// Takes a payload apart, packet by packet.
pub fn parts(payload: &str) -> impl Iterator<Item = Result<Part<'_>, PacketError>> {
    payload.split(char::from(SEPARATOR)).map(|packet| match packet.strip_prefix('b') {
        Some(base64) => {
            STANDARD.decode(base64).map(Part::Binary).map_err(|_| PacketError::BadBase64)
        }
        None => Ok(Part::Text(packet)),
    })
}

/// Adds a message to a payload.
pub fn push(message: &Outgoing, payload: &mut Vec<u8>) {
    match message {
        Outgoing::Text(text) => push_text(&[text], payload),
        Outgoing::Binary(bytes) => {
            push_text(&[b"b", STANDARD.encode(bytes).as_bytes()], payload);
        }
    }
}

/// Adds a packet to a payload, which comes in pieces.
pub fn push_text(pieces: &[&[u8]], payload: &mut Vec<u8>) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
    pieces.iter().for_each(|piece| payload.extend_from_slice(piece));
}

/// Takes a payload apart that was [made here](push) of texts alone.
pub fn texts(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let texts = payload.split(|&byte| byte == SEPARATOR);
    texts.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_what_its_packets_were() {
        let mut payload = Vec::new();
        let binary = Outgoing::Binary(vec![1, 2, 3, 4]);
        for message in [Outgoing::Text(b"4hello".to_vec()), binary, Outgoing::Text(vec![b'2'])] {
            push(&message, &mut payload);
        }
        assert_eq!(payload, b"4hello\x1ebAQIDBA==\x1e2");
        let payload = str::from_utf8(&payload).unwrap();
        let decoded: Result<Vec<Part<'_>>, PacketError> = parts(payload).collect();
        let binary = Part::Binary(vec![1, 2, 3, 4]);
        assert_eq!(decoded, Ok(vec![Part::Text("4hello"), binary, Part::Text("2")]));
        assert!(texts(b"4a\x1e2").eq([&b"4a"[..], b"2"]) && texts(b"").eq([&b""[..]; 0]));
    }

    #[test]
    fn what_is_no_base64_is_no_packet() {
        for packet in ["bAQIDBA", "bAQ=", "b=", "b\u{e9}", "bAQID BA==", "bAQIDBA==\n"] {
            assert!(parts(packet).eq([Err(PacketError::BadBase64)]), "{packet:?}");
        }
        assert!(parts("b").eq([Ok(Part::Binary(vec![]))]));
        assert!(parts("").eq([Ok(Part::Text(""))]));
    }
}
