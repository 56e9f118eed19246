//! What a client knows of the roster, from the messages alone.
//!
//! A hundred thousand clients that each know a hundred thousand names don't fit into memory. They
//! need not: whether two rosters are equal can be told from the number of their names and the sum
//! of the names' hashes. A change adds and subtracts, a whole roster starts over. So a client's
//! [`View`] is 32 bytes, and it is wrong as soon as one name in it is, but for a chance of 2⁻¹²⁸.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::time::Instant;

use serde::Deserialize;
use sha1::{Digest, Sha1};

/// A roster, as far as it can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// The commit that it is the outcome of; `None` before the first message.
    pub(crate) seq: Option<u64>,
    pub(crate) names: Names,
}

/// Some names, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) count: u64,
    /// Of the hashes of the names, modulo 2^128.
    sum: u128,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The whole roster.
    Roster { seq: u64, names: Names },
    /// What one commit changed.
    Change { seq: u64, joined: Names, left: Names },
    /// The server refused a request.
    Refused(String),
}

/// A message that its client can't have been sent by a server that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is none of those that there are.
    Unknown(String),
    /// A change that does not follow what the client knows.
    Gap { known: Option<u64>, seq: u64 },
    /// A roster that is older than what the client knows.
    Backwards { known: u64, seq: u64 },
    /// More names have left than were there.
    Vanished { seq: u64 },
}

impl<'a> FromIterator<&'a str> for Names {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Names {
        let mut all = Names::default();
        for name in names {
            let hash: [u8; 20] = Sha1::digest(name.as_bytes()).into();
            let (first, _) = hash.split_first_chunk().expect("a SHA-1 hash has 20 bytes");
            all.count += 1;
            all.sum = all.sum.wrapping_add(u128::from_le_bytes(*first));
        }
        all
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Unknown(text) => write!(f, "a message that is none: {text}"),
            Wrong::Gap { known: Some(known), seq } => write!(f, "a gap: {seq} came after {known}"),
            Wrong::Gap { known: None, seq } => write!(f, "a gap: {seq} came before any roster"),
            Wrong::Backwards { known, seq } => write!(f, "a step back: {seq} came after {known}"),
            Wrong::Vanished { seq } => write!(f, "more names left with {seq} than there were"),
        }
    }
}

impl View {
    /// Takes in a message, and says since when the client did not know what it knows now: the
    /// number of the first commit that is new to it.
    pub(crate) fn apply(&mut self, message: &Message) -> Result<Option<u64>, Wrong> {
        match *message {
            Message::Roster { seq, names } => {
                let known = self.seq;
                if let Some(known) = known.filter(|&known| known > seq) {
                    return Err(Wrong::Backwards { known, seq });
                }
                *self = View { seq: Some(seq), names };
                Ok(known.map(|known| known + 1).filter(|&first| first <= seq))
            }
            Message::Change { seq, joined, left } => {
                if self.seq.is_none_or(|known| known + 1 != seq) {
                    return Err(Wrong::Gap { known: self.seq, seq });
                }
                let count = (self.names.count + joined.count).checked_sub(left.count);
                self.seq = Some(seq);
                self.names.count = count.ok_or(Wrong::Vanished { seq })?;
                self.names.sum = self.names.sum.wrapping_add(joined.sum).wrapping_sub(left.sum);
                Ok(Some(seq))
            }
            Message::Refused(_) => Ok(None),
        }
    }
}

/// Messages that were read lately: since all clients are sent the same bytes, each message is
/// parsed for one of them and compared for the others.
const KEPT: usize = 64;

/// Commits of which is kept when they were asked for: a client is never that far behind.
const COMMITS_KEPT: usize = 4096;

/// Turns messages into what they say, and notes when what they tell was asked for.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    read: VecDeque<(Box<[u8]>, Message)>,
    /// Names that were to come (`true`) or to go and have not been seen to, and since when.
    asked: HashMap<String, (bool, Instant)>,
    /// How many of them are to come.
    awaited: usize,
    /// The latest commit whose change was read.
    latest: u64,
    /// When the oldest of what a commit tells was asked for.
    commits: BTreeMap<u64, Instant>,
}

/// How `/roster` and the messages are written.
#[derive(Deserialize)]
struct RosterText<'a> {
    seq: u64,
    #[serde(borrow)]
    names: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ChangeText<'a> {
    seq: u64,
    #[serde(borrow)]
    joined: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    left: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ErrorText {
    code: String,
}

fn names(names: &[Cow<'_, str>]) -> Names {
    names.iter().map(|name| &**name).collect()
}

/// What the body of `GET /roster` says.
pub(crate) fn document(body: &[u8]) -> Result<View, Wrong> {
    let text: RosterText<'_> = serde_json::from_slice(body).map_err(|_| unknown(body))?;
    Ok(View { seq: Some(text.seq), names: names(&text.names) })
}

fn unknown(message: &[u8]) -> Wrong {
    let start = &message[..message.len().min(80)];
    Wrong::Unknown(String::from_utf8_lossy(start).into_owned())
}

impl Reader {
    /// A name is to come, or else to go, at `when`, whether or not that is asked for in time: the
    /// clock of a request runs from when it is due.
    pub(crate) fn expect(&mut self, name: String, is_coming: bool, when: Instant) {
        let before = self.asked.insert(name, (is_coming, when));
        self.awaited += usize::from(is_coming);
        self.awaited -= usize::from(before.is_some_and(|(was_coming, _)| was_coming));
    }

    /// Whether all names that were to come have been seen, in a change or in a roster.
    pub(crate) fn have_all_come(&self) -> bool {
        self.awaited == 0
    }

    /// Reads rosters that are known anew: names that are awaited from now on may be on them.
    pub(crate) fn read_anew(&mut self) {
        self.read.clear();
    }

    /// Forgets all numbers: another server counts from the start.
    pub(crate) fn restart(&mut self) {
        self.read.clear();
        self.commits.clear();
        self.latest = 0;
    }

    /// What a text message says.
    pub(crate) fn read(&mut self, payload: &[u8]) -> Result<Message, Wrong> {
        let matches = |(bytes, _): &&(Box<[u8]>, Message)| **bytes == *payload;
        if let Some((_, message)) = self.read.iter().rev().find(matches) {
            return Ok(message.clone());
        }
        let message = self.parse(payload).ok_or_else(|| unknown(payload))?;
        if self.read.len() == KEPT {
            self.read.pop_front();
        }
        self.read.push_back((payload.into(), message.clone()));
        Ok(message)
    }

    /// When the oldest was asked for of what the commits from `first` on tell, if that is known.
    pub(crate) fn asked_since(&self, first: u64) -> Option<Instant> {
        self.commits.range(first..).next().map(|(_, asked)| *asked)
    }

    /// A name came, or went: since when that was awaited.
    fn seen(&mut self, name: &str, is_coming: bool) -> Option<Instant> {
        let &(awaits_coming, when) = self.asked.get(name)?;
        if awaits_coming != is_coming {
            return None;
        }
        self.asked.remove(name);
        self.awaited -= usize::from(is_coming);
        Some(when)
    }

    fn parse(&mut self, payload: &[u8]) -> Option<Message> {
        if let Ok(("roster", text)) = serde_json::from_slice::<(&str, RosterText<'_>)>(payload) {
            for name in &text.names {
                self.seen(name, true);
            }
            return Some(Message::Roster { seq: text.seq, names: names(&text.names) });
        }
        if let Ok(("change", text)) = serde_json::from_slice::<(&str, ChangeText<'_>)>(payload) {
            if text.seq > self.latest {
                self.latest = text.seq;
                let joined = text.joined.iter().filter_map(|name| self.seen(name, true)).min();
                let left = text.left.iter().filter_map(|name| self.seen(name, false)).min();
                let asked = joined.into_iter().chain(left).min();
                self.commits.extend(asked.map(|asked| (text.seq, asked)));
                while self.commits.len() > COMMITS_KEPT {
                    self.commits.pop_first();
                }
            }
            let (joined, left) = (names(&text.joined), names(&text.left));
            return Some(Message::Change { seq: text.seq, joined, left });
        }
        match serde_json::from_slice::<(&str, ErrorText)>(payload) {
            Ok(("error", text)) => Some(Message::Refused(text.code)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(seq: u64, names: &[&str]) -> Message {
        Message::Roster { seq, names: names.iter().copied().collect() }
    }

    fn change(seq: u64, joined: &[&str], left: &[&str]) -> Message {
        let names = |names: &[&str]| names.iter().copied().collect();
        Message::Change { seq, joined: names(joined), left: names(left) }
    }

    #[test]
    fn rosters_are_equal_if_their_names_are_however_they_came_about() {
        let mut one = View::default();
        let mut other = View::default();
        one.apply(&roster(7, &["Ada", "Bob"])).unwrap();
        one.apply(&change(8, &["Eve"], &["Bob"])).unwrap();
        other.apply(&roster(8, &["Eve", "Ada"])).unwrap();
        assert_eq!(one, other);
        other.apply(&roster(8, &["Eve", "Bob"])).unwrap();
        assert_ne!(one, other, "another name");
        other.apply(&roster(8, &["Eve"])).unwrap();
        assert_ne!(one, other, "one too few");
    }

    #[test]
    fn gap_and_step_back_are_noticed() {
        let mut view = View::default();
        let gap = |known, seq| Err(Wrong::Gap { known, seq });
        assert_eq!(view.apply(&change(1, &["Ada"], &[])), gap(None, 1));
        assert_eq!(view.apply(&roster(7, &["Ada"])), Ok(None));
        assert_eq!(view.apply(&change(7, &["Bob"], &[])), gap(Some(7), 7));
        assert_eq!(view.apply(&change(9, &["Bob"], &[])), gap(Some(7), 9));
        assert_eq!(view.apply(&change(8, &[], &["Ada", "Bob"])), Err(Wrong::Vanished { seq: 8 }));
        assert_eq!(view.apply(&roster(3, &[])), Err(Wrong::Backwards { known: 8, seq: 3 }));
        assert_eq!(view.apply(&roster(12, &[])), Ok(Some(9)), "it had lagged");
    }

    #[test]
    fn clock_of_a_commit_runs_from_the_oldest_request_that_it_tells() {
        let mut reader = Reader::default();
        let start = Instant::now();
        let later = start + std::time::Duration::from_secs(1);
        reader.expect("Ada".into(), true, later);
        reader.expect("Bob".into(), false, start);
        assert!(!reader.have_all_come());
        let text = r#"["change",{"seq":5,"joined":["Ada"],"left":["Bob"]}]"#;
        assert_eq!(reader.read(text.as_bytes()), Ok(change(5, &["Ada"], &["Bob"])));
        assert_eq!(reader.asked_since(4), Some(start));
        assert_eq!(reader.asked_since(6), None);
        assert!(reader.have_all_come());
        assert_eq!(reader.read(text.as_bytes()), Ok(change(5, &["Ada"], &["Bob"])));
    }

    #[test]
    fn messages_are_read_as_they_are_sent() {
        let mut reader = Reader::default();
        let refused = r#"["error",{"code":"name_empty","message":"…"}]"#;
        assert_eq!(reader.read(refused.as_bytes()), Ok(Message::Refused("name_empty".into())));
        let escaped = r#"["roster",{"seq":1,"names":["\"","é"]}]"#;
        assert_eq!(reader.read(escaped.as_bytes()), Ok(roster(1, &["\"", "é"])));
        assert!(reader.read(b"[]").is_err() && reader.read(b"\xff").is_err());
        let body = r#"{"seq":1,"names":["é","\""],"watching":3}"#;
        let mut view = View::default();
        view.apply(&roster(1, &["\"", "é"])).unwrap();
        assert_eq!(document(body.as_bytes()), Ok(view));
    }
}
