//! Rooms, the members in them, and what their followers are sent.
//!
//! Knows neither connections nor protocols: a follower is a number, which the layer above uses as
//! the index of a connection. A member records that a client is in a room under a name. The roster
//! that followers see is always that of a commit, never a state between two.
//!
//! - [`Room`]: the roster, its log, the newest list, the followers, and when it may commit
//! - [`Roster`]: the names, and what changed since the last commit
//! - [`BroadcastLog`]: the frames of the latest commits, encoded once
//! - [`List`]: the whole roster, encoded once, for those who want nothing older
//! - [`View`]: what one follower wants of a room, and how much of it was sent
//! - [`Followers`]: to whom a commit is still to be sent, in a fair order
//! - [`Members`]: which client is in which room, and under which name

mod encoder;
mod followers;
mod list;
mod log;
mod members;
pub mod message;
mod room;
mod roster;
mod view;

use std::collections::VecDeque;

use slab::Slab;

use crate::config::Limits;
use crate::time::Time;

pub use encoder::{Encoder, SHARED_WINDOW_BITS};
pub use followers::{Followers, Place};
pub use list::List;
pub use log::{BroadcastLog, Form, Frame, Seq};
pub use members::{MemberId, Members};
pub use room::{Lacking, Room, RoomId};
pub use roster::{Change, Name, NameId, Roster};
pub use view::{Piece, View};

/// All rooms, and everyone in them.
#[derive(Debug)]
pub struct Presence {
    rooms: Slab<Room>,
    members: Members,
    /// Rooms whose roster was touched since their last commit.
    dirty: Vec<RoomId>,
    /// Rooms whose last commit has not reached all followers. Each gives one follower in its turn.
    telling: VecDeque<RoomId>,
}

impl Presence {
    /// One room, in which nobody is.
    pub fn new() -> Presence {
        let rooms = Slab::from_iter([(0, Room::default())]);
        Presence { rooms, members: Members::default(), dirty: Vec::new(), telling: VecDeque::new() }
    }

    /// The room without a name.
    pub fn main_room(&self) -> RoomId {
        RoomId::MAIN
    }

    /// The room that `id` is the handle of.
    pub fn room(&self, id: RoomId) -> &Room {
        &self.rooms[id.index()]
    }

    /// The same, to follow it, or to encode what its followers need.
    pub fn room_mut(&mut self, id: RoomId) -> &mut Room {
        &mut self.rooms[id.index()]
    }

    /// Names in all rooms, those that just left included.
    pub fn names(&self) -> usize {
        self.rooms.iter().map(|(_, room)| room.roster().names()).sum()
    }

    // Members.

    /// Somebody enters `room` under `name`.
    pub fn login(&mut self, room: RoomId, name: &str) -> MemberId {
        let name = self.room_mut(room).roster_mut().join(name);
        self.touch(room);
        self.members.insert(room, name)
    }

    /// A member takes another name.
    pub fn rename(&mut self, id: MemberId, name: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        let roster = self.rooms[member.room.index()].roster_mut();
        // In this order: the member may be the last of its own entry.
        let name = roster.join(name);
        roster.leave(std::mem::replace(&mut member.name, name));
        let room = member.room;
        self.touch(room);
    }

    /// What held a member is gone. Its hold is 0, so the member is gone too.
    pub fn detach(&mut self, id: MemberId) {
        let Some(member) = self.members.remove(id) else { return };
        self.room_mut(member.room).roster_mut().leave(member.name);
        self.touch(member.room);
    }

    /// The name of a member.
    pub fn name(&self, id: MemberId) -> Option<&str> {
        let member = self.members.get(id)?;
        Some(self.room(member.room).roster().name(member.name))
    }

    // Commits.

    /// Commits what changed in each room where that is due, for its followers to be told, and says
    /// how many rooms that was.
    pub fn commit(&mut self, limits: &Limits, encoder: &mut Encoder<'_>, now: Time) -> u32 {
        let mut commits = 0;
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.retain(|&id| {
            let room = &mut self.rooms[id.index()];
            if now < room.commit_from() || !room.followers().can_take_another() {
                return true;
            }
            if room.commit(limits, encoder, now) {
                commits += 1;
                // A room stands there once, also if all its followers left and others came.
                if room.followers().is_telling() && room.mark_telling() {
                    self.telling.push_back(id);
                }
            }
            false
        });
        self.dirty = dirty;
        commits
    }

    /// When the next commit is due.
    pub fn commit_due(&self) -> Time {
        self.dirty.iter().map(|&id| self.room(id).commit_from()).min().unwrap_or(Time::NEVER)
    }

    /// The next follower who is to be told of a commit, in a fair order: each room in its turn, and
    /// in a room the one that waits longest.
    pub fn next_to_tell(&mut self) -> Option<u32> {
        while let Some(&id) = self.telling.front() {
            let room = &mut self.rooms[id.index()];
            let next = room.followers_mut().next_to_tell();
            if room.followers().is_telling() {
                self.telling.rotate_left(1);
            } else {
                room.unmark_telling();
                self.telling.pop_front();
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

    fn touch(&mut self, id: RoomId) {
        if self.room_mut(id).mark_dirty() {
            self.dirty.push(id);
        }
    }
}

impl Default for Presence {
    fn default() -> Presence {
        Presence::new()
    }
}

#[cfg(test)]
mod tests {
    use crate::ws::Deflater;

    use super::*;

    /// All followers leave in the middle of a round, and others come: the room has one turn still.
    #[test]
    fn room_stands_once_on_the_list_of_those_that_tell() {
        let (mut presence, limits) = (Presence::new(), Limits::default());
        let mut deflater = Deflater::new(1);
        let room = presence.main_room();
        let view = View::changes(Form::Plain);
        for second in 0..3 {
            let place = presence.room_mut(room).follow(second, &view);
            presence.login(room, &format!("name {second}"));
            let mut encoder = Encoder { deflater: &mut deflater, deflate_bytes_min: 1024 };
            let now = Time::from_ms(u64::from(second) * 1000);
            assert_eq!(presence.commit(&limits, &mut encoder, now), 1);
            assert_eq!(presence.telling.len(), 1);
            if second < 2 {
                presence.room_mut(room).unfollow(place, &view);
            }
        }
        assert_eq!((presence.next_to_tell(), presence.next_to_tell()), (Some(2), None));
        assert!(!presence.is_telling());
    }
}
