//! Frames: they are taken apart, one of them is changed, and all are put together again.

use super::payloads::{length, payload};
use crate::fuzz::fast::append_unmasked;
use crate::fuzz::splits::Xorshift;

/// A frame from a client, good or not.
#[derive(Clone, Debug)]
struct Frame {
    first: u8,
    is_masked: bool,
    /// How many bytes the length is written with beside the seven bits: 0, 2 or 8.
    width: usize,
    /// What the header says, which may be more than there is.
    length: u64,
    key: [u8; 4],
    /// Not masked.
    payload: Vec<u8>,
}

const FIRSTS: [u8; 14] =
    [0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8a, 0x83, 0x8b, 0x08, 0x09, 0xa1];
const COMPRESSED: [u8; 8] = [0x41, 0x42, 0xc1, 0xc2, 0xc1, 0xc2, 0xc0, 0xc9];

/// Other frames, of a connection without an extension.
pub fn change_frames(input: &mut Vec<u8>, random: &mut Xorshift) {
    change(input, false, random);
}

/// Other frames, of a connection with permessage-deflate.
pub fn change_deflated_frames(input: &mut Vec<u8>, random: &mut Xorshift) {
    change(input, true, random);
}

fn change(input: &mut Vec<u8>, deflates: bool, random: &mut Xorshift) {
    let mut frames = take_apart(input);
    for _ in 0..1 + random.below(3) {
        let at = random.below(frames.len() + 1);
        match (random.below(10), at < frames.len()) {
            (0..3, _) | (_, false) => frames.insert(at, Frame::make(deflates, random)),
            (3, _) => drop(frames.remove(at)),
            (4, _) => frames.insert(at, frames[random.below(frames.len())].clone()),
            (5, _) => {
                let other = random.below(frames.len());
                frames.swap(at, other);
            }
            (6 | 7, _) => {
                let rest = frames[at].cut_off(random);
                frames.insert(at + 1, rest);
                if random.below(2) == 0 {
                    let first = [0x88, 0x89, 0x8a, 0x89][random.below(4)];
                    frames.insert(at + 1, Frame::of(first, payload(first & 15, false, random)));
                }
            }
            _ => frames[at].change(deflates, random),
        }
    }
    input.clear();
    frames.iter().for_each(|frame| frame.write(input));
}

fn take_apart(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some((frame, rest)) = Frame::read(bytes) {
        frames.push(frame);
        bytes = rest;
    }
    frames
}

impl Frame {
    fn of(first: u8, payload: Vec<u8>) -> Frame {
        let mut frame = Frame { first, is_masked: true, width: 0, length: 0, key: [0; 4], payload };
        frame.measure();
        frame
    }

    fn make(deflates: bool, random: &mut Xorshift) -> Frame {
        let first = match deflates && random.below(2) == 0 {
            true => COMPRESSED[random.below(COMPRESSED.len())],
            false => FIRSTS[random.below(FIRSTS.len())],
        };
        Frame::of(first, payload(first & 15, first & 0x40 != 0, random))
    }

    /// The frame at the front, as far as it has come, and what follows it.
    fn read(bytes: &[u8]) -> Option<(Frame, &[u8])> {
        let (&[first, second], rest) = bytes.split_first_chunk::<2>()?;
        let (is_masked, short) = (second >= 0x80, second & 0x7F);
        let width = [0, 2, 8][usize::from(short.saturating_sub(125))];
        let (extended, rest) = rest.split_at_checked(width)?;
        let number = extended.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let length = if width == 0 { u64::from(short) } else { number };
        let (key, rest) = match is_masked {
            true => rest.split_first_chunk::<4>().map(|(key, rest)| (*key, rest))?,
            false => ([0; 4], rest),
        };
        let (payload, rest) = rest.split_at(rest.len().min(length as usize));
        let mut unmasked = Vec::new();
        append_unmasked(&mut unmasked, payload, key);
        let payload = unmasked;
        Some((Frame { first, is_masked, width, length, key, payload }, rest))
    }

    /// The header says what there is, in the shortest form.
    fn measure(&mut self) {
        self.length = self.payload.len() as u64;
        self.width = match self.length {
            0..126 => 0,
            126..0x1_0000 => 2,
            _ => 8,
        };
    }

    /// Parts the frame in two fragments, at any byte.
    fn cut_off(&mut self, random: &mut Xorshift) -> Frame {
        let rest = self.payload.split_off(random.below(self.payload.len() + 1));
        let fin = self.first & 0x80;
        self.first &= 0x7F;
        self.measure();
        Frame { key: self.key, ..Frame::of(fin, rest) }
    }

    fn change(&mut self, deflates: bool, random: &mut Xorshift) {
        match random.below(11) {
            0 => self.first = FIRSTS[random.below(FIRSTS.len())],
            1 => self.first ^= [0x80, 0x40, 0x20, 0x10, 0x01, 0x02, 0x08][random.below(7)],
            2 => self.is_masked = !self.is_masked,
            3 => self.width = [0, 2, 8][random.below(3)],
            4 => self.length = self.length.wrapping_add([1, u64::MAX, 1 << 63][random.below(3)]),
            5 => {
                self.length = [125, 126, 300, 65_535, 65_536, 70_000, 70_001][random.below(7)];
                self.width = if self.length < 65_536 { 2 } else { 8 };
            }
            6 => self.key = [[0; 4], [1, 2, 3, 4], [0xFF; 4]][random.below(3)],
            7 => {
                self.payload.resize(length(random), b'b');
                self.measure();
            }
            8 => {
                let more = payload(self.first & 15, false, random);
                let at = random.below(self.payload.len() + 1);
                self.payload.splice(at..at, more);
                self.measure();
            }
            9 if !self.payload.is_empty() => {
                let at = random.below(self.payload.len());
                self.payload[at] ^= 1 << random.below(8);
            }
            _ => {
                let is_compressed = deflates && self.first & 0x40 != 0;
                self.payload = payload(self.first & 15, is_compressed, random);
                self.measure();
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let short = match self.width {
            0 => self.length as u8 & 0x7F,
            2 => 126,
            _ => 127,
        };
        out.extend([self.first, short | u8::from(self.is_masked) << 7]);
        out.extend_from_slice(&self.length.to_be_bytes()[8 - self.width..]);
        let key = if self.is_masked { self.key } else { [0; 4] };
        if self.is_masked {
            out.extend(key);
        }
        append_unmasked(out, &self.payload, key);
    }
}
