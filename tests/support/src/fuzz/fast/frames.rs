//! Frames: whole, in one other split, and as [`Walk`] reads them.

use std::cell::RefCell;

use headcount::ws::MessageLimits;

use super::INPUT_MAX;
use super::codec::{Codec, Ours};
use super::cuts::{Cuts, drawn_from};
use super::outcome::Outcome;
use super::walk::Walk;
use crate::fuzz::reference::{self, Deflate};

/// Limits that a short input reaches, and some that it does not.
const PLAIN: [MessageLimits; 2] = crate::fuzz::frames::LIMITS;
const DEFLATED: [MessageLimits; 2] = [
    PLAIN[0],
    MessageLimits { frame_bytes_max: 8_000, message_bytes_max: 20_000, fragments_max: 1_000 },
];

/// A codec, and all the memory that it takes to test it.
#[derive(Default)]
pub struct FrameHarness<C> {
    codec: C,
    walk: Walk,
    found: Outcome,
    piece: Vec<u8>,
}

thread_local! {
    static OURS: RefCell<FrameHarness<Ours>> = RefCell::default();
}

/// The target: frames after a handshake that agreed on no extension.
pub fn frame(input: &[u8]) {
    OURS.with_borrow_mut(|harness| harness.check(input));
}

/// The target: frames after a handshake that agreed on permessage-deflate.
pub fn frame_deflate(input: &[u8]) {
    OURS.with_borrow_mut(|harness| harness.check_deflate(input));
}

impl<C: Codec> FrameHarness<C> {
    /// Checks what the codec makes of frames.
    pub fn check(&mut self, input: &[u8]) {
        let input = &input[..input.len().min(INPUT_MAX)];
        let limits = &PLAIN[drawn_from(input).below(2)];
        self.compare(input, limits, Deflate::No);
    }

    /// The same where messages may be compressed.
    pub fn check_deflate(&mut self, input: &[u8]) {
        let input = &input[..input.len().min(INPUT_MAX)];
        let drawn = drawn_from(input).below(4);
        let deflate = if drawn < 2 { Deflate::Fresh } else { Deflate::Takeover };
        self.compare(input, &DEFLATED[drawn % 2], deflate);
    }

    fn compare(&mut self, input: &[u8], limits: &MessageLimits, deflate: Deflate) {
        self.walk.read(input, limits, deflate);
        self.pass(std::iter::once(input), limits, deflate);
        if self.walk.is_vague {
            std::mem::swap(&mut self.walk.expected, &mut self.found);
        } else if self.found != self.walk.expected {
            self.judge(input, limits, deflate);
        }
        self.pass(Cuts::new(input, drawn_from(input)), limits, deflate);
        if self.found != self.walk.expected {
            self.judge(input, limits, deflate);
        }
    }

    /// Decodes an input that comes in these pieces.
    fn pass<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a [u8]>,
        limits: &MessageLimits,
        deflate: Deflate,
    ) {
        self.found.clear();
        self.codec.restart(limits, deflate);
        let mut given = 0;
        for piece in pieces {
            given += piece.len();
            self.piece.clear();
            self.piece.extend_from_slice(piece);
            if let Err(failure) = self.codec.receive(&mut self.piece, &mut self.found) {
                self.found.failure = Some(failure);
                return;
            }
            // A buffer is at most twice what is in it, and eight bytes at the least.
            let message_bytes_max = limits.message_bytes_max as usize * 9 / 8 + 64;
            let kept = given.min(message_bytes_max) + given.min(125);
            let held = self.codec.held_bytes();
            assert!(held <= 2 * kept + 16, "{held} bytes for {given}");
        }
    }

    /// It is not what was expected. The slow reference has the last word.
    #[cold]
    fn judge(&mut self, input: &[u8], limits: &MessageLimits, deflate: Deflate) {
        let (events, error) = reference::decode(input, limits, deflate);
        let expected = &mut self.walk.expected;
        expected.clear();
        events.iter().for_each(|event| event.add_to(expected));
        expected.failure = error.map(super::Failure::Ours);
        assert!(
            self.found == *expected || self.codec.may_differ(expected, &self.found),
            "of {} came {:?}, and not {expected:?}",
            input.escape_ascii(),
            self.found,
        );
    }
}
