//! Members: somebody's presence in one room, under one name.
//!
//! A member is no connection. It is made by a login, and ends by a logout or some time after its
//! connection has ended: see `release`. A client that has an id finds its members by that.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use slab::Slab;

use super::data::{Data, Status};
use super::ids::{ClientId, EntryId, MemberId, RoomId};
use super::leave::Hold;

/// All members.
#[derive(Debug, Default)]
pub struct Members {
    members: Slab<(NonZeroU32, Member)>,
    /// Those of clients that have an id. A client has one in a room at most.
    by_client: BTreeMap<(ClientId, RoomId), MemberId>,
    /// The generation of the member that was made last.
    generation: u32,
}

/// Somebody's presence in one room.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) room: RoomId,
    pub(super) entry: EntryId,
    pub(super) status: Status,
    pub(super) data: Data,
    /// The number of the request that changed the data last.
    pub(super) set: u64,
    /// Whose it is, if that has an id.
    pub(super) client: Option<ClientId>,
    pub(super) hold: Hold,
}

impl Members {
    pub(super) fn insert(&mut self, member: Member) -> MemberId {
        // From 1 to the highest number, and from 1 again.
        self.generation = self.generation % u32::MAX + 1;
        let generation = NonZeroU32::new(self.generation).expect("it is 1 at least");
        let owner = member.client.map(|client| (client, member.room));
        let index = self.members.insert((generation, member)) as u32;
        let id = MemberId { index, generation };
        if let Some(owner) = owner {
            self.by_client.insert(owner, id);
        }
        id
    }

    pub(super) fn get(&self, id: MemberId) -> Option<&Member> {
        let (generation, member) = self.members.get(id.index as usize)?;
        (*generation == id.generation).then_some(member)
    }

    pub(super) fn get_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        let (generation, member) = self.members.get_mut(id.index as usize)?;
        (*generation == id.generation).then_some(member)
    }

    pub(super) fn remove(&mut self, id: MemberId) -> Option<Member> {
        self.get(id)?;
        let member = self.members.remove(id.index as usize).1;
        if let Some(client) = member.client
            && self.of_client(client, member.room) == Some(id)
        {
            self.by_client.remove(&(client, member.room));
        }
        Some(member)
    }

    /// The member of a client in a room.
    pub(super) fn of_client(&self, client: ClientId, room: RoomId) -> Option<MemberId> {
        self.by_client.get(&(client, room)).copied()
    }

    /// The member at a place, if there is one.
    pub(super) fn at(&self, index: usize) -> Option<MemberId> {
        let (generation, _) = self.members.get(index)?;
        Some(MemberId { index: index as u32, generation: *generation })
    }

    /// There is no member at this place or after it.
    pub(super) fn places(&self) -> usize {
        self.members.capacity()
    }

    /// Members that there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::entries::Entries;
    use super::*;

    fn member(entries: &mut Entries) -> Member {
        let entry = entries.of_name(RoomId::of(0), "Ada");
        let (room, data, hold) = (RoomId::of(0), Data::default(), Hold::Attached);
        Member { room, entry, status: Status::Active, data, set: 0, client: None, hold }
    }

    #[test]
    fn handle_of_a_member_that_left_is_nobodys() {
        let (mut members, mut entries) = (Members::default(), Entries::default());
        let first = members.insert(member(&mut entries));
        assert!(members.remove(first).is_some());
        let second = members.insert(member(&mut entries));
        assert_eq!(first.index, second.index);
        assert!(members.get(first).is_none() && members.remove(first).is_none());
        assert!(members.get_mut(second).is_some());
    }

    #[test]
    fn generations_begin_again_and_no_two_in_a_row_are_the_same() {
        let mut members = Members { generation: u32::MAX - 2, ..Members::default() };
        let mut entries = Entries::default();
        let mut stale = Vec::new();
        for _ in 0..4 {
            let id = members.insert(member(&mut entries));
            assert!(stale.iter().all(|&stale| members.get(stale).is_none()));
            members.remove(id);
            stale.push(id);
        }
        assert_eq!(members.generation, 2);
    }
}
