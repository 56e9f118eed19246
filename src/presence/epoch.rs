//! Epochs: which making of a room a commit belongs to.

use std::fmt;

use super::hex;

/// The mark of a room from when it is made to when it is gone: 64 bits that no other room has, and
/// none has had under the same name. So the number of a commit is that of one state at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(u64);

impl Epoch {
    /// That of a room which is not there.
    pub const NONE: Epoch = Epoch(0);

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Epoch> {
        hex::parse(text, 16).map(|number| Epoch(number as u64))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Makes epochs.
#[derive(Debug)]
pub(super) struct Epochs {
    state: u64,
}

impl Epochs {
    /// The same seed gives the same epochs, and another seed others.
    pub(super) fn new(seed: u64) -> Epochs {
        Epochs { state: seed }
    }

    /// The next epoch: SplitMix64, which gives each number once before any comes again.
    pub(super) fn next(&mut self) -> Epoch {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        match Epoch(mixed ^ (mixed >> 31)) {
            Epoch::NONE => self.next(),
            epoch => epoch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_sixteen_digits_and_never_that_of_no_room() {
        let mut epochs = Epochs::new(0);
        assert_eq!(epochs.next().to_string(), "e220a8397b1dcdaf");
        // SplitMix64 comes to 0 in one state alone, from which the next is taken.
        let mut before_zero = Epochs::new(0_u64.wrapping_sub(0x9E37_79B9_7F4A_7C15));
        assert_eq!(before_zero.next(), epochs_after_zero());
        assert_eq!(Epoch::NONE.to_string(), "0000000000000000");
        assert_eq!(Epoch::parse("e220a8397b1dcdaf"), Some(Epochs::new(0).next()));
        for text in ["", "e220a8397b1dcda", "E220a8397b1dcdaf", "+220a8397b1dcdaf"] {
            assert_eq!(Epoch::parse(text), None, "{text}");
        }
    }

    fn epochs_after_zero() -> Epoch {
        Epochs::new(0).next()
    }
}
