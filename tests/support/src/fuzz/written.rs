//! What the server writes: a frame has the payload that it was made of, and so has a deflated one.

use headcount::ws::frame::{self, Opcode};
use headcount::ws::{Deflater, Inflater};

/// Checks a frame of `payload`.
pub fn check_frame(payload: &[u8]) {
    let mut out = Vec::new();
    frame::encode(Opcode::Binary, payload, &mut out);
    // RFC 6455 §5.2: the shortest length, and no mask.
    let length = payload.len();
    let start = match length {
        0..126 => vec![0x82, length as u8],
        126..65_536 => [&[0x82, 126], &(length as u16).to_be_bytes()[..]].concat(),
        _ => [&[0x82, 127], &(length as u64).to_be_bytes()[..]].concat(),
    };
    assert_eq!(out.strip_prefix(&start[..]), Some(payload), "{}", start.escape_ascii());
    assert_eq!(frame::payload(&out), payload);
}

/// Checks the deflated form of `message`.
pub fn check_deflated(message: &[u8]) {
    let mut out = Vec::new();
    Deflater::new(6).deflate(message, 15, &mut out);
    assert_eq!(Inflater::default().inflate(&out, false, message.len()), Ok(message));
}
