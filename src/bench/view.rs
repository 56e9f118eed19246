//! What a client knows of its room, from the messages alone.

use std::fmt;

use super::people::People;
use super::text::Epoch;

/// A room as one client knows it, as far as it can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// The index of the room.
    pub(crate) room: usize,
    /// Which making of the room it is; `None` before the first roster.
    pub(crate) epoch: Option<Epoch>,
    /// The commit that it is the outcome of; `None` before the first message.
    pub(crate) seq: Option<u64>,
    pub(crate) people: People,
    pub(crate) kind: Kind,
}

/// What a client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Who is there.
    #[default]
    Changes,
    /// Who is there, until it is told how many.
    CountAsked,
    /// How many are there.
    Count,
}

/// What a message says to a client that knows what comes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The whole room.
    Roster { epoch: Epoch, seq: u64, people: People },
    /// What one commit changed: how those whom it concerns were and are.
    Change { epoch: Epoch, seq: u64, before: People, after: People },
    /// How many are there.
    Count { seq: u64, count: u64 },
    /// The server refused a request.
    Refused(String),
}

/// A message that its client can't have been sent by a server that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It is none of those that there are.
    Unknown(String),
    /// It is of a room that the client is not in.
    Leak { room: String },
    /// It is none that this client is told.
    Unasked(&'static str),
    /// A change that does not follow what the client knows.
    Gap { known: Option<u64>, seq: u64 },
    /// A roster that is older than what the client knows.
    Backwards { known: u64, seq: u64 },
    /// A room can't be made again while somebody is in it.
    MadeAgain,
    /// More people have left than were there.
    Vanished { seq: u64 },
    /// Somebody leaves, or has a status or data, who is not there.
    Absent { seq: u64, name: String },
    /// Another client was told something else of the same commit.
    Contradiction { seq: u64 },
    /// A count that the client knew.
    Repeated { count: u64 },
}

impl View {
    /// Of a client that has been told nothing of its room.
    pub(crate) fn of(room: usize) -> View {
        View { room, ..View::default() }
    }

    /// Takes in a message, and says since when the client did not know what it knows now: the
    /// number of the first commit that is new to it.
    pub(crate) fn apply(&mut self, message: &Message) -> Result<Option<u64>, Wrong> {
        match *message {
            Message::Roster { .. } if self.kind == Kind::Count => Err(Wrong::Unasked("roster")),
            Message::Change { .. } if self.kind == Kind::Count => Err(Wrong::Unasked("change")),
            Message::Count { .. } if self.kind == Kind::Changes => Err(Wrong::Unasked("count")),
            Message::Roster { epoch, seq, people } => {
                if self.epoch.is_some_and(|known| known != epoch) {
                    return Err(Wrong::MadeAgain);
                }
                let known = self.seq;
                if let Some(known) = known.filter(|&known| known > seq) {
                    return Err(Wrong::Backwards { known, seq });
                }
                *self = View { epoch: Some(epoch), seq: Some(seq), people, ..*self };
                Ok(known.map(|known| known + 1).filter(|&first| first <= seq))
            }
            Message::Change { epoch, seq, before, after } => {
                if self.epoch != Some(epoch) || self.seq.is_none_or(|known| known + 1 != seq) {
                    return Err(Wrong::Gap { known: self.seq, seq });
                }
                self.seq = Some(seq);
                let others = self.people.without(before);
                self.people = others.ok_or(Wrong::Vanished { seq })?.with(after);
                Ok(Some(seq))
            }
            Message::Count { seq, count } => {
                if let Some(known) = self.seq.filter(|&known| known > seq) {
                    return Err(Wrong::Backwards { known, seq });
                }
                let is_known = self.kind == Kind::Count && self.people.count == count;
                self.kind = Kind::Count;
                self.seq = Some(seq);
                self.people = People::nameless(count);
                if is_known { Err(Wrong::Repeated { count }) } else { Ok(None) }
            }
            Message::Refused(_) => Ok(None),
        }
    }

    /// Whether this client knows of the room what it is told of it, if the room is `truth`.
    pub(crate) fn knows(&self, truth: &View) -> bool {
        match self.kind {
            _ if self.seq.is_none() => false,
            Kind::Changes => self == truth,
            Kind::CountAsked => false,
            // The commits after the one that it names did not change the number.
            Kind::Count => self.people.count == truth.people.count && self.seq <= truth.seq,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Unknown(text) => write!(f, "a message that is none: {text}"),
            Wrong::Leak { room } => write!(f, "a message of another room came, of \"{room}\""),
            Wrong::Unasked(event) => write!(f, "a {event} came to somebody who did not ask for it"),
            Wrong::Gap { known: Some(known), seq } => write!(f, "a gap: {seq} came after {known}"),
            Wrong::Gap { known: None, seq } => write!(f, "a gap: {seq} came before any roster"),
            Wrong::Backwards { known, seq } => write!(f, "a step back: {seq} came after {known}"),
            Wrong::MadeAgain => f.write_str("another epoch came while somebody was in the room"),
            Wrong::Vanished { seq } => write!(f, "more people left with {seq} than there were"),
            Wrong::Absent { seq, name } => write!(f, "{seq} tells of {name}, who is not there"),
            Wrong::Contradiction { seq } => {
                write!(f, "two clients were told different things of {seq}")
            }
            Wrong::Repeated { count } => write!(f, "the count {count} came again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::people::Entry;

    fn people(names: &[&str]) -> People {
        let one = |name: &&str| People::one(name, Entry::default());
        names.iter().map(one).fold(People::default(), People::with)
    }

    fn epoch(digit: char) -> Epoch {
        serde_json::from_str(&format!("\"000000000000000{digit}\"")).expect("16 digits")
    }

    fn roster(seq: u64, names: &[&str]) -> Message {
        Message::Roster { epoch: epoch('1'), seq, people: people(names) }
    }

    fn change(seq: u64, joined: &[&str], left: &[&str]) -> Message {
        Message::Change { epoch: epoch('1'), seq, before: people(left), after: people(joined) }
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
        let people = People::default();
        let other = Message::Roster { epoch: epoch('2'), seq: 13, people };
        assert_eq!(view.apply(&other), Err(Wrong::MadeAgain));
    }

    #[test]
    fn count_is_for_those_who_asked_and_no_count_comes_twice() {
        let count = |seq, count| Message::Count { seq, count };
        let mut view = View::default();
        assert_eq!(view.apply(&count(1, 1)), Err(Wrong::Unasked("count")));
        view.kind = Kind::CountAsked;
        assert_eq!(view.apply(&roster(7, &["Ada"])), Ok(None));
        assert_eq!(view.apply(&count(7, 1)), Ok(None));
        assert_eq!(view.apply(&change(8, &["Bob"], &[])), Err(Wrong::Unasked("change")));
        assert_eq!(view.apply(&roster(8, &["Bob"])), Err(Wrong::Unasked("roster")));
        assert_eq!(view.apply(&count(9, 1)), Err(Wrong::Repeated { count: 1 }));
        assert_eq!(view.apply(&count(8, 3)), Err(Wrong::Backwards { known: 9, seq: 8 }));
        let mut truth = View { kind: Kind::Changes, ..view };
        assert!(view.knows(&truth));
        truth.people = people(&["Ada", "Bob"]);
        assert!(!view.knows(&truth));
    }
}
