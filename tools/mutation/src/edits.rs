//! Changes of a text that lie within each other.

use std::ops::Range;

/// What a place of the source becomes.
pub(crate) enum Change {
    /// This text stands before it.
    Before(String),
    /// This text stands before it, and that after it.
    Around(String, String),
}

/// A change of a range of bytes.
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) change: Change,
}

/// The text with all changes. They may lie within each other and not across each other.
pub(crate) fn apply(text: &str, edits: Vec<Edit>) -> String {
    // What is put in at a place: ends of inner ranges first, then starts of outer ranges first.
    let mut inserts: Vec<(usize, bool, usize, usize, String)> = Vec::new();
    for (order, edit) in edits.into_iter().enumerate() {
        let Range { start, end } = edit.range;
        let length = end - start;
        match edit.change {
            Change::Before(before) => {
                inserts.push((start, true, usize::MAX - length, order, before));
            }
            Change::Around(before, after) => {
                inserts.push((start, true, usize::MAX - length, order, before));
                inserts.push((end, false, length, usize::MAX - order, after));
            }
        }
    }
    inserts.sort();
    let mut changed = String::new();
    let mut at = 0;
    for (place, _, _, _, insert) in inserts {
        changed.push_str(&text[at..place]);
        changed.push_str(&insert);
        at = place;
    }
    changed + &text[at..]
}
