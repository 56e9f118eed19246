//! What of a folder is not served, and why.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;

/// Names that are told of each reason.
const EXAMPLES_MAX: usize = 3;

/// Characters that are told of each name.
const EXAMPLE_CHARS_MAX: usize = 80;

/// Why a file or folder is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// A name that begins with a dot.
    Hidden,
    /// A name that no request could have.
    NotUtf8,
    /// A link that leads out of the folder.
    LeadsOutside,
    /// A link whose target is not there.
    LeadsNowhere,
    /// A link to a folder that it is in.
    Loop,
    /// A pipe, a socket or a device.
    Special,
    /// The system does not let it be read.
    Unreadable,
    /// The server has something else at its path.
    Route,
    /// Another file has that name, but for how its accents are written.
    SameName,
    /// What is served in all would be larger than it may be.
    TooLarge,
    /// There are as many files as there may be.
    TooMany,
}

impl Reason {
    const fn text(self) -> &'static str {
        match self {
            Reason::Hidden => "hidden",
            Reason::NotUtf8 => "name is not UTF-8",
            Reason::LeadsOutside => "link leads out of the folder",
            Reason::LeadsNowhere => "link leads nowhere",
            Reason::Loop => "link leads back to a folder it is in",
            Reason::Special => "neither a file nor a folder",
            Reason::Unreadable => "can't be read",
            Reason::Route => "path is the server's own",
            Reason::SameName => "name is that of another file",
            Reason::TooLarge => "no room within --www-mebibytes-max",
            Reason::TooMany => "no room within --www-files-max",
        }
    }
}

/// All that is not served, in numbers and examples.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftOut(BTreeMap<Reason, Group>);

#[derive(Clone, Debug, Default)]
struct Group {
    number: u32,
    examples: Vec<String>,
}

impl LeftOut {
    /// Adds what has a name relative to the folder: `name` in `folder`, which ends in a slash or is
    /// empty.
    pub(super) fn add(&mut self, reason: Reason, folder: &str, name: &OsStr) {
        let group = self.0.entry(reason).or_default();
        group.number += 1;
        if group.examples.len() < EXAMPLES_MAX {
            group.examples.push(quoted(folder, name));
        }
    }

    /// Whether somebody who was told of `other` should be told of this. Hidden files come and go as
    /// files are edited, and nobody expects to be served those.
    pub(super) fn is_news_after(&self, other: &LeftOut) -> bool {
        let numbers = |left_out: &LeftOut| -> Vec<(Reason, u32)> {
            let groups = left_out.0.iter().filter(|(reason, _)| **reason != Reason::Hidden);
            groups.map(|(reason, group)| (*reason, group.number)).collect()
        };
        !self.0.is_empty() && numbers(self) != numbers(other)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (reason, Group { number, examples })) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            let rest = if *number as usize > examples.len() { ", …" } else { "" };
            write!(f, "{separator}{}: {number} ({}{rest})", reason.text(), examples.join(", "))?;
        }
        Ok(())
    }
}

/// A name as it may be in a log line: a file may be called anything.
fn quoted(folder: &str, name: &OsStr) -> String {
    let escaped = match name.to_str() {
        Some(name) => format!("{folder}{name}").escape_debug().to_string(),
        None => format!("{}{}", folder.escape_debug(), name.as_encoded_bytes().escape_ascii()),
    };
    let mut characters = escaped.chars();
    let mut shown: String = characters.by_ref().take(EXAMPLE_CHARS_MAX).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    format!("'{shown}'")
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn what_is_left_out_is_told_in_numbers_and_examples() {
        let mut left_out = LeftOut::default();
        for index in 0..5 {
            left_out.add(Reason::Hidden, "", format!(".{index}").as_ref());
        }
        left_out.add(Reason::Route, "", "ws".as_ref());
        left_out.add(Reason::NotUtf8, "a/", OsStr::from_bytes(b"caf\xe9.txt"));
        assert_eq!(
            left_out.to_string(),
            "hidden: 5 ('.0', '.1', '.2', …); name is not UTF-8: 1 ('a/caf\\xe9.txt'); \
             path is the server's own: 1 ('ws')"
        );
    }

    #[test]
    fn f6_name_of_a_file_does_nothing_to_the_line_that_tells_of_it() {
        let mut left_out = LeftOut::default();
        let long = "x".repeat(300);
        for name in ["a'\r\nWARN forged \"b\"", "\x1b[2J\u{202e}\u{9b}31m", &*long] {
            left_out.add(Reason::LeadsOutside, "", name.as_ref());
        }
        let line = left_out.to_string();
        assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{line}");
        assert!(line.contains("'a\\'\\r\\nWARN forged \\\"b\\\"'"), "{line}");
        assert!(line.len() < 300, "{line}");
    }

    #[test]
    fn hidden_files_are_no_news() {
        let mut told = LeftOut::default();
        assert!(!LeftOut::default().is_news_after(&told));
        told.add(Reason::Loop, "", "a".as_ref());
        let mut now = told.clone();
        now.add(Reason::Hidden, "", ".index.html.swp".as_ref());
        assert!(!now.is_news_after(&told) && now.is_news_after(&LeftOut::default()));
        now.add(Reason::Loop, "", "b".as_ref());
        assert!(now.is_news_after(&told));
    }
}
