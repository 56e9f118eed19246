//! The part of a representation that a request asks for (RFC 9110 §14).

use std::ops::Range;

/// The part that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// These bytes, which are there.
    Bytes(Range<usize>),
    /// Bytes after its end.
    Beyond,
}

/// The part of `bytes` bytes that the value of a `Range` field asks for. One that is invalid, or is
/// of another unit, is ignored (§14.2); and so is one that asks for several parts, since whoever
/// wants those gets along with the whole.
pub fn part(value: &[u8], bytes: usize) -> Part {
    // A response could not say that it has nothing of nothing (§14.4).
    if bytes == 0 {
        return Part::Whole;
    }
    match single(value) {
        Some((Some(first), _)) if first >= bytes => Part::Beyond,
        Some((Some(first), last)) => {
            let end = last.map_or(bytes, |last| bytes.min(last.saturating_add(1)));
            Part::Bytes(first..end)
        }
        Some((None, Some(0))) => Part::Beyond,
        Some((None, Some(last_bytes))) => Part::Bytes(bytes.saturating_sub(last_bytes)..bytes),
        Some((None, None)) | None => Part::Whole,
    }
}

/// The two numbers of the only range there is (§14.1.1), of which the one or the other may be left
/// out.
fn single(value: &[u8]) -> Option<(Option<usize>, Option<usize>)> {
    let (unit, ranges) = str::from_utf8(value).ok()?.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    // §5.6.1: a list may have elements that are empty.
    let ranges = ranges.split(',').map(|range| range.trim_matches([' ', '\t']));
    let mut ranges = ranges.filter(|range| !range.is_empty());
    let (range, None) = (ranges.next()?, ranges.next()) else { return None };
    let (first, last) = range.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let is_backwards = matches!((first, last), (Some(first), Some(last)) if last < first);
    (!is_backwards && (first.is_some() || last.is_some())).then_some((first, last))
}

/// A number, or nothing. One that is too large to be counted is larger than anything here.
fn number(digits: &str) -> Option<Option<usize>> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((!digits.is_empty()).then(|| digits.parse().unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_a_part_and_anything_else_the_whole() {
        for (value, expected) in [
            ("bytes=0-1", Part::Bytes(0..2)),
            ("bytes=0-0", Part::Bytes(0..1)),
            ("bytes=9-9", Part::Bytes(9..10)),
            ("bytes=3-", Part::Bytes(3..10)),
            ("bytes=0-", Part::Bytes(0..10)),
            ("bytes=0-9", Part::Bytes(0..10)),
            ("bytes=0-10", Part::Bytes(0..10)),
            ("bytes=8-18446744073709551615", Part::Bytes(8..10)),
            ("bytes=8-99999999999999999999999", Part::Bytes(8..10)),
            ("bytes=-1", Part::Bytes(9..10)),
            ("bytes=-10", Part::Bytes(0..10)),
            ("bytes=-11", Part::Bytes(0..10)),
            ("bytes=-99999999999999999999999", Part::Bytes(0..10)),
            ("Bytes=0-1", Part::Bytes(0..2)),
            ("bytes=, 0-1 ,\t", Part::Bytes(0..2)),
            ("bytes=0000-0001", Part::Bytes(0..2)),
            ("bytes=10-", Part::Beyond),
            ("bytes=10-10", Part::Beyond),
            ("bytes=99999999999999999999999-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=5-2", Part::Whole),
            ("bytes=10-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=0-,0-,0-", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes", Part::Whole),
            ("", Part::Whole),
            ("bytes=5", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=-1-2", Part::Whole),
            ("bytes=0x1-2", Part::Whole),
            ("bytes=1 -2", Part::Whole),
            ("bytes =1-2", Part::Whole),
            ("items=0-1", Part::Whole),
        ] {
            assert_eq!(part(value.as_bytes(), 10), expected, "{value}");
        }
        assert_eq!(part(b"bytes=0-\xff", 10), Part::Whole);
        for value in ["bytes=0-", "bytes=-5", "bytes=7-"] {
            assert_eq!(part(value.as_bytes(), 0), Part::Whole, "{value}");
        }
    }
}
