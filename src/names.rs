//! What a name is: one canonical form, so that two names look the same only if they are.
//!
//! The profile, after the example of RFC 8266 (nicknames) and with the care for joiners of RFC 5892
//! and UTS #51. In this order:
//!
//! 1. What shows nothing and comes along with pasted text is dropped, variation selectors too
//!    (`character`).
//! 2. The rest is in Normalization Form C.
//! 3. Spaces of any kind become single spaces, none at the ends.
//! 4. Emoji of several characters are spelled as Unicode lists them (`emoji`); a joiner between
//!    letters stays where it can be seen, and is dropped elsewhere (`joiner`).
//! 5. What shows nothing, reorders text or has no meaning is refused, and so are combining marks
//!    that stand alone or in heaps (`character`).
//!
//! These steps are repeated until they change nothing. So the form is idempotent: the canonical
//! form of a canonical name is itself. Two texts are the same name if and only if their forms are
//! the same. Letter case and compatibility forms are kept, and letters of different scripts that
//! look alike are different: a name is no identity here, and anybody may take the very same one.

mod character;
mod emoji;
mod error;
mod joiner;

use icu_properties::props::GeneralCategory;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_segmentation::UnicodeSegmentation;

pub use emoji::SEQUENCES as EMOJI_SEQUENCES;
pub use error::{Flaw, NameError};

/// The bounds of a name.
#[derive(Clone, Copy, Debug)]
pub struct NameLimits {
    /// Its length in characters as readers count them: extended grapheme clusters (UAX #29).
    pub chars_max: usize,
    /// Its length in bytes of UTF-8, which also bounds what one such character can be.
    pub bytes_max: usize,
}

/// So often the steps may change a name. Each time has fewer characters that are in question, and
/// no name that a test or a fuzzer made needed more than two.
const ROUNDS_MAX: usize = 8;

/// The canonical form of `text`, if it is a name.
pub fn canonical(text: &str, limits: NameLimits) -> Result<Box<str>, NameError> {
    let text = text.trim();
    // A form may be shorter than its text, but what is this long is not worth the work.
    if text.len() > limits.bytes_max.saturating_mul(4) {
        return Err(NameError::TooLong);
    }
    let mut name = simplify(text)?;
    for _ in 0..ROUNDS_MAX {
        let again = simplify(&name)?;
        if again == name {
            return check(name, limits);
        }
        name = again;
    }
    Err(NameError::Invalid(Flaw::Hidden))
}

/// The steps, once.
fn simplify(text: &str) -> Result<String, NameError> {
    let visible: String = text.chars().filter(|&c| !character::is_dropped(c)).collect();
    let text: Vec<char> = visible.trim().nfc().collect();
    let mut name = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    while let [c, after @ ..] = rest {
        let c = *c;
        rest = after;
        if let Some((sequence, others)) = emoji::split_sequence(c, after) {
            name.extend(sequence.chars());
            rest = others;
        } else if joiner::is_joiner(c) {
            // A mark belongs to the letter before the joiner, whichever of the two comes first.
            let marks = after.iter().take_while(|&&c| is_mark_on_letter(c)).count();
            let (marks, others) = after.split_at(marks);
            name.extend(marks);
            joiner::push(c, &mut name, others);
            rest = others;
        } else if is_space(c) {
            if name.last().is_some_and(|&before| before != ' ') {
                name.push(' ');
            }
        } else if let Some(flaw) = character::flaw(c, name.last().copied()) {
            return Err(NameError::Invalid(flaw));
        } else {
            name.push(c);
        }
    }
    if name.last() == Some(&' ') {
        name.pop();
    }
    Ok(name.into_iter().collect())
}

/// Whether `c` is a mark on a letter. A virama, class 9, is one too, but a joiner on either side
/// of it means something else.
fn is_mark_on_letter(c: char) -> bool {
    !matches!(canonical_combining_class(c), 0 | 9)
}

fn is_space(c: char) -> bool {
    character::category(c) == GeneralCategory::SpaceSeparator
}

/// What holds for a name as a whole.
fn check(name: String, limits: NameLimits) -> Result<Box<str>, NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if let Some(flaw) = character::flaw_of_marks(&name) {
        return Err(NameError::Invalid(flaw));
    }
    if name.len() > limits.bytes_max || name.graphemes(true).count() > limits.chars_max {
        return Err(NameError::TooLong);
    }
    Ok(name.into_boxed_str())
}
