//! The whole hub and a dozen clients, against a model.
//!
//! The model knows only what clients sent and what they heard. From what they sent it says who must
//! be on the roster; what they heard gives the roster that each of them shows. At a rest, when all
//! have read everything and the last commit is made, these are the same.

use std::collections::BTreeMap;

use headcount::api::Wanted;
use headcount::config::{Compression, Config, Limits};
use headcount::time::Time;

use super::census::Census;
use super::copies::Copy;
use super::expected::{self, OFFER};
use super::members::{GET, Member};
use super::operations::{Operation, Operations};
use crate::wire;
use crate::world::World;

/// Bounds of a script: more adds time and nothing else.
const OPERATIONS_MAX: usize = 256;
const MEMBERS_MAX: usize = 12;
const PASSED_MS_MAX: u64 = 300_000;

/// The target: a byte that chooses limits and how it ends, then [`operations`](super::operations).
pub fn hub(input: &[u8]) {
    let Some((&kind, script)) = input.split_first() else { return };
    let mut party = Party::new(config(kind));
    for operation in Operations(script).take(OPERATIONS_MAX) {
        party.perform(operation);
    }
    party.rest();
    if kind & 1 == 0 {
        party.stop();
    }
    party.leave();
}

/// Small bounds, so that a few bytes reach them; no rates, so that the model need not count.
fn config(kind: u8) -> Config {
    let mut config = expected::generous_config();
    if kind & 64 != 0 {
        config.compression = Compression::Takeover;
    }
    let limits = &mut config.limits;
    limits.reply_bytes_max = if kind & 2 == 0 { 200 } else { 64 * 1024 };
    limits.log_bytes_min = if kind & 4 == 0 { 4096 } else { 120 };
    limits.commit_interval_ms = if kind & 8 == 0 { 20 } else { 1 };
    limits.pending_max = if kind & 16 == 0 { 2 } else { 1024 };
    limits.rooms_per_connection_max = if kind & 32 == 0 { 3 } else { 32 };
    config
}

/// A text message that is compressed as badly as can be (RFC 7692 §7.2.3.3).
fn stored(message: &str) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("it is short");
    let header = [&[0][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    wire::frame(0xC1, &[&header, message.as_bytes(), &[0]].concat())
}

/// Everyone and the server.
struct Party {
    world: World,
    limits: Limits,
    members: Vec<Member>,
    /// Each commit by its room's epoch and its number, as the first who heard of it understood it.
    history: BTreeMap<(String, u64), Copy>,
    /// Pieces of what was sent that the server has read.
    tick: u64,
    is_stopping: bool,
    passed_ms: u64,
    /// The next operation is in the same turn as the last.
    is_joined: bool,
}

impl Party {
    fn new(config: Config) -> Party {
        Party {
            limits: config.limits.clone(),
            world: World::with(config),
            members: Vec::new(),
            history: BTreeMap::new(),
            tick: 0,
            is_stopping: false,
            passed_ms: 0,
            is_joined: false,
        }
    }

    fn perform(&mut self, operation: Operation<'_>) {
        match operation {
            Operation::Join => {
                self.is_joined = true;
                return;
            }
            Operation::Open { path, deflates } => {
                if let Some(member) = self.connect() {
                    member.send(&wire::handshake(path, if deflates { OFFER } else { "" }));
                }
            }
            Operation::Connect => drop(self.connect()),
            Operation::Handshake(client) => self.send(client, &wire::handshake("/ws", "")),
            Operation::Get(client) => self.send(client, GET),
            Operation::Login { client, name, deflates } => {
                let message = serde_json::json!(["login", name]).to_string();
                let frame = if deflates { stored(&message) } else { wire::text(&message) };
                self.send(client, &frame);
            }
            Operation::Logout(client) => self.send(client, &wire::text(r#"["logout"]"#)),
            Operation::Ask { client, message } => self.send(client, &wire::text(&message)),
            Operation::Say(client, bytes) => self.send(client, &wire::frame(0x81, bytes)),
            Operation::Raw(client, bytes) => {
                if let Some(member) = self.members.get_mut(client) {
                    member.send_raw(bytes);
                }
            }
            Operation::Ping(client) => self.send(client, &wire::frame(0x89, b"ping")),
            Operation::Close(client, code) => self.send(client, &wire::close(code)),
            Operation::Pass { ms } => self.pass(ms),
            Operation::Rest => self.rest(),
            Operation::Stop => self.stop(),
            _ => self.change(&operation),
        }
        self.deliver();
        if !std::mem::take(&mut self.is_joined) {
            self.turn();
        }
    }

    /// The operations that change what a client is like.
    fn change(&mut self, operation: &Operation<'_>) {
        let (Operation::End(client)
        | Operation::Reset(client)
        | Operation::Pieces(client, _)
        | Operation::Room(client, _)
        | Operation::Unlimited(client)
        | Operation::Mute(client)) = *operation
        else {
            return;
        };
        let Some(member) = self.members.get_mut(client) else { return };
        match *operation {
            Operation::End(_) => member.end(),
            Operation::Reset(_) => {
                self.world.hub.lost(self.world.id(member.peer));
                member.is_gone = true;
            }
            Operation::Pieces(_, length) => member.cut_into(length),
            Operation::Room(_, bytes) => {
                self.world.set_room(member.peer, bytes);
                member.is_slow = true;
            }
            Operation::Unlimited(_) => {
                self.world.set_room(member.peer, usize::MAX);
                member.is_slow = false;
            }
            _ => member.is_mute = !member.is_mute,
        }
    }

    fn connect(&mut self) -> Option<&mut Member> {
        if self.members.len() >= MEMBERS_MAX {
            return None;
        }
        let localhost = std::net::Ipv4Addr::LOCALHOST.into();
        let peer = self.world.connect_from(localhost);
        assert_eq!(peer.is_err(), self.is_stopping);
        self.members.push(Member::new(peer.ok()?));
        self.members.last_mut()
    }

    fn send(&mut self, client: usize, bytes: &[u8]) {
        if let Some(member) = self.members.get_mut(client) {
            member.send(bytes);
        }
    }

    fn deliver(&mut self) {
        for member in &mut self.members {
            member.deliver(&mut self.world, &mut self.tick);
        }
    }

    /// Turns, until everyone has read what they read and said what they answer to it.
    fn turn(&mut self) {
        loop {
            self.world.turn();
            for member in &mut self.members {
                member.listen(&mut self.world, &self.limits);
            }
            let before = self.queued();
            self.deliver();
            if self.queued() == before {
                break;
            }
        }
        self.check_views();
        self.check_memory();
    }

    /// Bytes that wait for the server to read them.
    fn queued(&self) -> usize {
        self.members.iter().map(Member::queued).sum()
    }

    fn pass(&mut self, ms: u64) {
        self.passed_ms += ms;
        if self.passed_ms < PASSED_MS_MAX {
            self.wait(ms);
        }
    }

    /// Lets time pass in steps, between which clients answer pings.
    fn wait(&mut self, ms: u64) {
        let mut left = ms;
        while left > 0 {
            let step = left.min(1_000);
            self.world.pass_ms(step);
            left -= step;
            for member in &mut self.members {
                member.note_time(step);
            }
            self.turn();
        }
    }

    fn stop(&mut self) {
        self.is_stopping = true;
        self.world.hub.stop(self.world.now);
    }

    /// A commit has one outcome, whoever tells it and when; and who reads everything is told of all
    /// commits at once.
    fn check_views(&mut self) {
        let mut newest: BTreeMap<String, Copy> = BTreeMap::new();
        for member in &mut self.members {
            for copy in member.listener.copies.values() {
                let (Some(epoch), Some(seq)) = (&copy.epoch, copy.seq) else { continue };
                if copy.is_vague {
                    continue;
                }
                let known = self.history.entry((epoch.clone(), seq));
                let known = known.or_insert_with(|| Copy { count: None, ..copy.clone() });
                assert_eq!(known.names, copy.names, "commit {seq}");
            }
            if !member.is_prompt(&self.world) || self.is_stopping {
                continue;
            }
            let told = |seat: &super::rooms::Seat| seat.view == Wanted::Changes && !seat.is_vague;
            let rooms = &member.expected(&self.limits).rooms.all;
            let rooms: Vec<String> =
                rooms.iter().filter(|(_, seat)| told(seat)).map(|(room, _)| room.clone()).collect();
            for room in rooms {
                let copy = member.listener.copies.get(&room).expect("a roster comes at once");
                let newest = newest.entry(room).or_insert_with(|| copy.clone());
                let at = (&copy.epoch, copy.seq);
                assert_eq!(at, (&newest.epoch, newest.seq), "one of them is behind");
            }
        }
    }

    /// What is kept is bounded by what was received and by the answers that may wait: buffers are
    /// at most twice as long as what is in them, and so are answers before what is sent of them
    /// is cut.
    fn check_memory(&self) {
        let received: usize = self.members.iter().map(Member::delivered).sum();
        let replies = self.members.len() * (self.limits.reply_bytes_max as usize + 1024);
        let held = self.world.hub.buffered_bytes();
        assert!(held <= 2 * received + 4 * replies, "{held} bytes");
    }

    /// Everyone reads everything, and all agree.
    fn rest(&mut self) {
        for client in 0..self.members.len() {
            self.change(&Operation::Unlimited(client));
        }
        self.turn();
        self.wait(50);
        let mut told = Vec::new();
        for member in &mut self.members {
            told.push(member.check(&self.world, &self.limits, self.is_stopping));
            member.expected(&self.limits);
        }
        if self.is_stopping {
            return;
        }
        let all = self.members.iter().zip(&told).filter(|(_, is_told)| **is_told);
        let all: Vec<&Member> = all.map(|(member, _)| member).collect();
        let is_watching =
            |member: &&&Member| member.rooms().values().all(|seat| seat.member.is_none());
        let watching = all.iter().filter(is_watching).count();
        assert_eq!(self.world.watching() as usize, watching);
        let mut rooms: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
        for member in &all {
            for room in member.rooms().keys() {
                rooms.entry(room).or_default().push(member);
            }
        }
        assert_eq!(self.world.hub.rooms(), rooms.len(), "{:?}", rooms.keys());
        for (room, members) in rooms {
            check_room(&mut self.world, &self.limits, room, &members);
        }
    }

    /// Nobody says anything any more: in the end the server has forgotten everyone.
    fn leave(&mut self) {
        for member in &mut self.members {
            member.is_mute = true;
        }
        self.wait(60_000);
        assert!(self.world.hub.is_empty());
        assert_eq!((self.world.hub.buffered_bytes(), self.world.hub.rooms()), (0, 0));
        if !self.is_stopping {
            assert_eq!(self.world.names(), [""; 0]);
        }
        // A deadline of someone who left is found to be nobody's when it comes.
        self.world.pass_ms(60_000);
        assert_eq!(self.world.hub.next_wakeup(), Time::NEVER, "nothing is left to be done");
    }
}

/// All who are in a room know what its document says, and that is what they have asked for.
fn check_room(world: &mut World, limits: &Limits, room: &str, members: &[&Member]) {
    let mut census = Census::default();
    for member in members {
        if let Some(member) = &member.rooms()[room].member {
            census.add(member);
        }
    }
    let mut document = Copy::default();
    let body = world.roster_of(room);
    document.replace(&body);
    assert_eq!(body["room"].as_str().unwrap_or_default(), room);
    // Where answers wait, what comes after them does too.
    let is_ordered = limits.reply_bytes_max > 1024;
    census.check(&document, limits, is_ordered);
    for member in members {
        let copy = member.listener.copies.get(room);
        let seat = &member.rooms()[room];
        match seat.view {
            _ if seat.is_vague => {}
            Wanted::Changes => {
                let copy = copy.expect("it was told of the room");
                assert_eq!((&copy.epoch, copy.seq), (&document.epoch, document.seq), "{room}");
                assert_eq!(copy.names, document.names, "{room}");
            }
            Wanted::Count => {
                let count = copy.and_then(|copy| copy.count);
                assert_eq!(count, Some(census.names().count() as u64), "{room}");
            }
            _ => {}
        }
    }
}
