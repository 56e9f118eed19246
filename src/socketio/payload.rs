//! Long-polling: the packets of Engine.IO in the body of a request or a response.
//!
//! ```text
//!   4hello 1E 2 1E bAQIDBA==            v4: a message, a ping, and four bytes in base64
//!   6:4hello1:210:b4AQIDBA==            v3: the same (see `lengths`)
//! ```

use std::str::Split;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::engine::{BASE64_V3, Engine};
use super::error::PacketError;
use super::lengths;
use super::message::{Message, Outgoing};

/// What is between two packets: no text in JSON has it unescaped.
const SEPARATOR: u8 = 0x1E;

/// A packet that was in a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// As it is.
    Plain(Message<'a>),
    /// Bytes, from their base64 (v4).
    Decoded(Vec<u8>),
}

impl Part<'_> {
    /// The packet as a message, as a WebSocket would have it.
    pub fn message(&self) -> Message<'_> {
        match self {
            Part::Plain(message) => *message,
            Part::Decoded(bytes) => Message::Binary(bytes),
        }
    }
}

/// The packets of a payload, one after the other. After an error there are no more.
#[derive(Debug)]
pub struct Parts<'a>(Rest<'a>);

#[derive(Debug)]
enum Rest<'a> {
    Separated(Split<'a, char>),
    Counted(lengths::Rest<'a>),
    Bad(PacketError),
    Nothing,
}

/// Takes a payload apart, packet by packet.
pub fn parts(payload: &[u8], engine: Engine) -> Parts<'_> {
    let rest = match engine {
        Engine::V3 => lengths::Rest::of(payload).map(Rest::Counted),
        Engine::V4 => match str::from_utf8(payload) {
            Ok(text) => Ok(Rest::Separated(text.split(char::from(SEPARATOR)))),
            Err(_) => Err(PacketError::BadText),
        },
    };
    Parts(rest.unwrap_or_else(Rest::Bad))
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<Part<'a>, PacketError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match &mut self.0 {
            Rest::Separated(split) => split.next().map(of_text),
            Rest::Counted(rest) => rest.next().map(|message| message.map(Part::Plain)),
            Rest::Bad(error) => Some(Err(*error)),
            Rest::Nothing => None,
        };
        if !matches!(next, Some(Ok(_))) {
            self.0 = Rest::Nothing;
        }
        next
    }
}

fn of_text(packet: &str) -> Result<Part<'_>, PacketError> {
    match packet.strip_prefix('b') {
        Some(base64) => {
            STANDARD.decode(base64).map(Part::Decoded).map_err(|_| PacketError::BadBase64)
        }
        None => Ok(Part::Plain(Message::Text(packet))),
    }
}

/// Adds a message to a payload.
pub fn push(message: &Outgoing, engine: Engine, payload: &mut Vec<u8>) {
    match message {
        Outgoing::Text(text) => push_text(&[text], engine, payload),
        Outgoing::Binary(bytes) => {
            let prefix = match engine {
                Engine::V3 => BASE64_V3,
                Engine::V4 => "b",
            };
            let base64 = STANDARD.encode(bytes);
            push_text(&[prefix.as_bytes(), base64.as_bytes()], engine, payload);
        }
    }
}

/// Adds a packet to a payload, which comes in pieces of a text.
pub fn push_text(pieces: &[&[u8]], engine: Engine, payload: &mut Vec<u8>) {
    match engine {
        Engine::V3 => lengths::push_length(pieces, payload),
        Engine::V4 if !payload.is_empty() => payload.push(SEPARATOR),
        Engine::V4 => {}
    }
    pieces.iter().for_each(|piece| payload.extend_from_slice(piece));
}

/// A payload of one packet.
pub fn one(packet: &[u8], engine: Engine) -> Vec<u8> {
    let mut payload = Vec::new();
    push_text(&[packet], engine, &mut payload);
    payload
}

/// Takes a payload apart that was [made here](push) of texts alone.
pub fn texts(payload: &[u8], engine: Engine) -> impl Iterator<Item = &str> {
    let payload = if payload.is_empty() { Parts(Rest::Nothing) } else { parts(payload, engine) };
    payload.filter_map(|part| match part {
        Ok(Part::Plain(Message::Text(text))) => Some(text),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part<'_> {
        Part::Plain(Message::Text(text))
    }

    const ENGINES: [Engine; 2] = [Engine::V4, Engine::V3];

    #[test]
    fn payload_is_what_its_packets_were() {
        for (engine, expected, binary) in [
            (Engine::V4, "4hello\u{1e}bAQIDBA==\u{1e}2", Part::Decoded(vec![1, 2, 3, 4])),
            (Engine::V3, "6:4hello10:b4AQIDBA==1:2", text("b4AQIDBA==")),
        ] {
            let mut payload = Vec::new();
            let bytes = Outgoing::Binary(vec![1, 2, 3, 4]);
            for message in [Outgoing::Text(b"4hello".to_vec()), bytes, Outgoing::Text(vec![b'2'])] {
                push(&message, engine, &mut payload);
            }
            assert_eq!(str::from_utf8(&payload), Ok(expected));
            let decoded: Result<Vec<Part<'_>>, PacketError> = parts(&payload, engine).collect();
            assert_eq!(decoded, Ok(vec![text("4hello"), binary, text("2")]));
        }
    }

    #[test]
    fn texts_are_what_was_pushed() {
        let mut all = vec!["4a", "2", "42[\"login\",[\"\u{674e}\u{1f600}\"]]"];
        for engine in ENGINES {
            let mut payload = Vec::new();
            all.iter().for_each(|text| push_text(&[text.as_bytes()], engine, &mut payload));
            assert!(texts(&payload, engine).eq(all.iter().copied()), "{engine:?}");
            assert_eq!(texts(b"", engine).count(), 0);
            assert!(texts(&one(b"6", engine), engine).eq(["6"]));
            // In v3 a text may have anything in it.
            all.extend(["42\u{1e}:7:"]);
        }
    }

    #[test]
    fn what_is_no_base64_is_no_packet() {
        let bad = [Err(PacketError::BadBase64)];
        for packet in ["bAQIDBA", "bAQ=", "b=", "b\u{e9}", "bAQID BA==", "bAQIDBA==\n"] {
            assert!(parts(packet.as_bytes(), Engine::V4).eq(bad.clone()), "{packet:?}");
        }
        assert!(parts(b"b", Engine::V4).eq([Ok(Part::Decoded(vec![]))]));
        assert!(parts(b"", Engine::V4).eq([Ok(text(""))]));
        assert!(parts(b"4\xFF", Engine::V4).eq([Err(PacketError::BadText)]));
    }

    #[test]
    fn nothing_comes_after_an_error() {
        let error = |error| Err::<Part<'_>, _>(error);
        let found: Vec<_> = parts(b"b=\x1e4a", Engine::V4).collect();
        assert_eq!(found, [error(PacketError::BadBase64)]);
        let found: Vec<_> = parts(b"2:4a9:4b1:2", Engine::V3).collect();
        assert_eq!(found, [Ok(text("4a")), error(PacketError::BadLength)]);
    }
}
