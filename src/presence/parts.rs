//! Rooms that several nodes share: what is a node's own part of them, and what others reported of
//! theirs.
//!
//! A member of another node is a member like others, and takes part in its entry in the same way.
//! It has no connection, and only its own node changes it: by its reports. So all nodes that have
//! the same reports have the same entries. What clients set last is told by a clock of Lamport's,
//! which each report puts forward.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::time::Time;

use super::digest::Digest;
use super::ids::{ClientId, MemberId, RoomId};
use super::part::{News, NodeId, PartHead};

/// What is known of all parts.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) me: NodeId,
    /// Whether others can be asked, so that a new room waits for what they say.
    pub(super) is_linked: bool,
    /// Members by their room, node and number. Its own are there as they were told.
    pub(super) members: BTreeMap<(RoomId, NodeId, u64), Told>,
    /// What is known of the parts of other nodes.
    pub(super) copies: BTreeMap<(RoomId, NodeId), PartCopy>,
    /// How many members of other nodes there are, and the sum of their hashes.
    pub(super) sums: BTreeMap<(RoomId, NodeId), (u32, Digest)>,
    /// The place above of each member of another node.
    pub(super) foreign: HashMap<MemberId, (NodeId, u64)>,
    /// Members of other nodes whose clients have ids.
    pub(super) clients: BTreeMap<(ClientId, RoomId, NodeId), MemberId>,
    /// The number of its own last change.
    pub(super) n: u64,
    /// Its own part of each room that there is.
    pub(super) own: BTreeMap<RoomId, OwnPart>,
    pub(super) news: Vec<News>,
}

/// What is known of another node's part of a room.
#[derive(Debug, Default)]
pub(super) struct PartCopy {
    /// What the part was as of the last report.
    pub(super) head: PartHead,
    /// What has come of it, if it is not all there.
    pub(super) pieces: Option<Pieces>,
}

/// The pieces of a part that have come.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// Where the next one begins.
    pub(super) next: u64,
    /// The numbers of those who are in the part. Others are gone as soon as all pieces are there:
    /// somebody may be gone under one number, and be here under another.
    pub(super) here: BTreeSet<u64>,
}

/// A node's own part of a room.
#[derive(Debug, Default)]
pub(super) struct OwnPart {
    /// What it was when it was told last.
    pub(super) head: PartHead,
    /// Members that have changed since.
    pub(super) changed: Vec<MemberId>,
    /// It is not told again before this.
    pub(super) report_from: Time,
}

/// A member as it was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) member: MemberId,
    pub(super) client: Option<ClientId>,
    pub(super) claim: u64,
    pub(super) digest: Digest,
    /// Whether its client came to another node after that.
    pub(super) is_past: bool,
}

impl Parts {
    pub(super) fn new(me: NodeId) -> Parts {
        Parts {
            me,
            is_linked: false,
            members: BTreeMap::new(),
            copies: BTreeMap::new(),
            sums: BTreeMap::new(),
            foreign: HashMap::new(),
            clients: BTreeMap::new(),
            n: 0,
            own: BTreeMap::new(),
            news: Vec::new(),
        }
    }

    /// The members of a part that have numbers from this one on.
    pub(super) fn range_from(
        &self,
        room: RoomId,
        node: NodeId,
        from: u64,
    ) -> impl Iterator<Item = (&(RoomId, NodeId, u64), &Told)> {
        self.members.range((room, node, from)..=(room, node, u64::MAX))
    }

    pub(super) fn own_head(&self, room: RoomId) -> PartHead {
        self.own.get(&room).map_or(PartHead::default(), |own| own.head)
    }

    /// Takes the members of its own that have changed, if they are to be told by now.
    pub(super) fn take_changed(&mut self, room: RoomId, now: Time) -> Vec<MemberId> {
        let own = self.own.get_mut(&room).filter(|own| own.report_from <= now);
        own.map(|own| std::mem::take(&mut own.changed)).unwrap_or_default()
    }

    /// The members that a client has on other nodes: when it came there, where, and which.
    pub(super) fn of_client(
        &self,
        client: ClientId,
        room: RoomId,
    ) -> impl Iterator<Item = (u64, NodeId, MemberId)> {
        let (least, most) = (NodeId::from_bits(0), NodeId::from_bits(u64::MAX));
        let all = self.clients.range((client, room, least)..=(client, room, most));
        all.filter_map(move |(&(_, _, node), &id)| {
            let number = self.foreign.get(&id)?.1;
            Some((self.members.get(&(room, node, number))?.claim, node, id))
        })
    }

    /// A client came to a node: what others told of it before is past, and is not held if they are
    /// lost.
    pub(super) fn claimed(&mut self, client: ClientId, room: RoomId, latest: (u64, NodeId)) {
        let others: Vec<_> = self.of_client(client, room).collect();
        for (claim, node, id) in others {
            if let Some(&(_, number)) = self.foreign.get(&id)
                && let Some(told) = self.members.get_mut(&(room, node, number))
            {
                told.is_past |= (claim, node) < latest;
            }
        }
    }

    /// Whether a member of another node is past.
    pub(super) fn is_past(&self, id: MemberId, room: RoomId) -> bool {
        let place = self.foreign.get(&id).map(|&(node, number)| (room, node, number));
        place.and_then(|place| self.members.get(&place)).is_some_and(|told| told.is_past)
    }

    /// A member of another node is not as it was told any more.
    pub(super) fn forget_told(&mut self, told: &Told, room: RoomId, node: NodeId) {
        if let Some(client) = told.client
            && self.clients.get(&(client, room, node)) == Some(&told.member)
        {
            self.clients.remove(&(client, room, node));
        }
        if let Some((count, digest)) = self.sums.get_mut(&(room, node)) {
            *count -= 1;
            *digest -= told.digest;
            if *count == 0 {
                self.sums.remove(&(room, node));
            }
        }
    }
}
