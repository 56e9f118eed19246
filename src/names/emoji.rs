//! Emoji that are several characters and one sign: 👩‍💻 is a woman, a joiner and a computer.
//!
//! A joiner shows nothing where fonts have no sign for the whole, and half a flag is no flag. So
//! such a sequence counts where Unicode recommends it for interchange (UTS #51, "RGI"): `emoji.txt`
//! has these, one a line, fully qualified, in the order of their characters without U+FE0F. It is
//! written from the tables of the crate `emojis`, which are too large for a server; a test compares
//! them (`it::names`).

use std::cmp::Ordering;
use std::iter::once;

/// The list itself.
pub const SEQUENCES: &str = include_str!("emoji.txt");

/// The longest of them, in characters without U+FE0F.
const CHARS_MAX: usize = 9;

/// U+FE0F says that the character before it is shown as an emoji. A sequence is known without.
const PRESENTATION: char = '\u{FE0F}';

const JOINER: char = '\u{200D}';
const KEYCAP: char = '\u{20E3}';

/// The longest sequence that begins with `first` and goes on in `rest`, as it is listed, and what
/// comes after it. The text has no U+FE0F.
pub(super) fn split_sequence(first: char, rest: &[char]) -> Option<(&'static str, &[char])> {
    // What binds the first comes after one character and maybe a skin tone.
    let binds = |&c: &char| matches!(c, JOINER | KEYCAP) || is_half_flag(c) || is_tag(c);
    if !rest.iter().take(2).any(binds) {
        return None;
    }
    let longest = rest.len().min(CHARS_MAX - 1);
    (1..=longest).rev().find_map(|length| {
        let (others, after) = rest.split_at_checked(length)?;
        // What a skin tone follows is not at its end.
        let is_cut = after.first().is_some_and(|c| matches!(c, '\u{1F3FB}'..='\u{1F3FF}'));
        let found = find(first, others).filter(|_| !is_cut)?;
        Some((found, after))
    })
}

/// Letters that are a flag in pairs: regional indicators.
pub(super) const fn is_half_flag(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

/// The flag that tags follow.
pub(super) const BLACK_FLAG: char = '\u{1F3F4}';

/// Invisible characters that say whose flag a black flag is.
pub(super) const fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0000}'..='\u{E007F}')
}

/// The line of these characters, but for U+FE0F: a binary search over lines of any length.
fn find(first: char, others: &[char]) -> Option<&'static str> {
    let mut range = SEQUENCES;
    while !range.is_empty() {
        // The line around the middle: from after the last line end before it, to the next one.
        let bytes = range.as_bytes();
        let middle = bytes.len() / 2;
        let is_end = |byte: &u8| *byte == b'\n';
        let start = bytes.iter().take(middle).rposition(is_end).map_or(0, |end| end + 1);
        let (before, rest) = range.split_at_checked(start)?;
        let (line, after) = rest.split_once('\n')?;
        let listed = line.chars().filter(|&c| c != PRESENTATION);
        range = match listed.cmp(once(first).chain(others.iter().copied())) {
            Ordering::Equal => return Some(line),
            Ordering::Less => after,
            Ordering::Greater => before,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &[char]) -> Option<(&'static str, &[char])> {
        text.split_first().and_then(|(&first, rest)| split_sequence(first, rest))
    }

    #[test]
    fn every_sequence_is_found_by_its_characters_without_presentation() {
        let mut before = Vec::new();
        for line in SEQUENCES.lines() {
            let chars: Vec<char> = line.chars().filter(|&c| c != PRESENTATION).collect();
            assert!(before < chars, "{line} is in its place");
            assert!(chars.len() <= CHARS_MAX);
            assert_eq!(split(&chars), Some((line, &[][..])), "{line}");
            let longer = [&chars[..], &['x']].concat();
            assert_eq!(split(&longer), Some((line, &['x'][..])), "{line}x");
            before = chars;
        }
    }

    #[test]
    fn other_characters_are_no_sequence() {
        for text in
            ["", "a", "ab", "😀\u{200D}😀", "👍🏽", "a\u{200D}b", "🏽\u{200D}💻", "a\u{20E3}", "🇽🇽"]
        {
            let chars: Vec<char> = text.chars().collect();
            assert_eq!(split(&chars), None, "{text}");
        }
    }
}
