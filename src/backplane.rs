//! Rooms that several nodes share, by way of a Redis or Valkey server.
//!
//! Bytes of the server and times come in, bytes and changes of rooms go out. It has no socket, and
//! nothing is stored anywhere but in the nodes: the server hands on messages, and whatever it
//! forgets is asked for again.
//!
//! Each node is the only one that writes its own part of a room (`presence::parts`). Each room is a
//! channel, and a node is subscribed to those of the rooms that it has. So what it costs grows with
//! these, whatever others have.
//!
//! - `redis`: commands and replies in RESP3; `link`: the connection, and what it is waiting for
//! - `message`: what nodes say to each other
//! - `hearing`, `telling`: before a commit others have their say, and after it they are told
//! - `fetch`: what is asked of one other node, and when; `follow`: one room, until it is known
//! - `peers`: other nodes, and when they are gone

mod fetch;
mod follow;
mod hearing;
mod link;
mod message;
mod peers;
pub mod redis;
mod telling;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Limits, Redis};
use crate::presence::{Name, NodeId};
use crate::time::Time;

pub use link::LinkError;

use fetch::Fetch;
use follow::Follow;
use link::Link;
use message::{Message, Wanted};
use peers::Peers;

/// What happened, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Whether the server is there, and knows who this is.
    pub is_up: bool,
    /// Connections to the server that were made.
    pub connects: u64,
    /// Commands that were sent.
    pub commands: u64,
    /// Messages of other nodes.
    pub messages: u64,
    /// Messages that are none of this version's.
    pub foreign: u64,
    /// Parts that were asked for because a change was missing.
    pub holes: u64,
    /// Parts that were asked for because the content was another.
    pub differences: u64,
    /// Other nodes that are there.
    pub peers: u64,
    /// For how long the last word to all nodes was on its way, or is, in ms.
    pub lag_ms: u64,
}

/// This node, among others.
#[derive(Debug)]
pub struct Backplane {
    me: NodeId,
    /// What the names of channels begin with: of rooms, and of single nodes. All have one too.
    rooms: String,
    node: String,
    nodes: String,
    link: Link,
    peers: Peers,
    follows: BTreeMap<Name, Follow>,
    /// Rooms whose own part was told as another since the last beat.
    changed: BTreeSet<Name>,
    /// Rooms of which the server may not have heard the last that was to be said.
    unsaid: BTreeSet<Name>,
    /// What is to be fetched from each other node.
    fetches: BTreeMap<NodeId, Fetch>,
    /// The number of the last question to another node.
    asked: u64,
    /// What others ask for: the last question of each.
    questions: BTreeMap<NodeId, (u64, Vec<Wanted>)>,
    /// Rooms of which other nodes are to be told what its own part is.
    owed: BTreeMap<NodeId, BTreeSet<Name>>,
    /// About how long an answer may be, in bytes.
    answer_bytes: usize,
    /// The room that the last beat told of last.
    audited: Option<Name>,
    /// When rooms are to be looked at.
    timers: BTreeSet<(Time, Name)>,
    beat_at: Time,
    beats: u64,
    /// The number of the last that came back.
    beat_heard: u64,
    beat_sent: Time,
    /// Since when the server is away, and parts of others are as they were.
    frozen_since: Option<Time>,
    is_over: bool,
    numbers: Numbers,
}

impl Backplane {
    /// A node that has no connection to the server.
    pub fn new(redis: &Redis) -> Backplane {
        let prefix = format!("headcount:{}:", redis.database());
        Backplane {
            me: NodeId::from_bits(redis.node),
            rooms: format!("{prefix}room:"),
            node: format!("{prefix}node:"),
            nodes: format!("{prefix}nodes"),
            link: Link::new(redis.clone()),
            peers: Peers::default(),
            follows: BTreeMap::new(),
            changed: BTreeSet::new(),
            unsaid: BTreeSet::new(),
            fetches: BTreeMap::new(),
            asked: 0,
            questions: BTreeMap::new(),
            owed: BTreeMap::new(),
            answer_bytes: fetch::ANSWER_BYTES,
            audited: None,
            timers: BTreeSet::new(),
            beat_at: Time::NEVER,
            beats: 0,
            beat_heard: 0,
            beat_sent: Time::NEVER,
            frozen_since: None,
            is_over: false,
            numbers: Numbers::default(),
        }
    }

    /// Makes answers to other nodes shorter, for tests.
    pub fn set_answer_bytes(&mut self, bytes: usize) {
        self.answer_bytes = bytes;
    }

    /// Which node it is.
    pub fn me(&self) -> NodeId {
        self.me
    }

    // The connection.

    /// There is a connection to the server of this place in the list.
    pub fn connected(&mut self, server: usize, now: Time) {
        self.link.connected(server, now);
    }

    /// There is none any more, or there was none to be had.
    pub fn disconnected(&mut self, now: Time) {
        self.unsaid.extend(self.link.disconnected());
        self.questions.clear();
        self.owed.clear();
        self.fetches.values_mut().for_each(Fetch::give_up);
        if self.frozen_since.is_none() {
            self.frozen_since = Some(now);
        }
    }

    /// The server has sent this.
    pub fn receive(&mut self, bytes: &[u8], now: Time) -> Result<(), LinkError> {
        self.link.receive(bytes, now)
    }

    /// Whether the server has not answered for too long.
    pub fn is_silent(&self, now: Time) -> bool {
        self.link.is_silent(now)
    }

    /// Whether the server lets through what is to be said.
    pub fn is_proven(&self) -> bool {
        self.link.is_proven()
    }

    /// What the server is to be sent, from which what was sent is to be removed.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.link.output
    }

    /// When something is to be done next.
    pub fn due(&self, limits: &Limits) -> Time {
        let room = self.timers.first().map_or(Time::NEVER, |(at, _)| *at);
        let thaw = self.frozen_since.filter(|_| !self.peers.is_empty());
        let grace = u64::from(limits.nodes.partition_grace_ms);
        let thaw = thaw.map_or(Time::NEVER, |since| since.after_ms(grace));
        let peers = if self.can_hear() { self.peers.due() } else { Time::NEVER };
        let fetches = self.fetches.values().map(Fetch::due);
        let fetch = fetches.min().unwrap_or(Time::NEVER);
        room.min(thaw).min(peers).min(fetch).min(self.beat_at).min(self.link.due())
    }

    /// Whether what other nodes say comes in time, as far as is known.
    fn can_hear(&self) -> bool {
        self.link.is_up() && self.link.is_answering(self.link.now)
    }

    fn lag_ms(&self) -> u64 {
        match self.link.is_up() && self.beats > self.beat_heard {
            true => self.numbers.lag_ms.max(self.link.now.ms_since(self.beat_sent)),
            false => self.numbers.lag_ms,
        }
    }

    /// What happened.
    pub fn numbers(&self) -> Numbers {
        Numbers {
            is_up: self.link.is_up(),
            commands: self.link.commands,
            peers: self.peers.len() as u64,
            lag_ms: self.lag_ms(),
            ..self.numbers
        }
    }

    /// Tells other nodes that this one ends, and nothing more.
    pub fn end(&mut self) {
        let bye = Message::Bye { from: self.me }.encode();
        self.link.publish(&self.nodes, bye.as_bytes(), None);
        (self.is_over, self.beat_at) = (true, Time::NEVER);
    }

    fn channel(&self, room: &str) -> String {
        format!("{}{room}", self.rooms)
    }

    fn inbox(&self, node: NodeId) -> String {
        format!("{}{node}", self.node)
    }
}
