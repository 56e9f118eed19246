//! Rooms and members as they were before a restart.

use crate::config::Limits;

use super::Presence;
use super::ids::RoomId;
use super::leave::{Hold, Leave};
use super::log::BroadcastLog;
use super::members::Member;
use super::saved::{Saved, SavedCommit, SavedMember};

impl Presence {
    /// Brings back what was written down, before anybody is here. The members are held as if their
    /// connections had been lost just now, as far as there is room for them. Each room is made
    /// anew, with an epoch of its own: whoever comes back with a copy is known by its content.
    pub fn restore(&mut self, saved: Saved, limits: &Limits) {
        for member in saved.members {
            self.restore_member(member, limits);
        }
        let mut commits = saved.commits.into_iter().peekable();
        let ids: Vec<RoomId> = self.rooms.iter().map(|(index, _)| RoomId::of(index)).collect();
        for &id in &ids {
            let room = &mut self.rooms[id.index()];
            // It was told before the restart.
            room.roster.commit(id, &mut self.entries, &self.members, limits.data());
            self.report(id, limits);
        }
        while let Some(first) = commits.next() {
            let mut of_room = vec![first];
            while let Some(next) = commits.next_if(|next| next.room == of_room[0].room) {
                of_room.push(next);
            }
            self.restore_log(of_room);
        }
    }

    /// Members that were brought back.
    pub fn restored(&self) -> u64 {
        self.restored
    }

    fn restore_member(&mut self, saved: SavedMember, limits: &Limits) {
        let has_place = self.held() < limits.held_members_max && Leave::Lost.hold_ms(limits) > 0;
        if !has_place || self.check_room(&saved.room, limits).is_err() {
            return;
        }
        let room = self.find(&saved.room).unwrap_or_else(|| self.make(&saved.room));
        if self.is_full(room, limits) {
            return;
        }
        let SavedMember { client, status, data, set, .. } = saved;
        let entry = self.entries.of_name(room, &saved.name);
        let (has_data, hold) = (!data.is_empty(), Hold::Attached);
        let member = self.members.insert(Member { room, entry, status, data, set, client, hold });
        self.join_entry(entry, status, has_data.then_some((set, member)));
        self.sets = self.sets.max(set);
        self.restored += 1;
        let made = &mut self.rooms[room.index()];
        made.members += 1;
        made.roster.touch(&mut self.entries, entry);
        self.note_part_changed(room, member);
        self.release(member, Leave::Lost, limits);
    }

    /// Brings back the commits of a room, if they lead to what it is.
    fn restore_log(&mut self, commits: Vec<SavedCommit>) {
        let Some(id) = commits.first().and_then(|first| self.find(&first.room)) else { return };
        let room = self.room_mut(id);
        let is_newest = commits.last().is_some_and(|last| last.digests[1] == room.roster.digest());
        if let Some(log) = BroadcastLog::restored(commits).filter(|_| is_newest) {
            room.log = log;
            self.note_encoded(id);
        }
    }
}
