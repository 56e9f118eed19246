//! What a client knows of its room, from the messages alone.

use std::fmt;
use std::time::Instant;

use super::digest::Digest;
use super::people::{Entry, People};
use super::text::Epoch;

/// A room as one client knows it, as far as it can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// Whether its client stays while others come back.
    pub(crate) observes: bool,
    /// The index of the room.
    pub(crate) room: usize,
    /// The index of the node that its client is connected to.
    pub(crate) node: usize,
    /// Which making of the room it is; `None` before the first roster.
    pub(crate) epoch: Option<Epoch>,
    /// The commit that it is the outcome of; `None` before the first message.
    pub(crate) seq: Option<u64>,
    pub(crate) people: People,
    pub(crate) kind: Kind,
    pub(crate) standing: Standing,
    /// What its client is to ask for.
    pub(crate) ask: Option<Ask>,
}

/// How a client's copy of the room stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is right, as far as the client knows.
    #[default]
    Settled,
    /// It was corrupted on purpose, and the client does not know that yet.
    Drifted,
    /// The client has found that it is wrong, and has asked for the roster.
    Mending,
    /// The client comes back with it since then, and waits to be told how to go on.
    Returning(Instant),
}

/// What a client is to ask for, because of what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// To be logged in, which it is not any more.
    Login,
    /// To be logged out, if that was lost with the connection.
    Logout,
    /// The whole roster, in place of a copy that is wrong.
    Roster,
}

/// A state of a room: the epoch and the number of a commit.
pub(crate) type Commit = (Epoch, u64);

/// What came of a message to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is one further; the number of the first commit that is new to it, if one is.
    Followed(Option<u64>),
    /// It has come back since then, and knows the room again.
    Back { since: Instant, is_of_epoch: bool },
    /// It has found that its copy is wrong.
    Found,
    /// It has a right copy in place of the wrong one.
    Mended,
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
    Roster { epoch: Epoch, seq: u64, digest: Digest, people: People },
    /// What one commit changed: how those whom it concerns were and are. For a client that came
    /// back it is what has changed since the commit of its copy, `from`.
    Change {
        from: Option<Commit>,
        epoch: Epoch,
        seq: u64,
        digest: Digest,
        before: People,
        after: People,
    },
    /// How many are there.
    Count { seq: u64, count: u64 },
    /// The client is known, and whether it is still logged in.
    Welcome { is_logged_in: bool },
    /// The server will end.
    Bye,
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
    /// The digest of a message is not that of the roster that it leads to.
    Digest { seq: u64, digest: Digest, computed: Digest },
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

    /// The state of the room that this copy is of.
    pub(crate) fn commit(&self) -> Option<Commit> {
        self.epoch.zip(self.seq)
    }

    /// The connection is lost, and the client will come back with its copy, if it has one.
    pub(crate) fn returns(&mut self, since: Instant) {
        self.ask = None;
        self.standing = match self.epoch {
            Some(_) => Standing::Returning(since),
            None => Standing::Settled,
        };
    }

    /// Corrupts the copy: there is somebody in it whom the server does not know.
    pub(crate) fn drift(&mut self) {
        self.standing = Standing::Drifted;
        self.people = self.people.with(People::one("nobody", &Entry::default()));
    }

    /// Takes in a message.
    pub(crate) fn apply(&mut self, message: &Message) -> Result<Taken, Wrong> {
        match *message {
            Message::Roster { .. } if self.kind == Kind::Count => Err(Wrong::Unasked("roster")),
            Message::Change { .. } if self.kind == Kind::Count => Err(Wrong::Unasked("change")),
            Message::Count { .. } if self.kind == Kind::Changes => Err(Wrong::Unasked("count")),
            Message::Roster { epoch, seq, digest, people } => {
                self.check_roster(epoch, seq)?;
                let (was, known) = (self.standing, self.commit());
                let standing = Standing::Settled;
                *self = View { epoch: Some(epoch), seq: Some(seq), people, standing, ..*self };
                self.check_digest(seq, digest)?;
                Ok(match was {
                    Standing::Settled | Standing::Drifted => {
                        let first = known.map(|(_, known)| known + 1);
                        Taken::Followed(first.filter(|&first| first <= seq))
                    }
                    Standing::Mending => Taken::Mended,
                    Standing::Returning(since) => Taken::Back {
                        since,
                        is_of_epoch: known.is_some_and(|(known, _)| known == epoch),
                    },
                })
            }
            Message::Change { from, epoch, seq, digest, before, after } => {
                self.check_change(from, epoch, seq)?;
                (self.epoch, self.seq) = (Some(epoch), Some(seq));
                let others = self.people.without(before);
                self.people = others.ok_or(Wrong::Vanished { seq })?.with(after);
                self.changed(from, seq, digest)
            }
            Message::Count { seq, count } => {
                if let Some(known) = self.seq.filter(|&known| known > seq) {
                    return Err(Wrong::Backwards { known, seq });
                }
                let is_known = self.kind == Kind::Count && self.people.count == count;
                self.kind = Kind::Count;
                self.seq = Some(seq);
                self.people = People::nameless(count);
                if is_known { Err(Wrong::Repeated { count }) } else { Ok(Taken::Followed(None)) }
            }
            Message::Welcome { is_logged_in } => {
                self.ask = Some(if is_logged_in { Ask::Logout } else { Ask::Login });
                Ok(Taken::Followed(None))
            }
            Message::Bye | Message::Refused(_) => Ok(Taken::Followed(None)),
        }
    }

    /// A change has led to commit `seq`. If the copy was corrupted, its digest is another one.
    fn changed(&mut self, from: Option<Commit>, seq: u64, digest: Digest) -> Result<Taken, Wrong> {
        match self.standing {
            Standing::Mending => return Ok(Taken::Followed(Some(seq))),
            Standing::Drifted if self.people.digest != digest => {
                self.standing = Standing::Mending;
                self.ask = Some(Ask::Roster);
                return Ok(Taken::Found);
            }
            _ => self.check_digest(seq, digest)?,
        }
        let Standing::Returning(since) = self.standing else {
            return Ok(Taken::Followed(Some(seq)));
        };
        self.standing = Standing::Settled;
        let is_of_epoch = from.map(|(epoch, _)| epoch) == self.epoch;
        Ok(Taken::Back { since, is_of_epoch })
    }

    /// A roster follows what the client knows, unless that is to be replaced: then it may be of
    /// another epoch, and older.
    fn check_roster(&self, epoch: Epoch, seq: u64) -> Result<(), Wrong> {
        if matches!(self.standing, Standing::Returning(_)) {
            return Ok(());
        }
        if self.epoch.is_some_and(|known| known != epoch) {
            return Err(Wrong::MadeAgain);
        }
        match self.seq.filter(|&known| known > seq) {
            Some(known) if self.standing != Standing::Mending => {
                Err(Wrong::Backwards { known, seq })
            }
            _ => Ok(()),
        }
    }

    fn check_change(&self, from: Option<Commit>, epoch: Epoch, seq: u64) -> Result<(), Wrong> {
        let gap = Wrong::Gap { known: self.seq, seq };
        let is_next = match (from, self.standing) {
            (Some(_), Standing::Returning(_)) => from == self.commit(),
            (Some(_), _) => return Err(Wrong::Unasked("change with an epoch")),
            (None, Standing::Returning(_)) => false,
            (None, _) => {
                self.epoch == Some(epoch) && self.seq.is_some_and(|known| known + 1 == seq)
            }
        };
        if is_next { Ok(()) } else { Err(gap) }
    }

    fn check_digest(&self, seq: u64, digest: Digest) -> Result<(), Wrong> {
        let computed = self.people.digest;
        if computed == digest { Ok(()) } else { Err(Wrong::Digest { seq, digest, computed }) }
    }

    /// Whether this client knows of the room what it is told of it, if the room is `truth`.
    pub(crate) fn knows(&self, truth: &View) -> bool {
        match self.kind {
            _ if self.seq.is_none() => false,
            Kind::Changes => {
                self.standing == Standing::Settled
                    && (self.room, self.commit()) == (truth.room, truth.commit())
                    && self.people == truth.people
            }
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
            Wrong::Digest { seq, digest, computed } => {
                write!(f, "the digest of {seq} is {digest}, and that of its roster {computed}")
            }
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
        let one = |name: &&str| People::one(name, &Entry::default());
        names.iter().map(one).fold(People::default(), People::with)
    }

    fn epoch(digit: char) -> Epoch {
        serde_json::from_str(&format!("\"000000000000000{digit}\"")).expect("16 digits")
    }

    fn roster(seq: u64, names: &[&str]) -> Message {
        let people = people(names);
        Message::Roster { epoch: epoch('1'), seq, digest: people.digest, people }
    }

    /// A change that leads to these names.
    fn change(seq: u64, joined: &[&str], left: &[&str], names: &[&str]) -> Message {
        let (before, after, digest) = (people(left), people(joined), people(names).digest);
        Message::Change { from: None, epoch: epoch('1'), seq, digest, before, after }
    }

    /// The same for a client that comes back.
    fn resumed(from: Option<Commit>, change: &Message, to: Epoch) -> Message {
        match *change {
            Message::Change { seq, digest, before, after, .. } => {
                Message::Change { from, epoch: to, seq, digest, before, after }
            }
            _ => panic!("it is no change"),
        }
    }

    fn followed(first: impl Into<Option<u64>>) -> Result<Taken, Wrong> {
        Ok(Taken::Followed(first.into()))
    }

    #[test]
    fn rosters_are_equal_if_their_names_are_however_they_came_about() {
        let mut one = View::default();
        let mut other = View::default();
        one.apply(&roster(7, &["Ada", "Bob"])).unwrap();
        one.apply(&change(8, &["Eve"], &["Bob"], &["Ada", "Eve"])).unwrap();
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
        let bob = |seq| change(seq, &["Bob"], &[], &["Ada", "Bob"]);
        assert_eq!(view.apply(&bob(1)), gap(None, 1));
        assert_eq!(view.apply(&roster(7, &["Ada"])), followed(None));
        assert_eq!(view.apply(&bob(7)), gap(Some(7), 7));
        assert_eq!(view.apply(&bob(9)), gap(Some(7), 9));
        let vanished = change(8, &[], &["Ada", "Bob"], &[]);
        assert_eq!(view.apply(&vanished), Err(Wrong::Vanished { seq: 8 }));
        assert_eq!(view.apply(&roster(3, &[])), Err(Wrong::Backwards { known: 8, seq: 3 }));
        assert_eq!(view.apply(&roster(12, &[])), followed(9), "it had lagged");
        let (people, digest) = (People::default(), Digest::default());
        let other = Message::Roster { epoch: epoch('2'), seq: 13, digest, people };
        assert_eq!(view.apply(&other), Err(Wrong::MadeAgain));
    }

    #[test]
    fn count_is_for_those_who_asked_and_no_count_comes_twice() {
        let count = |seq, count| Message::Count { seq, count };
        let mut view = View::default();
        assert_eq!(view.apply(&count(1, 1)), Err(Wrong::Unasked("count")));
        view.kind = Kind::CountAsked;
        assert_eq!(view.apply(&roster(7, &["Ada"])), followed(None));
        assert_eq!(view.apply(&count(7, 1)), followed(None));
        assert_eq!(view.apply(&change(8, &["Bob"], &[], &["Bob"])), Err(Wrong::Unasked("change")));
        assert_eq!(view.apply(&roster(8, &["Bob"])), Err(Wrong::Unasked("roster")));
        assert_eq!(view.apply(&count(9, 1)), Err(Wrong::Repeated { count: 1 }));
        assert_eq!(view.apply(&count(8, 3)), Err(Wrong::Backwards { known: 9, seq: 8 }));
        let mut truth = View { kind: Kind::Changes, ..view };
        assert!(view.knows(&truth));
        truth.people = people(&["Ada", "Bob"]);
        assert!(!view.knows(&truth));
    }

    #[test]
    fn digest_that_is_not_that_of_the_copy_is_noticed_with_its_message() {
        let mut view = View::default();
        let mut wrong = roster(7, &["Ada"]);
        if let Message::Roster { digest, .. } = &mut wrong {
            *digest = Digest::default();
        }
        assert!(matches!(view.apply(&wrong), Err(Wrong::Digest { seq: 7, .. })));
        let wrong = change(8, &["Bob"], &[], &["Ada", "Eve"]);
        assert!(matches!(view.apply(&wrong), Err(Wrong::Digest { seq: 8, .. })));
        let right = change(9, &["Eve"], &[], &["Ada", "Bob", "Eve"]);
        assert_eq!(view.apply(&right), followed(9));
    }

    #[test]
    fn corrupted_copy_is_found_with_the_next_change_and_mended_by_a_roster() {
        let mut view = View::default();
        view.apply(&roster(7, &["Ada"])).unwrap();
        view.drift();
        let bob = change(8, &["Bob"], &[], &["Ada", "Bob"]);
        assert_eq!(view.apply(&bob), Ok(Taken::Found));
        assert_eq!((view.standing, view.ask), (Standing::Mending, Some(Ask::Roster)));
        let eve = change(9, &["Eve"], &[], &["Ada", "Bob", "Eve"]);
        assert_eq!(view.apply(&eve), followed(9), "it was under way");
        // The roster may be a few commits old.
        assert_eq!(view.apply(&roster(8, &["Ada", "Bob"])), Ok(Taken::Mended));
        assert_eq!(view.apply(&eve), followed(9));
        assert_eq!(view.people, people(&["Ada", "Bob", "Eve"]));
    }

    #[test]
    fn client_that_comes_back_goes_on_from_its_copy_or_is_sent_the_roster() {
        let since = Instant::now();
        let back = |is_of_epoch| Ok(Taken::Back { since, is_of_epoch });
        let returning = || {
            let mut view = View::default();
            view.apply(&roster(7, &["Ada"])).unwrap();
            view.returns(since);
            view
        };
        let bob = change(9, &["Bob"], &[], &["Ada", "Bob"]);
        let from = returning().commit();
        let mut view = returning();
        assert!(matches!(view.apply(&bob), Err(Wrong::Gap { .. })), "it has no epoch");
        let other = from.map(|(epoch, seq)| (epoch, seq + 1));
        let stranger = resumed(other, &bob, epoch('1'));
        assert!(matches!(view.apply(&stranger), Err(Wrong::Gap { .. })), "of another copy");
        assert_eq!(view.apply(&resumed(from, &bob, epoch('1'))), back(true));
        let again = view.apply(&resumed(view.commit(), &bob, epoch('1')));
        assert_eq!(again, Err(Wrong::Unasked("change with an epoch")));
        assert_eq!(returning().apply(&resumed(from, &bob, epoch('2'))), back(false));
        assert_eq!(returning().apply(&roster(3, &[])), back(true));
        let mut new = View::default();
        new.returns(since);
        assert_eq!(new.apply(&roster(3, &[])), followed(None), "it had no copy");
    }
}
