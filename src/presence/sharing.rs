//! A node's own part of its rooms: what changes in it is reported to other nodes, a little before
//! the room's own followers are told (`pace`).

use crate::config::Limits;

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

    /// All of its own part of a room.
    pub fn own_part(&self, room: RoomId) -> Option<Report> {
        let parts = self.parts.as_ref()?;
        let members = parts.range(room, parts.me).filter_map(|(&(_, _, number), told)| {
            let member = self.part_member(told.member, told.claim)?;
            // What has changed since is told by the next report.
            (member.digest(number) == told.digest).then_some((number, member))
        });
        let members: Vec<_> = members.collect();
        let head = parts.own_head(room);
        // A part that is about to be told of in another way is told as a whole then.
        (members.len() == head.count as usize)
            .then_some(Report { head, content: Content::Whole(members) })
    }

    /// What its own part of a room is.
    pub fn own_head(&self, room: RoomId) -> PartHead {
        self.parts.as_ref().map_or(PartHead::default(), |parts| parts.own_head(room))
    }

    /// What is known of the parts of other nodes.
    pub fn heads(&self, room: RoomId) -> Vec<(NodeId, PartHead)> {
        let Some(parts) = &self.parts else { return Vec::new() };
        let all = parts.heads.range((room, NodeId::from_bits(0))..);
        let of_room = all.take_while(|((of, _), _)| *of == room);
        of_room.map(|((_, node), head)| (*node, *head)).collect()
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
