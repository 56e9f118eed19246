//! What is kept over a restart: the members of all rooms, and the latest commits.
//!
//! Nothing here is written anywhere. Each commit of a room says what of it has changed, as values
//! that a thread may take, and all of it is noted with that commit: so whoever writes everything
//! down in order always has rooms as their followers were told of them.

use std::collections::BTreeMap;

use crate::shared::Shared;

use super::Presence;
use super::data::{Data, Status};
use super::digest::Digest;
use super::ids::{ClientId, MemberId, RoomId};

/// A member, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedMember {
    /// The name of its room.
    pub room: Box<str>,
    /// Its own name there.
    pub name: Box<str>,
    /// Whose it is, if that has an id.
    pub client: Option<ClientId>,
    /// How present it is.
    pub status: Status,
    /// Its data.
    pub data: Data,
    /// The number of the request that changed the data last.
    pub set: u64,
}

/// A commit, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedCommit {
    /// The name of its room.
    pub room: Box<str>,
    /// Its number.
    pub seq: u64,
    /// The digests of the roster before and after it.
    pub digests: [Digest; 2],
    /// The frame that told of it.
    pub frame: Shared,
}

/// What is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The member of this number is as follows.
    Member(u64, SavedMember),
    /// The member of this number is gone.
    Gone(u64),
    /// There was a commit. Those of its room before the number of the second are not kept any more.
    Commit(SavedCommit, u64),
    /// No commits of this room are kept any more.
    Forgotten(Box<str>),
}

/// All that was written down.
#[derive(Debug, Default)]
pub struct Saved {
    /// In any order.
    pub members: Vec<SavedMember>,
    /// Those of each room together, in their order.
    pub commits: Vec<SavedCommit>,
}

/// What is still to be written down.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    /// Members that have changed, by the room whose next commit tells that.
    changed: BTreeMap<RoomId, Vec<MemberId>>,
    writes: Vec<Write>,
}

impl Write {
    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let of_parts = match self {
            Write::Member(_, member) => {
                let data = member.data.fields().map(|(key, json, _)| 64 + key.len() + json.len());
                member.room.len() + member.name.len() + data.sum::<usize>()
            }
            Write::Gone(_) => 0,
            Write::Commit(commit, _) => commit.room.len() + commit.frame.len(),
            Write::Forgotten(room) => room.len(),
        };
        size_of::<Write>() + of_parts
    }
}

impl Presence {
    /// Notes from now on what is to be written down.
    pub fn save(&mut self) {
        self.unsaved = Some(Box::default());
    }

    /// Takes what is to be written down, in its order.
    pub fn take_writes(&mut self) -> Vec<Write> {
        self.unsaved.as_mut().map(|unsaved| std::mem::take(&mut unsaved.writes)).unwrap_or_default()
    }

    /// Notes members as they are, whether they have changed or not: those in `count` places from
    /// `from` on. Says where to go on, if there are more.
    pub fn save_again(&mut self, from: usize, count: usize) -> Option<usize> {
        let places = self.members.places();
        let end = from.saturating_add(count).min(places);
        for index in from..end {
            if let Some(id) = self.members.at(index) {
                self.note(id);
            }
        }
        (end < places).then_some(end)
    }

    /// A member has changed, which the next commit of its room tells.
    pub(super) fn note_changed(&mut self, room: RoomId, id: MemberId) {
        if let Some(unsaved) = &mut self.unsaved {
            unsaved.changed.entry(room).or_default().push(id);
        }
    }

    /// A room has told what changed: with a commit, or on balance nothing.
    pub(super) fn note_committed(&mut self, room: RoomId, is_commit: bool) {
        let Some(unsaved) = &mut self.unsaved else { return };
        for id in unsaved.changed.remove(&room).unwrap_or_default() {
            self.note(id);
        }
        if !is_commit {
            return;
        }
        let room = self.room(room);
        let name = Box::from(&**room.name());
        let write = match room.log().newest() {
            Some((seq, digests, frame, first)) => {
                let (seq, frame) = (seq.as_u64(), frame.clone());
                Write::Commit(SavedCommit { room: name, seq, digests, frame }, first.as_u64())
            }
            None => Write::Forgotten(name),
        };
        self.note_write(write);
    }

    /// The commits of a room are about to be dropped.
    pub(super) fn note_forgotten(&mut self, id: RoomId) {
        let room = self.room(id);
        if room.log().newest().is_some() {
            let name = Box::from(&**room.name());
            self.note_write(Write::Forgotten(name));
        }
    }

    fn note(&mut self, id: MemberId) {
        let write = match self.members.get(id) {
            Some(member) => {
                let saved = SavedMember {
                    room: (&**self.room(member.room).name()).into(),
                    name: (&*self.entries.get(member.entry).name).into(),
                    client: member.client,
                    status: member.status,
                    data: member.data.clone(),
                    set: member.set,
                };
                Write::Member(id.to_bits(), saved)
            }
            None => Write::Gone(id.to_bits()),
        };
        self.note_write(write);
    }

    fn note_write(&mut self, write: Write) {
        if let Some(unsaved) = &mut self.unsaved {
            unsaved.writes.push(write);
        }
    }
}
