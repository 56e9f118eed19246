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
//! Only a frame or message of which a part is still to come is copied, into a `Partial` that is
//! freed when it is done: a connection that waits holds no buffer.
//!
//! A compressed message is kept as it came until it is whole, and then inflated in one go by an
//! inflater that the caller lends: so one inflater serves all connections, and a slow sender holds
//! no window.
//!
//! An error ends the connection; the decoder must not be used after one.

use super::deflate::Inflater;
use super::error::ProtocolError;
use super::event::Event;
use super::frame::{HEADER_BYTES_MAX, Header, HeaderContext, Opcode};
use super::partial::{Message, Partial, Payload};

/// The bounds of what a client may send (§10.4).
#[derive(Clone, Copy, Debug)]
pub struct MessageLimits {
    /// Payload of one frame, in bytes.
    pub frame_bytes_max: u64,
    /// Payload of all frames of one message, in bytes, and what it inflates to.
    pub message_bytes_max: u64,
    /// Frames of one message, empty ones counted.
    pub fragments_max: u32,
}

/// The receiving half of one WebSocket connection.
#[derive(Debug, Default)]
pub struct Decoder {
    stage: Stage,
    partial: Option<Box<Partial>>,
}

/// Whether messages may be compressed, and by what they are inflated.
#[derive(Debug)]
pub enum Inflation<'a> {
    /// Compression was not agreed on.
    None,
    /// Each message starts with an empty window: any inflater will do.
    Fresh(&'a mut Inflater),
    /// Messages refer to those before them, all of which this inflater has seen.
    Takeover(&'a mut Inflater),
}

#[derive(Debug)]
enum Stage {
    Header {
        bytes: [u8; HEADER_BYTES_MAX],
        length: u8,
    },
    /// The header's length is what is still to come.
    Payload(Header),
}

impl Default for Stage {
    fn default() -> Stage {
        Stage::Header { bytes: [0; HEADER_BYTES_MAX], length: 0 }
    }
}

impl Decoder {
    /// Takes bytes from the front of `input` until there is an event, and says how many it took. If
    /// there is no event it took them all.
    pub fn decode<'a>(
        &'a mut self,
        input: &'a mut [u8],
        limits: &MessageLimits,
        inflation: Inflation<'a>,
    ) -> Result<(usize, Option<Event<'a>>), ProtocolError> {
        if self.partial.as_mut().is_some_and(|partial| partial.release()) {
            self.partial = None;
        }
        let deflates = !matches!(inflation, Inflation::None);
        let mut used = 0;
        let opcode = loop {
            if let Stage::Header { .. } = self.stage {
                let Some((header, bytes)) = self.read_header(&input[used..], deflates)? else {
                    return Ok((input.len(), None));
                };
                used += bytes;
                self.admit(&header, limits)?;
                if let Some(end) = whole_payload(&header, used, input.len()) {
                    let payload = &mut input[used..end];
                    // Not in place: a header that is never in memory is decoded a third faster.
                    let mut key = header.key;
                    key.apply(payload);
                    let event = if header.is_compressed {
                        Event::decode(header.opcode, inflation.inflate(payload, limits)?)?
                    } else {
                        Event::decode(header.opcode, payload)?
                    };
                    return Ok((end, Some(event)));
                }
                self.begin(header);
            }
            let (bytes, complete) = self.collect(&mut input[used..])?;
            used += bytes;
            match complete {
                None => return Ok((used, None)),
                Some(header) if header.fin => break header.opcode,
                Some(_) => {}
            }
        };
        let event = match self.partial.get_or_insert_default().deliver(opcode) {
            Payload::Plain(event) => event?,
            Payload::Compressed(opcode, payload) => {
                Event::decode(opcode, inflation.inflate(payload, limits)?)?
            }
        };
        Ok((used, Some(event)))
    }

    /// Bytes of memory held for what is incomplete.
    pub fn buffered_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.buffered_bytes())
    }

    fn open_message(&self) -> Option<&Message> {
        self.partial.as_ref()?.message()
    }

    /// The next header and how many bytes of `input` belong to it; `None` if it needs more than
    /// `input`, of which every byte is then kept.
    fn read_header(
        &mut self,
        input: &[u8],
        deflates: bool,
    ) -> Result<Option<(Header, usize)>, ProtocolError> {
        let context = HeaderContext { message_open: self.open_message().is_some(), deflates };
        let Stage::Header { bytes, length } = &mut self.stage else {
            unreachable!("a header is read only between frames")
        };
        let before = usize::from(*length);
        let head = if before == 0 {
            input
        } else {
            let added = input.len().min(HEADER_BYTES_MAX - before);
            bytes[before..before + added].copy_from_slice(&input[..added]);
            &bytes[..before + added]
        };
        let decoded = Header::decode(head, context)?;
        match decoded {
            None if before == 0 => {
                bytes[..input.len()].copy_from_slice(input);
                *length = input.len() as u8;
            }
            None => *length = head.len() as u8,
            Some(_) => *length = 0,
        }
        Ok(decoded.map(|(header, bytes)| (header, bytes - before)))
    }

    /// Makes ready for a payload that is still to come, or is not the whole of its message. Out of
    /// line, as is `collect`, for the sake of those that are whole.
    #[cold]
    fn begin(&mut self, header: Header) {
        self.partial.get_or_insert_default().begin(&header);
        self.stage = Stage::Payload(header);
    }

    /// Keeps what `input` has of the payload that is under way. Says how many bytes that is, and
    /// the header when the payload is complete.
    #[cold]
    fn collect(&mut self, input: &mut [u8]) -> Result<(usize, Option<Header>), ProtocolError> {
        let Stage::Payload(header) = &mut self.stage else {
            unreachable!("a payload is collected after its header")
        };
        let length = header.length.min(input.len() as u64) as usize;
        let piece = &mut input[..length];
        header.key.apply(piece);
        header.length -= length as u64;
        let header = *header;
        self.partial.get_or_insert_default().append(header.opcode, piece)?;
        if header.length > 0 {
            return Ok((length, None));
        }
        self.stage = Stage::default();
        Ok((length, Some(header)))
    }

    /// Refuses a frame that would pass a limit, on its header and before any of its payload.
    fn admit(&self, header: &Header, limits: &MessageLimits) -> Result<(), ProtocolError> {
        if header.opcode.is_control() {
            return Ok(());
        }
        let (bytes, fragments, is_compressed) = match self.open_message() {
            Some(message) => (message.len() as u64, message.fragments, message.is_compressed()),
            None => (0, 0, header.is_compressed),
        };
        // What is compressed badly is a little longer than what it stands for.
        let slack = |max: u64| if is_compressed { max.saturating_add(max / 8 + 64) } else { max };
        if header.length > slack(limits.frame_bytes_max)
            || header.length.saturating_add(bytes) > slack(limits.message_bytes_max)
        {
            return Err(ProtocolError::TooLong);
        }
        if fragments >= limits.fragments_max {
            return Err(ProtocolError::TooManyFragments);
        }
        Ok(())
    }
}

impl<'a> Inflation<'a> {
    /// The message that `payload` stands for. Only a header that was let in calls for this, and
    /// none is if compression was not agreed on.
    fn inflate(self, payload: &'a [u8], limits: &MessageLimits) -> Result<&'a [u8], ProtocolError> {
        let bytes_max = usize::try_from(limits.message_bytes_max).unwrap_or(usize::MAX);
        match self {
            Inflation::None => unreachable!("then no header is let in that says so"),
            Inflation::Fresh(inflater) => inflater.inflate(payload, false, bytes_max),
            Inflation::Takeover(inflater) => inflater.inflate(payload, true, bytes_max),
        }
    }
}

/// Where the payload that starts at `start` ends, if the frame is an event by itself and its
/// payload lies whole in the input.
fn whole_payload(header: &Header, start: usize, input_length: usize) -> Option<usize> {
    let alone = header.fin && header.opcode != Opcode::Continuation;
    let available = (input_length - start) as u64;
    (alone && header.length <= available).then(|| start + header.length as usize)
}
