//! Changes of a text that lie within each other.

use std::ops::Range;

/// What a place of the source becomes.
pub(crate) enum Change {
    /// This text stands before it.
    Before(String),
    /// This text stands before it, and that after it.
    Around(String, String),
    /// It is taken out.
    Gone,
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
    let mut gone: Vec<Range<usize>> = Vec::new();
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
            Change::Gone => gone.push(start..end),
        }
    }
    inserts.sort();
    gone.sort_by_key(|range| range.start);
    let mut changed = String::new();
    let mut at = 0;
    for (place, _, _, _, insert) in inserts {
        changed.push_str(&kept(text, at..place, &gone));
        changed.push_str(&insert);
        at = place;
    }
    changed + &kept(text, at..text.len(), &gone)
}

/// A part of the text, without what is gone.
fn kept(text: &str, part: Range<usize>, gone: &[Range<usize>]) -> String {
    let mut kept = String::new();
    let mut at = part.start;
    for range in gone.iter().filter(|range| range.end > part.start && range.start < part.end) {
        kept.push_str(text.get(at..range.start.max(at)).unwrap_or_default());
        at = range.end.min(part.end);
    }
    kept + text.get(at..part.end).unwrap_or_default()
}
