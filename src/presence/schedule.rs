//! What is to be done in rooms, by the time from which it is.
//!
//! A turn looks at the rooms in which something is due and at no others, however many there are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Time;

use super::ids::RoomId;

/// What is to be done in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// Tell other nodes what changed in the own part.
    Report,
    /// Commit what changed, and give the room back if nobody is left.
    Commit,
    /// Tell how many are there.
    Count,
    /// Drop what is encoded, if the room has been quiet.
    Forget,
}

/// Something that is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) at: Time,
    pub(super) room: RoomId,
    /// The number of the room: its place may have another by then.
    pub(super) number: u32,
    pub(super) task: Task,
}

/// All that is to be done, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Schedule(BinaryHeap<Reverse<Due>>);

impl Schedule {
    pub(super) fn push(&mut self, due: Due) {
        self.0.push(Reverse(due));
    }

    /// Takes the next thing that is due by `now`.
    pub(super) fn pop(&mut self, now: Time) -> Option<Due> {
        if self.next() > now {
            return None;
        }
        self.0.pop().map(|Reverse(due)| due)
    }

    /// When the next thing is due.
    pub(super) fn next(&self) -> Time {
        self.0.peek().map_or(Time::NEVER, |Reverse(due)| due.at)
    }
}
