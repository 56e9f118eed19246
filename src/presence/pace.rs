//! When other nodes are told what changed, and what they tell is told to followers.
//!
//! A room that changes all the time commits once in an interval, on each node. A change that waited
//! for a commit here and for another one there would wait twice. So a node reports a little before
//! its commit, and its commits fall in with those of others: all report at about the same time,
//! hear each other, and commit.

use crate::config::Limits;
use crate::time::Time;

use super::Presence;
use super::ids::{MemberId, RoomId};
use super::schedule::Task;

/// Between a report and the commit there is this part of the interval.
const LEAD_PART: u32 = 6;

fn lead_ms(limits: &Limits) -> u32 {
    limits.commit_interval_ms / LEAD_PART
}

impl Presence {
    /// A member of its own has changed, which the next report tells.
    pub(super) fn note_part_changed(&mut self, room: RoomId, id: MemberId) {
        let own = self.parts.as_mut().and_then(|parts| parts.own.get_mut(&room));
        let Some(own) = own else { return };
        own.changed.push(id);
        // A room that is loading knows too little to report.
        if own.changed.len() == 1 && !self.rooms[room.index()].flags.is_loading {
            self.plan_report(room);
        }
    }

    /// Has a report made as soon as there may be one, if there is something to tell.
    pub(super) fn plan_report(&mut self, room: RoomId) {
        let own = self.parts.as_ref().and_then(|parts| parts.own.get(&room));
        if let Some(at) = own.filter(|own| !own.changed.is_empty()).map(|own| own.report_from) {
            self.plan(room, at, Task::Report);
        }
    }

    /// Whether other nodes have yet to be told of something.
    pub(super) fn is_to_report(&self, room: RoomId) -> bool {
        let own = self.parts.as_ref().and_then(|parts| parts.own.get(&room));
        own.is_some_and(|own| !own.changed.is_empty())
    }

    /// A room has committed: what changes from now on is reported a little before the next commit.
    pub(super) fn report_before_next(&mut self, room: RoomId, limits: &Limits) {
        let from = u64::from(limits.commit_interval_ms - lead_ms(limits));
        self.report_from(room, self.now.after_ms(from));
    }

    /// Another node has reported, and commits in a little while: so does this one, if its own
    /// commit would be soon after that.
    pub fn fall_in(&mut self, id: RoomId, limits: &Limits, now: Time) {
        let at = now.after_ms(u64::from(lead_ms(limits)));
        let room = self.room_mut(id);
        let sooner = room.commit_from.ms_since(at);
        if sooner == 0 || sooner > u64::from(limits.commit_interval_ms / 2) {
            return;
        }
        room.commit_from = at;
        if room.flags.is_dirty && !room.flags.is_loading {
            self.plan(id, at, Task::Commit);
        }
        self.report_from(id, now);
    }

    /// Other nodes were asked for what they have in a room, and nothing is committed before this:
    /// somebody may be gone from one of them, and be on another that has yet to answer.
    pub fn commit_from(&mut self, id: RoomId, at: Time) {
        let room = self.room_mut(id);
        room.commit_from = room.commit_from.max(at);
        let at = room.commit_from;
        if room.flags.is_dirty && !room.flags.is_loading {
            self.plan(id, at, Task::Commit);
        }
    }

    fn report_from(&mut self, room: RoomId, at: Time) {
        let own = self.parts.as_mut().and_then(|parts| parts.own.get_mut(&room));
        if let Some(own) = own {
            own.report_from = at;
            self.plan_report(room);
        }
    }
}
