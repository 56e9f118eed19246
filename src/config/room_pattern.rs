//! Which rooms there may be.

use std::convert::Infallible;
use std::str::FromStr;

/// A pattern of room names: itself, where `*` is any text, or none at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPattern(Box<str>);

impl RoomPattern {
    /// Whether a room of this name is meant.
    pub fn matches(&self, name: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else { return *self.0 == *name };
        let Some(name) = name.strip_prefix(start) else { return false };
        // The last part ends the name; each one between is looked for where it comes first.
        let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(mut name) = name.strip_suffix(end) else { return false };
        between.split('*').all(|part| {
            let found = if part.is_empty() {
                Some(name)
            } else {
                name.split_once(part).map(|(_, after)| after)
            };
            name = found.unwrap_or_default();
            found.is_some()
        })
    }
}

impl FromStr for RoomPattern {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<RoomPattern, Infallible> {
        Ok(RoomPattern(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_is_any_text() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*", "any", true),
            ("doc-*", "doc-", true),
            ("doc-*", "doc-1", true),
            ("doc-*", "a doc-1", false),
            ("*-1", "doc-1", true),
            ("*-1", "doc-12", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("a*b*b", "ab", false),
            ("a**b", "ab", true),
            ("*李*", "小李雷", true),
        ] {
            let pattern: RoomPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(name), expected, "{pattern:?} {name}");
        }
    }
}
