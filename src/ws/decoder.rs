//! Bytes from a client → messages and control frames (RFC 6455 §5, §6.2).
//!
//! A pull decoder: the caller lends it what was received, takes one [`Event`] at a time, and gets
//! `None` when the input is used up. Input may be cut anywhere; the same bytes give the same events
//! however they are cut.
//!
//! ```text
//!            +--------+   header complete    +---------+
//!   input →  | Header | -------------------> | Payload |  → Event
//!            +--------+ <------------------- +---------+
//!                          frame complete
//! ```
//!
//! A frame that is whole in the input is unmasked where it lies and lent to the caller from there.
//! Only a frame or message of which a part is still to come is copied, into a [`Partial`] that is
//! freed when it is done: a connection that waits holds no buffer.
//!
//! An error ends the connection; the decoder must not be used after one.

use std::ops::Range;
use std::str;

use super::close::{self, CloseCode};
use super::error::ProtocolError;
use super::frame::{HEADER_BYTES_MAX, Header, Opcode};
use super::text::TextBuffer;

/// The bounds of what a client may send (§10.4).
#[derive(Clone, Copy, Debug)]
pub struct MessageLimits {
    /// Payload of one frame, in bytes.
    pub frame_bytes_max: u64,
    /// Payload of all frames of one message, in bytes.
    pub message_bytes_max: u64,
    /// Frames of one message, empty ones counted.
    pub fragments_max: u32,
}

/// What a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A Ping frame and its application data.
    Ping(&'a [u8]),
    /// A Pong frame and its application data.
    Pong(&'a [u8]),
    /// A Close frame and its status code.
    Close(Option<CloseCode>),
}

/// The receiving half of one WebSocket connection.
#[derive(Debug, Default)]
pub struct Decoder {
    stage: Stage,
    partial: Option<Box<Partial>>,
}

#[derive(Debug)]
enum Stage {
    Header { bytes: [u8; HEADER_BYTES_MAX], length: u8 },
    Payload { header: Header, remaining: u64 },
}

impl Default for Stage {
    fn default() -> Stage {
        Stage::Header { bytes: [0; HEADER_BYTES_MAX], length: 0 }
    }
}

/// What has arrived of things that are not complete.
#[derive(Debug, Default)]
struct Partial {
    message: Option<Message>,
    /// The payload of a control frame, which may come between the fragments of a message.
    control: Vec<u8>,
    delivered: Option<Delivered>,
}

#[derive(Debug)]
struct Message {
    content: Content,
    fragments: u32,
}

#[derive(Debug)]
enum Content {
    Text(TextBuffer),
    Binary(Vec<u8>),
}

/// What the caller was lent from a [`Partial`] and has looked at by the next call.
#[derive(Clone, Copy, Debug)]
enum Delivered {
    Message,
    Control,
}

/// Where the payload of an event lies.
enum Found {
    InInput(Opcode, Range<usize>),
    InPartial(Opcode),
}

impl Decoder {
    /// Takes bytes from the front of `input` until there is an event, and says how many it took. If
    /// there is no event it took them all.
    pub fn decode<'a>(
        &'a mut self,
        input: &'a mut [u8],
        limits: &MessageLimits,
    ) -> Result<(usize, Option<Event<'a>>), ProtocolError> {
        self.release();
        let mut used = 0;
        let found = loop {
            let rest = &mut input[used..];
            match &mut self.stage {
                Stage::Header { .. } => {
                    let Some((header, bytes)) = self.read_header(rest)? else {
                        return Ok((input.len(), None));
                    };
                    used += bytes;
                    self.admit(&header, limits)?;
                    if let Some(end) = whole_payload(&header, used, input.len()) {
                        let mut key = header.key;
                        key.apply(&mut input[used..end]);
                        self.stage = Stage::default();
                        break Found::InInput(header.opcode, used..end);
                    }
                    self.begin(header);
                }
                Stage::Payload { header, remaining } => {
                    let length = (*remaining).min(rest.len() as u64) as usize;
                    let piece = &mut rest[..length];
                    header.key.apply(piece);
                    *remaining -= length as u64;
                    let (header, complete) = (*header, *remaining == 0);
                    self.append(header.opcode, piece)?;
                    used += length;
                    if !complete {
                        return Ok((used, None));
                    }
                    self.stage = Stage::default();
                    if header.fin {
                        break Found::InPartial(header.opcode);
                    }
                }
            }
        };
        let event = match found {
            Found::InInput(opcode, range) => {
                let end = range.end;
                (end, Some(Event::decode(opcode, &input[range])?))
            }
            Found::InPartial(opcode) => (used, Some(self.deliver(opcode)?)),
        };
        Ok(event)
    }

    /// Bytes of memory held for what is incomplete.
    pub fn buffered_bytes(&self) -> usize {
        let Some(partial) = &self.partial else { return 0 };
        let message = match partial.message.as_ref().map(|message| &message.content) {
            Some(Content::Text(text)) => text.capacity(),
            Some(Content::Binary(bytes)) => bytes.capacity(),
            None => 0,
        };
        message + partial.control.capacity()
    }

    fn open_message(&self) -> Option<&Message> {
        self.partial.as_ref()?.message.as_ref()
    }

    /// The next header and how many bytes of `input` belong to it; `None` if it needs more than
    /// `input`, of which every byte is then kept.
    fn read_header(&mut self, input: &[u8]) -> Result<Option<(Header, usize)>, ProtocolError> {
        let message_open = self.open_message().is_some();
        let Stage::Header { bytes, length } = &mut self.stage else {
            unreachable!("a header is read only between frames")
        };
        let before = usize::from(*length);
        if before == 0
            && let Some(whole) = Header::decode(input, message_open)?
        {
            return Ok(Some(whole));
        }
        let added = input.len().min(HEADER_BYTES_MAX - before);
        bytes[before..before + added].copy_from_slice(&input[..added]);
        let decoded = Header::decode(&bytes[..before + added], message_open)?;
        if decoded.is_none() {
            *length = (before + added) as u8;
        }
        Ok(decoded.map(|(header, bytes)| (header, bytes - before)))
    }

    /// Refuses a frame that would pass a limit, on its header and before any of its payload.
    fn admit(&self, header: &Header, limits: &MessageLimits) -> Result<(), ProtocolError> {
        if header.opcode.is_control() {
            return Ok(());
        }
        let (bytes, fragments) = match self.open_message() {
            Some(message) => (message.content.len() as u64, message.fragments),
            None => (0, 0),
        };
        if header.length > limits.frame_bytes_max
            || header.length.saturating_add(bytes) > limits.message_bytes_max
        {
            return Err(ProtocolError::TooLong);
        }
        if fragments >= limits.fragments_max {
            return Err(ProtocolError::TooManyFragments);
        }
        Ok(())
    }

    /// Makes ready to collect the payload of a frame.
    fn begin(&mut self, header: Header) {
        let message = &mut self.partial.get_or_insert_default().message;
        let start = |content| Some(Message { content, fragments: 1 });
        match (header.opcode, &mut *message) {
            (Opcode::Text, _) => *message = start(Content::Text(TextBuffer::default())),
            (Opcode::Binary, _) => *message = start(Content::Binary(Vec::new())),
            (Opcode::Continuation, Some(message)) => message.fragments += 1,
            _ => {}
        }
        self.stage = Stage::Payload { header, remaining: header.length };
    }

    /// Buffers grow with what was received, never with what a header promises.
    fn append(&mut self, opcode: Opcode, piece: &[u8]) -> Result<(), ProtocolError> {
        let partial = self.partial.get_or_insert_default();
        if opcode.is_control() {
            partial.control.extend_from_slice(piece);
            return Ok(());
        }
        match partial.message.as_mut().map(|message| &mut message.content) {
            Some(Content::Text(text)) => text.push(piece),
            Some(Content::Binary(bytes)) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
            None => unreachable!("the message was opened by its first header"),
        }
    }

    fn deliver(&mut self, opcode: Opcode) -> Result<Event<'_>, ProtocolError> {
        let partial = self.partial.get_or_insert_default();
        if opcode.is_control() {
            partial.delivered = Some(Delivered::Control);
            return Event::decode(opcode, &partial.control);
        }
        partial.delivered = Some(Delivered::Message);
        match partial.message.as_ref().map(|message| &message.content) {
            Some(Content::Text(text)) => Ok(Event::Text(text.finish()?)),
            Some(Content::Binary(bytes)) => Ok(Event::Binary(bytes)),
            None => unreachable!("the message was opened by its first header"),
        }
    }

    /// Frees what the caller was lent.
    fn release(&mut self) {
        let Some(partial) = &mut self.partial else { return };
        match partial.delivered.take() {
            Some(Delivered::Message) => self.partial = None,
            Some(Delivered::Control) if partial.message.is_none() => self.partial = None,
            Some(Delivered::Control) => partial.control.clear(),
            None => {}
        }
    }
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Content::Text(text) => text.len(),
            Content::Binary(bytes) => bytes.len(),
        }
    }
}

impl<'a> Event<'a> {
    /// The event that a frame is which stands for itself.
    fn decode(opcode: Opcode, payload: &'a [u8]) -> Result<Event<'a>, ProtocolError> {
        Ok(match opcode {
            // RFC 6455 §8.1: text that is not UTF-8 fails the connection.
            Opcode::Text => {
                Event::Text(str::from_utf8(payload).map_err(|_| ProtocolError::InvalidUtf8)?)
            }
            Opcode::Binary => Event::Binary(payload),
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            Opcode::Close => Event::Close(close::decode(payload)?),
            Opcode::Continuation => unreachable!("a continuation is part of a message"),
        })
    }
}

/// Where the payload that starts at `start` ends, if the frame is an event by itself and its
/// payload lies whole in the input.
fn whole_payload(header: &Header, start: usize, input_length: usize) -> Option<usize> {
    let alone = header.fin && header.opcode != Opcode::Continuation;
    let available = (input_length - start) as u64;
    (alone && header.length <= available).then(|| start + header.length as usize)
}
