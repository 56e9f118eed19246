//! Changes of an input that know its grammar: what a fuzzer that flips bits does not come to soon.
//!
//! Each takes an input and makes another one of it. In `fuzz/` they are libFuzzer's mutators,
//! beside its own; in `tests/it/corpus.rs` they make inputs on stable.

mod frames;
mod payloads;
mod pieces;

use super::splits::Xorshift;

pub use frames::{change_deflated_frames, change_frames};

use pieces::{BODY, HEAD, PACKET, change};

/// Makes another input of one.
pub type Change = fn(&mut Vec<u8>, &mut Xorshift);

/// Another series of requests.
pub fn change_head(input: &mut Vec<u8>, random: &mut Xorshift) {
    change(input, &HEAD, random);
}

/// Another line about a length, or another body.
pub fn change_body(input: &mut Vec<u8>, random: &mut Xorshift) {
    change(input, &BODY, random);
}

/// Another packet of Socket.IO.
pub fn change_packet(input: &mut Vec<u8>, random: &mut Xorshift) {
    change(input, &PACKET, random);
}
