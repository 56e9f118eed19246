//! Entries: names in rooms, each there as long as it has a member.
//!
//! Two tabs or devices of a person are two members of one entry. What others see of it is merged
//! from all of them: the most active status, and of each key of the data the value that was set
//! last by a member that is still there.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use slab::Slab;

use crate::config::DataLimits;

use super::data::{Data, Status};
use super::ids::{EntryId, MemberId, RoomId};
use super::leave::Leave;

/// A name, as it is told.
pub type Name = Rc<str>;

/// The entries of all rooms.
#[derive(Debug, Default)]
pub struct Entries {
    entries: Slab<Entry>,
    /// In the order of the names, so that the same roster is always told in the same way. One map
    /// for all rooms: most rooms are small, and a map of its own would be most of such a room.
    by_name: BTreeMap<(RoomId, Name), EntryId>,
}

/// The data of so many members are merged, those that set some last: a name that thousands have
/// must not take the time of thousands with each commit.
const SETTERS_MAX: usize = 64;

/// A name in a room.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Name,
    /// Members of each status, by its number.
    members: [u32; Status::ALL.len()],
    /// The members that have data, by the number of the request that set some last.
    with_data: BTreeSet<(u64, MemberId)>,
    /// Why the last member that is gone is gone, if that is told.
    pub(super) left_for: Option<Leave>,
    /// Whether it is on the list of those that were touched.
    pub(super) is_touched: bool,
    /// What the last commit told of it, if it was there.
    pub(super) committed: Option<Seen>,
}

/// What others see of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The most active of its members'.
    pub status: Status,
    /// An object in canonical JSON; none if it is empty.
    pub data: Option<Rc<str>>,
}

impl Entries {
    /// The entry of a name in a room, made if there is none. A member is to join it.
    pub(super) fn of_name(&mut self, room: RoomId, name: &str) -> EntryId {
        match self.by_name.entry((room, name.into())) {
            Slot::Occupied(slot) => *slot.get(),
            Slot::Vacant(slot) => {
                let entry = Entry {
                    name: slot.key().1.clone(),
                    members: Default::default(),
                    with_data: BTreeSet::new(),
                    left_for: None,
                    is_touched: false,
                    committed: None,
                };
                let index = self.entries.insert(entry);
                *slot.insert(EntryId::of(index))
            }
        }
    }

    pub(super) fn get(&self, id: EntryId) -> &Entry {
        &self.entries[id.index()]
    }

    pub(super) fn get_mut(&mut self, id: EntryId) -> &mut Entry {
        &mut self.entries[id.index()]
    }

    pub(super) fn remove(&mut self, room: RoomId, id: EntryId) {
        let entry = self.entries.remove(id.index());
        self.by_name.remove(&(room, entry.name));
    }

    /// Removes an entry whose room is gone with all its members.
    pub(super) fn remove_if_here(&mut self, room: RoomId, id: EntryId) {
        if self.entries.contains(id.index()) {
            self.remove(room, id);
        }
    }

    /// The entries of a room, in the order of their names.
    pub(super) fn of_room(&self, room: RoomId) -> impl Iterator<Item = &Entry> + Clone {
        let first = (room, Name::from(""));
        let all = self.by_name.range(first..).take_while(move |((of, _), _)| *of == room);
        all.map(|(_, &id)| self.get(id))
    }

    /// Entries that there are, those that just lost their last member included.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Entry {
    /// A member with this status takes part.
    pub(super) fn join(&mut self, status: Status) {
        self.members[status as usize] += 1;
    }

    /// A member with this status does not any more.
    pub(super) fn leave(&mut self, status: Status) {
        let members = &mut self.members[status as usize];
        *members = members.checked_sub(1).expect("only a member of an entry leaves it");
    }

    /// Whether somebody has this name.
    pub(super) fn is_here(&self) -> bool {
        self.members != [0; Status::ALL.len()]
    }

    /// A member has data from now on, which request `set` changed last.
    pub(super) fn join_data(&mut self, set: u64, member: MemberId) {
        self.with_data.insert((set, member));
    }

    /// The member whose data request `set` changed last has none here any more.
    pub(super) fn leave_data(&mut self, set: u64, member: MemberId) {
        self.with_data.remove(&(set, member));
    }

    /// What others are to see of it, if it is here. `data` finds those of a member.
    pub(super) fn seen<'a>(
        &self,
        data: impl Fn(MemberId) -> Option<&'a Data>,
        limits: DataLimits,
    ) -> Option<Seen> {
        let status = Status::ALL.into_iter().find(|&status| self.members[status as usize] > 0)?;
        // Those of one moment are all taken or none: which of them is first, nodes don't agree on.
        let first_left_out = self.with_data.iter().rev().nth(SETTERS_MAX).map(|&(set, _)| set);
        let last = self.with_data.iter().rev();
        let last = last.take_while(|&&(set, _)| first_left_out.is_none_or(|out| set > out));
        let datas = last.filter_map(|&(_, id)| data(id));
        Some(Seen { status, data: Data::merged(datas, limits) })
    }
}
