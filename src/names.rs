//! What a name is: one canonical form, so that two names look the same only if they are.
//!
//! The profile, after the example of RFC 8266 (nicknames): white space of any kind becomes single
//! spaces, none at the ends; emoji and text presentation selectors are dropped; the rest is in
//! Normalization Form C. Refused are control characters, characters that reorder text, characters
//! that show nothing, and heaps of combining marks. The order of these steps makes the form
//! idempotent: the canonical form of a canonical name is itself.

use std::fmt;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The bounds of a name.
#[derive(Clone, Copy, Debug)]
pub struct NameLimits {
    /// Its length in characters (Unicode scalar values).
    pub chars_max: usize,
    /// Its length in bytes of UTF-8.
    pub bytes_max: usize,
}

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing is left of it.
    Empty,
    /// It is over a limit.
    TooLong,
    /// It has a character that a name can't have.
    Invalid,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::Empty => "Please give a name.",
            NameError::TooLong => "That name is too long.",
            NameError::Invalid => {
                "That name has characters that a name can't have: invisible ones, ones that change \
                 the direction of text, or too many marks on one letter."
            }
        })
    }
}

impl std::error::Error for NameError {}

/// More combining marks than this on one letter are not writing any more.
const MARKS_MAX: usize = 4;

/// The canonical form of `text`, if it is a name.
pub fn canonical(text: &str, limits: NameLimits) -> Result<Box<str>, NameError> {
    let text = text.trim();
    // A form may be shorter than its text, but what is this long is not worth the work.
    if text.len() > limits.bytes_max.saturating_mul(4) {
        return Err(NameError::TooLong);
    }
    let visible = text.chars().filter(|&c| !is_presentation_selector(c));
    let mut name = String::with_capacity(text.len());
    for c in visible.nfc() {
        let is_space = c.is_whitespace() && !is_refused(c);
        match c {
            _ if is_space && (name.is_empty() || name.ends_with(' ')) => {}
            _ if is_space => name.push(' '),
            _ => name.push(c),
        }
    }
    name.truncate(name.trim_end_matches(' ').len());

    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.chars().any(is_refused) || has_heaped_marks(&name) {
        return Err(NameError::Invalid);
    }
    if name.len() > limits.bytes_max || name.chars().count() > limits.chars_max {
        return Err(NameError::TooLong);
    }
    Ok(name.into_boxed_str())
}

/// U+FE0E and U+FE0F say only whether a sign is shown as text or as an emoji.
const fn is_presentation_selector(c: char) -> bool {
    matches!(c, '\u{FE0E}' | '\u{FE0F}')
}

/// Characters that reorder, hide or forge: Unicode's control, bidirectional formatting and default
/// ignorable characters, noncharacters, and two blanks that are not white space.
const fn is_refused(c: char) -> bool {
    matches!(c,
        '\u{00}'..='\u{1F}' | '\u{7F}'..='\u{9F}'          // control
        | '\u{AD}' | '\u{34F}' | '\u{61C}'                  // soft hyphen, joiner, Arabic mark
        | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
        | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' // Khmer and Mongolian invisibles
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' // zero width, bidi, line ends
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}'              // joiners, isolates, byte order mark
        | '\u{2800}'                                        // blank Braille pattern
        | '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{E0FFF}' // variation selectors, tags
        | '\u{FFF0}'..='\u{FFFB}'                           // unassigned ignorables, annotation
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' // shorthand and music format
        | '\u{FDD0}'..='\u{FDEF}'
    ) || c as u32 & 0xFFFE == 0xFFFE // noncharacters
}

/// Whether marks stand without a letter, or so many on one that they run over the lines around.
fn has_heaped_marks(name: &str) -> bool {
    let mut marks = MARKS_MAX; // At the start there is no letter to carry one.
    name.chars().any(|c| {
        marks = match c {
            ' ' => MARKS_MAX,
            _ if is_combining_mark(c) => marks + 1,
            _ => 0,
        };
        marks > MARKS_MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: NameLimits = NameLimits { chars_max: 32, bytes_max: 128 };

    #[track_caller]
    fn check(text: &str, expected: Result<&str, NameError>) {
        let found = canonical(text, LIMITS);
        assert_eq!(found.as_deref(), expected.as_ref().map(|name| *name), "{text:?}");
    }

    #[test]
    fn name_has_one_canonical_form() {
        check("Ada", Ok("Ada"));
        check("\t  Ada \u{3000} Lovelace\u{A0}", Ok("Ada Lovelace"));
        check("李雷", Ok("李雷"));
        check("Rene\u{301}", Ok("René"));
        check("I \u{2764}\u{FE0F} U", Ok("I \u{2764} U"));
        check("<img src=x onerror=alert(1)>", Ok("<img src=x onerror=alert(1)>"));
        check("ไทยนี้", Ok("ไทยนี้"));
        check("नमस्ते", Ok("नमस्ते"));
    }

    #[test]
    fn name_is_neither_empty_nor_long() {
        check("", Err(NameError::Empty));
        check(" \u{3000}\t\r\n", Err(NameError::Empty));
        check("\u{FE0F}", Err(NameError::Empty));
        check(&"x".repeat(32), Ok(&"x".repeat(32)));
        check(&"x".repeat(33), Err(NameError::TooLong));
        check(&"李".repeat(32), Ok(&"李".repeat(32)));
        check(&"🦀".repeat(32), Ok(&"🦀".repeat(32)));
        check(&"🦀".repeat(33), Err(NameError::TooLong));
        check(&"e\u{301}".repeat(32), Ok(&"é".repeat(32)));
        check(&" ".repeat(10_000), Err(NameError::Empty));
        check(&"x".repeat(10_000), Err(NameError::TooLong));
    }

    #[test]
    fn name_hides_and_reorders_nothing() {
        for c in [
            '\0',
            '\n',
            '\u{1b}',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{feff}',
            '\u{fff9}',
            '\u{ffff}',
            '\u{e0041}',
            '\u{e0100}',
            '\u{10fffe}',
            '\u{3164}',
        ] {
            check(&format!("A{c}da"), Err(NameError::Invalid));
        }
        check("\u{301}da", Err(NameError::Invalid));
        check("A \u{301}", Err(NameError::Invalid));
        check(&format!("A{}", "\u{335}".repeat(5)), Err(NameError::Invalid));
        check(&format!("A{}", "\u{335}".repeat(1000)), Err(NameError::TooLong));
        check("A\tB", Err(NameError::Invalid));
    }
}
