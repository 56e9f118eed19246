//! What is due in rooms: commits, counts, and what is given back; and who is to be told.

use crate::config::Limits;
use crate::time::Time;

use super::Presence;
use super::encoder::Encoder;
use super::ids::{EntryId, MemberId, RoomId};
use super::schedule::{Due, Task};

/// What is encoded for a room is dropped when nothing was for so long, in ms.
/// What was missed in less is told to those who come back.
const QUIET_MS: u64 = 60_000;

/// Logs keep no more for those who come back than this part of the memory for connections.
const KEPT_PART: usize = 4;

/// What was done in rooms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// Commits.
    pub commits: u64,
    /// Rooms that were looked at, each as often as it was.
    pub visits: u64,
}

impl Presence {
    /// A member has changed, and with it perhaps its entry.
    pub(super) fn touch_entry(&mut self, id: RoomId, entry: EntryId, member: MemberId) {
        self.note_changed(id, member);
        let room = &mut self.rooms[id.index()];
        room.roster.touch(&mut self.entries, entry);
        if !std::mem::replace(&mut room.flags.is_dirty, true) && !room.flags.is_loading {
            let at = room.commit_from;
            self.plan(id, at, Task::Commit);
        }
    }

    pub(super) fn plan(&mut self, id: RoomId, at: Time, task: Task) {
        let number = self.room(id).number;
        self.schedule.push(Due { at, room: id, number, task });
    }

    /// Commits what changed in each room where that is due, for its followers to be told, and does
    /// what else is due in rooms. Says how much that was.
    pub fn commit(&mut self, limits: &Limits, encoder: &mut Encoder<'_>, now: Time) -> Work {
        self.now = now;
        self.started = self.started.min(now);
        self.sum_budget = limits.send_bytes_per_turn as usize;
        self.keep_holds(limits, now);
        let mut work = Work::default();
        let mut held_back = Vec::new();
        while let Some(due) = self.schedule.pop(now) {
            let id = due.room;
            match self.rooms.get(id.index()) {
                Some(room) if room.number == due.number => {}
                _ => continue,
            }
            work.visits += 1;
            match due.task {
                Task::Report => {
                    self.report(id, limits);
                    self.give_back(id);
                }
                // It is due at another time by now.
                Task::Commit if self.room(id).commit_from > now => {}
                // As many commits as its followers can take in this round were made.
                Task::Commit if !self.room(id).can_commit() => held_back.push(due),
                Task::Commit => {
                    work.commits += u64::from(self.commit_room(id, limits, encoder, now));
                }
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
        work
    }

    fn commit_room(
        &mut self,
        id: RoomId,
        limits: &Limits,
        encoder: &mut Encoder<'_>,
        now: Time,
    ) -> bool {
        // All rooms together keep a part of the memory for those who come back.
        let of_all = (limits.buffered_mebibytes_max as usize) << 20;
        let kept = (limits.resume_bytes_max as usize).min(of_all / KEPT_PART / self.rooms.len());
        let room = &mut self.rooms[id.index()];
        room.flags.is_dirty = false;
        let people = (&mut self.entries, &self.members);
        let is_commit = room.commit(id, people, limits, kept, encoder, now);
        self.note_committed(id, is_commit);
        let room = &mut self.rooms[id.index()];
        let is_untold = std::mem::take(&mut room.flags.is_untold);
        if is_commit {
            self.report_before_next(id, limits);
            let room = &mut self.rooms[id.index()];
            let counts_at = room.count_due().filter(|_| !room.flags.is_counting);
            if let Some(at) = counts_at {
                room.flags.is_counting = true;
                self.plan(id, at, Task::Count);
            }
            self.note_encoded(id);
            self.tell(id);
        } else if is_untold {
            room.tell_all();
            self.tell(id);
        }
        self.give_back(id);
        is_commit
    }

    /// Puts a room on the list of those that tell, where it stands once.
    pub(super) fn tell(&mut self, id: RoomId) {
        let room = self.room_mut(id);
        if room.is_telling() && !std::mem::replace(&mut room.flags.is_telling, true) {
            self.telling.push_back(id);
        }
    }

    /// Gives a room back that nobody is in.
    pub(super) fn give_back(&mut self, id: RoomId) {
        if self.room(id).is_deserted() && !self.is_to_report(id) {
            self.note_forgotten(id);
            self.note_closed(id);
            let room = self.rooms.remove(id.index());
            self.by_name.remove(room.name());
        }
    }

    /// Something is encoded in a room, to be dropped when it is quiet.
    pub(super) fn note_encoded(&mut self, id: RoomId) {
        let now = self.now;
        let room = self.room_mut(id);
        room.encoded_at = now;
        if room.holds_encoded() && !std::mem::replace(&mut room.flags.is_forgetting, true) {
            self.plan(id, now.after_ms(QUIET_MS), Task::Forget);
        }
    }

    fn forget(&mut self, id: RoomId, now: Time) {
        let room = self.room_mut(id);
        let since = if room.is_telling() { now } else { room.encoded_at };
        let at = since.after_ms(QUIET_MS);
        if at > now {
            return self.plan(id, at, Task::Forget);
        }
        room.flags.is_forgetting = false;
        self.note_forgotten(id);
        self.room_mut(id).forget();
    }

    /// When something is due next.
    pub fn commit_due(&self) -> Time {
        self.schedule.next().min(self.holds.next())
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
}
