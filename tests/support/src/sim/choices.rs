//! Where everything that may go one way or another is decided: by a seed, or by a fuzzer's bytes.

/// Decides. The same seed, and the same bytes, always decide the same.
#[derive(Clone, Debug)]
pub enum Choices {
    /// The state of a generator (SplitMix64).
    Seed(u64),
    /// Bytes, each used once. When they are used up everything goes the usual way: 0, no, first.
    Script { bytes: Vec<u8>, used: usize },
}

impl Choices {
    pub fn seed(seed: u64) -> Choices {
        Choices::Seed(seed)
    }

    pub fn script(bytes: &[u8]) -> Choices {
        Choices::Script { bytes: bytes.to_vec(), used: 0 }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u32) -> u32 {
        match self {
            _ if end <= 1 => 0,
            Choices::Seed(state) => {
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut z = *state;
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                z ^= z >> 31;
                (((z >> 32) * u64::from(end)) >> 32) as u32
            }
            Choices::Script { bytes, used } => {
                let length = if end <= 256 { 1 } else { 2 };
                let rest = bytes.get(*used..).unwrap_or_default();
                let taken = &rest[..rest.len().min(length)];
                *used += taken.len();
                taken.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)) % end
            }
        }
    }

    /// A number from `first` to `last`.
    pub fn between(&mut self, first: u32, last: u32) -> u32 {
        first + self.below(last - first + 1)
    }

    /// Yes in one of `one_in` cases, never if that is 0.
    pub fn chance(&mut self, one_in: u32) -> bool {
        one_in == 1 || one_in > 1 && self.below(one_in) == one_in - 1
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}
