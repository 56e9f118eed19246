//! Rooms, the members in them, and what their followers are sent.
//!
//! Knows neither connections nor protocols: a follower is a number, which the layer above uses as
//! the index of a connection. A member records that a client is in a room under a name. What
//! followers see is always the state of a commit, never one between two.
//!
//! A room is made when it is first entered and is gone, with all its memory, when nobody is in it
//! or follows it. All that is due in rooms stands in one schedule, so a turn costs nothing for a
//! room in which nothing is.
//!
//! - [`Room`]: the roster, its log, the newest states, the followers, and when it may commit
//! - [`Roster`]: the names, and what changed since the last commit
//! - [`Entries`], [`Members`]: what is seen under a name, and who has it; `logins`: how they
//!   change; [`Data`]: beside the name
//! - [`BroadcastLog`]: the frames of the latest commits, encoded once; `resume`: what of it is told
//!   to a client that comes back with a copy
//! - `release`: for how long a member stays whose connection has ended
//! - `saved`, `saving`, `restore`: what of all this is kept over a restart
//! - [`List`]: a newest state, encoded once, for those who want nothing older
//! - [`View`]: what one follower wants of a room, and how much of it was sent
//! - [`Followers`]: to whom a commit is still to be sent, in a fair order
//! - `parts`, `sharing`, `foreign`, `nodes`: rooms that several nodes share; `part`: what they
//!   report to each other, and `pace`: when
//! - `commits`, `schedule`: what is due in rooms, and when; [`Epoch`]: which making of a room it is
//! - `states`, [`message`], [`Encoder`]: what is told of a room as a whole, and its bytes
//! - [`Digest`]: by which a copy is checked

mod commits;
mod data;
mod digest;
mod encoder;
mod entries;
mod epoch;
mod followers;
mod foreign;
mod hex;
mod ids;
mod leave;
mod list;
mod log;
mod logins;
mod members;
pub mod message;
mod nodes;
mod pace;
mod part;
mod parts;
mod release;
mod restore;
mod resume;
mod room;
mod roster;
mod saved;
mod saving;
mod schedule;
mod sharing;
mod states;
mod view;

use std::collections::{HashMap, VecDeque};

use slab::Slab;

use crate::config::Limits;
use crate::time::Time;

pub use commits::Work;
pub use data::{Data, DataError, Patch, Status};
pub use digest::Digest;
pub use encoder::{Encoder, SHARED_WINDOW_BITS};
pub use entries::{Entries, Name, Seen};
pub use epoch::Epoch;
pub use followers::{Followers, Place};
pub use ids::{ClientId, EntryId, MemberId, RoomId};
pub use leave::Leave;
pub use list::List;
pub use log::{Bounds, BroadcastLog, Form, Frame, Seq};
pub use members::Members;
pub use message::State;
pub use part::{CLOCK_MAX, Content, News, NodeId, PartHead, PartMember, Report, Taken};
pub use resume::{At, Resumed};
pub use room::{Lacking, Room};
pub use roster::{Change, Roster};
pub use saved::{Saved, SavedCommit, SavedMember, Write};
pub use view::{Piece, Summary, View};

use epoch::Epochs;
use leave::Holds;
use parts::Parts;
use saved::Unsaved;
use schedule::Schedule;

/// All rooms, and everyone in them.
#[derive(Debug)]
pub struct Presence {
    /// In boxes, so that of rooms which are gone there is a word left.
    rooms: Slab<Box<Room>>,
    by_name: HashMap<Name, RoomId>,
    entries: Entries,
    members: Members,
    epochs: Epochs,
    /// The number of the room that was made last, and of the last change of data. The latter is a
    /// clock of Lamport's where nodes share rooms.
    made: u32,
    sets: u64,
    schedule: Schedule,
    holds: Holds,
    /// Whether others are told why somebody left.
    shows_causes: bool,
    /// Members that are gone, by why, and members that were held and are back.
    ended: [u64; Leave::ALL.len()],
    returned: u64,
    /// Members that were here before the server started.
    restored: u64,
    /// Members that were copied from other nodes.
    adopted: u64,
    /// What is to be written down, if somebody writes.
    unsaved: Option<Box<Unsaved>>,
    /// What other nodes have in its rooms, if it shares them.
    parts: Option<Box<Parts>>,
    /// Rooms whose last commit has not reached all followers. Each gives one follower in its turn.
    telling: VecDeque<RoomId>,
    /// So many bytes of frames may be added up for those who come back, until the next commit.
    sum_budget: usize,
    /// The time of the last turn, and of the first.
    now: Time,
    started: Time,
}

/// Why a room can't be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnterError {
    /// There are as many rooms as there may be.
    TooManyRooms,
    /// As many follow this room as may.
    RoomFull,
}

/// What a login or an update says of a member beside its name.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Another status.
    pub status: Option<Status>,
    /// Other values of some keys.
    pub data: Option<Patch>,
}

impl Presence {
    /// No rooms. The epochs come from the seed.
    pub fn new(seed: u64) -> Presence {
        Presence {
            rooms: Slab::new(),
            by_name: HashMap::new(),
            entries: Entries::default(),
            members: Members::default(),
            epochs: Epochs::new(seed),
            made: 0,
            sets: 0,
            schedule: Schedule::default(),
            holds: Holds::default(),
            shows_causes: false,
            ended: [0; Leave::ALL.len()],
            returned: 0,
            restored: 0,
            adopted: 0,
            unsaved: None,
            parts: None,
            telling: VecDeque::new(),
            sum_budget: 0,
            now: Time::ZERO,
            started: Time::NEVER,
        }
    }

    /// The room that `id` is the handle of.
    pub fn room(&self, id: RoomId) -> &Room {
        &self.rooms[id.index()]
    }

    fn room_mut(&mut self, id: RoomId) -> &mut Room {
        &mut self.rooms[id.index()]
    }

    /// The room of this name, if there is one.
    pub fn find(&self, name: &str) -> Option<RoomId> {
        self.by_name.get(name).copied()
    }

    /// Rooms that there are.
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// Whether rooms are there for no longer than this, in ms.
    pub fn is_young(&self, ms: u64, now: Time) -> bool {
        now < self.started.after_ms(ms)
    }

    /// Names in all rooms, those that just left included.
    pub fn names(&self) -> usize {
        self.entries.len()
    }

    /// Members in all rooms, without those of other nodes.
    pub fn members(&self) -> usize {
        self.members.len() - self.foreign_members()
    }

    // Followers.

    /// Somebody enters the room of this name, which is made if it is not there, and is told of it
    /// as `view` says.
    pub fn enter(
        &mut self,
        name: &str,
        follower: u32,
        view: &View,
        limits: &Limits,
    ) -> Result<(RoomId, Option<Place>), EnterError> {
        self.check_room(name, limits)?;
        let id = self.find(name).unwrap_or_else(|| self.make(name));
        let room = self.room_mut(id);
        room.subscriptions += 1;
        Ok((id, room.follow(follower, view)))
    }

    /// Whether there is a place in the room of this name.
    pub fn check_room(&self, name: &str, limits: &Limits) -> Result<(), EnterError> {
        match self.find(name) {
            Some(id) if self.room(id).subscriptions >= limits.followers_per_room_max => {
                Err(EnterError::RoomFull)
            }
            None if self.rooms.len() >= limits.rooms_max as usize => Err(EnterError::TooManyRooms),
            _ => Ok(()),
        }
    }

    fn make(&mut self, name: &str) -> RoomId {
        self.made = self.made.wrapping_add(1);
        let (name, epoch) = (Name::from(name), self.epochs.next());
        let room = Box::new(Room::new(name.clone(), epoch, self.made));
        let id = RoomId::of(self.rooms.insert(room));
        self.by_name.insert(name, id);
        self.note_opened(id);
        id
    }

    /// Somebody who entered a room is out of it.
    pub fn exit(&mut self, id: RoomId, place: Option<Place>, view: &View) {
        let room = self.room_mut(id);
        room.unfollow(place, view);
        room.subscriptions -= 1;
        self.give_back(id);
    }

    /// Somebody who is in a room is told of it in another way from now on.
    pub fn change_view(
        &mut self,
        id: RoomId,
        place: Option<Place>,
        (old, new): (&View, &View),
        follower: u32,
    ) -> Option<Place> {
        let room = self.room_mut(id);
        // In this order: a room that nobody counts would forget which number this one was told.
        let new_place = room.follow(follower, new);
        room.unfollow(place, old);
        new_place
    }
}
