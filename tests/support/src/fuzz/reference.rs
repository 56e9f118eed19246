//! RFC 6455 §5 once more, slow and obvious: all bytes so far → everything that is in them. With
//! RFC 7692 §6, if that was agreed on.
//!
//! It shares no code with the server's decoder and none of its ideas: it starts over each time,
//! copies each message, and has the standard library check all of a text after each of its frames.

use headcount::ws::{CloseCode, Event, MessageLimits, ProtocolError};

use super::fast::{Kind, Outcome};
use super::inflate::{Inflated, Inflater};

/// What a client sent. Like the server's [`Event`], and owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

impl From<Event<'_>> for Sent {
    fn from(event: Event<'_>) -> Sent {
        match event {
            Event::Text(text) => Sent::Text(text.to_owned()),
            Event::Binary(bytes) => Sent::Binary(bytes.to_vec()),
            Event::Ping(data) => Sent::Ping(data.to_vec()),
            Event::Pong(data) => Sent::Pong(data.to_vec()),
            Event::Close(code) => Sent::Close(code.map(CloseCode::as_u16)),
        }
    }
}

impl Sent {
    /// The same for the fast targets.
    pub fn add_to(&self, outcome: &mut Outcome) {
        match self {
            Sent::Text(text) => outcome.push(Kind::Text, text.as_bytes()),
            Sent::Binary(bytes) => outcome.push(Kind::Binary, bytes),
            Sent::Ping(data) => outcome.push(Kind::Ping, data),
            Sent::Pong(data) => outcome.push(Kind::Pong, data),
            Sent::Close(code) => outcome.push(Kind::Close(*code), b""),
        }
    }
}

/// Whether messages may be compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deflate {
    #[default]
    No,
    /// Each by itself.
    Fresh,
    /// With references to those before.
    Takeover,
}

/// Everything in `bytes`, and what is wrong with what follows it.
pub fn decode(
    bytes: &[u8],
    limits: &MessageLimits,
    deflate: Deflate,
) -> (Vec<Sent>, Option<ProtocolError>) {
    let (events, error) = decode_placed(bytes, limits, deflate);
    (events.into_iter().map(|(_, event)| event).collect(), error)
}

/// The same, and how many bytes there are up to the end of each.
pub fn decode_placed(
    bytes: &[u8],
    limits: &MessageLimits,
    deflate: Deflate,
) -> (Vec<(usize, Sent)>, Option<ProtocolError>) {
    let mut events = Vec::new();
    let error = decode_all(bytes, limits, deflate, &mut events).err();
    (events, error)
}

/// A message of which the last frame has not come.
struct Open {
    is_text: bool,
    is_compressed: bool,
    bytes: Vec<u8>,
    frames: u32,
}

fn decode_all(
    bytes: &[u8],
    limits: &MessageLimits,
    deflate: Deflate,
    events: &mut Vec<(usize, Sent)>,
) -> Result<(), ProtocolError> {
    let mut inflater = Inflater::new(deflate == Deflate::Takeover);
    let mut rest = bytes;
    let mut open: Option<Open> = None;
    while let Some(header) = header(rest, open.is_some(), deflate)? {
        let payload: Vec<u8> = rest[header.size..]
            .iter()
            .take(usize::try_from(header.length).unwrap_or(usize::MAX))
            .enumerate()
            .map(|(index, byte)| byte ^ header.key[index % 4])
            .collect();
        let is_whole = payload.len() as u64 == header.length;
        if header.opcode >= 8 {
            if !is_whole {
                return Ok(());
            }
            rest = &rest[header.size + payload.len()..];
            events.push((bytes.len() - rest.len(), control(header.opcode, payload)?));
            continue;
        }
        let message = open.get_or_insert_with(|| Open {
            is_text: header.opcode == 1,
            is_compressed: header.is_compressed,
            bytes: Vec::new(),
            frames: 0,
        });
        message.admit(&header, limits)?;
        rest = &rest[header.size + payload.len()..];
        message.bytes.extend(payload);
        let is_last = is_whole && header.fin;
        if message.is_text
            && !message.is_compressed
            && let Err(error) = str::from_utf8(&message.bytes)
            // Without a length it is not wrong yet: its last character is not complete.
            && (is_last || error.error_len().is_some())
        {
            return Err(ProtocolError::InvalidUtf8);
        }
        if !is_whole {
            return Ok(());
        }
        if header.fin
            && let Some(message) = open.take()
        {
            events.push((bytes.len() - rest.len(), message.finish(&mut inflater, limits)?));
        }
    }
    Ok(())
}

impl Open {
    /// Lets a frame in, or refuses it on its header.
    fn admit(&mut self, header: &Header, limits: &MessageLimits) -> Result<(), ProtocolError> {
        // What is compressed badly is a little longer than what it stands for.
        let most = |bytes: u64| if self.is_compressed { bytes + bytes / 8 + 64 } else { bytes };
        if header.length > most(limits.frame_bytes_max)
            || header.length + self.bytes.len() as u64 > most(limits.message_bytes_max)
        {
            return Err(ProtocolError::TooLong);
        }
        if self.frames == limits.fragments_max {
            return Err(ProtocolError::TooManyFragments);
        }
        self.frames += 1;
        Ok(())
    }

    fn finish(
        self,
        inflater: &mut Inflater,
        limits: &MessageLimits,
    ) -> Result<Sent, ProtocolError> {
        let bytes = match self.is_compressed {
            true => match inflater.inflate(&self.bytes, limits.message_bytes_max as usize) {
                Inflated::Message(bytes) => bytes,
                Inflated::Invalid => return Err(ProtocolError::InvalidDeflate),
                Inflated::TooLong => return Err(ProtocolError::TooLong),
            },
            false => self.bytes,
        };
        match self.is_text {
            true => {
                String::from_utf8(bytes).map(Sent::Text).map_err(|_| ProtocolError::InvalidUtf8)
            }
            false => Ok(Sent::Binary(bytes)),
        }
    }
}

pub struct Header {
    pub fin: bool,
    pub is_compressed: bool,
    pub opcode: u8,
    pub length: u64,
    pub key: [u8; 4],
    pub size: usize,
}

/// The rules of §5.2, §5.4 and §5.5, each as soon as its byte is there.
pub fn header(
    bytes: &[u8],
    is_open: bool,
    deflate: Deflate,
) -> Result<Option<Header>, ProtocolError> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let (fin, reserved, opcode) = (first >> 7 == 1, first >> 4 & 7, first & 15);
    if (3..8).contains(&opcode) || opcode > 10 {
        return Err(ProtocolError::ReservedOpcode);
    }
    // RFC 7692 §6: RSV1 of a message's first frame.
    let is_compressed = reserved == 4 && (opcode == 1 || opcode == 2) && deflate != Deflate::No;
    if reserved != 0 && !is_compressed {
        return Err(ProtocolError::ReservedBits);
    }
    if opcode >= 8 && !fin {
        return Err(ProtocolError::ControlFragmented);
    }
    if opcode == 0 && !is_open {
        return Err(ProtocolError::ContinuationUnexpected);
    }
    if (opcode == 1 || opcode == 2) && is_open {
        return Err(ProtocolError::ContinuationExpected);
    }
    let Some(&second) = bytes.get(1) else { return Ok(None) };
    if second < 128 {
        return Err(ProtocolError::Unmasked);
    }
    let short = second - 128;
    if opcode >= 8 && short > 125 {
        return Err(ProtocolError::ControlTooLong);
    }
    if short == 127 && bytes.get(2).is_some_and(|&byte| byte >= 128) {
        return Err(ProtocolError::LengthTopBit);
    }
    let width = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some(extended) = bytes.get(2..2 + width) else { return Ok(None) };
    let number = extended.iter().fold(0, |number, &byte| number << 8 | u64::from(byte));
    let length = if width == 0 { u64::from(short) } else { number };
    if short == 126 && length < 126 || short == 127 && length < 65_536 {
        return Err(ProtocolError::LengthNotMinimal);
    }
    let Some(key) = bytes.get(2 + width..6 + width) else { return Ok(None) };
    let key = key.try_into().expect("four bytes");
    Ok(Some(Header { fin, is_compressed, opcode, length, key, size: 6 + width }))
}

fn control(opcode: u8, payload: Vec<u8>) -> Result<Sent, ProtocolError> {
    Ok(match opcode {
        8 => Sent::Close(close_code(&payload)?),
        9 => Sent::Ping(payload),
        _ => Sent::Pong(payload),
    })
}

/// The code in the payload of a Close.
pub fn close_code(payload: &[u8]) -> Result<Option<u16>, ProtocolError> {
    if payload.is_empty() {
        return Ok(None);
    }
    if payload.len() == 1 {
        return Err(ProtocolError::CloseTooShort);
    }
    let code = u16::from(payload[0]) * 256 + u16::from(payload[1]);
    // §7.4.1 and the registry of §11.7; 3000–4999 are free to use.
    let defined = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    if !defined.contains(&code) && !(3000..5000).contains(&code) {
        return Err(ProtocolError::CloseCodeInvalid);
    }
    match str::from_utf8(&payload[2..]) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(ProtocolError::InvalidUtf8),
    }
}
