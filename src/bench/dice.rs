//! Random numbers that are the same again with the same seed.

use std::time::Duration;

/// Random numbers: SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ bits >> 31
    }

    /// A number below this one, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// A time from one to another.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let part = self.below(1 << 20) as f64 / f64::from(1 << 20);
        least + most.saturating_sub(least).mul_f64(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_within_their_bounds_and_the_same_again() {
        let (least, most) = (Duration::from_millis(10), Duration::from_millis(20));
        let draw = |mut dice: Dice| {
            [0; 100].map(|_| (dice.below(6), dice.between(least, most).as_micros()))
        };
        let drawn = draw(Dice::new(7));
        assert_eq!(drawn, draw(Dice::new(7)));
        assert_ne!(drawn, draw(Dice::new(8)));
        for kind in 0..6 {
            assert!(drawn.iter().any(|&(number, _)| number == kind), "{kind}");
        }
        assert!(drawn.iter().all(|(_, micros)| (10_000..20_000).contains(micros)));
        assert_eq!(Dice::new(7).between(most, least), most);
    }
}
