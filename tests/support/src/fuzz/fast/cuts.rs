//! How an input is cut in the split that is drawn for it.

use crate::fuzz::splits::Xorshift;

/// A generator that the length of `input` and its ends seed. To hash all of it would take longer
/// than to decode it.
pub fn drawn_from(input: &[u8]) -> Xorshift {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word: u64, byte| word << 8 | u64::from(*byte));
    let end = input.len().min(8);
    let ends = word(&input[..end]) ^ word(&input[input.len() - end..]).rotate_left(29);
    let mixed = (ends ^ (input.len() as u64) << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Xorshift::new(mixed ^ mixed >> 32)
}

/// The pieces of an input, none of which is empty.
pub struct Cuts<'a> {
    rest: &'a [u8],
    random: Xorshift,
    /// The longest piece.
    most: usize,
}

impl<'a> Cuts<'a> {
    /// Cuts `input`: a short one after each byte now and then, a long one into fewer pieces.
    pub fn new(input: &'a [u8], mut random: Xorshift) -> Cuts<'a> {
        let least = if input.len() <= 256 { 0 } else { 5 };
        let most = 1 << (least + random.below(8));
        Cuts { rest: input, random, most }
    }
}

impl<'a> Iterator for Cuts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let length = 1 + self.random.below(self.most);
        let (piece, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        Some(piece)
    }
}
