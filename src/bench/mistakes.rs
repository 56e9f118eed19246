//! What went wrong.

/// Mistakes that are told in full; of the others only their number.
const MISTAKES_TOLD: usize = 10;

/// What went wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mistakes {
    pub(crate) count: u64,
    pub(crate) told: Vec<String>,
}

impl Mistakes {
    /// Takes note of one.
    pub(crate) fn note(&mut self, what: String) {
        self.count += 1;
        if self.told.len() < MISTAKES_TOLD && !self.told.contains(&what) {
            self.told.push(what);
        }
    }
}
