//! What a single character does in a name: whether it is dropped, and why it is refused.

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::emoji::{BLACK_FLAG, is_half_flag, is_tag};
use super::error::Flaw;

/// Characters that come along with pasted text and show nothing: a name is the same without them.
///
/// Not all that is invisible is here: what reorders or hides other text is refused, and a joiner
/// may be needed (`joiner`).
pub(super) const fn is_dropped(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{200B}'                       // where a word may be divided
        | '\u{34F}' | '\u{2060}' | '\u{FEFF}'       // where it may not; the byte order mark
        | '\u{200E}' | '\u{200F}' | '\u{61C}'       // marks of direction, which only nudge others
        | '\u{2061}'..='\u{2064}'                   // invisible operators of formulas
        | '\u{17B4}' | '\u{17B5}'                   // Khmer vowels that are not written
        // Variation selectors: the same character in another shape, where a font has one.
        | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'
        | '\u{180B}'..='\u{180D}' | '\u{180F}'
    )
}

/// Characters that show nothing or a placeholder, and have no property that says so.
const fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{2800}'                  // Braille pattern without a dot
        | '\u{FFFC}' | '\u{FFFD}'   // in place of an object, and of what could not be decoded
        | '\u{13441}' | '\u{13442}' // blanks between hieroglyphs
        | '\u{16FE4}'               // filler of the Khitan small script
        | '\u{1D159}' // musical notehead that is not drawn
    )
}

/// Why a name can't have `c` after `before`. Known flags, joiners and spaces never come here.
pub(super) fn flaw(c: char, before: Option<char>) -> Option<Flaw> {
    use GeneralCategory as Category;
    match category(c) {
        Category::Control | Category::LineSeparator | Category::ParagraphSeparator => {
            Some(Flaw::Control)
        }
        Category::Format if matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}') => {
            Some(Flaw::Direction)
        }
        Category::Format if is_tag(c) && before == Some(BLACK_FLAG) => Some(Flaw::Flag),
        Category::Format => Some(Flaw::Hidden),
        // Noncharacters are unassigned as well; no `char` is a surrogate.
        Category::Unassigned | Category::PrivateUse | Category::Surrogate => Some(Flaw::Unassigned),
        _ if is_half_flag(c) => Some(Flaw::Flag),
        _ if is_blank(c) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) => {
            Some(Flaw::Blank)
        }
        _ => None,
    }
}

/// Its Unicode general category.
pub(super) fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Whether marks stand where nothing carries them, or so many on one character that they run over
/// the lines around, or one twice, which looks like once.
pub(super) fn flaw_of_marks(name: &str) -> Option<Flaw> {
    // UTS #39 §5.4, which counts nonspacing marks: those that take room can't heap.
    const HEAP_MAX: usize = 4;
    let mut heap = 0;
    let mut before = ' ';
    for c in name.chars() {
        let category = category(c);
        let is_mark = matches!(
            category,
            GeneralCategory::NonspacingMark
                | GeneralCategory::EnclosingMark
                | GeneralCategory::SpacingMark
        );
        if is_mark && before == ' ' {
            return Some(Flaw::LooseMark);
        }
        if !is_mark {
            heap = 0;
        } else if category != GeneralCategory::SpacingMark {
            heap += 1;
            if heap > HEAP_MAX || c == before {
                return Some(Flaw::HeapedMarks);
            }
        }
        before = c;
    }
    None
}
