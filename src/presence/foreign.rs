//! Members of other nodes, as those report them.
//!
//! A client that comes to this node and has a member on another one gets a copy of it, which is
//! this node's own. The other node sees that, and drops the one that it holds. So others see
//! nothing.

use super::Presence;
use super::ids::{ClientId, MemberId, RoomId};
use super::leave::{Hold, Leave};
use super::members::Member;
use super::part::{Content, NodeId, PartHead, PartMember, Report, Taken};
use super::parts::{PartCopy, Told};

impl Presence {
    /// A node says something of its part of a room.
    pub fn apply(&mut self, id: RoomId, node: NodeId, report: Report) -> Taken {
        let head = report.head;
        let taken = self.take_report(id, node, report);
        let Some(parts) = &mut self.parts else { return taken };
        let copy = parts.copies.get(&(id, node));
        let is_copying = copy.is_some_and(|copy| copy.pieces.is_some());
        match taken {
            // It is to be told anew, from the first piece on.
            Taken::Hole | Taken::Differs if is_copying => {
                parts.copies.remove(&(id, node));
                taken
            }
            Taken::Known | Taken::Applied if is_copying => Taken::Copying,
            Taken::Applied if !self.is_as_told(id, node, head) => Taken::Differs,
            _ => taken,
        }
    }

    fn take_report(&mut self, id: RoomId, node: NodeId, Report { head, content }: Report) -> Taken {
        let Some(parts) = &self.parts else { return Taken::Known };
        let copy = parts.copies.get(&(id, node));
        let known = copy.map(|copy| copy.head);
        let base = known.unwrap_or_default();
        if known.is_some() && head.n < base.n {
            return Taken::Known;
        }
        let is_same = (head.count, head.digest) == (base.count, base.digest);
        match content {
            // Of nothing that is all there is to say: whoever is held or copied is not there.
            Content::Head if head.count == 0 => {
                return self.take_piece(id, node, (head, Vec::new()), (0, None));
            }
            Content::Head if is_same => {}
            Content::Head => return Taken::Hole,
            Content::Delta { .. } if known.is_some() && head.n == base.n => {
                return if is_same { Taken::Known } else { Taken::Differs };
            }
            // One that nothing is known of may just have begun, or be back: then these are all.
            Content::Delta { set, gone, .. }
                if known.is_none() && gone.is_empty() && set.len() == head.count as usize =>
            {
                return self.take_piece(id, node, (head, set), (0, None));
            }
            Content::Delta { after, set, gone } => {
                if known.is_none() || base.n != after {
                    return Taken::Hole;
                }
                if let Some(pieces) = self.copy_mut(id, node).and_then(|copy| copy.pieces.as_mut())
                {
                    pieces.here.extend(set.iter().map(|(number, _)| *number));
                }
                self.change_part(id, node, set, &gone);
            }
            Content::Piece { from, to, members } => {
                let next = copy.map(|copy| copy.pieces.as_ref().map(|pieces| pieces.next));
                let is_at_head = known.is_some() && head == base;
                match next {
                    Some(None) if is_at_head && self.is_as_told(id, node, head) => {
                        return Taken::Known;
                    }
                    Some(Some(next)) if is_at_head && from < next => return Taken::Known,
                    Some(Some(next)) if is_at_head && from == next => {}
                    _ if from == 0 => {}
                    _ => return Taken::Hole,
                }
                return self.take_piece(id, node, (head, members), (from, to));
            }
        }
        if let Some(copy) = self.copy_mut(id, node) {
            copy.head = head;
        }
        Taken::Applied
    }

    /// A piece of a part is there, the one that was to come next or the first.
    fn take_piece(
        &mut self,
        id: RoomId,
        node: NodeId,
        (head, members): (PartHead, Vec<(u64, PartMember)>),
        (from, to): (u64, Option<u64>),
    ) -> Taken {
        let Some(copy) = self.copy_mut(id, node) else { return Taken::Known };
        let mut pieces = copy.pieces.take().filter(|_| from > 0).unwrap_or_default();
        pieces.here.extend(members.iter().map(|(number, _)| *number));
        copy.head = head;
        let mut gone = Vec::new();
        if let Some(next) = to {
            pieces.next = next;
            copy.pieces = Some(pieces);
        } else if let Some(parts) = &self.parts {
            let numbers = parts.range_from(id, node, 0).map(|(&(_, _, number), _)| number);
            gone = numbers.filter(|number| !pieces.here.contains(number)).collect();
        }
        self.change_part(id, node, members, &gone);
        Taken::Applied
    }

    fn copy_mut(&mut self, room: RoomId, node: NodeId) -> Option<&mut PartCopy> {
        self.parts.as_mut().map(|parts| parts.copies.entry((room, node)).or_default())
    }

    fn is_as_told(&self, room: RoomId, node: NodeId, head: PartHead) -> bool {
        let sum = self.parts.as_ref().and_then(|parts| parts.sums.get(&(room, node)));
        sum.copied().unwrap_or_default() == (head.count, head.digest)
    }

    fn change_part(
        &mut self,
        room: RoomId,
        node: NodeId,
        set: Vec<(u64, PartMember)>,
        gone: &[u64],
    ) {
        // Those who come are here before the others go: somebody may be both.
        for (number, member) in set {
            self.put(room, (node, number), member);
        }
        for &number in gone {
            let told =
                self.parts.as_ref().and_then(|parts| parts.members.get(&(room, node, number)));
            if let Some(member) = told.map(|told| told.member) {
                self.end(member, Leave::Closed);
            }
        }
    }

    /// Another node has this member.
    fn put(&mut self, room: RoomId, (node, number): (NodeId, u64), new: PartMember) {
        let Some(parts) = &mut self.parts else { return };
        let digest = new.digest(number);
        let (client, claim) = (new.client, new.claim);
        let fields = new.data.fields().map(|(_, _, set)| set);
        self.sets = fields.chain([self.sets, claim, new.set]).max().unwrap_or_default();
        let PartMember { name, status, data, set, .. } = new;
        let entry = self.entries.of_name(room, &name);
        let has_data = !data.is_empty();
        let id = match parts.members.get(&(room, node, number)).copied() {
            Some(told) => {
                parts.forget_told(&told, room, node);
                let Some(member) = self.members.get_mut(told.member) else { return };
                if member.hold != Hold::Attached {
                    member.hold = Hold::Attached;
                    self.rooms[room.index()].held -= 1;
                    self.holds.held -= 1;
                }
                let old = self.entries.get_mut(member.entry);
                old.leave(member.status);
                old.leave_data(member.set, told.member);
                let old = std::mem::replace(&mut member.entry, entry);
                (member.status, member.data, member.set) = (status, data, set);
                self.touch_entry(room, old, told.member);
                told.member
            }
            None => {
                let hold = Hold::Attached;
                let member = Member { room, entry, status, data, set, client: None, hold };
                self.members.insert(member)
            }
        };
        let Some(parts) = &mut self.parts else { return };
        let is_past = false;
        let told = Told { member: id, client, claim, digest, is_past };
        parts.members.insert((room, node, number), told);
        let sum = parts.sums.entry((room, node)).or_default();
        sum.0 += 1;
        sum.1 += digest;
        parts.foreign.insert(id, (node, number));
        if let Some(client) = client {
            parts.clients.insert((client, room, node), id);
            // This one may be the older.
            let all = parts.of_client(client, room).map(|(claim, node, _)| (claim, node));
            let latest = all.max().unwrap_or((claim, node));
            parts.claimed(client, room, latest);
        }
        self.join_entry(entry, status, has_data.then_some((set, id)));
        self.touch_entry(room, entry, id);
        if let Some(client) = client
            && let Some(own) = self.held_of(client, room)
            && self.is_elsewhere(own)
        {
            self.end(own, Leave::Closed);
        }
    }

    /// Whether the client of a member of its own came to another node after it was here.
    pub(super) fn is_elsewhere(&self, id: MemberId) -> bool {
        let (Some(parts), Some(member)) = (&self.parts, self.members.get(id)) else { return false };
        let Some(client) = member.client else { return false };
        let own = parts.members.get(&(member.room, parts.me, id.to_bits()));
        let own = own.map(|told| (told.claim, parts.me));
        let others = parts.of_client(client, member.room);
        own.is_some_and(|own| others.map(|(claim, node, _)| (claim, node)).any(|one| one > own))
    }

    /// The member that a client has on another node becomes one of its own, under the same name.
    pub(super) fn adopt(&mut self, client: ClientId, room: RoomId) -> Option<MemberId> {
        let parts = self.parts.as_ref()?;
        let newest = parts.of_client(client, room).max_by_key(|&(claim, node, _)| (claim, node))?;
        let other = self.members.get(newest.2)?;
        let (entry, status, set, data) = (other.entry, other.status, other.set, other.data.clone());
        let (hold, has_data) = (Hold::Attached, !data.is_empty());
        let client = Some(client);
        let id = self.members.insert(Member { room, entry, status, data, set, client, hold });
        self.join_entry(entry, status, has_data.then_some((set, id)));
        self.room_mut(room).members += 1;
        self.adopted += 1;
        self.touch_entry(room, entry, id);
        Some(id)
    }
}
