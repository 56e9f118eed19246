//! Frames in one pass, over an input that lies there whole: RFC 6455 §5 once more, and RFC 7692 §6.
//!
//! The rules about a header are those of the [`reference`]. Not shared with it is only what makes
//! it slow: it starts over after each byte, and copies.

use headcount::ws::{MessageLimits, ProtocolError};

use super::inflating::{Inflated, Inflating};
use super::outcome::{Failure, Kind, Outcome};
use crate::fuzz::reference::{self, Deflate, Header};

/// What one pass over an input needs.
#[derive(Default)]
pub struct Walk {
    pub expected: Outcome,
    /// The message that is open, as it came.
    message: Vec<u8>,
    /// The payload of a control frame.
    control: Vec<u8>,
    open: Option<Open>,
    inflating: Inflating,
    /// Whether a part of the input could not be foretold.
    pub is_vague: bool,
}

struct Open {
    is_text: bool,
    is_compressed: bool,
    frames: u32,
    /// So many bytes of it are UTF-8.
    valid: usize,
}

impl Walk {
    /// Reads `input`: what a decoder must make of it is in `expected` then.
    pub fn read(&mut self, input: &[u8], limits: &MessageLimits, deflate: Deflate) {
        self.expected.clear();
        self.inflating.restart(deflate == Deflate::Takeover);
        (self.open, self.is_vague) = (None, false);
        self.expected.failure = self.frames(input, limits, deflate).err().map(Failure::Ours);
    }

    fn frames(
        &mut self,
        input: &[u8],
        limits: &MessageLimits,
        deflate: Deflate,
    ) -> Result<(), ProtocolError> {
        let mut rest = input;
        while let Some(header) = reference::header(rest, self.open.is_some(), deflate)? {
            let available = &rest[header.size..];
            let length = header.length.min(available.len() as u64) as usize;
            let is_whole = length as u64 == header.length;
            let (payload, after) = available.split_at(length);
            rest = after;
            if header.opcode < 8 {
                self.fragment(&header, payload, limits)?;
            } else if is_whole {
                self.control(&header, payload)?;
            }
            if !is_whole {
                return Ok(());
            }
        }
        Ok(())
    }

    fn control(&mut self, header: &Header, payload: &[u8]) -> Result<(), ProtocolError> {
        self.control.clear();
        append_unmasked(&mut self.control, payload, header.key);
        match header.opcode {
            8 => {
                let code = reference::close_code(&self.control)?;
                self.expected.push(Kind::Close(code), b"");
            }
            9 => self.expected.push(Kind::Ping, &self.control),
            _ => self.expected.push(Kind::Pong, &self.control),
        }
        Ok(())
    }

    /// A frame of a message, or what there is of it.
    fn fragment(
        &mut self,
        header: &Header,
        payload: &[u8],
        limits: &MessageLimits,
    ) -> Result<(), ProtocolError> {
        let open = self.open.get_or_insert_with(|| {
            self.message.clear();
            let (is_text, is_compressed) = (header.opcode == 1, header.is_compressed);
            Open { is_text, is_compressed, frames: 0, valid: 0 }
        });
        let most = |bytes: u64| if open.is_compressed { bytes + bytes / 8 + 64 } else { bytes };
        if header.length > most(limits.frame_bytes_max)
            || header.length + self.message.len() as u64 > most(limits.message_bytes_max)
        {
            return Err(ProtocolError::TooLong);
        }
        if open.frames == limits.fragments_max {
            return Err(ProtocolError::TooManyFragments);
        }
        open.frames += 1;
        append_unmasked(&mut self.message, payload, header.key);
        let is_last = header.fin && payload.len() as u64 == header.length;
        if open.is_text && !open.is_compressed {
            match str::from_utf8(&self.message[open.valid..]) {
                Ok(_) => open.valid = self.message.len(),
                Err(error) if is_last || error.error_len().is_some() => {
                    return Err(ProtocolError::InvalidUtf8);
                }
                Err(error) => open.valid += error.valid_up_to(),
            }
        }
        if is_last {
            let open = self.open.take().expect("it is open");
            self.finish(&open, limits)?;
        }
        Ok(())
    }

    fn finish(&mut self, open: &Open, limits: &MessageLimits) -> Result<(), ProtocolError> {
        let kind = if open.is_text { Kind::Text } else { Kind::Binary };
        if !open.is_compressed {
            self.expected.push(kind, &self.message);
            return Ok(());
        }
        let message =
            match self.inflating.inflate(&mut self.message, limits.message_bytes_max as usize) {
                Inflated::Message(message) => message,
                Inflated::Invalid => return Err(ProtocolError::InvalidDeflate),
                Inflated::TooLong => return Err(ProtocolError::TooLong),
                Inflated::Unknown => {
                    self.is_vague = true;
                    return Err(ProtocolError::InvalidDeflate);
                }
            };
        if open.is_text && str::from_utf8(message).is_err() {
            return Err(ProtocolError::InvalidUtf8);
        }
        self.expected.push(kind, message);
        Ok(())
    }
}

/// Appends `payload`, masked or unmasked. Of loops over words the compiler makes few steps, each of
/// which a fuzzer would look at.
pub fn append_unmasked(out: &mut Vec<u8>, payload: &[u8], key: [u8; 4]) {
    let start = out.len();
    out.extend_from_slice(payload);
    let word = u32::from_ne_bytes(key);
    let (words, rest) = out[start..].as_chunks_mut::<4>();
    for four in words {
        *four = (u32::from_ne_bytes(*four) ^ word).to_ne_bytes();
    }
    rest.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
}
