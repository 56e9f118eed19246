//! Members that come, take another name, and say something else of themselves.

use crate::config::Limits;

use super::data::{Data, DataError, Status};
use super::entries::Name;
use super::ids::{ClientId, EntryId, MemberId, RoomId};
use super::leave::Hold;
use super::members::Member;
use super::{Presence, Update};

impl Presence {
    /// Somebody is in `room` under `name` from now on: `client`, if it has an id. It has no member
    /// there.
    pub fn login(
        &mut self,
        room: RoomId,
        client: Option<ClientId>,
        (name, update): (&str, Update),
        limits: &Limits,
    ) -> Result<MemberId, DataError> {
        self.tick();
        let none = Data::default();
        let data = match update.data {
            Some(patch) => none.patched(patch, self.sets, limits.data())?,
            None => none,
        };
        let status = update.status.unwrap_or_default();
        let entry = self.entries.of_name(room, name);
        let (set, has_data) = (self.sets, !data.is_empty());
        let hold = Hold::Attached;
        let member = self.members.insert(Member { room, entry, status, data, set, client, hold });
        self.join_entry(entry, status, has_data.then_some((set, member)));
        self.room_mut(room).members += 1;
        self.touch_entry(room, entry, member);
        Ok(member)
    }

    /// A member takes part in an entry, with the data that a request has set, if it has some.
    pub(super) fn join_entry(
        &mut self,
        id: EntryId,
        status: Status,
        data: Option<(u64, MemberId)>,
    ) {
        let entry = self.entries.get_mut(id);
        entry.join(status);
        if let Some((set, member)) = data {
            entry.join_data(set, member);
        }
    }

    /// A member takes another name.
    pub fn rename(&mut self, id: MemberId, name: &str) {
        let Some(member) = self.members.get_mut(id) else { return };
        let (room, old) = (member.room, member.entry);
        let new = self.entries.of_name(room, name);
        member.entry = new;
        let (status, set, has_data) = (member.status, member.set, !member.data.is_empty());
        let entry = self.entries.get_mut(old);
        entry.leave(status);
        entry.leave_data(set, id);
        self.join_entry(new, status, has_data.then_some((set, id)));
        self.touch_entry(room, new, id);
        self.touch_entry(room, old, id);
    }

    /// A member says something else of itself. If that can't be, nothing changes.
    pub fn update(
        &mut self,
        id: MemberId,
        update: Update,
        limits: &Limits,
    ) -> Result<(), DataError> {
        self.tick();
        let Some(member) = self.members.get_mut(id) else { return Ok(()) };
        let data = match update.data {
            Some(patch) => Some(member.data.patched(patch, self.sets, limits.data())?),
            None => None,
        };
        let entry = self.entries.get_mut(member.entry);
        if let Some(status) = update.status {
            entry.leave(std::mem::replace(&mut member.status, status));
            entry.join(status);
        }
        if let Some(data) = data {
            entry.leave_data(member.set, id);
            if !data.is_empty() {
                entry.join_data(self.sets, id);
            }
            (member.data, member.set) = (data, self.sets);
        }
        let (room, entry) = (member.room, member.entry);
        self.touch_entry(room, entry, id);
        Ok(())
    }

    /// The name of a member.
    pub fn name(&self, id: MemberId) -> Option<&Name> {
        let member = self.members.get(id)?;
        Some(&self.entries.get(member.entry).name)
    }

    /// Whether as many are in a room as may be.
    pub fn is_full(&self, id: RoomId, limits: &Limits) -> bool {
        self.room(id).members >= limits.members_per_room_max
    }
}
