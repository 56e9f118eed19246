//! A run: what happens, and what must be so.

mod checks;

use std::collections::BTreeSet;

use headcount::config::Limits;
use headcount::presence::{ClientId, Leave, MemberId, Patch, RoomId, Status, Update, View};
use headcount::ws::Deflater;
use serde_json::Value;

use super::broker::{Broker, Wildness};
use super::node::{Node, ROOMS};
use crate::sim::choices::Choices;

/// For so long things happen, in ms.
const LENGTH_MS: u64 = 60_000;

/// After that all that fails stops, and this is long enough for all to agree.
const REST_MS: u64 = 75_000;

/// What is said somewhere is known everywhere after this, if nothing fails.
const KNOWN_MS: u64 = 2_500;

/// A page takes so long to load, in ms: longer than a node waits for others, and they hear of it.
const LOAD_MS: u64 = 500;

/// All nodes are looked at so often, and each of them after its commits, in ms.
const LOOK_MS: u64 = 500;

const NAMES: [&str; 6] = ["Ada", "Bob", "Cy", "Dan", "Eve", "Fay"];

/// What a run was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub nodes: usize,
    pub clients: usize,
    pub commands: u64,
    pub repairs: u64,
}

/// Somebody with a browser.
#[derive(Debug)]
struct Client {
    id: Option<ClientId>,
    room: usize,
    name: &'static str,
    at: Option<Place>,
    /// If it is away, when it is back, and where it was.
    back: Option<(u64, usize)>,
    /// The node on which it is or was last, and since when.
    was: usize,
    moved_at: u64,
    /// When it left last.
    left_at: u64,
    /// Since when it has its name, for all to see.
    since: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    node: usize,
    room: RoomId,
    member: MemberId,
}

impl Client {
    /// Whether it has this name in a room, or comes back to it.
    fn has(&self, room: usize, name: &str) -> bool {
        let is_there = self.at.is_some() || self.back.is_some();
        is_there && self.room == room && self.name == name
    }
}

/// What fails in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fails {
    Nothing,
    /// The server is away now and then.
    Server,
    Anything,
}

struct World {
    choices: Choices,
    limits: Limits,
    deflater: Deflater,
    /// When everything was looked at last.
    looked_at: u64,
    broker: Broker,
    wildness: Wildness,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    started: u64,
    now: u64,
    /// When the server goes on.
    paused_until: u64,
    down_until: u64,
    fails: Fails,
    /// When something failed last.
    failed_at: u64,
    /// Whether that was the server alone.
    is_outage: bool,
    /// Since when a node is stopped and until when, in which time it does not say what it has.
    stopped: (u64, u64),
    /// Names that may still be seen, until when, though nobody has them.
    lingering: Vec<(usize, &'static str, u64)>,
}

/// Runs a seed. It panics if something is not as it must be.
pub fn run(seed: u64) -> Outcome {
    let mut choices = Choices::seed(seed);
    let nodes = choices.between(2, 8) as usize;
    let clients = choices.between(1, 12) as usize;
    // The shorter is over before the server is back.
    let hold_closed_ms = choices.pick(&[3_000, 20_000]);
    let limits = Limits { hold_closed_ms, hold_lost_ms: 20_000, ..Limits::default() };
    let fails = choices.pick(&[Fails::Nothing, Fails::Server, Fails::Anything]);
    let wildness = Wildness { one_in: if choices.chance(3) { 20 } else { 0 } };
    let broker = Broker { is_up: true, ..Broker::default() };
    let (now, failed_at) = (0, 0);
    let mut world = World {
        choices,
        limits,
        deflater: Deflater::new(1),
        looked_at: 0,
        broker,
        wildness,
        nodes: Vec::new(),
        clients: Vec::new(),
        started: 0,
        now,
        paused_until: 0,
        down_until: 0,
        fails,
        failed_at,
        is_outage: false,
        stopped: (0, 0),
        lingering: Vec::new(),
    };
    for index in 0..nodes {
        world.broker.connections.push(None);
        let node = world.new_node();
        world.nodes.push(node);
        world.watch_all(index);
    }
    for index in 0..clients {
        let id = world.choices.below(4) > 0;
        world.clients.push(Client {
            id: id.then(|| ClientId::from_bits(1 + index as u128)),
            room: world.choices.below(ROOMS.len() as u32) as usize,
            name: world.choices.pick(&NAMES),
            at: None,
            back: None,
            was: 0,
            moved_at: 0,
            left_at: 0,
            since: None,
        });
    }
    while world.now < LENGTH_MS {
        world.act();
        world.step();
        world.check_nobody_left();
    }
    world.rest();
    if wildness.one_in == 0 {
        world.check_nothing_differed();
    }
    Outcome {
        nodes,
        clients,
        commands: world.broker.commands,
        repairs: world.nodes.iter().map(Node::repairs).sum(),
    }
}

impl World {
    fn new_node(&mut self) -> Node {
        self.started += 1;
        let mut node = Node::new(0xABCD_0000 + self.started, self.now);
        // A few members in an answer, or all that there are.
        node.backplane.set_answer_bytes(self.choices.pick(&[300, 100_000]));
        node
    }

    fn watch_all(&mut self, index: usize) {
        for room in 0..ROOMS.len() {
            self.nodes[index].watch(room, &self.limits, self.now);
        }
    }

    /// Time goes on to when something happens.
    fn step(&mut self) {
        let dues = self.nodes.iter().map(|node| node.due(&self.limits));
        let next = dues.min().unwrap_or(u64::MAX).max(self.now + 1);
        self.now = next.min(self.now + u64::from(self.choices.between(1, 40)));
        self.turns();
    }

    fn turns(&mut self) {
        self.broker.is_paused = self.now < self.paused_until;
        self.broker.is_up = self.now >= self.down_until;
        self.broker.serve(&mut self.choices, self.wildness, self.now);
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if node.stopped_until > self.now {
                continue;
            }
            let by = (&mut self.choices, &self.limits, &mut self.deflater);
            node.turn(&mut self.broker.connections[index], self.broker.is_up, by, self.now);
        }
    }

    fn act(&mut self) {
        let index = self.choices.below(self.clients.len() as u32) as usize;
        match self.choices.below(12) {
            0..6 => self.move_client(index),
            6 => self.update(index),
            7 => self.watch(),
            8 if self.fails != Fails::Nothing => self.fail(),
            _ => {}
        }
        for index in 0..self.clients.len() {
            if self.clients[index].back.is_some_and(|(at, _)| at <= self.now) {
                self.come_back(index);
            }
        }
    }

    /// A client comes, goes, or goes for a moment.
    fn move_client(&mut self, index: usize) {
        let Some(place) = self.clients[index].at else {
            // A page takes longer to load than nodes need to tell each other.
            let client = &self.clients[index];
            let may_come = client.back.is_none() && client.left_at + LOAD_MS <= self.now;
            if may_come && self.choices.chance(3) {
                let (was, moved_at) = (client.was, client.moved_at);
                let node = self.choices.below(self.nodes.len() as u32) as usize;
                // Nodes that can't hear each other can't tell where a client came last.
                let has_moved = self.is_outage && moved_at + KNOWN_MS >= self.failed_at;
                self.come(index, if has_moved { was } else { node });
            }
            return;
        };
        if self.nodes[place.node].stopped_until > self.now {
            return;
        }
        match self.choices.below(10) {
            0 => self.leave(index, Leave::Logout),
            1 => {
                self.leave(index, Leave::Closed);
            }
            2..6 if self.clients[index].id.is_some() => {
                let since = self.clients[index].since;
                self.leave(index, Leave::Closed);
                let after = LOAD_MS + u64::from(self.choices.below(1_500));
                let client = &mut self.clients[index];
                (client.since, client.back) = (since, Some((self.now + after, place.node)));
            }
            6 => {
                let name = self.choices.pick(&NAMES);
                self.linger(index, 0);
                self.nodes[place.node].presence.rename(place.member, name);
                let client = &mut self.clients[index];
                (client.name, client.since) = (name, Some(self.now));
            }
            _ => {}
        }
    }

    /// The name of a client may be seen for so long.
    fn linger(&mut self, index: usize, ms: u64) {
        let Client { room, name, .. } = self.clients[index];
        self.lingering.push((room, name, self.now + ms + KNOWN_MS));
        self.lingering.retain(|(_, _, until)| *until >= self.now);
    }

    fn leave(&mut self, index: usize, leave: Leave) {
        let hold = if leave == Leave::Logout { 0 } else { u64::from(self.limits.hold_closed_ms) };
        self.linger(index, hold);
        let client = &mut self.clients[index];
        let Some(place) = client.at.take() else { return };
        (client.since, client.left_at) = (None, self.now);
        let presence = &mut self.nodes[place.node].presence;
        presence.release(place.member, leave, &self.limits);
        presence.exit(place.room, None, &View::Nothing);
    }

    /// A client that went for a moment is back: on any node, if that can know of it.
    fn come_back(&mut self, index: usize) {
        let Some((at, node)) = self.clients[index].back else { return };
        let is_calm = self.failed_at + 10_000 < at;
        let other = self.choices.below(self.nodes.len() as u32) as usize;
        let goes = match self.is_outage {
            true => self.knows_of(other, index),
            false => is_calm && self.choices.chance(2),
        };
        let node = if goes { other } else { node };
        if self.nodes[node].stopped_until <= self.now {
            self.clients[index].back = None;
            self.come(index, node);
        }
    }

    /// Whether a node knew where a client was before the server was away.
    fn knows_of(&self, node: usize, index: usize) -> bool {
        let client = &self.clients[index];
        let node = &self.nodes[node];
        let (Some(until), Some((_, watched)), Some(since)) =
            (node.knew_until(KNOWN_MS, self.now), node.watched[client.room], client.since)
        else {
            return false;
        };
        watched.max(since).max(client.moved_at) + KNOWN_MS < until
    }

    fn come(&mut self, index: usize, node: usize) {
        let client = &mut self.clients[index];
        let machine = &mut self.nodes[node];
        if machine.stopped_until > self.now {
            return;
        }
        let presence = &mut machine.presence;
        let entered = presence.enter(ROOMS[client.room], 1, &View::Nothing, &self.limits);
        let room = entered.expect("there is room").0;
        let attached = client.id.and_then(|id| presence.attach(id, room));
        let member = attached.unwrap_or_else(|| {
            let update = (client.name, Update::default());
            presence.login(room, client.id, update, &self.limits).expect("no data")
        });
        let name = presence.name(member).expect("it is there").to_string();
        if name != client.name {
            // It had another name where it was last, or it has been away for long.
            presence.rename(member, client.name);
        }
        client.since = Some(client.since.unwrap_or(self.now));
        if client.was != node {
            (client.was, client.moved_at) = (node, self.now);
        }
        client.at = Some(Place { node, room, member });
    }

    fn update(&mut self, index: usize) {
        let Some(place) = self.clients[index].at else { return };
        let node = &mut self.nodes[place.node];
        if node.stopped_until > self.now {
            return;
        }
        let json = format!("{{\"{}\":{}}}", self.choices.pick(&["a", "b"]), self.choices.below(5));
        let data = Some(Patch::decode(&json, 4).unwrap());
        let status = Some(self.choices.pick(&Status::ALL));
        node.presence.update(place.member, Update { status, data }, &self.limits).unwrap();
    }

    /// Somebody begins to follow a room, or ceases.
    fn watch(&mut self) {
        let index = self.choices.below(self.nodes.len() as u32) as usize;
        let room = self.choices.below(ROOMS.len() as u32) as usize;
        if self.nodes[index].stopped_until <= self.now {
            self.nodes[index].watch(room, &self.limits, self.now);
        }
    }

    fn fail(&mut self) {
        if self.failed_at + 12_000 > self.now || !self.choices.chance(4) {
            return;
        }
        self.failed_at = self.now;
        let index = self.choices.below(self.nodes.len() as u32) as usize;
        let kind = if self.fails == Fails::Server { 0 } else { self.choices.below(6) };
        self.is_outage = kind == 0;
        match kind {
            0 => {
                // The server is killed, and is back with nothing.
                self.down_until = self.now + u64::from(self.choices.between(0, 6_000));
                for index in 0..self.nodes.len() {
                    self.cut(index);
                }
            }
            1 => self.paused_until = self.now + u64::from(self.choices.between(0, 4_000)),
            2 => {
                // With the longest, others take it for gone.
                let longest = self.choices.pick(&[3_000, 14_000]);
                let ms = u64::from(self.choices.between(1, longest));
                if self.nodes[index].stopped_until <= self.now {
                    self.nodes[index].stop_for(ms, self.now);
                    self.stopped = (self.now, self.now + ms);
                }
            }
            3 => self.kill(index),
            _ => self.cut(index),
        }
    }

    fn cut(&mut self, index: usize) {
        if self.broker.cut(index) {
            self.nodes[index].cut(self.now);
        }
    }

    /// A node is killed, and starts again as another one.
    fn kill(&mut self, index: usize) {
        self.broker.cut(index);
        self.nodes[index] = self.new_node();
        self.watch_all(index);
        for client in &mut self.clients {
            if client.at.is_some_and(|place| place.node == index) {
                (client.at, client.since) = (None, None);
            }
            // It may have been held there.
            if client.back.is_some_and(|(_, node)| node == index) {
                client.since = None;
            }
        }
    }

    /// Nothing happens any more, and all agree.
    fn rest(&mut self) {
        self.wildness = Wildness::default();
        self.down_until = 0;
        let end = self.now + REST_MS;
        while self.now < end {
            for index in 0..self.clients.len() {
                if self.clients[index].back.is_some() {
                    self.come_back(index);
                }
            }
            let dues = self.nodes.iter().map(|node| node.due(&self.limits));
            let next = dues.min().unwrap_or(u64::MAX).max(self.now + 1);
            self.now = next.min(self.now + 20);
            self.turns();
        }
        for (room, name) in ROOMS.into_iter().enumerate() {
            let here = self.clients.iter().filter(|client| client.room == room);
            let expected: BTreeSet<&str> =
                here.filter(|client| client.at.is_some()).map(|client| client.name).collect();
            let expected: Vec<Value> = expected.into_iter().map(Value::from).collect();
            let mut agreed: Option<Value> = None;
            for (index, node) in self.nodes.iter_mut().enumerate() {
                if node.presence.find(name).is_none() {
                    continue;
                }
                let document = node.document(room, self.now);
                let names = document["names"].as_array().unwrap();
                assert_eq!(*names, expected, "node {index}, room {room}");
                let agreed = agreed.get_or_insert_with(|| document.clone());
                assert_eq!(*agreed, document, "node {index}, room {room}");
            }
        }
        let attached = self.clients.iter().filter(|client| client.at.is_some()).count();
        let members: usize = self.nodes.iter().map(|node| node.presence.members()).sum();
        assert_eq!(members, attached, "members that nobody is");
    }
}
