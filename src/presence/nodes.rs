//! Nodes that come and go, and rooms that a node begins or ceases to share.

use crate::config::Limits;

use super::Presence;
use super::ids::{MemberId, RoomId};
use super::leave::{Hold, Leave};
use super::part::{News, NodeId, PartHead};
use super::parts::{OwnPart, Told};
use super::schedule::Task;

impl Presence {
    /// Nothing was heard of a node for too long, or it said that it ends: its members are held, for
    /// their clients to come back to another. Those whose clients did are gone.
    pub fn lose_node(&mut self, node: NodeId, limits: &Limits) {
        for id in self.members_of(Some(node)) {
            match self.is_past(id) {
                true => self.end(id, Leave::Lost),
                false => self.release(id, Leave::Lost, limits),
            }
        }
        if let Some(parts) = &mut self.parts {
            // What it says when it is there after all is to be asked for.
            parts.copies.retain(|&(_, of), _| of != node);
        }
    }

    /// Nothing was heard of any node for too long: those who are not here are gone.
    pub fn forget_nodes(&mut self) {
        for id in self.members_of(None) {
            self.end(id, Leave::Lost);
        }
        if let Some(parts) = &mut self.parts {
            parts.copies.clear();
        }
    }

    fn is_past(&self, id: MemberId) -> bool {
        let (Some(parts), Some(member)) = (&self.parts, self.members.get(id)) else { return false };
        parts.is_past(id, member.room)
    }

    fn members_of(&self, node: Option<NodeId>) -> Vec<MemberId> {
        let foreign = self.parts.iter().flat_map(|parts| parts.foreign.iter());
        let of_node = foreign.filter(|(_, (of, _))| node.is_none_or(|node| *of == node));
        let mut all: Vec<MemberId> = of_node.map(|(&id, _)| id).collect();
        all.sort_unstable();
        all
    }

    /// Members that were copied from other nodes, as their clients came here.
    pub fn adopted(&self) -> u64 {
        self.adopted
    }

    /// Members of other nodes.
    pub fn foreign_members(&self) -> usize {
        self.parts.as_ref().map_or(0, |parts| parts.foreign.len())
    }

    /// A member is gone that was one of another node.
    pub(super) fn forget_foreign(&mut self, id: MemberId, room: RoomId) {
        let Some(parts) = &mut self.parts else { return };
        let Some((node, number)) = parts.foreign.remove(&id) else { return };
        if let Some(told) = parts.members.remove(&(room, node, number)) {
            parts.forget_told(&told, room, node);
            self.claim_again(&told, node, room);
        }
    }

    /// A member of another node is gone, and its client is here, where it came before: others hold
    /// the one here for past, until they are told that it counts again.
    fn claim_again(&mut self, gone: &Told, node: NodeId, room: RoomId) {
        let own = gone.client.and_then(|client| self.members.of_client(client, room));
        let (Some(own), Some(parts)) = (own, &self.parts) else { return };
        let place = (room, parts.me, own.to_bits());
        let told = parts.members.get(&place);
        if told.is_none_or(|told| (told.claim, parts.me) > (gone.claim, node)) {
            return;
        }
        let claim = self.tick();
        if let Some(told) = self.parts.as_mut().and_then(|parts| parts.members.get_mut(&place)) {
            told.claim = claim;
        }
        self.note_changed(room, own);
    }

    /// A room is made.
    pub(super) fn note_opened(&mut self, id: RoomId) {
        let Some(parts) = &mut self.parts else { return };
        let room = &mut self.rooms[id.index()];
        room.flags.is_loading = parts.is_linked;
        // What it has in it begins here, whatever it had in one of this name before.
        let head = PartHead { n: parts.n, ..PartHead::default() };
        parts.own.insert(id, OwnPart { head, ..OwnPart::default() });
        parts.news.push(News::Opened(room.name().clone()));
    }

    /// A room is given back: what others have in it is of no interest here any more.
    pub(super) fn note_closed(&mut self, id: RoomId) {
        let Some(mut parts) = self.parts.take() else { return };
        let least = (id, NodeId::from_bits(0), 0);
        let of_room = parts.members.range(least..).take_while(|((room, _, _), _)| *room == id);
        let places: Vec<_> = of_room.map(|(&place, _)| place).collect();
        for place in places {
            let Some(told) = parts.members.remove(&place) else { continue };
            if parts.foreign.remove(&told.member).is_none() {
                continue;
            }
            parts.forget_told(&told, id, place.1);
            if let Some(member) = self.members.remove(told.member) {
                self.holds.held -= u32::from(member.hold != Hold::Attached);
                self.entries.remove_if_here(id, member.entry);
            }
        }
        parts.own.remove(&id);
        let copies = parts.copies.range((id, NodeId::from_bits(0))..);
        let copies: Vec<_> =
            copies.map(|(&place, _)| place).take_while(|place| place.0 == id).collect();
        for place in copies {
            parts.copies.remove(&place);
        }
        parts.news.push(News::Closed(self.room(id).name().clone()));
        self.parts = Some(parts);
    }

    /// Whether a room waits for what other nodes say of it, or for the commit with that.
    pub fn is_loading(&self, id: RoomId) -> bool {
        let flags = &self.room(id).flags;
        flags.is_loading || flags.is_untold
    }

    /// Other nodes have said what they have in a room, or had the time to: its followers are told.
    pub fn loaded(&mut self, id: RoomId) {
        let room = self.room_mut(id);
        if !std::mem::take(&mut room.flags.is_loading) {
            return;
        }
        if room.flags.is_dirty {
            // Told before that, they would be sent a roster of nobody first.
            room.flags.is_untold = true;
            let at = room.commit_from;
            self.plan(id, at, Task::Commit);
            return self.plan_report(id);
        }
        room.tell_all();
        self.tell(id);
    }
}
