//! Input that waits to be used.

/// Bytes that came and are not used yet: one word while there are none, which is nearly always.
#[derive(Debug, Default)]
#[expect(clippy::box_collection, reason = "a vector is three words even when it is empty")]
pub(crate) struct Stash(Option<Box<Vec<u8>>>);

impl Stash {
    /// Keeps what is left of some input.
    pub(crate) fn of(bytes: Vec<u8>) -> Stash {
        Stash((!bytes.is_empty()).then(|| Box::new(bytes)))
    }

    /// What was kept; it is kept no more.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.0.take().map_or_else(Vec::new, |bytes| *bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes of memory that it holds.
    pub(crate) fn capacity(&self) -> usize {
        self.0.as_ref().map_or(0, |bytes| bytes.capacity())
    }
}
