//! Why members leave, and what becomes of them until they have left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::config::Limits;
use crate::time::Time;

use super::ids::MemberId;

/// What becomes of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// A connection has it.
    Attached,
    /// Its connection has ended in this turn.
    Released(Leave),
    /// It ends then, unless it is attached before.
    Until(Time, Leave),
}

/// Why a member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The client said that it leaves.
    Logout,
    /// The client closed its connection: for a reload, or for good.
    Closed,
    /// The connection broke, or nothing was heard of it any more.
    Lost,
    /// The server ended the connection for what the client did.
    Removed,
}

impl Leave {
    /// All of them, in the order of their numbers, and their names.
    pub const ALL: [(Leave, &str); 4] = [
        (Leave::Logout, "logout"),
        (Leave::Closed, "closed"),
        (Leave::Lost, "lost"),
        (Leave::Removed, "removed"),
    ];

    /// The word on the wire.
    pub const fn word(self) -> &'static str {
        Leave::ALL[self as usize].1
    }

    /// How long a member is held for it, in ms.
    pub(super) const fn hold_ms(self, limits: &Limits) -> u32 {
        match self {
            Leave::Logout | Leave::Removed => 0,
            Leave::Closed => limits.hold_closed_ms,
            Leave::Lost => limits.hold_lost_ms,
        }
    }
}

/// The members that no connection has.
#[derive(Debug, Default)]
pub(super) struct Holds {
    /// Those whose hold begins with the next commit.
    pub(super) released: Vec<MemberId>,
    /// When holds end. A member that was attached again may still be here.
    pub(super) ends: BinaryHeap<Reverse<(Time, MemberId)>>,
    /// Members that are held.
    pub(super) held: u32,
    /// None ends before this.
    pub(super) end_from: Time,
}

impl Holds {
    /// When the next hold ends.
    pub(super) fn next(&self) -> Time {
        if !self.released.is_empty() {
            return Time::ZERO;
        }
        self.ends.peek().map_or(Time::NEVER, |Reverse((at, _))| (*at).max(self.end_from))
    }
}
