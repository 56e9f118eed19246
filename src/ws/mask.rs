//! Masking (RFC 6455 §5.3): every byte from a client is XORed with a key of four.

use multiversion::multiversion;

/// What is masked in one step, in bytes, by a processor that can.
const BLOCK_BYTES: usize = 32;

/// From this length on, it pays to begin where a block does in memory: one that lies across two
/// cache lines costs two steps.
const ALIGNED_BYTES_MIN: usize = 4096;

/// A client's masking key, turned so that its first byte belongs to the next byte of payload. It is
/// kept as a little-endian number, which is turned by rotating it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaskKey(u32);

impl MaskKey {
    /// The key as it stands in a frame header.
    pub const fn new(key: [u8; 4]) -> MaskKey {
        MaskKey(u32::from_le_bytes(key))
    }

    /// Masks or unmasks `payload` in place (it is the same operation), and turns the key by so many
    /// bytes, ready for what follows.
    #[inline]
    pub fn apply(&mut self, payload: &mut [u8]) {
        if payload.len() < BLOCK_BYTES {
            apply_key(*self, payload);
        } else {
            apply_key_in_blocks(*self, payload);
        }
        *self = self.turned(payload.len());
    }

    fn turned(self, bytes: usize) -> MaskKey {
        MaskKey(self.0.rotate_right(8 * (bytes % 4) as u32))
    }
}

/// Compiled twice, for processors with AVX2 and for those without. Which of the two it is gets
/// settled by the first call.
#[multiversion(targets("x86_64+avx2"))]
fn apply_key_in_blocks(key: MaskKey, payload: &mut [u8]) {
    let head = match payload.len() {
        0..ALIGNED_BYTES_MIN => 0,
        _ => payload.as_ptr().align_offset(BLOCK_BYTES),
    };
    let (head, rest) = payload.split_at_mut(head);
    apply_key(key, head);
    apply_key(key.turned(head.len()), rest);
}

/// Inlined, so that it is compiled for what the caller is compiled for.
#[inline(always)]
fn apply_key(key: MaskKey, payload: &mut [u8]) {
    let (fours, rest) = payload.as_chunks_mut::<{ 4 * BLOCK_BYTES }>();
    // The end first: it came last, so of what is longer than a cache it is the part that is there.
    for four in fours.iter_mut().rev() {
        apply_key_to_words(key, four);
    }
    let (blocks, rest) = rest.as_chunks_mut::<BLOCK_BYTES>();
    for block in blocks {
        apply_key_to_words(key, block);
    }
    let (halves, rest) = rest.as_chunks_mut::<{ BLOCK_BYTES / 2 }>();
    for half in halves {
        apply_key_to_words(key, half);
    }
    let (words, rest) = rest.split_at_mut(rest.len() & !3);
    apply_key_to_words(key, words);
    for (byte, key) in rest.iter_mut().zip(key.0.to_le_bytes()) {
        *byte ^= key;
    }
}

/// Of a number of words that it knows, the compiler makes as few and as wide ones as it can.
#[inline(always)]
fn apply_key_to_words(key: MaskKey, words: &mut [u8]) {
    for word in words.as_chunks_mut().0 {
        *word = (u32::from_le_bytes(*word) ^ key.0).to_le_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares with the rule itself: octet i of the payload with octet i modulo 4 of the key.
    #[track_caller]
    fn check(plain: &[u8], start: usize, cut: usize) {
        let key = [0x12, 0x9a, 0x3c, 0x71];
        let mut buffer = plain.to_vec();
        let (head, tail) = buffer[start..].split_at_mut(cut);
        let mut mask = MaskKey::new(key);
        mask.apply(head);
        mask.apply(tail);
        let masked = plain[start..].iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]);
        let expected: Vec<u8> = plain[..start].iter().copied().chain(masked).collect();
        assert_eq!(buffer, expected, "{} bytes from {start}, cut at {cut}", plain.len());
    }

    /// XOR is linear, so what holds for every length and every phase of the key with one payload
    /// holds for all payloads.
    #[test]
    fn mask_is_the_key_repeated_wherever_the_payload_is_cut() {
        let plain: Vec<u8> = (0..=255).collect();
        for length in 0..=plain.len() {
            for cut in [0, 1, 2, 3, 5, 16, 17, length].into_iter().filter(|&cut| cut <= length) {
                check(&plain[..length], 0, cut);
            }
        }
    }

    #[test]
    fn mask_is_the_key_repeated_wherever_a_long_payload_lies() {
        let plain: Vec<u8> = (0..=255).cycle().take(2 * ALIGNED_BYTES_MIN).collect();
        for start in 0..=BLOCK_BYTES {
            for length in ALIGNED_BYTES_MIN - 2..ALIGNED_BYTES_MIN + 2 {
                check(&plain[..start + length + 3], start, 3);
                check(&plain[..start + length], start, length);
            }
        }
    }
}
