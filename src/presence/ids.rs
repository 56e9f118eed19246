//! Handles of what there is in presence.

use std::num::NonZeroU32;

/// The handle of a room, for as long as somebody follows it or is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoomId(NonZeroU32);

/// The handle of an entry, for as long as it has members or the last commit told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryId(NonZeroU32);

/// The handle of a member. It is never good for another one, even in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberId {
    pub(super) index: u32,
    pub(super) generation: NonZeroU32,
}

impl RoomId {
    pub(super) fn of(index: usize) -> RoomId {
        RoomId(number(index))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl EntryId {
    pub(super) fn of(index: usize) -> EntryId {
        EntryId(number(index))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

fn number(index: usize) -> NonZeroU32 {
    let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
    number.expect("there are fewer of them than fit into 32 bits")
}
