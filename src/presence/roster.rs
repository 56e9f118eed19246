//! Who is in one room, and what changed since the last commit.
//!
//! Members come and go at any time; the world sees the roster only as of its last commit. Each
//! commit is one [`Change`], net: a name that came and went between two commits was never there,
//! and somebody whose data changed neither left nor joined.

use std::rc::Rc;

use crate::config::DataLimits;

use super::data::Status;
use super::digest::Digest;
use super::entries::{Entries, Entry, Name, Seen};
use super::ids::{EntryId, RoomId};
use super::leave::Leave;
use super::members::Members;

/// What changed among the entries of one room, and how many there are.
#[derive(Debug, Default)]
pub struct Roster {
    /// Entries of which something may have changed since the last commit.
    touched: Vec<EntryId>,
    /// Names as of the last commit.
    committed: u32,
    /// About how long all that is told of them is, in bytes.
    committed_bytes: usize,
    /// That of all that is told of them.
    digest: Digest,
}

/// What one commit changed; never empty. Each list is in the order of the names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Names that are here and were not.
    pub joined: Vec<Name>,
    /// Names that were here and are not.
    pub left: Vec<Name>,
    /// Why those left, where that is told.
    pub causes: Vec<(Name, Leave)>,
    /// Those whose status is another. One that joined was active.
    pub status: Vec<(Name, Status)>,
    /// Those whose data are others, and what they are now. One that joined had none.
    pub data: Vec<(Name, Option<Rc<str>>)>,
}

impl Change {
    fn is_empty(&self) -> bool {
        !self.is_of_names() && self.status.is_empty() && self.data.is_empty()
    }

    /// Whether the names are others.
    pub fn is_of_names(&self) -> bool {
        !self.joined.is_empty() || !self.left.is_empty()
    }
}

impl Roster {
    /// Something of this entry may have changed.
    pub(super) fn touch(&mut self, entries: &mut Entries, id: EntryId) {
        if !std::mem::replace(&mut entries.get_mut(id).is_touched, true) {
            self.touched.push(id);
        }
    }

    /// Makes what is so now what everyone sees; `None` if nothing changed on balance.
    pub(super) fn commit(
        &mut self,
        room: RoomId,
        entries: &mut Entries,
        members: &Members,
        limits: DataLimits,
    ) -> Option<Change> {
        let mut change = Change::default();
        let mut touched = std::mem::take(&mut self.touched);
        touched
            .sort_unstable_by(|&one, &other| entries.get(one).name.cmp(&entries.get(other).name));
        for id in touched {
            let entry = entries.get_mut(id);
            entry.is_touched = false;
            let now = entry.seen(|id| members.get(id).map(|member| &member.data), limits);
            self.committed_bytes -= told_bytes(entry);
            let before = std::mem::replace(&mut entry.committed, now);
            self.committed_bytes += told_bytes(entry);
            self.digest_again(entry, before.as_ref());
            note(entry, before, &mut change);
            if !entry.is_here() {
                entries.remove(room, id);
            }
        }
        self.committed = self.committed + change.joined.len() as u32 - change.left.len() as u32;
        (!change.is_empty()).then_some(change)
    }

    /// Takes an entry that was as `before` out of the digest, and puts it in as it is.
    fn digest_again(&mut self, entry: &Entry, before: Option<&Seen>) {
        if before == entry.committed.as_ref() {
            return;
        }
        if let Some(before) = before {
            self.digest -= Digest::of(&entry.name, before);
        }
        if let Some(now) = &entry.committed {
            self.digest += Digest::of(&entry.name, now);
        }
    }

    /// That of the roster as of the last commit.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Names as of the last commit.
    pub fn len(&self) -> usize {
        self.committed as usize
    }

    /// Whether there were none at the last commit, and nothing may have changed since.
    pub fn is_empty(&self) -> bool {
        self.committed == 0 && self.touched.is_empty()
    }

    /// About how long all that is told of the roster is, in bytes of JSON.
    pub fn committed_bytes(&self) -> usize {
        self.committed_bytes
    }
}

/// Notes what is told of an entry that was as `before`.
fn note(entry: &Entry, before: Option<Seen>, change: &mut Change) {
    let name = || entry.name.clone();
    let Some(now) = &entry.committed else {
        if before.is_some() {
            change.left.push(name());
            change.causes.extend(entry.left_for.map(|leave| (name(), leave)));
        }
        return;
    };
    if before.is_none() {
        change.joined.push(name());
    }
    let before = before.unwrap_or_default();
    if before.status != now.status {
        change.status.push((name(), now.status));
    }
    if before.data != now.data {
        change.data.push((name(), now.data.clone()));
    }
}

/// About how long that is which is told of an entry, in bytes of JSON.
fn told_bytes(entry: &Entry) -> usize {
    let Some(seen) = &entry.committed else { return 0 };
    // Two quotation marks and a comma; a colon more where the name is a key.
    let name = entry.name.len() + 3;
    let status = if seen.status == Status::Active { 0 } else { name + 9 };
    name + status + seen.data.as_ref().map_or(0, |data| name + data.len() + 1)
}
