//! One frame's header (RFC 6455 §5.2), decoded for a server and encoded by one.
//!
//! ```text
//!  byte 0          byte 1          then, by the length
//! +-+-+-+-+-------+-+-------------+-----------------+---------------+
//! |F|R|R|R| opcode|M| length      | 0, 2 or 8 bytes | masking key,  |
//! |I|S|S|S|  (4)  |A|  0–125, 126 | of length       | 4 bytes, from |
//! |N|V|V|V|       |S|  or 127     |                 | a client only |
//! +-+-+-+-+-------+-+-------------+-----------------+---------------+
//! ```
//!
//! All rules about a header are here, each checked as soon as the byte that breaks it is there: a
//! peer does not get to send a payload under a header that will be refused.

use super::error::ProtocolError;
use super::mask::MaskKey;

/// The longest header that a client can send, in bytes.
pub const HEADER_BYTES_MAX: usize = 14;

/// The payload of a control frame is no longer than this (§5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// What a frame is (§5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message that is open.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The closing handshake.
    Close = 0x8,
    /// Asks whether the peer is there.
    Ping = 0x9,
    /// The reply to a Ping.
    Pong = 0xA,
}

impl Opcode {
    const fn decode(bits: u8) -> Option<Opcode> {
        Some(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return None,
        })
    }

    /// Whether a frame of this kind is a control frame (§5.5).
    pub const fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

/// The header of a frame from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// Whether its message is compressed (RFC 7692 §6).
    pub is_compressed: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The length of the payload, in bytes.
    pub length: u64,
    /// What the payload is masked with.
    pub key: MaskKey,
}

/// What the rules about a header depend on.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeaderContext {
    /// Whether a fragmented message has begun and not ended.
    pub message_open: bool,
    /// Whether permessage-deflate was agreed on.
    pub deflates: bool,
}

impl Header {
    /// Decodes the header that `input` begins with, and says how many bytes it has; `None` if
    /// `input` ends before the header does and nothing is wrong with it so far.
    ///
    /// `context` says what came before.
    pub fn decode(
        input: &[u8],
        context: HeaderContext,
    ) -> Result<Option<(Header, usize)>, ProtocolError> {
        let HeaderContext { message_open, deflates } = context;
        let Some((&first, input)) = input.split_first() else { return Ok(None) };
        let fin = first & 0x80 != 0;
        // RFC 6455 §5.2: an unknown opcode fails the connection.
        let opcode = Opcode::decode(first & 0x0F).ok_or(ProtocolError::ReservedOpcode)?;
        // RFC 6455 §5.2: a nonzero reserved bit without an extension fails the connection. RFC 7692
        // §6: RSV1 says that a message is compressed, and is on its first frame only.
        let is_compressed = first & 0x70 == 0x40;
        let begins_message = matches!(opcode, Opcode::Text | Opcode::Binary);
        if first & 0x70 != 0 && !(is_compressed && begins_message && deflates) {
            return Err(ProtocolError::ReservedBits);
        }
        if opcode.is_control() {
            // RFC 6455 §5.5: control frames must not be fragmented.
            if !fin {
                return Err(ProtocolError::ControlFragmented);
            }
        } else if (opcode == Opcode::Continuation) != message_open {
            // RFC 6455 §5.4: a message is one frame with FIN, or a frame without, any number of
            // continuations without and one with; fragments of two messages do not mix.
            return Err(if message_open {
                ProtocolError::ContinuationExpected
            } else {
                ProtocolError::ContinuationUnexpected
            });
        }

        let Some((&second, input)) = input.split_first() else { return Ok(None) };
        // RFC 6455 §5.1: a server closes the connection on a frame that is not masked.
        if second & 0x80 == 0 {
            return Err(ProtocolError::Unmasked);
        }
        let short = second & 0x7F;
        // RFC 6455 §5.5: control frames have a payload of 125 bytes or less.
        if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
            return Err(ProtocolError::ControlTooLong);
        }
        let Some((length, extended)) = decode_length(short, input)? else { return Ok(None) };
        let Some(&key) = input[extended..].first_chunk::<4>() else { return Ok(None) };
        let header = Header { fin, is_compressed, opcode, length, key: MaskKey::new(key) };
        Ok(Some((header, 2 + extended + 4)))
    }
}

/// The length of the payload, and the bytes that it took beside the seven bits `short`. Inlined, so
/// that these stay in registers.
#[inline(always)]
fn decode_length(short: u8, input: &[u8]) -> Result<Option<(u64, usize)>, ProtocolError> {
    let (length, extended, shortest) = match short {
        127 => {
            // RFC 6455 §5.2: the most significant bit must be 0.
            if input.first().is_some_and(|&byte| byte & 0x80 != 0) {
                return Err(ProtocolError::LengthTopBit);
            }
            let Some(&bytes) = input.first_chunk::<8>() else { return Ok(None) };
            (u64::from_be_bytes(bytes), 8, 0x1_0000)
        }
        126 => {
            let Some(&bytes) = input.first_chunk::<2>() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(bytes)), 2, 126)
        }
        _ => (u64::from(short), 0, 0),
    };
    // RFC 6455 §5.2: "the minimal number of bytes MUST be used to encode the length".
    if length < shortest {
        return Err(ProtocolError::LengthNotMinimal);
    }
    Ok(Some((length, extended)))
}

/// Appends a whole frame from the server to `out`: FIN set, not masked (§5.1).
#[inline(always)]
pub fn encode(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    debug_assert!(!opcode.is_control() || payload.len() <= CONTROL_BYTES_MAX);
    append_with_header(0x80 | opcode as u8, payload.len(), payload, out);
}

/// Appends a whole frame whose payload is deflated already (RFC 7692 §7.2.1).
pub fn encode_deflated(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    debug_assert!(!opcode.is_control());
    append_with_header(0xC0 | opcode as u8, payload.len(), payload, out);
}

/// The payload of a frame that [`encode`] made: it is not masked.
pub fn payload(frame: &[u8]) -> &[u8] {
    let header = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    frame.get(header..).unwrap_or_default()
}

/// Appends what precedes a payload of `length` bytes.
pub fn encode_header(opcode: Opcode, length: usize, out: &mut Vec<u8>) {
    debug_assert!(!opcode.is_control() || length <= CONTROL_BYTES_MAX);
    append_with_header(0x80 | opcode as u8, length, &[], out);
}

/// Appends what precedes a deflated payload of `length` bytes.
pub fn encode_deflated_header(opcode: Opcode, length: usize, out: &mut Vec<u8>) {
    debug_assert!(!opcode.is_control());
    append_with_header(0xC0 | opcode as u8, length, &[], out);
}

/// Appends the header of a frame of `length` bytes, and as much of its payload as is given.
#[inline(always)]
fn append_with_header(first: u8, length: usize, payload: &[u8], out: &mut Vec<u8>) {
    match length {
        0..=125 => append(&[first, length as u8], payload, out),
        126..=0xFFFF => {
            let [a, b] = (length as u16).to_be_bytes();
            append(&[first, 126, a, b], payload, out);
        }
        _ => {
            let [a, b, c, d, e, f, g, h] = (length as u64).to_be_bytes();
            append(&[first, 127, a, b, c, d, e, f, g, h], payload, out);
        }
    }
}

/// Inlined, with all that calls it: for a short message, a call would be a third of the work, and
/// to copy a header whose length is not known as much again.
#[inline(always)]
fn append(header: &[u8], payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(header);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<Option<(u64, usize)>, ProtocolError>) {
        let decoded = Header::decode(bytes, HeaderContext::default());
        assert_eq!(decoded.map(|some| some.map(|(header, used)| (header.length, used))), expected);
        // A header that is cut short is incomplete, or already wrong in the same way.
        if let Ok(Some((_, used))) = decoded {
            for cut in 0..used {
                assert_eq!(
                    Header::decode(&bytes[..cut], HeaderContext::default()),
                    Ok(None),
                    "cut at {cut}"
                );
            }
        }
    }

    #[test]
    fn length_has_three_forms_and_must_be_the_shortest() {
        use ProtocolError::{LengthNotMinimal, LengthTopBit};
        check(b"\x82\x80key.", Ok(Some((0, 6))));
        check(b"\x82\xfdkey.", Ok(Some((125, 6))));
        check(b"\x82\xfe\x00\x7dkey.", Err(LengthNotMinimal));
        check(b"\x82\xfe\x00\x7ekey.", Ok(Some((126, 8))));
        check(b"\x82\xfe\xff\xffkey.", Ok(Some((65535, 8))));
        check(b"\x82\xff\x00\x00\x00\x00\x00\x00\xff\xffkey.", Err(LengthNotMinimal));
        check(b"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00key.", Ok(Some((65536, 14))));
        let longest = b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xffkey.";
        check(longest, Ok(Some((i64::MAX as u64, 14))));
        check(b"\x82\xff\x80", Err(LengthTopBit));
    }

    #[test]
    fn control_frame_is_whole_and_short() {
        check(b"\x89\xfdkey.", Ok(Some((125, 6))));
        check(b"\x89\xfe", Err(ProtocolError::ControlTooLong));
        check(b"\x88\xff", Err(ProtocolError::ControlTooLong));
        check(b"\x09", Err(ProtocolError::ControlFragmented));
    }

    #[test]
    fn encode_uses_the_shortest_length() {
        for (length, header) in [
            (0, &b"\x82\x00"[..]),
            (125, b"\x82\x7d"),
            (126, b"\x82\x7e\x00\x7e"),
            (65535, b"\x82\x7e\xff\xff"),
            (65536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
        ] {
            let mut out = Vec::new();
            encode(Opcode::Binary, &vec![7; length], &mut out);
            assert!(out.starts_with(header));
            assert_eq!(out.len(), header.len() + length);
        }
    }
}
