//! Frames as a client sees them (RFC 6455 §5.2): written masked, read unmasked.
//!
//! It reads with code of its own, and not with the server's: what checks the server must not share
//! its mistakes.

use headcount::ws::Opcode;
use headcount::ws::mask::MaskKey;

/// The masking key of all that is sent. A generator has no cache to protect (RFC 6455 §10.3), and
/// what is always the same can be repeated.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Appends a frame from a client.
pub(crate) fn encode(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode as u8);
    match payload.len() {
        length @ 0..=125 => out.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&KEY);
    let start = out.len();
    out.extend_from_slice(payload);
    MaskKey::new(KEY).apply(&mut out[start..]);
}

/// The length of a frame from a server that has so many bytes of payload.
pub(crate) const fn bytes(payload: usize) -> usize {
    match payload {
        ..=125 => payload + 2,
        126..=0xffff => payload + 4,
        _ => payload + 10,
    }
}

/// A whole frame from a server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
}

/// Reads the frame at the start of `input`, and says how many bytes it has; `None` if it is not
/// whole. headcount sends no fragments and, unasked, nothing compressed: neither is understood.
pub(crate) fn decode(input: &[u8]) -> Result<Option<(usize, Frame<'_>)>, &'static str> {
    let [first, second, rest @ ..] = input else { return Ok(None) };
    if first & 0xf0 != 0x80 {
        return Err("a frame is a fragment, or has reserved bits");
    }
    if second & 0x80 != 0 {
        return Err("a frame from a server is masked");
    }
    let (length, rest) = match second {
        126 => {
            let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(*length)), rest)
        }
        127 => {
            let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
            (u64::from_be_bytes(*length), rest)
        }
        length => (u64::from(*length), rest),
    };
    let length = usize::try_from(length).map_err(|_| "a frame is longer than memory")?;
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    let total = input.len() - rest.len() + length;
    Ok(Some((total, Frame { opcode: first & 0x0f, payload })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use headcount::ws::{Decoder, Event, Inflation, MessageLimits, frame};

    const LENGTHS: [usize; 7] = [0, 1, 125, 126, 65_535, 65_536, 100_000];

    #[test]
    fn server_reads_what_a_client_writes() {
        let limits = MessageLimits {
            frame_bytes_max: 1 << 20,
            message_bytes_max: 1 << 20,
            fragments_max: 1,
        };
        for length in LENGTHS {
            let payload = vec![b'x'; length];
            let mut bytes = Vec::new();
            encode(Opcode::Binary, &payload, &mut bytes);
            let total = bytes.len();
            let mut decoder = Decoder::default();
            let (used, event) = decoder.decode(&mut bytes, &limits, Inflation::None).unwrap();
            assert_eq!((used, event), (total, Some(Event::Binary(&payload))));
        }
    }

    #[test]
    fn client_reads_what_a_server_writes_when_it_is_whole() {
        for length in LENGTHS {
            let payload = vec![b'x'; length];
            let mut bytes = Vec::new();
            frame::encode(Opcode::Text, &payload, &mut bytes);
            let total = bytes.len();
            assert_eq!(total, super::bytes(length));
            bytes.push(0x81);
            for cut in [0, 1, 2, 3, 9, total - 1] {
                if cut < total {
                    assert_eq!(decode(&bytes[..cut]), Ok(None), "{cut} of {total}");
                }
            }
            assert_eq!(decode(&bytes), Ok(Some((total, Frame { opcode: 1, payload: &payload }))));
        }
    }

    #[test]
    fn what_a_server_must_not_send_is_noticed() {
        for bytes in [[0x01, 0x00], [0xc1, 0x00], [0x81, 0x80]] {
            assert!(decode(&bytes).is_err(), "{bytes:?}");
        }
    }
}
