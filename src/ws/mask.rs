//! Masking (RFC 6455 §5.3): every byte from a client is XORed with a key of four.

/// A client's masking key, turned so that its first byte belongs to the next byte of payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaskKey([u8; 4]);

impl MaskKey {
    /// The key as it stands in a frame header.
    pub const fn new(key: [u8; 4]) -> MaskKey {
        MaskKey(key)
    }

    /// Masks or unmasks `payload` in place (it is the same operation), and turns the key by so many
    /// bytes, ready for what follows.
    pub fn apply(&mut self, payload: &mut [u8]) {
        // Sixteen bytes at once, which the compiler makes one vector operation; the key repeats
        // every four, so it falls on the same bytes of each chunk.
        let key = u128::from(u32::from_ne_bytes(self.0)) * 0x1_00000001_00000001_00000001;
        let (chunks, rest) = payload.as_chunks_mut::<16>();
        for chunk in chunks {
            *chunk = (u128::from_ne_bytes(*chunk) ^ key).to_ne_bytes();
        }
        for (byte, key) in rest.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        self.0.rotate_left(rest.len() % 4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// XOR is linear, so what holds for every length and every phase of the key with one payload
    /// holds for all payloads.
    #[test]
    fn mask_is_the_key_repeated_wherever_the_payload_is_cut() {
        let plain: Vec<u8> = (0..=255).collect();
        let key = [0x12, 0x9a, 0x3c, 0x71];
        for length in 0..=plain.len() {
            let expected: Vec<u8> =
                plain[..length].iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
            for cut in [0, 1, 2, 3, 5, 16, 17, length].into_iter().filter(|&cut| cut <= length) {
                let mut masked = plain[..length].to_vec();
                let mut mask = MaskKey::new(key);
                let (head, tail) = masked.split_at_mut(cut);
                mask.apply(head);
                mask.apply(tail);
                assert_eq!(masked, expected, "length {length}, cut at {cut}");
            }
        }
    }
}
