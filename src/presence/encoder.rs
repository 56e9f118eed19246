//! What many are sent is encoded once, in the forms that they take.

use crate::shared::Shared;
use crate::ws::Deflater;
use crate::ws::frame::{self, Opcode};

use super::log::Frame;

/// The window of what is compressed once for everyone, the largest there is (RFC 7692 §7.1.2).
pub const SHARED_WINDOW_BITS: u8 = 15;

/// Encodes messages for many.
#[derive(Debug)]
pub struct Encoder<'a> {
    /// What compresses.
    pub deflater: &'a mut Deflater,
    /// The length from which a message is compressed, in bytes.
    pub deflate_bytes_min: usize,
}

impl Encoder<'_> {
    /// A text message as a frame, and compressed if some of its readers take that.
    pub fn frame(&mut self, message: &[u8], deflated_readers: u32) -> Frame {
        let framed = |encode: fn(Opcode, &[u8], &mut Vec<u8>), payload: &[u8]| {
            let mut bytes = Vec::with_capacity(payload.len() + frame::HEADER_BYTES_MAX);
            encode(Opcode::Text, payload, &mut bytes);
            Shared::from(bytes)
        };
        let deflated = self.deflated(message, deflated_readers);
        let deflated = deflated.map(|deflated| framed(frame::encode_deflated, &deflated));
        Frame { plain: framed(frame::encode, message), deflated }
    }

    /// The compressed form of something, if it has readers and is worth it.
    pub fn deflated(&mut self, message: &[u8], readers: u32) -> Option<Vec<u8>> {
        if message.len() < self.deflate_bytes_min || readers == 0 {
            return None;
        }
        let mut deflated = Vec::new();
        self.deflater.deflate(message, SHARED_WINDOW_BITS, &mut deflated);
        (deflated.len() < message.len()).then_some(deflated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_enough_is_compressed_if_somebody_reads_that() {
        let mut deflater = Deflater::new(6);
        let mut encoder = Encoder { deflater: &mut deflater, deflate_bytes_min: 100 };
        let mut is_compressed = |length: usize, readers: u32| {
            let message = vec![b'x'; length];
            assert_eq!(encoder.deflated(&message, readers).is_some(), readers > 0 && length >= 100);
            encoder.frame(&message, readers).deflated.is_some()
        };
        assert!(is_compressed(100, 1) && is_compressed(101, 2));
        assert!(!is_compressed(99, 1) && !is_compressed(101, 0));
    }
}
