//! A world in virtual time: the hub, a driver that obeys its contract, and clients.

use std::net::{IpAddr, Ipv4Addr};

use headcount::config::Config;
use headcount::connection::{Cause, ConnectionId, State};
use headcount::hub::{AfterSend, Hub, Reaped, Refusal, RefusedOrigin};
use headcount::time::Time;
use serde_json::Value;

use crate::digest;
use crate::made_once;
use crate::wire::{self, Answer, Told};

/// The hub and everyone who is connected to it.
pub struct World {
    pub hub: Hub,
    pub now: Time,
    clients: Vec<Client>,
    /// Clients that have room again, as an event would say.
    writable: Vec<ConnectionId>,
    /// What a driver would have logged.
    pub refused_origins: Vec<RefusedOrigin>,
}

/// One end of a connection, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(usize);

struct Client {
    id: ConnectionId,
    /// What came and was not looked at.
    inbox: Vec<u8>,
    /// Bytes that the client takes before its socket is full.
    room: usize,
    /// As the driver has it: not written to again until an event says so.
    is_unwritable: bool,
    /// The server has shut its side down.
    is_half_closed: bool,
    /// Why the server has closed the connection, once it has.
    cause: Option<Cause>,
}

impl World {
    pub fn new() -> World {
        World::with(made_once::config())
    }

    /// A world whose server also echoes.
    pub fn with_echo() -> World {
        World::with(Config { echo: true, ..made_once::config() })
    }

    /// A world in which nobody is held: whoever ends a connection is gone at once.
    pub fn with(mut config: Config) -> World {
        (config.limits.hold_closed_ms, config.limits.hold_lost_ms) = (0, 0);
        World::holding(config)
    }

    /// A world in which members are held.
    pub fn holding(config: Config) -> World {
        let mut hub = Hub::new(config, made_once::assets());
        hub.set_date("Mon, 23 Nov 2026 12:00:00 GMT".to_owned());
        World {
            hub,
            now: Time::ZERO,
            clients: Vec::new(),
            writable: Vec::new(),
            refused_origins: Vec::new(),
        }
    }

    pub fn now(&self) -> Time {
        self.now
    }

    // What clients do. Each is a turn of its own.

    pub fn connect(&mut self) -> Peer {
        self.connect_from(Ipv4Addr::LOCALHOST.into()).expect("the connection is taken")
    }

    pub fn connect_from(&mut self, address: IpAddr) -> Result<Peer, Refusal> {
        let id = self.hub.accepted(address, self.now)?;
        Ok(self.welcome(id))
    }

    /// Connects to where there is nothing but metrics.
    pub fn connect_for_metrics(&mut self, address: IpAddr) -> Result<Peer, Refusal> {
        let id = self.hub.accepted_for_metrics(address, self.now)?;
        Ok(self.welcome(id))
    }

    fn welcome(&mut self, id: ConnectionId) -> Peer {
        self.clients.push(Client {
            id,
            inbox: Vec::new(),
            room: usize::MAX,
            is_unwritable: false,
            is_half_closed: false,
            cause: None,
        });
        self.turn();
        Peer(self.clients.len() - 1)
    }

    /// Connects, opens a WebSocket at `path`, and takes the 101.
    pub fn open(&mut self, path: &str) -> Peer {
        let peer = self.connect();
        self.send(peer, &wire::handshake(path, ""));
        assert_eq!(self.answer(peer).status, 101);
        peer
    }

    /// Opens a WebSocket with a subprotocol that the server takes.
    pub fn offer(&mut self, path: &str, protocol: &str) -> Peer {
        let peer = self.connect();
        let field = format!("Sec-WebSocket-Protocol: {protocol}\r\n");
        self.send(peer, &wire::handshake(path, &field));
        assert_eq!(self.answer(peer).field("Sec-WebSocket-Protocol"), Some(protocol));
        peer
    }

    /// Opens a WebSocket on the roster and takes the first message.
    pub fn watch(&mut self) -> Peer {
        let peer = self.open("/ws");
        let told = self.told(peer);
        assert!(matches!(&told[..], [Told::Text(text)] if text.starts_with("[\"roster\"")));
        peer
    }

    pub fn send(&mut self, peer: Peer, bytes: &[u8]) {
        self.send_quietly(peer, bytes);
        self.turn();
    }

    /// Sends in the same turn as what comes next.
    pub fn send_quietly(&mut self, peer: Peer, bytes: &[u8]) {
        let id = self.clients[peer.0].id;
        assert!(self.hub.wants_read(id) || self.is_closed(peer));
        self.hub.received(id, &mut bytes.to_vec(), self.now);
    }

    pub fn say(&mut self, peer: Peer, message: &str) {
        self.send(peer, &wire::text(message));
    }

    pub fn login(&mut self, peer: Peer, name: &str) {
        self.send(peer, &wire::login(name));
    }

    /// The client half-closes.
    pub fn end(&mut self, peer: Peer) {
        self.hub.ended(self.clients[peer.0].id, self.now);
        self.turn();
    }

    /// The connection breaks.
    pub fn reset(&mut self, peer: Peer) {
        self.hub.lost(self.clients[peer.0].id);
        self.turn();
    }

    /// The client takes `room` more bytes and then nothing.
    pub fn set_room(&mut self, peer: Peer, room: usize) {
        self.clients[peer.0].room = room;
        self.clients[peer.0].is_unwritable &= room == 0;
        self.writable.push(self.clients[peer.0].id);
    }

    /// The server's handle on it.
    pub fn id(&self, peer: Peer) -> ConnectionId {
        self.clients[peer.0].id
    }

    // What they see.

    /// The messages that came since the last look.
    pub fn told(&mut self, peer: Peer) -> Vec<Told> {
        wire::take_frames(&mut self.clients[peer.0].inbox)
    }

    /// The same, which must all be text, as JSON and without digests.
    pub fn heard(&mut self, peer: Peer) -> Vec<Value> {
        let parse = |told| {
            let Told::Text(text) = told else { panic!("{told:?}") };
            digest::without(serde_json::from_str(&text).expect("messages are JSON"))
        };
        self.told(peer).into_iter().map(parse).collect()
    }

    /// The next HTTP answer.
    pub fn answer(&mut self, peer: Peer) -> Answer {
        self.try_answer(peer).expect("there is an answer")
    }

    pub fn try_answer(&mut self, peer: Peer) -> Option<Answer> {
        wire::take_answer(&mut self.clients[peer.0].inbox, false)
    }

    /// The bytes that came and were not looked at.
    pub fn inbox(&mut self, peer: Peer) -> &mut Vec<u8> {
        &mut self.clients[peer.0].inbox
    }

    /// Whether the server has said that it sends no more.
    pub fn is_half_closed(&self, peer: Peer) -> bool {
        self.clients[peer.0].is_half_closed
    }

    /// Whether the server has closed the connection.
    pub fn is_closed(&self, peer: Peer) -> bool {
        self.cause(peer).is_some()
    }

    /// Why it has.
    pub fn cause(&self, peer: Peer) -> Option<Cause> {
        self.clients[peer.0].cause
    }

    /// The names on the roster, as `GET /roster` has them.
    pub fn names(&mut self) -> Vec<String> {
        let document = self.roster();
        serde_json::from_value(document["names"].clone()).expect("names are strings")
    }

    /// The body of `GET /roster`.
    pub fn roster(&mut self) -> Value {
        self.roster_of("")
    }

    /// The body of `GET /roster/ROOM`.
    pub fn roster_of(&mut self, room: &str) -> Value {
        let peer = self.connect();
        let path = wire::path("/roster", room);
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        self.send(peer, head.as_bytes());
        let answer = self.answer(peer);
        assert_eq!(answer.status, 200);
        self.end(peer);
        assert!(self.is_closed(peer));
        serde_json::from_slice(&answer.body).expect("the roster is JSON")
    }

    /// Connections that follow rooms and are in none of them under a name.
    pub fn watching(&self) -> u32 {
        self.hub.open(State::Watching)
    }

    // Time and the driver.

    /// Lets time pass, with a turn whenever the hub asks for one.
    pub fn pass_ms(&mut self, ms: u64) {
        let end = self.now.after_ms(ms);
        loop {
            let wakeup = self.hub.next_wakeup();
            self.now = wakeup.max(self.now.after_ms(1)).min(end);
            self.turn();
            if self.now >= end {
                return;
            }
        }
    }

    /// The rest of a turn, after input.
    pub fn turn(&mut self) {
        sweep(&mut self.hub, self.now);
        while self.hub.next_to_meet().is_some() {
            self.hub.meet(self.now);
        }
        self.hub.commit(self.now);
        // As in the driver: who is on none of these lists is not written to.
        let writable = std::mem::take(&mut self.writable);
        writable.into_iter().for_each(|id| self.flush(id));
        while let Some(id) = self.hub.next_touched() {
            self.flush(id);
        }
        while let Some(id) = self.hub.next_to_tell() {
            self.flush(id);
        }
        self.refused_origins.extend(self.hub.take_refused_origins());
        while let Some(Reaped { id, cause, .. }) = self.hub.reap() {
            // A test may also open connections in the hub that nobody looks at.
            if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
                assert_eq!(client.cause.replace(cause), None);
            }
        }
        // Input that was held back goes on when there is room, in a turn of its own.
        let resumable: Vec<ConnectionId> =
            self.hub.ids().filter(|id| self.hub.is_resumable(*id)).collect();
        if !resumable.is_empty() {
            for id in resumable {
                self.hub.resume(id, self.now);
            }
            self.turn();
        }
    }

    fn flush(&mut self, id: ConnectionId) {
        let id = self.hub.carry(id, self.now).unwrap_or(id);
        if let Some(client) = self.clients.iter_mut().find(|client| client.id == id) {
            client.flush(&mut self.hub, self.now);
        }
    }
}

/// Meets the deadlines that have come, as the driver does.
pub fn sweep(hub: &mut Hub, now: Time) {
    hub.find_due(now);
    while let Some(id) = hub.next_due() {
        hub.expire(id, now);
    }
    hub.shed();
}

impl Client {
    /// Plays the driver's part of writing: until nothing is left or the client has no room.
    fn flush(&mut self, hub: &mut Hub, now: Time) {
        let mut is_settled = true;
        while !self.is_unwritable {
            let chunks = hub.transmit(self.id);
            if chunks.is_empty() {
                break;
            }
            let bytes = chunks.as_slice().concat();
            assert_eq!(bytes.len(), chunks.total());
            let taken = bytes.len().min(self.room);
            if taken == 0 {
                self.is_unwritable = true;
                break;
            }
            assert!(!self.is_half_closed, "bytes after the end");
            self.inbox.extend_from_slice(&bytes[..taken]);
            self.room = self.room.saturating_sub(if self.room == usize::MAX { 0 } else { taken });
            match hub.sent(self.id, taken) {
                AfterSend::More => is_settled = false,
                AfterSend::Nothing if is_settled => return,
                AfterSend::Nothing | AfterSend::Settle => break,
            }
        }
        if hub.settle_output(self.id, self.is_unwritable, now).half_closes {
            self.is_half_closed = true;
            hub.half_closed(self.id, now);
        }
    }
}
