//! What is fetched from one other node: its parts of rooms, a question at a time.
//!
//! A node that lacks the parts of many rooms, or a large one, gets them by and by: it asks for
//! some, and as soon as there is an answer, which is short, for what is still lacking. So no more
//! than one answer of each node is on its way to it, however slow it is. The server would cut it
//! off if too much waited for it.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::presence::Name;
use crate::time::Time;

/// A question names no more rooms than this.
const ROOMS_MAX: usize = 256;

/// A question that is not answered is asked again after this, in ms.
const ASK_AGAIN_MS: u64 = 1_000;

/// An answer is about so long, in bytes. The server cuts off nodes for which more than 32 MiB wait,
/// if its configuration does not say otherwise.
pub(super) const ANSWER_BYTES: usize = 256 << 10;

/// No change has this number.
pub(super) const NOTHING: u64 = u64::MAX;

/// What is fetched from one node.
#[derive(Debug, Default)]
pub(super) struct Fetch {
    /// The rooms, with the change of its part that is known.
    rooms: BTreeMap<Name, u64>,
    /// The question that is out.
    asked: Option<Question>,
    /// The last room of the last answer. The next question begins after it, so that all have their
    /// turn.
    after: Option<Name>,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    number: u64,
    since: Time,
    /// Whether the node was not there to hear it.
    is_unheard: bool,
}

impl Fetch {
    /// The part of a room is wanted, of which change `n` is known.
    pub(super) fn want(&mut self, name: &Name, n: u64) {
        let known = self.rooms.entry(name.clone()).or_insert(n);
        if *known != n {
            *known = NOTHING;
        }
    }

    /// Whether the part of a room is wanted.
    pub(super) fn wants(&self, name: &Name) -> bool {
        self.rooms.contains_key(name)
    }

    /// The part of a room is there.
    pub(super) fn got(&mut self, name: &Name) {
        self.rooms.remove(name);
    }

    /// A question was answered as far as this room.
    pub(super) fn answered(&mut self, number: u64, last: Option<Name>) {
        if self.asked.take_if(|asked| asked.number == number).is_some() {
            self.after = last;
        }
    }

    /// The node was not there when it was asked.
    pub(super) fn unheard(&mut self, number: u64) {
        if let Some(asked) = self.asked.as_mut().filter(|asked| asked.number == number) {
            asked.is_unheard = true;
        }
    }

    /// The node is there: what it has not heard it is asked again.
    pub(super) fn is_there(&mut self) {
        self.asked.take_if(|asked| asked.is_unheard);
    }

    /// A question that is out will not be answered.
    pub(super) fn give_up(&mut self) {
        self.asked = None;
    }

    /// The same, if it was to be answered by now.
    pub(super) fn give_up_late(&mut self, now: Time) {
        self.asked.take_if(|asked| asked.since.after_ms(ASK_AGAIN_MS) <= now);
    }

    /// When a question that is out will be late.
    pub(super) fn due(&self) -> Time {
        self.asked.map_or(Time::NEVER, |asked| asked.since.after_ms(ASK_AGAIN_MS))
    }

    /// Whether there is nothing to ask for.
    pub(super) fn is_over(&self) -> bool {
        self.rooms.is_empty()
    }

    /// The rooms that are asked for now, if no question is out.
    pub(super) fn ask(&mut self, number: u64, now: Time) -> Option<Vec<(Name, u64)>> {
        if self.asked.is_some() || self.rooms.is_empty() {
            return None;
        }
        self.asked = Some(Question { number, since: now, is_unheard: false });
        let after = self.after.take().map_or(Bound::Unbounded, Bound::Excluded);
        let first = self.rooms.range((after.clone(), Bound::Unbounded));
        let others = self.rooms.iter().take_while(|(name, _)| match &after {
            Bound::Excluded(after) => *name <= after,
            _ => false,
        });
        let all = first.chain(others).take(ROOMS_MAX);
        Some(all.map(|(name, n)| (name.clone(), *n)).collect())
    }
}
