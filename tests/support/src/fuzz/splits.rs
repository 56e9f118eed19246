//! The ways in which one input is cut into pieces.

/// Marsaglia's xorshift64: random enough to cut bytes, and the same on every machine.
pub struct Xorshift(u64);

impl Xorshift {
    pub const fn new(seed: u64) -> Xorshift {
        Xorshift(if seed == 0 { 0x9E37_79B9_7F4A_7C15 } else { seed })
    }

    /// A generator that `bytes` seed, by FNV-1a.
    pub fn seeded_by(bytes: &[u8]) -> Xorshift {
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3);
        Xorshift::new(bytes.iter().fold(0xCBF2_9CE4_8422_2325, hash))
    }

    /// A number below `end`.
    pub const fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}

/// `bytes` in pieces, none of which is empty: short ones more often than long ones.
pub fn pieces<'a>(bytes: &'a [u8], random: &mut Xorshift) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let most = 1 << random.below(8);
        let (piece, after) = rest.split_at(rest.len().min(1 + random.below(most)));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Several ways to cut `bytes`: not at all, after every byte, at random, and, when they are few,
/// in two at each place that there is.
pub fn splits(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut random = Xorshift::seeded_by(bytes);
    let mut splits = vec![vec![bytes], bytes.chunks(1).collect()];
    splits.extend((0..4).map(|_| pieces(bytes, &mut random)));
    if bytes.len() <= 64 {
        splits.extend((1..bytes.len()).map(|cut| vec![&bytes[..cut], &bytes[cut..]]));
    }
    splits
}
