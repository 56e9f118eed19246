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
//! - `follow`: one room, and what is asked for in it; `peers`: other nodes, and when they are gone

mod follow;
mod link;
mod message;
mod peers;
pub mod redis;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::config::{Limits, Redis};
use crate::presence::{Content, Name, News, NodeId, PartHead, Presence, Report, Taken};
use crate::time::Time;

pub use link::LinkError;

use follow::Follow;
use link::{Inbound, Link};
use message::Message;
use peers::Peers;

/// A node tells others that it is there so often, in ms.
const BEAT_MS: u64 = 4_000;

/// At every so many beats the server is asked whether it is still the one that is written to.
const BEATS_PER_ROLE: u64 = 3;

/// A new room waits so long for what other nodes have in it, in ms.
const LOAD_MS: u64 = 250;

/// What was asked of one node is asked again after this, in ms.
const ASK_AGAIN_MS: u64 = 1_000;

/// What happened, for the metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Whether the server is there, and knows who this is.
    pub is_up: bool,
    /// Connections to the server that were made, and those of them that ended.
    pub connects: u64,
    /// Commands that were sent.
    pub commands: u64,
    /// Messages of other nodes.
    pub messages: u64,
    /// Messages that are none of this version's.
    pub foreign: u64,
    /// Parts that were asked for, since a change was missing or the content was another.
    pub holes: u64,
    /// … since the content was another.
    pub differences: u64,
    /// Other nodes that are there.
    pub peers: u64,
    /// For how long the last word to all nodes was on its way, in ms.
    pub lag_ms: u64,
}

/// This node, among others.
#[derive(Debug)]
pub struct Backplane {
    me: NodeId,
    rooms: String,
    nodes: String,
    link: Link,
    peers: Peers,
    follows: HashMap<Name, Follow>,
    /// Rooms of which somebody asked for its own part.
    wanted: HashSet<Name>,
    /// When rooms are to be looked at.
    timers: BTreeSet<(Time, Name)>,
    beat_at: Time,
    beats: u64,
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
            nodes: format!("{prefix}nodes"),
            link: Link::new(redis.clone()),
            peers: Peers::default(),
            follows: HashMap::new(),
            wanted: HashSet::new(),
            timers: BTreeSet::new(),
            beat_at: Time::NEVER,
            beats: 0,
            beat_sent: Time::NEVER,
            frozen_since: None,
            is_over: false,
            numbers: Numbers::default(),
        }
    }

    /// Which node it is.
    pub fn me(&self) -> NodeId {
        self.me
    }

    // The connection.

    /// There is a connection to the server.
    /// It is the one of this place in the list.
    pub fn connected(&mut self, server: usize, now: Time) {
        self.link.connected(server, now);
    }

    /// There is none any more, or there was none to be had.
    pub fn disconnected(&mut self, now: Time) {
        self.link.disconnected();
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

    /// What the server is to be sent, from which what was sent is to be removed.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.link.output
    }

    /// When something is to be done next.
    pub fn due(&self, limits: &Limits) -> Time {
        let room = self.timers.first().map_or(Time::NEVER, |(at, _)| *at);
        let thaw = self.frozen_since.filter(|_| !self.peers.is_empty());
        let grace = u64::from(limits.partition_grace_ms);
        let thaw = thaw.map_or(Time::NEVER, |since| since.after_ms(grace));
        let peers = if self.link.is_up() { self.peers.due() } else { Time::NEVER };
        room.min(thaw).min(peers).min(self.beat_at).min(self.link.due())
    }

    /// What happened.
    pub fn numbers(&self) -> Numbers {
        Numbers {
            is_up: self.link.is_up(),
            commands: self.link.commands,
            peers: self.peers.len() as u64,
            ..self.numbers
        }
    }

    // Rooms. Before a commit others have their say, and after it they are told.

    /// Brings what other nodes have said into rooms.
    pub fn hear(&mut self, presence: &mut Presence, limits: &Limits, now: Time) {
        self.link.now = now;
        while let Some(inbound) = self.link.inbound.pop_front() {
            match inbound {
                Inbound::Up => self.up(presence, now),
                Inbound::Published(room, receivers) => {
                    if let Some(follow) = self.follows.get_mut(&room) {
                        follow.expect(receivers.saturating_sub(1));
                    }
                    self.finish_loading(&room, presence, now);
                }
                Inbound::Message(channel, payload) => {
                    self.message(&channel, &payload, presence, limits, now);
                }
            }
        }
        if self.frozen_since.is_some() && presence.is_linked() && !self.link.is_up() {
            presence.set_linked(false);
            self.beat_at = Time::NEVER;
            for name in self.follows.keys().cloned().collect::<Vec<_>>() {
                self.give_up_loading(&name, presence);
            }
        }
        let grace = u64::from(limits.partition_grace_ms);
        if self.frozen_since.is_some_and(|since| since.after_ms(grace) <= now) {
            self.peers = Peers::default();
            presence.forget_nodes();
        }
        while let Some((at, name)) = self.timers.first().cloned()
            && at <= now
        {
            self.timers.remove(&(at, name.clone()));
            self.look_at(&name, presence, now);
        }
        // While the server answers nothing, nobody is heard.
        if self.link.is_up() && self.link.is_answering(now) {
            while let Some(node) = self.peers.next_silent(now) {
                presence.lose_node(node, limits);
            }
        }
    }

    /// Tells other nodes what has changed.
    pub fn tell(&mut self, presence: &mut Presence, now: Time) {
        for news in presence.take_news() {
            match news {
                News::Opened(name) => self.open(name, presence, now),
                News::Changed(name, report) => self.say(&name, report, None),
                News::Closed(name) => {
                    self.follows.remove(&name);
                    self.wanted.remove(&name);
                    self.link.unsubscribe(&self.channel(&name));
                }
            }
        }
        if !self.wanted.is_empty() && self.link.is_up() {
            let mut wanted: Vec<Name> = self.wanted.iter().cloned().collect();
            wanted.sort_unstable();
            for name in wanted {
                let part = presence.find(&name).and_then(|room| presence.own_part(room));
                if let Some(report) = part {
                    self.wanted.remove(&name);
                    self.say(&name, report, None);
                }
            }
        }
        if self.beat_at <= now && self.link.is_up() && !self.is_over {
            self.beat_at = now.after_ms(BEAT_MS);
            self.beat(now);
        }
    }

    /// Tells other nodes that this one ends, and nothing more.
    pub fn end(&mut self) {
        let bye = Message::Bye { from: self.me }.encode();
        self.link.publish(&self.nodes, bye.as_bytes(), None);
        self.is_over = true;
    }

    fn channel(&self, room: &str) -> String {
        format!("{}{room}", self.rooms)
    }

    /// The server knows who this is: from now on it hears what others say, and what they said
    /// before it asks for.
    fn up(&mut self, presence: &mut Presence, now: Time) {
        self.frozen_since = None;
        self.numbers.connects += 1;
        self.peers.all_heard(now);
        presence.set_linked(true);
        self.link.subscribe(&self.nodes);
        self.beat_at = now;
        let mut names: Vec<Name> = self.follows.keys().cloned().collect();
        names.sort_unstable();
        for name in names {
            self.link.subscribe(&self.channel(&name));
            self.ask_all(&name, presence);
        }
    }

    fn open(&mut self, name: Name, presence: &mut Presence, now: Time) {
        let is_loading = presence.find(&name).is_some_and(|room| presence.is_loading(room));
        self.follows.insert(name.clone(), Follow::new(is_loading.then(|| now.after_ms(LOAD_MS))));
        if !self.link.is_up() {
            // Nobody can be asked now, and all rooms are asked for when that is over.
            return self.give_up_loading(&name, presence);
        }
        if is_loading {
            self.timers.insert((now.after_ms(LOAD_MS), name.clone()));
        }
        self.link.subscribe(&self.channel(&name));
        self.ask_all(&name, presence);
    }

    /// Asks all nodes for what they have in a room, unless that is known.
    fn ask_all(&mut self, name: &Name, presence: &Presence) {
        let Some(room) = presence.find(name) else { return };
        let report = Report { head: presence.own_head(room), content: Content::Head };
        self.say(name, report, Some((presence.heads(room), None)));
    }

    fn say(
        &mut self,
        name: &Name,
        report: Report,
        ask: Option<(Vec<(NodeId, u64)>, Option<NodeId>)>,
    ) {
        if self.is_over {
            return;
        }
        let asks_all = matches!(ask, Some((_, None)));
        let text = Message::Room { from: self.me, report, ask }.encode();
        let counts = asks_all.then(|| name.clone());
        self.link.publish(&self.channel(name), text.as_bytes(), counts);
    }

    fn beat(&mut self, now: Time) {
        self.beats += 1;
        self.beat_sent = now;
        let beat = Message::Beat { from: self.me, number: self.beats }.encode();
        self.link.publish(&self.nodes, beat.as_bytes(), None);
        if self.beats.is_multiple_of(BEATS_PER_ROLE) {
            self.link.ask_role();
        }
    }

    fn message(
        &mut self,
        channel: &str,
        payload: &[u8],
        presence: &mut Presence,
        limits: &Limits,
        now: Time,
    ) {
        let Some(message) = Message::decode(payload) else {
            self.numbers.foreign += 1;
            return;
        };
        if message.from() == self.me {
            if matches!(message, Message::Beat { number, .. } if number == self.beats) {
                self.numbers.lag_ms = now.ms_since(self.beat_sent);
            }
            return;
        }
        self.numbers.messages += 1;
        match message {
            Message::Beat { from, .. } => self.heard(from, presence, now),
            Message::Bye { from } => {
                self.peers.forget(from);
                presence.lose_node(from, limits);
            }
            Message::Room { from, report, ask } => {
                self.heard(from, presence, now);
                let Some(name) = channel.strip_prefix(&*self.rooms).map(Name::from) else { return };
                let Some(room) = presence.find(&name) else { return };
                if let Some((known, of)) = ask
                    && of.is_none_or(|of| of == self.me)
                {
                    let known = known.iter().find(|(node, _)| *node == self.me);
                    if known.is_none_or(|(_, n)| *n != presence.own_head(room).n) {
                        self.wanted.insert(name.clone());
                    }
                }
                let head = report.head;
                let is_part = !matches!(report.content, Content::Head);
                let taken = presence.apply(room, from, report);
                self.took(&name, (from, head), (taken, is_part), presence, now);
            }
        }
    }

    /// A node has said something. If it was taken for gone, what it has is to be asked for: it knows
    /// nothing of that, and says nothing of rooms in which nothing changes.
    fn heard(&mut self, from: NodeId, presence: &Presence, now: Time) {
        if !self.peers.heard(from, now) {
            return;
        }
        let mut names: Vec<Name> = self.follows.keys().cloned().collect();
        names.sort_unstable();
        let again = now.after_ms(ASK_AGAIN_MS);
        for name in names {
            if self.follows.get_mut(&name).is_some_and(|follow| follow.ask(from, again)) {
                self.ask(&name, from, presence, now);
            }
        }
    }

    /// A node has said something of its part, from which this came.
    fn took(
        &mut self,
        name: &Name,
        (from, _head): (NodeId, PartHead),
        (taken, is_part): (Taken, bool),
        presence: &mut Presence,
        now: Time,
    ) {
        let Some(follow) = self.follows.get_mut(name) else { return };
        match taken {
            Taken::Known | Taken::Applied => {
                follow.answered(from);
                if is_part {
                    follow.heard(from);
                }
                return self.finish_loading(name, presence, now);
            }
            Taken::Hole => self.numbers.holes += 1,
            Taken::Differs => self.numbers.differences += 1,
        }
        if follow.ask(from, now.after_ms(ASK_AGAIN_MS)) {
            self.ask(name, from, presence, now);
        }
    }

    /// Asks one node for its part of a room.
    fn ask(&mut self, name: &Name, of: NodeId, presence: &Presence, now: Time) {
        let Some(room) = presence.find(name) else { return };
        self.timers.insert((now.after_ms(ASK_AGAIN_MS), name.clone()));
        let report = Report { head: presence.own_head(room), content: Content::Head };
        self.say(name, report, Some((Vec::new(), Some(of))));
    }

    /// The time has come at which something of a room was to be there.
    fn look_at(&mut self, name: &Name, presence: &mut Presence, now: Time) {
        let Some(follow) = self.follows.get_mut(name) else { return };
        if follow.has_waited(now) {
            self.give_up_loading(name, presence);
        }
        let Some(follow) = self.follows.get_mut(name) else { return };
        let late = follow.take_late(now, now.after_ms(ASK_AGAIN_MS), |node| self.peers.has(node));
        for of in late {
            self.ask(name, of, presence, now);
        }
    }

    fn finish_loading(&mut self, name: &Name, presence: &mut Presence, _now: Time) {
        if self.follows.get(name).is_some_and(Follow::is_loaded) {
            self.give_up_loading(name, presence);
        }
    }

    fn give_up_loading(&mut self, name: &Name, presence: &mut Presence) {
        if let Some(follow) = self.follows.get_mut(name) {
            follow.loading = None;
        }
        if let Some(room) = presence.find(name) {
            presence.loaded(room);
        }
    }
}
