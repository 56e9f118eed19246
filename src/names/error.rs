//! Why a text is not a name, in words for the person who typed it.

use std::fmt;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// Nothing is left of it.
    Empty,
    /// It is over a limit.
    TooLong,
    /// It has something that a name can't have.
    Invalid(Flaw),
}

/// What a name can't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A surrogate without its other half: a script cut the text inside a character.
    HalfCharacter,
    /// A control character, or a line end.
    Control,
    /// A bidirectional embedding, override or isolate.
    Direction,
    /// A formatting character that is not simply dropped.
    Hidden,
    /// A character that shows nothing, or only that something is missing.
    Blank,
    /// A character that Unicode gives no meaning to.
    Unassigned,
    /// A lone half of a flag, or a flag that does not exist.
    Flag,
    /// A combining mark that has no character to stand on.
    LooseMark,
    /// Too many combining marks on one character, or the same one twice.
    HeapedMarks,
}

impl Flaw {
    const fn sentence(self) -> &'static str {
        match self {
            Flaw::HalfCharacter => {
                "That name has half a character, maybe a piece of an emoji. Please type it again."
            }
            Flaw::Control => {
                "That name has a control character, like a tab or a line break. Please remove it."
            }
            Flaw::Direction => {
                "That name has an invisible character that changes the direction of text. Please \
                 type the name instead of pasting it."
            }
            Flaw::Hidden => {
                "That name has an invisible formatting character. Please type the name instead of \
                 pasting it."
            }
            Flaw::Blank => {
                "That name has a character that shows nothing or a placeholder. Please use \
                 letters, digits, punctuation, emoji and ordinary spaces."
            }
            Flaw::Unassigned => {
                "That name has a character without a meaning in Unicode: for private use, or not \
                 assigned. Please remove it."
            }
            Flaw::Flag => {
                "That name has half a flag, or a flag that does not exist. Please choose the flag \
                 again."
            }
            Flaw::LooseMark => {
                "That name has an accent or a vowel sign without a letter before it. Please put it \
                 after its letter."
            }
            Flaw::HeapedMarks => {
                "That name has too many accents on one letter, or the same one twice. Please \
                 remove some."
            }
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameError::Empty => "Please give a name.",
            NameError::TooLong => "That name is too long. Please choose a shorter one.",
            NameError::Invalid(flaw) => flaw.sentence(),
        })
    }
}

impl std::error::Error for NameError {}
