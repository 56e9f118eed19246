//! Text that arrives in pieces (RFC 6455 §8.1): UTF-8, checked as it comes.

use std::str;

use simdutf8::compat;

use super::error::ProtocolError;

/// The text of a message of which more is to come.
///
/// A piece may end inside a character. Those bytes (at most three, as a complete character or a
/// wrong byte is known at once) wait in `cut` until the rest arrives.
#[derive(Debug, Default)]
pub(super) struct TextBuffer {
    text: String,
    cut: [u8; 3],
    cut_len: u8,
}

impl TextBuffer {
    /// Appends a piece, and fails at the first byte that no UTF-8 text can have at its place.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> Result<(), ProtocolError> {
        while self.cut_len > 0 {
            let Some((&byte, rest)) = piece.split_first() else { return Ok(()) };
            self.push_to_cut(byte)?;
            piece = rest;
        }
        let valid = match compat::from_utf8(piece) {
            Ok(text) => text,
            Err(error) if error.error_len().is_some() => return Err(ProtocolError::InvalidUtf8),
            Err(error) => {
                let (whole, cut) = piece.split_at(error.valid_up_to());
                self.cut[..cut.len()].copy_from_slice(cut);
                self.cut_len = cut.len() as u8;
                str::from_utf8(whole).unwrap_or_default() // It was valid up to here.
            }
        };
        self.text.push_str(valid);
        Ok(())
    }

    /// The whole text, which must not end inside a character.
    pub(super) fn finish(&self) -> Result<&str, ProtocolError> {
        if self.cut_len == 0 { Ok(&self.text) } else { Err(ProtocolError::InvalidUtf8) }
    }

    /// Bytes that have come so far.
    pub(super) fn len(&self) -> usize {
        self.text.len() + usize::from(self.cut_len)
    }

    /// Bytes of memory held.
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    fn push_to_cut(&mut self, byte: u8) -> Result<(), ProtocolError> {
        let length = usize::from(self.cut_len);
        let mut character = [0; 4];
        character[..length].copy_from_slice(&self.cut[..length]);
        character[length] = byte;
        match str::from_utf8(&character[..=length]) {
            Ok(whole) => {
                self.text.push_str(whole);
                self.cut_len = 0;
            }
            Err(error) if error.error_len().is_some() => return Err(ProtocolError::InvalidUtf8),
            // Four bytes are a character or an error, so there is room for this one.
            Err(_) => {
                self.cut[length] = byte;
                self.cut_len += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of bytes after which `bytes`, given in pieces of `size`, were refused.
    fn refused_after(bytes: &[u8], size: usize) -> Option<usize> {
        let mut buffer = TextBuffer::default();
        let mut given = 0;
        for piece in bytes.chunks(size) {
            given += piece.len();
            if buffer.push(piece).is_err() {
                return Some(given);
            }
        }
        buffer.finish().is_err().then_some(given)
    }

    #[test]
    fn text_is_refused_at_the_first_wrong_byte() {
        // The offset of the first byte that no text can have there, by RFC 3629's grammar.
        for (bytes, wrong_at) in [
            (&b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"[..], 12),
            (b"\xf4\x8f\xbf\xbf\xf4\x90\x80\x80", 5),
            (b"\x80", 0),
            (b"abc\xff", 3),
            (b"\xc0\xaf", 0),
            (b"\xe0\x9f\xbf", 1),
            (b"\xf0\x8f\xbf\xbf", 1),
            (b"\xf5", 0),
            (b"\xe4\xbd\xa0\xe5a", 4),
        ] {
            assert_eq!(refused_after(bytes, 1), Some(wrong_at + 1), "{bytes:x?}");
            for size in 2..=bytes.len() {
                assert!(refused_after(bytes, size).is_some(), "{bytes:x?} by {size}");
            }
        }
    }

    #[test]
    fn text_may_be_cut_anywhere() {
        let text = "añ你好🦀\u{10FFFF}\u{FFFF}z";
        for size in 1..=text.len() {
            let mut buffer = TextBuffer::default();
            for piece in text.as_bytes().chunks(size) {
                buffer.push(piece).unwrap();
            }
            assert_eq!(buffer.finish(), Ok(text));
            assert_eq!(buffer.len(), text.len());
        }
        assert_eq!(refused_after("你".as_bytes()[..2].as_ref(), 1), Some(2));
    }
}
