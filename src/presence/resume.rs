//! Resume: what a client is told that comes back with a copy of a room.
//!
//! A copy is known by what it is: the epoch and the number of a commit, or the digest alone when
//! the epoch is another, since the server was restarted or the room was made anew. A client whose
//! copy is that of a commit which is kept gets one change from there, whatever has happened in
//! between, and goes on after it. Any other gets the roster.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::shared::Shared;
use crate::ws::frame;

use super::Presence;
use super::data::Status;
use super::digest::Digest;
use super::entries::Name;
use super::epoch::Epoch;
use super::ids::RoomId;
use super::leave::Leave;
use super::log::Seq;
use super::message;
use super::room::Summed;
use super::roster::Change;

/// What a client says of the copy that it has of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Which making of the room it is of.
    pub epoch: Epoch,
    /// The commit that it is of.
    pub seq: Seq,
    /// What the client computed from it.
    pub digest: Digest,
}

/// How a client goes on from its copy.
#[derive(Debug)]
pub struct Resumed {
    /// The commit that it needs next.
    pub next: Seq,
    /// The change that leads from its copy to the commit before that.
    pub change: Vec<u8>,
}

impl Presence {
    /// How a client goes on that has this copy of a room; `None` if it is to be sent the roster.
    pub fn resume(&mut self, id: RoomId, at: &At) -> Option<Resumed> {
        let room = &mut self.rooms[id.index()];
        let (log, now) = (&room.log, room.roster().digest());
        let is_of_seq =
            at.epoch == room.epoch() && log.digest_after(at.seq, now) == Some(at.digest);
        let seq = if is_of_seq { at.seq } else { log.find(at.digest, now)? };
        if !log.is_lagged(seq.next()) {
            // What it missed is in the log, and is told as to all others.
            let digest = log.digest_after(seq, now)?;
            let nothing = Change::default();
            let change = message::resumed(room.name(), room.epoch(), seq, digest, &nothing);
            return Some(Resumed { next: seq.next(), change });
        }
        let last = log.last();
        let is_summed = |sum: &Summed| (sum.from, sum.to) == (seq, last);
        if !room.summed.as_deref().is_some_and(is_summed) {
            let bytes = log.since(seq).map(Shared::len).sum::<usize>();
            // To ask is cheap, and so must be to answer. A roster is encoded once for all.
            self.sum_budget = self.sum_budget.checked_sub(bytes)?;
            let change = sum(log.since(seq))?;
            let change = message::resumed(room.name(), room.epoch(), last, now, &change);
            room.summed = Some(Box::new(Summed { from: seq, to: last, change }));
        }
        let change = room.summed.as_ref()?.change.clone();
        let is_worth_it = change.len() <= room.roster().committed_bytes() + RESUMED_BYTES;
        self.note_encoded(id);
        is_worth_it.then_some(Resumed { next: last.next(), change })
    }
}

/// The length of a change that says nothing, and of the name of a room.
const RESUMED_BYTES: usize = 400;

/// A change as it was told, for those who were there.
#[derive(Deserialize)]
struct Told<'a> {
    joined: Vec<String>,
    left: Vec<String>,
    #[serde(borrow, default)]
    status: BTreeMap<String, Cow<'a, str>>,
    #[serde(borrow, default)]
    causes: BTreeMap<String, Cow<'a, str>>,
    #[serde(borrow, default)]
    data: BTreeMap<String, Option<&'a RawValue>>,
}

/// What several changes did to one name.
#[derive(Default)]
struct Sum {
    /// Whether it was there before the first of them, and is after the last, as far as they say.
    was_here: Option<bool>,
    is_here: Option<bool>,
    /// What was told last, since it joined if it did.
    status: Option<Status>,
    data: Option<Option<Rc<str>>>,
    /// Why it left last.
    cause: Option<Leave>,
}

impl Sum {
    fn come_or_go(&mut self, is_here: bool) {
        self.was_here.get_or_insert(!is_here);
        *self = Sum { was_here: self.was_here, is_here: Some(is_here), ..Sum::default() };
    }
}

/// The changes of these frames as one; `None` if they can't be read.
fn sum<'a>(frames: impl Iterator<Item = &'a Shared>) -> Option<Change> {
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for plain in frames {
        let (_, told): (&str, Told<'_>) = serde_json::from_slice(frame::payload(plain)).ok()?;
        for name in told.left {
            sums.entry(name).or_default().come_or_go(false);
        }
        for name in told.joined {
            sums.entry(name).or_default().come_or_go(true);
        }
        for (name, word) in told.status {
            let status = Status::ALL.into_iter().find(|status| status.word() == word);
            sums.entry(name).or_default().status = status;
        }
        for (name, word) in told.causes {
            let cause = Leave::ALL.into_iter().find(|(_, known)| *known == word);
            sums.entry(name).or_default().cause = cause.map(|(leave, _)| leave);
        }
        for (name, data) in told.data {
            sums.entry(name).or_default().data = Some(data.map(|data| data.get().into()));
        }
    }
    let mut change = Change::default();
    for (name, sum) in sums {
        sum.tell(name.into(), &mut change);
    }
    Some(change)
}

impl Sum {
    fn tell(self, name: Name, change: &mut Change) {
        // A name that left and is back has what it said since then, or the defaults.
        let is_new = self.is_here == Some(true);
        let is_back = is_new && self.was_here == Some(true);
        match (self.was_here, self.is_here) {
            (Some(true), Some(false)) => {
                change.causes.extend(self.cause.map(|leave| (name.clone(), leave)));
                return change.left.push(name);
            }
            (Some(false), Some(false)) => return,
            (Some(false), Some(true)) => change.joined.push(name.clone()),
            _ => {}
        }
        let status = self.status.or(is_back.then_some(Status::Active));
        if let Some(status) =
            status.filter(|status| !is_new || is_back || *status != Status::Active)
        {
            change.status.push((name.clone(), status));
        }
        let data = self.data.or(is_back.then_some(None));
        if let Some(data) = data.filter(|data| !is_new || is_back || data.is_some()) {
            change.data.push((name, data));
        }
    }
}
