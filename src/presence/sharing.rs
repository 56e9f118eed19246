//! A node's own part of its rooms: what changes in it is reported to other nodes, a little before
//! the room's own followers are told (`pace`).

use crate::config::Limits;
use crate::time::Time;

use super::Presence;
use super::ids::{MemberId, RoomId};
use super::part::{CLOCK_MAX, Content, News, NodeId, PartHead, PartMember, Report};
use super::parts::{OwnPart, Parts, Told};

impl Presence {
    /// Shares rooms with other nodes from now on.
    pub fn share(&mut self, me: NodeId) {
        self.parts = Some(Box::new(Parts::new(me)));
    }

    /// Takes what is to be done for other nodes.
    pub fn take_news(&mut self) -> Vec<News> {
        self.parts.as_mut().map(|parts| std::mem::take(&mut parts.news)).unwrap_or_default()
    }

    /// Whether other nodes can be asked.
    pub fn is_linked(&self) -> bool {
        self.parts.as_ref().is_some_and(|parts| parts.is_linked)
    }

    /// Says whether other nodes can be asked. While they can, nothing is told of a new room before
    /// it is [loaded](Self::loaded).
    pub fn set_linked(&mut self, is_linked: bool) {
        if let Some(parts) = &mut self.parts {
            parts.is_linked = is_linked;
        }
    }

    /// A piece of its own part of a room: the members from this number on for which there is room
    /// in `bytes`, and at least one. What they take of `bytes` is subtracted, and 0 are left if
    /// there are more members. `None` if a member has changed since it was reported.
    pub fn own_piece(&self, room: RoomId, from: u64, bytes: &mut usize) -> Option<Report> {
        let parts = self.parts.as_ref()?;
        let (mut members, mut to) = (Vec::new(), None);
        for (&(_, _, number), told) in parts.range_from(room, parts.me, from) {
            let member = self.part_member(told.member, told.claim)?;
            if member.digest(number) != told.digest {
                return None;
            }
            let left = bytes.saturating_sub(member.bytes());
            if left == 0 && !members.is_empty() {
                (to, *bytes) = (Some(number), 0);
                break;
            }
            *bytes = left;
            members.push((number, member));
        }
        let content = Content::Piece { from, to, members };
        Some(Report { head: parts.own_head(room), content })
    }

    /// Reports what changed in a room at once, for somebody who asks for all of it.
    pub fn report_at_once(&mut self, room: RoomId, limits: &Limits) {
        let own = self.parts.as_mut().and_then(|parts| parts.own.get_mut(&room));
        if let Some(own) = own.filter(|own| !own.changed.is_empty())
            && !self.rooms[room.index()].flags.is_loading
        {
            own.report_from = Time::ZERO;
            self.report(room, limits);
        }
    }

    /// What its own part of a room is.
    pub fn own_head(&self, room: RoomId) -> PartHead {
        self.parts.as_ref().map_or(PartHead::default(), |parts| parts.own_head(room))
    }

    /// The parts of other nodes that are known as a whole.
    pub fn heads(&self, room: RoomId) -> Vec<(NodeId, PartHead)> {
        let Some(parts) = &self.parts else { return Vec::new() };
        let all = parts.copies.range((room, NodeId::from_bits(0))..);
        let of_room = all.take_while(|((of, _), _)| *of == room);
        let known = of_room.filter(|(_, copy)| copy.pieces.is_none());
        known.map(|((_, node), copy)| (*node, copy.head)).collect()
    }

    /// From which number on a part of another node is to be told.
    pub fn copied_to(&self, room: RoomId, node: NodeId) -> u64 {
        let copy = self.parts.as_ref().and_then(|parts| parts.copies.get(&(room, node)));
        copy.and_then(|copy| copy.pieces.as_ref()).map_or(0, |pieces| pieces.next)
    }

    /// The number of its own last change, in whichever room.
    pub fn last_change(&self) -> u64 {
        self.parts.as_ref().map_or(0, |parts| parts.n)
    }

    /// A member, as others are told of it.
    fn part_member(&self, id: MemberId, claim: u64) -> Option<PartMember> {
        let member = self.members.get(id)?;
        Some(PartMember {
            name: (&*self.entries.get(member.entry).name).into(),
            client: member.client,
            claim,
            status: member.status,
            data: member.data.clone(),
            set: member.set,
        })
    }

    /// Whether a member is that of another node.
    pub(super) fn is_foreign(&self, id: MemberId) -> bool {
        self.parts.as_ref().is_some_and(|parts| parts.foreign.contains_key(&id))
    }

    /// Other nodes are told what changed in a room.
    pub(super) fn report(&mut self, room: RoomId, limits: &Limits) {
        let Some(mut parts) = self.parts.take() else { return };
        let (mut set, mut gone) = (Vec::new(), Vec::new());
        let mut changed = parts.take_changed(room, self.now);
        changed.sort_unstable();
        changed.dedup();
        let mut head = parts.own_head(room);
        let after = head.n;
        for id in changed {
            let (number, place) = (id.to_bits(), (room, parts.me, id.to_bits()));
            let before = parts.members.remove(&place);
            if let Some(before) = before {
                head.digest -= before.digest;
                head.count -= 1;
            }
            if self.members.get(id).is_none() {
                gone.extend(before.map(|_| number));
                continue;
            }
            let claim = before.map_or_else(|| self.tick(), |before| before.claim);
            let Some(member) = self.part_member(id, claim) else { continue };
            let digest = member.digest(number);
            head.digest += digest;
            head.count += 1;
            if let Some(client) = member.client {
                parts.claimed(client, room, (claim, parts.me));
            }
            let is_past = false;
            let told = Told { member: id, client: member.client, claim, digest, is_past };
            parts.members.insert(place, told);
            if before.is_none_or(|before| before.digest != digest) {
                set.push((number, member));
            }
        }
        if !set.is_empty() || !gone.is_empty() {
            parts.n += 1;
            head.n = parts.n;
            let report_from = self.now.after_ms(u64::from(limits.commit_interval_ms));
            parts.own.insert(room, OwnPart { head, changed: Vec::new(), report_from });
            let name = self.room(room).name().clone();
            let report = Report { head, content: Content::Delta { after, set, gone } };
            parts.news.push(News::Changed(name, report));
        }
        self.parts = Some(parts);
    }

    /// The clock of changes goes on.
    pub(super) fn tick(&mut self) -> u64 {
        self.sets = (self.sets + 1).min(CLOCK_MAX);
        self.sets
    }
}
