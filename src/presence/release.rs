//! Holds: for how long a member stays whose connection has ended.
//!
//! A browser closes its socket in the same way for a reload and for good, and a lost network says
//! nothing at all. So a member is not gone with its connection: it is held for a time that
//! depends on how the connection ended, and whoever comes back within it was never away for others.
//!
//! A member whose connection ends is released at once, and its hold begins with the commit of the
//! same turn, which knows the time. Times that have passed end it then, unless it was attached
//! again: a hold that is not the member's own any more means nothing.

use std::cmp::Reverse;

use crate::config::Limits;
use crate::time::Time;

use super::Presence;
use super::ids::{ClientId, MemberId, RoomId};
use super::leave::{Hold, Leave};

impl Presence {
    /// What held a member is gone. Without a hold, so is the member.
    pub fn release(&mut self, id: MemberId, leave: Leave, limits: &Limits) {
        let is_full = self.holds.held >= limits.held_members_max;
        if leave.hold_ms(limits) == 0 || is_full || self.is_elsewhere(id) {
            return self.end(id, leave);
        }
        if let Some(member) = self.members.get_mut(id)
            && member.hold == Hold::Attached
        {
            member.hold = Hold::Released(leave);
            let room = member.room;
            self.room_mut(room).held += 1;
            self.holds.held += 1;
            self.holds.released.push(id);
        }
    }

    /// The member that a client has in a room and that no connection has, which the client's new
    /// connection has from now on.
    pub fn attach(&mut self, client: ClientId, room: RoomId) -> Option<MemberId> {
        let Some(id) = self.held_of(client, room) else {
            let id = self.adopt(client, room)?;
            self.returned += 1;
            return Some(id);
        };
        let member = self.members.get_mut(id)?;
        member.hold = Hold::Attached;
        self.room_mut(room).held -= 1;
        self.holds.held -= 1;
        self.returned += 1;
        Some(id)
    }

    /// The member that a client has in a room and that no connection has.
    pub fn held_of(&self, client: ClientId, room: RoomId) -> Option<MemberId> {
        let id = self.members.of_client(client, room)?;
        let is_held = self.members.get(id)?.hold != Hold::Attached;
        is_held.then_some(id)
    }

    /// Begins the holds of members that were released, and ends those whose time has come.
    pub(super) fn keep_holds(&mut self, limits: &Limits, now: Time) {
        for id in std::mem::take(&mut self.holds.released) {
            if let Some(member) = self.members.get_mut(id)
                && let Hold::Released(leave) = member.hold
            {
                let end = now.after_ms(u64::from(leave.hold_ms(limits)));
                member.hold = Hold::Until(end, leave);
                self.holds.ends.push(Reverse((end, id)));
            }
        }
        while let Some(&Reverse((end, id))) = self.holds.ends.peek()
            && end.max(self.holds.end_from) <= now
        {
            self.holds.ends.pop();
            match self.members.get(id).map(|member| member.hold) {
                Some(Hold::Until(own, leave)) if own == end => self.end(id, leave),
                _ => {}
            }
        }
    }

    /// No hold ends before this: whoever is held may be on another node, which can't be heard.
    pub fn end_holds_from(&mut self, at: Time) {
        self.holds.end_from = at;
    }

    /// A member is gone.
    pub(super) fn end(&mut self, id: MemberId, leave: Leave) {
        let is_foreign = self.is_foreign(id);
        let Some(member) = self.members.remove(id) else { return };
        let entry = self.entries.get_mut(member.entry);
        entry.leave(member.status);
        entry.leave_data(member.set, id);
        entry.left_for = self.shows_causes.then_some(leave);
        let is_held = member.hold != Hold::Attached;
        let room = self.room_mut(member.room);
        room.members -= u32::from(!is_foreign);
        room.held -= u32::from(is_held);
        self.holds.held -= u32::from(is_held);
        self.ended[leave as usize] += u64::from(!is_foreign);
        self.touch_entry(member.room, member.entry, id);
        self.forget_foreign(id, member.room);
    }

    /// Has others told why somebody left.
    pub fn show_causes(&mut self) {
        self.shows_causes = true;
    }

    /// Members that no connection has.
    pub fn held(&self) -> u32 {
        self.holds.held
    }

    /// Members that are gone, by the number of why.
    pub fn ended(&self) -> [u64; Leave::ALL.len()] {
        self.ended
    }

    /// Members that were held and are back.
    pub fn returned(&self) -> u64 {
        self.returned
    }
}
