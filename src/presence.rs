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
//! - [`Entries`], [`Members`]: what is seen under a name, and who has it; [`Data`]: beside the name
//! - [`BroadcastLog`]: the frames of the latest commits, encoded once
//! - [`List`]: a newest state, encoded once, for those who want nothing older
//! - [`View`]: what one follower wants of a room, and how much of it was sent
//! - [`Followers`]: to whom a commit is still to be sent, in a fair order
//! - `schedule`: what is due, and when; [`Epoch`]: which making of a room this is

mod data;
mod encoder;
mod entries;
mod epoch;
mod followers;
mod list;
mod log;
mod members;
pub mod message;
mod room;
mod roster;
mod schedule;
mod view;

use std::collections::{HashMap, VecDeque};

use slab::Slab;

use crate::config::Limits;
use crate::shared::Shared;
use crate::time::Time;

pub use data::{Data, DataError, Patch, Status};
pub use encoder::{Encoder, SHARED_WINDOW_BITS};
pub use entries::{Entries, EntryId, Name, Seen};
pub use epoch::Epoch;
pub use followers::{Followers, Place};
pub use list::List;
pub use log::{BroadcastLog, Form, Frame, Seq};
pub use members::{MemberId, Members};
pub use message::State;
pub use room::{Lacking, Room, RoomId};
pub use roster::{Change, Roster};
pub use view::{Piece, Summary, View};

use epoch::Epochs;
use members::Member;
use schedule::{Due, Schedule, Task};

/// What is encoded for a room is dropped when nothing was for so long, in ms.
const QUIET_MS: u64 = 10_000;

/// All rooms, and everyone in them.
#[derive(Debug)]
pub struct Presence {
    /// In boxes, which leave no memory behind when a great many rooms are gone.
    rooms: Slab<Box<Room>>,
    by_name: HashMap<Name, RoomId>,
    entries: Entries,
    members: Members,
    epochs: Epochs,
    /// The number of the room that was made last, and of the last change of data.
    made: u32,
    sets: u64,
    schedule: Schedule,
    /// Rooms whose last commit has not reached all followers. Each gives one follower in its turn.
    telling: VecDeque<RoomId>,
    /// The time of the last turn.
    now: Time,
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
            telling: VecDeque::new(),
            now: Time::ZERO,
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

    /// Names in all rooms, those that just left included.
    pub fn names(&self) -> usize {
        self.entries.len()
    }

    /// Members in all rooms.
    pub fn members(&self) -> usize {
        self.members.len()
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
        id
    }

    /// Somebody who entered a room is out of it.
    pub fn exit(&mut self, id: RoomId, place: Option<Place>, view: &View) {
        let room = self.room_mut(id);
        room.unfollow(place, view);
        room.subscriptions -= 1;
        if room.subscriptions == 0 {
            self.touch(id);
        }
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
        room.unfollow(place, old);
        room.follow(follower, new)
    }

    // Members.

    /// Somebody is in `room` under `name` from now on.
    pub fn login(
        &mut self,
        room: RoomId,
        name: &str,
        update: Update,
        limits: &Limits,
    ) -> Result<MemberId, DataError> {
        self.sets += 1;
        let none = Data::default();
        let data = match update.data {
            Some(patch) => none.patched(patch, self.sets, limits.data())?,
            None => none,
        };
        let status = update.status.unwrap_or_default();
        let entry = self.entries.of_name(room, name);
        let has_data = !data.is_empty();
        let member = self.members.insert(Member { room, entry, status, data });
        let entry_of_it = self.entries.get_mut(entry);
        entry_of_it.join(status);
        entry_of_it.note_data(member, has_data);
        self.room_mut(room).members += 1;
        self.touch_entry(room, entry);
        Ok(member)
    }

    /// A member takes another name.
    pub fn rename(&mut self, id: MemberId, name: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        let (room, old) = (member.room, member.entry);
        let new = self.entries.of_name(room, name);
        member.entry = new;
        let (status, has_data) = (member.status, !member.data.is_empty());
        let entry = self.entries.get_mut(new);
        entry.join(status);
        entry.note_data(id, has_data);
        let entry = self.entries.get_mut(old);
        entry.leave(status);
        entry.note_data(id, false);
        self.touch_entry(room, new);
        self.touch_entry(room, old);
    }

    /// A member says something else of itself. If that can't be, nothing changes.
    pub fn update(
        &mut self,
        id: MemberId,
        update: Update,
        limits: &Limits,
    ) -> Result<(), DataError> {
        self.sets += 1;
        let Some(member) = self.members.get_mut(id) else { return Ok(()) };
        let data = match update.data {
            Some(patch) => Some(member.data.patched(patch, self.sets, limits.data())?),
            None => None,
        };
        let entry = self.entries.get_mut(member.entry);
        if let Some(status) = update.status {
            entry.leave(std::mem::replace(&mut member.status, status));
            entry.join(status);
        }
        if let Some(data) = data {
            entry.note_data(id, !data.is_empty());
            member.data = data;
        }
        let (room, entry) = (member.room, member.entry);
        self.touch_entry(room, entry);
        Ok(())
    }

    /// What held a member is gone. Its hold is 0, so the member is gone too.
    pub fn detach(&mut self, id: MemberId) {
        let Some(member) = self.members.remove(id) else { return };
        let entry = self.entries.get_mut(member.entry);
        entry.leave(member.status);
        entry.note_data(id, false);
        self.room_mut(member.room).members -= 1;
        self.touch_entry(member.room, member.entry);
    }

    /// The name of a member.
    pub fn name(&self, id: MemberId) -> Option<&Name> {
        let member = self.members.get(id)?;
        Some(&self.entries.get(member.entry).name)
    }

    /// Whether as many are in a room as may be.
    pub fn is_full(&self, id: RoomId, limits: &Limits) -> bool {
        self.room(id).members >= limits.members_per_room_max
    }

    // Commits.

    fn touch_entry(&mut self, room: RoomId, entry: EntryId) {
        self.rooms[room.index()].roster.touch(&mut self.entries, entry);
        self.touch(room);
    }

    fn touch(&mut self, id: RoomId) {
        let room = self.room_mut(id);
        if !std::mem::replace(&mut room.flags.is_dirty, true) {
            let at = room.commit_from();
            self.plan(id, at, Task::Commit);
        }
    }

    fn plan(&mut self, id: RoomId, at: Time, task: Task) {
        let number = self.room(id).number;
        self.schedule.push(Due { at, room: id, number, task });
    }

    /// Commits what changed in each room where that is due, for its followers to be told, and does
    /// what else is due in rooms. Says how many commits there were.
    pub fn commit(&mut self, limits: &Limits, encoder: &mut Encoder<'_>, now: Time) -> u32 {
        self.now = now;
        let mut commits = 0;
        let mut held_back = Vec::new();
        while let Some(due) = self.schedule.pop(now) {
            let id = due.room;
            match self.rooms.get(id.index()) {
                Some(room) if room.number == due.number => {}
                _ => continue,
            }
            match due.task {
                // As many commits as its followers can take in this round were made.
                Task::Commit if !self.room(id).can_commit() => held_back.push(due),
                Task::Commit => commits += u32::from(self.commit_room(id, limits, encoder, now)),
                Task::Count => {
                    let room = self.room_mut(id);
                    room.flags.is_counting = false;
                    if room.count_due().is_some() {
                        room.count(limits, now);
                        self.tell(id);
                    }
                }
                Task::Forget => self.forget(id, now),
            }
        }
        for due in held_back {
            self.schedule.push(due);
        }
        commits
    }

    fn commit_room(
        &mut self,
        id: RoomId,
        limits: &Limits,
        encoder: &mut Encoder<'_>,
        now: Time,
    ) -> bool {
        let room = &mut self.rooms[id.index()];
        room.flags.is_dirty = false;
        let is_commit = room.commit(id, &mut self.entries, &self.members, limits, encoder, now);
        if is_commit {
            let counts_at = room.count_due().filter(|_| !room.flags.is_counting);
            if let Some(at) = counts_at {
                room.flags.is_counting = true;
                self.plan(id, at, Task::Count);
            }
            self.note_encoded(id);
            self.tell(id);
        }
        self.give_back(id);
        is_commit
    }

    /// Puts a room on the list of those that tell, where it stands once.
    fn tell(&mut self, id: RoomId) {
        let room = self.room_mut(id);
        if room.is_telling() && !std::mem::replace(&mut room.flags.is_telling, true) {
            self.telling.push_back(id);
        }
    }

    /// Gives a room back that nobody is in.
    fn give_back(&mut self, id: RoomId) {
        if self.room(id).is_deserted() {
            let room = self.rooms.remove(id.index());
            self.by_name.remove(room.name());
        }
    }

    /// Something is encoded in a room, to be dropped when it is quiet.
    fn note_encoded(&mut self, id: RoomId) {
        let now = self.now;
        let room = self.room_mut(id);
        room.encoded_at = now;
        if !std::mem::replace(&mut room.flags.is_forgetting, true) {
            self.plan(id, now.after_ms(QUIET_MS), Task::Forget);
        }
    }

    fn forget(&mut self, id: RoomId, now: Time) {
        let room = self.room_mut(id);
        let at = room.encoded_at.after_ms(QUIET_MS);
        if at > now {
            return self.plan(id, at, Task::Forget);
        }
        room.flags.is_forgetting = false;
        room.forget();
    }

    /// When something is due next.
    pub fn commit_due(&self) -> Time {
        self.schedule.next()
    }

    /// The next follower who is to be told of a commit, in a fair order: each room in its turn, and
    /// in a room the one that waits longest.
    pub fn next_to_tell(&mut self) -> Option<u32> {
        while let Some(&id) = self.telling.front() {
            let room = self.room_mut(id);
            let next = room.next_to_tell();
            if room.is_telling() {
                self.telling.rotate_left(1);
            } else {
                room.flags.is_telling = false;
                self.telling.pop_front();
                self.give_back(id);
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }

    /// Whether there are followers who are to be told of a commit.
    pub fn is_telling(&self) -> bool {
        !self.telling.is_empty()
    }

    // What followers are told.

    /// The whole of a room, as of its last commit.
    pub fn state(&self, id: RoomId) -> State<'_, impl Iterator<Item = (&str, &Seen)> + Clone> {
        let room = self.room(id);
        State {
            room: room.name(),
            epoch: room.epoch(),
            seq: room.log().last(),
            entries: self.committed(id),
            bytes: room.roster().committed_bytes(),
        }
    }

    /// The names in a room, as of its last commit, and about how long they are in bytes.
    pub fn committed_names(&self, id: RoomId) -> (impl Iterator<Item = &str>, usize) {
        let bytes = self.room(id).roster().committed_bytes();
        (self.committed(id).map(|(name, _)| name), bytes)
    }

    fn committed(&self, id: RoomId) -> impl Iterator<Item = (&str, &Seen)> + Clone {
        let entries = self.entries.of_room(id);
        entries.filter_map(|entry| Some((&*entry.name, entry.committed.as_ref()?)))
    }

    /// Encodes what a view lacks. `names` makes the list of names, which each protocol has in its
    /// own form.
    pub fn encode(
        &mut self,
        id: RoomId,
        lacking: Lacking,
        names: impl FnOnce(&Presence, RoomId) -> Vec<u8>,
        encoder: &mut Encoder<'_>,
    ) {
        let message = match lacking {
            Lacking::Checkpoint => self.state(id).message("roster"),
            Lacking::List(Summary::Names) => names(self, id),
            Lacking::List(Summary::Presence) => self.state(id).message("presence"),
            Lacking::List(Summary::Count) => self.room(id).count_message(),
        };
        let room = self.room_mut(id);
        match lacking {
            Lacking::Checkpoint => room.put_checkpoint(&message, encoder),
            Lacking::List(summary) => room.put_list(summary, message, encoder),
        }
        self.note_encoded(id);
    }

    /// The roster of a room as a JSON document, and which state it is of. A room that is not there
    /// is empty.
    pub fn document(&mut self, name: &str) -> (Epoch, Seq, Shared) {
        let Some(id) = self.find(name) else {
            let entries = std::iter::empty();
            let (epoch, seq) = (Epoch::NONE, Seq::START);
            let state = State { room: name, epoch, seq, entries, bytes: 0 };
            return (epoch, seq, state.document().into());
        };
        let room = self.room(id);
        let (epoch, seq) = (room.epoch(), room.log().last());
        let document = room.kept_document().unwrap_or_else(|| {
            let document = Shared::from(self.state(id).document());
            self.room_mut(id).keep_document(document.clone());
            self.note_encoded(id);
            document
        });
        (epoch, seq, document)
    }
}
