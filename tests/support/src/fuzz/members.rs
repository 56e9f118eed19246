//! One client among many: what it has sent, what it heard, and what the server owes it.

use std::collections::BTreeMap;

use headcount::config::Limits;

use super::expected::{Expected, OFFER};
use super::listener::{Asked, Listener, Stage};
use super::reference::Deflate;
use super::rooms::Seat;
use crate::wire;
use crate::world::{Peer, World};

/// What it asks when it asks for a page.
pub const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost:3000\r\n\r\n";

/// Where the WebSocket of a room is, and which room that is.
pub const PATHS: [(&str, &str); 4] =
    [("/ws", ""), ("/ws/a", "a"), ("/ws/a/b", "a/b"), ("/ws/Rene%CC%81%20%F0%9F%A6%80", "René 🦀")];

/// A client that waits longer than this before it reads, in ms, may be cut off: a closing handshake
/// may take five seconds, and everything else more.
const PATIENCE_MS: u64 = 4_000;

/// A client.
pub struct Member {
    pub peer: Peer,
    pub listener: Listener,
    /// What it has sent, from its first byte that no request was seen to begin with.
    sent: Vec<u8>,
    /// The statuses that its requests must be answered with.
    statuses: Vec<u16>,
    asked: Vec<Asked>,
    /// How much of it was sent by when.
    marks: Vec<(usize, u64)>,
    /// What follows from so much of it, read in this way.
    expected: (Option<(usize, Deflate)>, Expected),
    /// Which WebSocket its handshake has opened.
    socket: Option<Socket>,
    /// What the kernel has of it, while the server does not read.
    queue: Vec<u8>,
    delivered: usize,
    piece: usize,
    wants_end: bool,
    /// It has said, and the server has read, that it sends no more; or its connection is broken.
    pub is_gone: bool,
    pub is_mute: bool,
    pub is_slow: bool,
    slow_ms: u64,
    /// It has given the server a reason to cut it off.
    is_at_fault: bool,
    pings_seen: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    /// One of [`PATHS`].
    Room(usize),
    Echo,
}

impl Member {
    pub fn new(peer: Peer) -> Member {
        Member {
            peer,
            listener: Listener::default(),
            sent: Vec::new(),
            marks: Vec::new(),
            expected: (None, Expected::default()),
            statuses: Vec::new(),
            asked: Vec::new(),
            socket: None,
            queue: Vec::new(),
            delivered: 0,
            piece: 0,
            wants_end: false,
            is_gone: false,
            is_mute: false,
            is_slow: false,
            slow_ms: 0,
            is_at_fault: false,
            pings_seen: 0,
        }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        if !self.wants_end && !self.is_gone {
            self.queue.extend_from_slice(bytes);
        }
    }

    /// Sends bytes in no frame: to a server that awaits a request, none that one begins with.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        if self.socket.is_none() && self.queue.is_empty() {
            self.send(b"\0");
        }
        self.send(bytes);
    }

    pub fn end(&mut self) {
        self.wants_end = true;
    }

    pub fn cut_into(&mut self, piece: usize) {
        self.piece = piece;
    }

    /// Bytes that wait for the server to read them, and the end after them.
    pub fn queued(&self) -> usize {
        self.queue.len() + usize::from(self.wants_end && !self.is_gone)
    }

    pub fn note_time(&mut self, ms: u64) {
        self.slow_ms = if self.is_slow { self.slow_ms + ms } else { 0 };
        self.is_at_fault |= self.slow_ms > PATIENCE_MS;
    }

    /// Bytes that the server has read.
    pub fn delivered(&self) -> usize {
        self.delivered
    }

    /// Gives the server what it takes, in this turn. The pieces of all clients are counted.
    pub fn deliver(&mut self, world: &mut World, tick: &mut u64) {
        let id = world.id(self.peer);
        while !self.queue.is_empty() && world.hub.wants_read(id) {
            let length = if self.piece == 0 { usize::MAX } else { self.piece };
            let piece: Vec<u8> = self.queue.drain(..length.min(self.queue.len())).collect();
            world.send_quietly(self.peer, &piece);
            self.delivered += piece.len();
            self.sent.extend(piece);
            *tick += 1;
            self.marks.push((self.sent.len(), *tick));
            self.note_requests();
        }
        if self.queue.is_empty() && self.wants_end && !self.is_gone && world.hub.wants_read(id) {
            world.hub.ended(id, world.now);
            self.is_gone = true;
        }
    }

    /// A client sends whole requests, or something that is wrong from its first byte on.
    fn note_requests(&mut self) {
        let mut requests = vec![
            (GET.to_vec(), 200, None),
            (wire::handshake("/echo", ""), 101, Some(Socket::Echo)),
        ];
        for (index, (path, _)) in PATHS.iter().enumerate() {
            for offer in ["", OFFER] {
                let socket = Some(Socket::Room(index));
                requests.push((wire::handshake(path, offer), 101, socket));
            }
        }
        while self.socket.is_none() && self.statuses.last() != Some(&400) && !self.sent.is_empty() {
            let sent = &self.sent;
            let whole = requests.iter().find(|(request, ..)| sent.starts_with(request));
            if let Some((request, status, socket)) = whole {
                self.statuses.push(*status);
                let is_echo = *socket == Some(Socket::Echo);
                self.asked.push(Asked { is_head: false, is_echo });
                self.socket = *socket;
                self.expected.0 = None;
                let length = request.len();
                self.sent.drain(..length);
                self.marks.iter_mut().for_each(|mark| mark.0 = mark.0.saturating_sub(length));
            } else if requests.iter().any(|(request, ..)| request.starts_with(sent)) {
                return;
            } else {
                self.statuses.push(400);
            }
        }
    }

    /// Listens, and answers the server's pings.
    pub fn listen(&mut self, world: &mut World, limits: &Limits) {
        self.listener.read(world.inbox(self.peer), &self.asked);
        for ping in self.listener.pings.split_off(self.pings_seen) {
            if !self.is_mute {
                self.send(&wire::frame(0x8A, &ping));
            }
            // A pong in the middle of another frame is none.
            let all = [&self.sent[..], &self.queue].concat();
            let pongs = self.what_follows(&all, limits).pongs;
            self.is_at_fault |= self.is_mute || pongs.last() != Some(&ping);
            self.listener.pings.push(ping);
            self.pings_seen += 1;
        }
    }

    /// What follows from these bytes.
    fn what_follows(&self, sent: &[u8], limits: &Limits) -> Expected {
        let deflate = self.listener.deflate();
        match self.socket {
            Some(Socket::Room(index)) => {
                let room = PATHS[index].1;
                Expected::roster(sent, deflate, &self.marks, (room, limits))
            }
            Some(Socket::Echo) => Expected::echo(sent, deflate),
            None => Expected::default(),
        }
    }

    /// What follows from all that it has sent.
    pub fn expected(&mut self, limits: &Limits) -> &Expected {
        let read = Some((self.sent.len(), self.listener.deflate()));
        if self.expected.0 != read {
            self.expected = (read, self.what_follows(&self.sent, limits));
        }
        &self.expected.1
    }

    /// The rooms that it is in, by what was [expected](Member::expected) last.
    pub fn rooms(&self) -> &BTreeMap<String, Seat> {
        &self.expected.1.rooms.all
    }

    /// Whether it follows rooms, and nothing has happened to it.
    fn is_told(&self, world: &World) -> bool {
        let is_closed = world.is_closed(self.peer) || world.is_half_closed(self.peer);
        self.listener.stage == Stage::Roster && !is_closed && !self.is_gone
    }

    /// Whether it is to be told of rooms at once.
    pub fn is_prompt(&self, world: &World) -> bool {
        self.is_told(world) && !self.is_slow
    }

    /// Once everything is read: checks all that it heard against what it sent, and says whether it
    /// follows rooms.
    pub fn check(&mut self, world: &World, limits: &Limits, is_stopping: bool) -> bool {
        self.expected(limits);
        let expected = &self.expected.1;
        let is_closed = world.is_closed(self.peer) || world.is_half_closed(self.peer);
        let owes_all = !self.is_gone && !self.is_at_fault && !is_stopping;

        let answers = &self.listener.answers;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert!(self.statuses.starts_with(&statuses), "{statuses:?}");
        let mut private = &self.listener.private[..];
        let going_away = wire::Told::Close(Some(1001));
        if is_stopping && let Some(at) = private.iter().position(|told| *told == going_away) {
            let is_pong = |told: &&wire::Told| matches!(told, wire::Told::Pong(_));
            let pongs = expected.private.iter().skip(at).filter(is_pong);
            let after = &private[at + 1..];
            assert!(pongs.take(after.len()).eq(after), "{:?}, {private:?}", expected.private);
            private = &private[..at];
        }
        assert!(expected.private.starts_with(private), "{:?}, {private:?}", expected.private);
        if owes_all && !is_closed {
            assert_eq!(statuses, self.statuses, "all is answered");
        }
        if owes_all && self.listener.stage != Stage::Http {
            assert_eq!(private.len(), expected.private.len(), "{:?}", expected.private);
            assert_eq!(is_closed, !expected.is_open, "who does nothing wrong is not cut off");
        }
        let mut pongs = self.listener.told.iter().zip(&expected.told);
        assert!(pongs.all(|(told, due)| due.contains(told)), "{:?}", self.listener.told);
        let unasked =
            self.listener.copies.keys().find(|room| !expected.rooms.visited.contains(*room));
        assert_eq!(unasked, None, "it was never there");
        let is_told = self.is_told(world) && !is_stopping;
        assert!(expected.is_open || !is_told);
        is_told
    }
}
