//! What is to be sent next, for one write.

/// Pieces that one vectored write takes at most.
pub const CHUNKS_MAX: usize = 8;

/// What is to be sent next, in order; borrowed for one write.
#[derive(Debug, Default)]
pub struct Chunks<'a> {
    pieces: [&'a [u8]; CHUNKS_MAX],
    length: usize,
}

impl<'a> Chunks<'a> {
    /// The pieces.
    pub fn as_slice(&self) -> &[&'a [u8]] {
        &self.pieces[..self.length]
    }

    /// Bytes in all pieces.
    pub fn total(&self) -> usize {
        self.as_slice().iter().map(|piece| piece.len()).sum()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether there is room for a frame of two pieces.
    pub(super) fn has_room(&self) -> bool {
        self.length + 2 <= CHUNKS_MAX
    }

    pub(super) fn push(&mut self, piece: &'a [u8]) {
        if !piece.is_empty() {
            self.pieces[self.length] = piece;
            self.length += 1;
        }
    }
}
