//! What is kept over a restart: the members of all rooms, and the latest commits.
//!
//! These are values that a thread may take. Nothing here is written anywhere.

use std::collections::BTreeMap;

use crate::shared::Shared;

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
    pub(super) changed: BTreeMap<RoomId, Vec<MemberId>>,
    pub(super) writes: Vec<Write>,
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
