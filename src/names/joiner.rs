//! Joiners between letters: where U+200C, U+200D and U+180E are part of how a name is written.
//!
//! They show nothing of their own; they change how the letters beside them look. RFC 5892,
//! appendix A.1 and A.2, says where the first two may stand: between letters that would be joined,
//! and after a virama. Here a joiner is kept if it can change the look by the rules of its script,
//! in the spelling that the Unicode Standard recommends where there are two, and is dropped
//! elsewhere. So no two names differ in nothing but a joiner that nobody could see.
//!
//! What scripts do with joiners is in chapters 9, 12 and 13 of the Standard, and was measured with
//! HarfBuzz and the Noto fonts over all pairs of consonants. Which pairs of Devanagari, Bengali and
//! Gujarati have a form of their own depends on the font, so all of them may be told apart.

use icu_properties::CodePointMapData;
use icu_properties::props::{IndicSyllabicCategory, JoiningType, Script};

/// U+200C: the letters beside it are not joined.
pub(super) const NON_JOINER: char = '\u{200C}';
/// U+200D: the letters beside it look as if they were joined.
pub(super) const JOINER: char = '\u{200D}';
/// U+180E: the Mongolian vowel after it stands apart.
pub(super) const VOWEL_SEPARATOR: char = '\u{180E}';

/// Letters that were a consonant, a virama and a joiner before they had a code point of their own,
/// and look the same: Bengali khanda ta and the Malayalam chillus (DoNotEmit.txt of the Unicode
/// Character Database).
const ATOMIC: [([char; 2], char); 7] = [
    (['\u{9A4}', '\u{9CD}'], '\u{9CE}'),
    (['\u{D15}', '\u{D4D}'], '\u{D7F}'),
    (['\u{D23}', '\u{D4D}'], '\u{D7A}'),
    (['\u{D28}', '\u{D4D}'], '\u{D7B}'),
    (['\u{D30}', '\u{D4D}'], '\u{D7C}'),
    (['\u{D32}', '\u{D4D}'], '\u{D7D}'),
    (['\u{D33}', '\u{D4D}'], '\u{D7E}'),
];

const BENGALI_RA: char = '\u{9B0}';
const BENGALI_YA: char = '\u{9AF}';
const TELUGU_RA: char = '\u{C30}';
const KANNADA_RA: char = '\u{CB0}';

/// Whether `c` is one of the three.
pub(super) const fn is_joiner(c: char) -> bool {
    matches!(c, NON_JOINER | JOINER | VOWEL_SEPARATOR)
}

/// Whether `c` is a mark on the letter before it, through which letters join.
pub(super) fn is_transparent(c: char) -> bool {
    joining_type(c) == JoiningType::Transparent
}

/// Appends to `name` what `joiner` means before `rest`: itself, another spelling, or nothing.
pub(super) fn push(joiner: char, name: &mut Vec<char>, rest: &[char]) {
    match joiner {
        VOWEL_SEPARATOR if is_before_separate_vowel(name, rest) => name.push(joiner),
        NON_JOINER if is_between_joining(name, rest) => name.push(joiner),
        NON_JOINER | JOINER => push_at_virama(joiner, name, rest),
        _ => {}
    }
}

/// Mongolian: the last vowel of a word, a or e, can stand apart from the letter before it.
fn is_before_separate_vowel(name: &[char], rest: &[char]) -> bool {
    let is_vowel = matches!(rest.first(), Some('\u{1820}' | '\u{1821}'));
    is_vowel && name.last().is_some_and(|&c| script(c) == Script::Mongolian)
}

/// RFC 5892 A.1: the letters on both sides would be joined.
fn is_between_joining(name: &[char], rest: &[char]) -> bool {
    let before = name.iter().rfind(|&&c| !is_transparent(c)).map(|&c| joining_type(c));
    let after = rest.iter().find(|&&c| !is_transparent(c)).map(|&c| joining_type(c));
    matches!(before, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(after, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// RFC 5892 A.2: after a virama; and before one, where a script has that.
fn push_at_virama(joiner: char, name: &mut Vec<char>, rest: &[char]) {
    let Some(&last) = name.last() else { return };
    if is_virama(last) {
        let atomic = ATOMIC.iter().find(|(sequence, _)| name.ends_with(sequence));
        if let Some(&(sequence, atomic)) = atomic.filter(|_| joiner == JOINER) {
            name.truncate(name.len() - sequence.len());
            name.push(atomic);
            return;
        }
        // A nukta between the two is part of the consonant.
        let carriers = name.iter().rev().skip(1);
        let before = carriers.copied().find(|&c| syllabic(c) != IndicSyllabicCategory::Nukta);
        let (Some(before), Some(&next)) = (before, rest.first()) else { return };
        match after_virama(joiner, before, next) {
            // Kannada spells this in another order, which looks the same.
            Some(JOINER) if before == KANNADA_RA => {
                name.pop();
                name.extend([JOINER, last]);
            }
            kept => name.extend(kept),
        }
    } else if let &[virama, next, ..] = rest
        && is_virama(virama)
    {
        name.extend(before_virama(joiner, last, next));
    }
}

/// What a joiner means after the virama of the consonant `before`: with U+200C the virama is shown,
/// with U+200D the consonant has its half form. Scripts without one show the virama for both.
fn after_virama(joiner: char, before: char, next: char) -> Option<char> {
    let script = script(next);
    if !is_consonant(before) || !is_consonant(next) || self::script(before) != script {
        return None;
    }
    match script {
        Script::Devanagari | Script::Bengali | Script::Gujarati => Some(joiner),
        Script::Telugu if before == TELUGU_RA => Some(joiner),
        Script::Kannada if before == KANNADA_RA => Some(joiner),
        // The virama is shown anyhow.
        Script::Sinhala => (joiner == JOINER).then_some(JOINER),
        // The only conjuncts are those of ksa and of sri.
        Script::Tamil => {
            let is_conjunct = matches!(
                (before, next),
                ('\u{B95}', '\u{BB7}') | ('\u{BB6}' | '\u{BB8}', '\u{BB0}')
            );
            is_conjunct.then_some(NON_JOINER)
        }
        // Only ya, ra, va and ha go below others.
        Script::Gurmukhi => {
            let is_subjoined = matches!(next, '\u{A2F}' | '\u{A30}' | '\u{A35}' | '\u{A39}');
            is_subjoined.then_some(NON_JOINER)
        }
        _ => Some(NON_JOINER),
    }
}

/// What a joiner means between a consonant and its virama.
fn before_virama(joiner: char, before: char, next: char) -> Option<char> {
    let is_kept = match script(before) {
        // Ra keeps its form and ya is a yaphala below it, as in র‍্যাম; with either joiner.
        Script::Bengali => before == BENGALI_RA && next == BENGALI_YA,
        // Ra keeps its form, and is not put above the next.
        Script::Kannada => before == KANNADA_RA && is_consonant(next),
        // Both letters touch, as Pali is written.
        Script::Sinhala => joiner == JOINER && is_consonant(before) && is_consonant(next),
        _ => false,
    };
    (is_kept && script(before) == script(next)).then_some(JOINER)
}

fn is_virama(c: char) -> bool {
    syllabic(c) == IndicSyllabicCategory::Virama
}

fn is_consonant(c: char) -> bool {
    syllabic(c) == IndicSyllabicCategory::Consonant
}

fn joining_type(c: char) -> JoiningType {
    CodePointMapData::<JoiningType>::new().get(c)
}

fn syllabic(c: char) -> IndicSyllabicCategory {
    CodePointMapData::<IndicSyllabicCategory>::new().get(c)
}

fn script(c: char) -> Script {
    CodePointMapData::<Script>::new().get(c)
}
