//! Resume: what a client is told that comes back with a copy of a room.
//!
//! A copy is known by what it is: the epoch and the number of a commit, or the digest alone when
//! the epoch is another, since the server was restarted or the room was made anew. A client whose
//! copy is that of a commit which is kept gets one change from there, whatever has happened in
//! between, and goes on after it. Any other gets the roster.

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
use super::log::Seq;
use super::message;
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
    pub fn resume(&self, id: RoomId, at: &At) -> Option<Resumed> {
        let room = self.room(id);
        let (log, now) = (room.log(), room.roster().digest());
        let is_of_seq =
            at.epoch == room.epoch() && log.digest_after(at.seq, now) == Some(at.digest);
        let seq = if is_of_seq { at.seq } else { log.find(at.digest, now)? };
        let (seq, change) = match log.is_lagged(seq.next()) {
            // What it missed is in the log, and is told as to all others.
            false => (seq, Change::default()),
            true => (log.last(), sum(log.since(seq))?),
        };
        let digest = log.digest_after(seq, now)?;
        let change = message::resumed(room.name(), room.epoch(), seq, digest, &change);
        let is_worth_it = change.len() <= room.roster().committed_bytes() + RESUMED_BYTES;
        is_worth_it.then_some(Resumed { next: seq.next(), change })
    }
}

/// The length of a change that says nothing, and of the name of a room.
const RESUMED_BYTES: usize = 400;

/// A change as it was told, for those who were there.
#[derive(Deserialize)]
struct Told<'a> {
    joined: Vec<String>,
    left: Vec<String>,
    #[serde(default)]
    status: BTreeMap<String, Word>,
    #[serde(borrow, default)]
    data: BTreeMap<String, Option<&'a RawValue>>,
}

/// A status, as it is told.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Active,
    Idle,
    Hidden,
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
            let status = match word {
                Word::Active => Status::Active,
                Word::Idle => Status::Idle,
                Word::Hidden => Status::Hidden,
            };
            sums.entry(name).or_default().status = Some(status);
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
            (Some(true), Some(false)) => return change.left.push(name),
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
