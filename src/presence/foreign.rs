//! Members of other nodes, as those report them.
//!
//! A client that comes to this node and has a member on another one gets a copy of it, which is
//! this node's own. The other node sees that, and drops the one that it holds. So others see
//! nothing.

use std::collections::BTreeSet;

use super::Presence;
use super::ids::{ClientId, MemberId, RoomId};
use super::leave::{Hold, Leave};
use super::members::Member;
use super::part::{Content, NodeId, PartHead, PartMember, Report, Taken};
use super::parts::Told;

impl Presence {
    /// A node says something of its part of a room.
    pub fn apply(&mut self, id: RoomId, node: NodeId, report: Report) -> Taken {
        let Some(parts) = &self.parts else { return Taken::Known };
        let Report { head, content } = report;
        let known = parts.heads.get(&(id, node)).copied();
        let base = known.unwrap_or_default();
        if known.is_some() && head.n < base.n {
            return Taken::Known;
        }
        let is_same = (head.count, head.digest) == (base.count, base.digest);
        match content {
            Content::Head if is_same => self.set_head(id, node, head),
            Content::Head if head.count > 0 => return Taken::Hole,
            // Of nothing that is all there is to say.
            Content::Head => {
                let gone = self.numbers(id, node);
                self.change_part(id, node, Vec::new(), &gone);
                self.set_head(id, node, head);
            }
            Content::Delta { .. } if known.is_some() && head.n == base.n => {
                return if is_same { Taken::Known } else { Taken::Differs };
            }
            Content::Delta { after, set, gone } => {
                // One that nothing is known of may just have begun: then these are all.
                let is_first =
                    known.is_none() && gone.is_empty() && set.len() == head.count as usize;
                if !is_first && (known.is_none() || base.n != after) {
                    return Taken::Hole;
                }
                self.change_part(id, node, set, &gone);
                self.set_head(id, node, head);
            }
            Content::Whole(members) => {
                let here: BTreeSet<u64> = members.iter().map(|(number, _)| *number).collect();
                let mut gone = self.numbers(id, node);
                gone.retain(|number| !here.contains(number));
                self.change_part(id, node, members, &gone);
                self.set_head(id, node, head);
            }
        }
        match self.is_as_told(id, node, head) {
            true => Taken::Applied,
            false => Taken::Differs,
        }
    }

    fn set_head(&mut self, room: RoomId, node: NodeId, head: PartHead) {
        if let Some(parts) = &mut self.parts {
            parts.heads.insert((room, node), head);
        }
    }

    fn numbers(&self, room: RoomId, node: NodeId) -> Vec<u64> {
        let parts = self.parts.iter();
        parts.flat_map(|parts| parts.range(room, node)).map(|(&(_, _, number), _)| number).collect()
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
