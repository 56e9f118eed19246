//! What nodes tell each other of a room: each reports its own part, which nobody else writes.
//!
//! These are values: how they come from one node to another is none of presence's business.

use std::fmt;

use super::data::{Data, Status};
use super::digest::Digest;
use super::entries::Name;
use super::hex;
use super::ids::ClientId;

/// One start of a process that shares its rooms with others. It is chosen at random, so that no two
/// have the same and a process that starts again is another node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u64);

impl NodeId {
    /// The node of this number.
    pub const fn from_bits(bits: u64) -> NodeId {
        NodeId(bits)
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<NodeId> {
        hex::parse(text, 16).map(|bits| NodeId(bits as u64))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The clock of changes stays at this. No count of changes gets there, but a message may say so.
pub const CLOCK_MAX: u64 = u64::MAX >> 1;

/// A member, as its node tells others of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartMember {
    /// Its name in the room.
    pub name: Box<str>,
    /// Whose it is, if that has an id.
    pub client: Option<ClientId>,
    /// When its client came to this node, by the clock of changes: of two nodes that have a member
    /// of one client, the later is where it is.
    pub claim: u64,
    /// How present it is.
    pub status: Status,
    /// Its data.
    pub data: Data,
    /// When the data were changed last, by the clock of changes.
    pub set: u64,
}

/// About how long a member is as it is told, beside its name and data, in bytes.
const MEMBER_BYTES: usize = 80;

/// The same of a field of its data.
const FIELD_BYTES: usize = 16;

impl PartMember {
    /// About how long it is as it is told.
    pub(super) fn bytes(&self) -> usize {
        let fields = self.data.fields();
        let fields = fields.map(|(key, json, _)| FIELD_BYTES + key.len() + json.len());
        MEMBER_BYTES + self.name.len() + fields.sum::<usize>()
    }

    /// The hash of the member of this number.
    pub(super) fn digest(&self, number: u64) -> Digest {
        let client = self.client.map_or(0, ClientId::to_bits);
        let numbers = [number, self.claim, self.set, client as u64, (client >> 64) as u64];
        let numbers = numbers.map(u64::to_le_bytes);
        let fields = self.data.fields().flat_map(|(key, json, _)| [key, json]);
        let sets: Vec<[u8; 8]> = self.data.fields().map(|(_, _, set)| set.to_le_bytes()).collect();
        let words = [&*self.name, self.status.word()].into_iter().chain(fields).map(str::as_bytes);
        Digest::of_parts(words.chain(numbers.iter().chain(&sets).map(<[u8; 8]>::as_slice)))
    }
}

/// What a part is after some change of it: by that a copy is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartHead {
    /// The number of the change. It grows with each change of any room, and never goes back.
    pub n: u64,
    /// Members.
    pub count: u32,
    /// The sum of the hashes of all members.
    pub digest: Digest,
}

/// What a node says of its part of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the part is by now.
    pub head: PartHead,
    /// What is said of it.
    pub content: Content,
}

/// What is said of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing more than what it is by now.
    Head,
    /// What is another since change `after`: members by their number, and numbers that are gone.
    Delta {
        /// The change before.
        after: u64,
        /// Members that came or changed.
        set: Vec<(u64, PartMember)>,
        /// The numbers of those that are gone.
        gone: Vec<u64>,
    },
    /// The members from one number on up to another. A part is told from the first number to the
    /// last in as many of these as it takes, and in between what changes.
    Piece {
        /// The first number.
        from: u64,
        /// The first number of the next piece, unless this is the last.
        to: Option<u64>,
        /// All members between these.
        members: Vec<(u64, PartMember)>,
    },
}

/// What came of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was known, or is older than what is known.
    Known,
    /// The part is now as it says.
    Applied,
    /// As far as the part is told, it is as it says. The next piece is to come.
    Copying,
    /// A change before it is missing.
    Hole,
    /// The part is as it says in number, and not in content.
    Differs,
}

/// What a node has to do for others, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// There is a room of this name from now on.
    Opened(Name),
    /// Its own part of a room is another.
    Changed(Name, Report),
    /// There is no such room any more.
    Closed(Name),
}
