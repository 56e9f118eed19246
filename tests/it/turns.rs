//! Short turns: each phase of a turn has a budget, what is beyond it waits for the next turn, and
//! a stranger is not made to wait for all.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use headcount::assets::Assets;
use headcount::config::{Config, Limits};
use headcount::connection::ConnectionId;
use headcount::server::{Event, Net, Readiness, Server};
use headcount_support::wire::{self, Told};

/// A machine whose peers take everything, and on which each write takes a millisecond.
#[derive(Default)]
struct Crowd {
    now: Duration,
    arriving: VecDeque<usize>,
    peers: Vec<Peer>,
    events: Vec<Event>,
    /// Peers that were read from, written to and closed, in this order, since the last look.
    read: Vec<usize>,
    written: Vec<usize>,
    closed: Vec<usize>,
}

#[derive(Default)]
struct Peer {
    id: Option<ConnectionId>,
    outgoing: Vec<u8>,
    inbox: Vec<u8>,
    has_ended: bool,
    is_full: bool,
}

const READABLE: Readiness =
    Readiness { is_readable: true, is_read_closed: false, is_writable: false };

impl Net for Crowd {
    type Stream = usize;

    fn poll(&mut self, events: &mut Vec<Event>, _: Option<Duration>) -> io::Result<()> {
        self.now += Duration::from_millis(1);
        events.append(&mut self.events);
        Ok(())
    }

    fn accept(&mut self, _: usize) -> io::Result<(usize, SocketAddr)> {
        let peer = self.arriving.pop_front().ok_or(ErrorKind::WouldBlock)?;
        Ok((peer, SocketAddr::from(([127, 0, 0, 1], 1))))
    }

    fn register(&mut self, &mut peer: &mut usize, id: ConnectionId) -> io::Result<()> {
        self.peers[peer].id = Some(id);
        self.events.push(Event::Connection(id, READABLE));
        Ok(())
    }

    fn read(&mut self, &mut peer: &mut usize, buffer: &mut [u8]) -> io::Result<usize> {
        self.read.push(peer);
        let peer = &mut self.peers[peer];
        if peer.outgoing.is_empty() && !peer.has_ended {
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = peer.outgoing.len().min(buffer.len());
        buffer[..length].copy_from_slice(&peer.outgoing[..length]);
        peer.outgoing.drain(..length);
        Ok(length)
    }

    fn write(&mut self, &mut peer: &mut usize, chunks: &[&[u8]]) -> io::Result<usize> {
        self.now += Duration::from_millis(1);
        if self.peers[peer].is_full {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.written.push(peer);
        self.peers[peer].inbox.extend(chunks.concat());
        Ok(chunks.concat().len())
    }

    fn shutdown(&mut self, _: &mut usize) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self, peer: usize) {
        self.closed.push(peer);
    }

    fn stop_listening(&mut self) {}

    fn elapsed(&self) -> Duration {
        self.now
    }

    fn date(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

impl Crowd {
    /// A peer says something, or comes and says it.
    fn say(&mut self, peer: usize, bytes: &[u8]) {
        self.peers[peer].outgoing.extend_from_slice(bytes);
        if let Some(id) = self.peers[peer].id {
            self.events.push(Event::Connection(id, READABLE));
        }
    }

    fn end(&mut self, peer: usize) {
        self.peers[peer].has_ended = true;
        self.say(peer, b"");
    }

    fn arrive(&mut self, bytes: &[u8]) -> usize {
        let outgoing = bytes.to_vec();
        self.peers.push(Peer { outgoing, ..Peer::default() });
        self.arriving.push_back(self.peers.len() - 1);
        self.events.push(Event::Listener(0));
        self.peers.len() - 1
    }

    fn told(&mut self, peer: usize) -> usize {
        let told = wire::take_frames(&mut self.peers[peer].inbox);
        told.iter().filter(|told| matches!(told, Told::Text(_))).count()
    }
}

fn turn(server: &mut Server<Crowd>) {
    let net = server.net_mut();
    for peers in [&mut net.read, &mut net.written, &mut net.closed] {
        peers.clear();
    }
    assert_eq!(server.turn().unwrap(), None);
}

/// A server with so many watchers who have been told everything.
fn watched(limits: Limits, watchers: usize) -> Server<Crowd> {
    let config = Config { limits, ..Config::default() };
    let mut server = Server::new(config, Assets::embedded(), Crowd::default(), 1);
    for _ in 0..watchers {
        server.net_mut().arrive(&wire::handshake("/ws", ""));
    }
    (0..20 * watchers).for_each(|_| turn(&mut server));
    for peer in &mut server.net_mut().peers {
        assert_eq!(wire::take_answer(&mut peer.inbox, false).unwrap().status, 101);
        assert_eq!(wire::take_frames(&mut peer.inbox).len(), 1);
    }
    server
}

/// The peers that are written to in so many turns.
fn written(server: &mut Server<Crowd>, turns: usize) -> Vec<Vec<usize>> {
    let written = |_| {
        turn(server);
        server.net().written.clone()
    };
    (0..turns).map(written).collect()
}

fn login(server: &mut Server<Crowd>, peer: usize, name: &str) {
    server.net_mut().say(peer, &wire::login(name));
}

#[test]
fn commit_is_told_a_few_at_a_time_and_reaches_everyone() {
    let limits = Limits { connections_per_turn: 3, ..Limits::default() };
    let mut server = watched(limits, 8);
    login(&mut server, 0, "Ada");
    // The first is written to because it was read from, and in its turn nothing is new.
    assert_eq!(written(&mut server, 4), [vec![0, 1, 2, 3], vec![4, 5, 6], vec![7], vec![]]);
    assert!((0..8).all(|peer| server.net_mut().told(peer) == 1));
}

#[test]
fn what_is_sent_in_a_turn_has_a_size() {
    let limits = Limits { send_bytes_per_turn: 80, ..Limits::default() };
    let mut server = watched(limits, 5);
    login(&mut server, 0, "Ada");
    // A change has 76 bytes. The one who made it is owed it, and that has a budget of its own.
    assert_eq!(written(&mut server, 3), [vec![0, 1, 2], vec![3, 4], vec![]]);
}

/// The next commit does not wait until the last has reached everyone, and those who wait longest
/// are told first, of both.
#[test]
fn commit_in_the_middle_of_telling_begins_with_those_who_wait() {
    let limits = Limits { connections_per_turn: 4, commit_interval_ms: 1, ..Limits::default() };
    let mut server = watched(limits, 10);
    login(&mut server, 0, "Ada");
    assert_eq!(written(&mut server, 1), [[0, 1, 2, 3, 4]]);
    login(&mut server, 1, "Bob");
    assert_eq!(written(&mut server, 3), [vec![1, 5, 6, 7, 8], vec![9, 0, 2, 3], vec![4]]);
    assert!((0..10).all(|peer| server.net_mut().told(peer) == 2));
}

/// Each commit is a frame more for everyone. So few of them come in one round.
#[test]
fn commit_waits_until_a_quarter_knows_of_the_last() {
    let limits = Limits { connections_per_turn: 1, commit_interval_ms: 1, ..Limits::default() };
    let mut server = watched(limits, 12);
    login(&mut server, 0, "Ada");
    assert_eq!(written(&mut server, 1), [[0, 1]]);
    login(&mut server, 2, "Bob");
    assert_eq!(written(&mut server, 1), [[2, 3]], "two of twelve knew of Ada");
    assert_eq!(server.net_mut().told(3), 1);
    assert_eq!(written(&mut server, 1), [[4]], "and now four");
    assert_eq!(server.net_mut().told(4), 2);
}

/// Who comes in the middle of a storm waits for a turn, and not for the storm.
#[test]
fn stranger_is_answered_before_all_are_told() {
    let limits = Limits { connections_per_turn: 4, ..Limits::default() };
    let mut server = watched(limits, 100);
    login(&mut server, 0, "Ada");
    turn(&mut server);
    let stranger = server.net_mut().arrive(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(written(&mut server, 2).concat().contains(&stranger));
    assert_eq!(written(&mut server, 1)[0].len(), 4, "and telling goes on");
}

/// Who does not read is written to once, and then not before there is room.
#[test]
fn follower_whose_socket_is_full_costs_a_turn_nothing() {
    let limits = Limits { connections_per_turn: 1, commit_interval_ms: 1, ..Limits::default() };
    let mut server = watched(limits, 6);
    (0..5).for_each(|peer| server.net_mut().peers[peer].is_full = true);
    login(&mut server, 5, "Ada");
    assert_eq!(written(&mut server, 6).concat(), [5]);
    login(&mut server, 5, "Bob");
    assert_eq!(written(&mut server, 1), [[5]]);
    assert!(!server.hub().is_telling(), "and all others were passed over");
}

#[test]
fn as_many_are_read_from_in_a_turn_and_the_others_in_the_next() {
    let limits = Limits { connections_per_turn: 2, ..Limits::default() };
    let mut server = watched(limits, 5);
    (0..5).for_each(|peer| server.net_mut().say(peer, &wire::frame(0x89, b"ping")));
    for expected in [&[0, 1][..], &[2, 3], &[4]] {
        turn(&mut server);
        assert_eq!(server.net().read, expected);
        assert_eq!(server.net().written, expected, "and answered in the same turn");
    }
}

/// Whose turn to be read comes late has not said too late what it said.
#[test]
fn what_was_said_in_time_is_read_before_a_deadline_is_met() {
    let limits = Limits { connections_per_turn: 1, handshake_timeout_ms: 100, ..Limits::default() };
    let mut server = watched(limits, 0);
    let request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let peers: Vec<usize> = (0..200).map(|_| server.net_mut().arrive(request)).collect();
    written(&mut server, 250);
    assert!(server.net().now > Duration::from_millis(300));
    for peer in peers {
        let answer = wire::take_answer(&mut server.net_mut().peers[peer].inbox, false);
        assert_eq!(answer.map(|answer| answer.status), Some(200));
    }
}

#[test]
fn as_many_are_closed_in_a_turn_and_the_others_in_the_next() {
    let limits = Limits { connections_per_turn: 2, ..Limits::default() };
    let mut server = watched(limits, 5);
    (0..5).for_each(|peer| server.net_mut().end(peer));
    let mut closed = Vec::new();
    for _ in 0..6 {
        turn(&mut server);
        assert!(server.net().closed.len() <= 2);
        closed.extend(server.net().closed.clone());
    }
    assert_eq!(closed, [0, 1, 2, 3, 4], "those that ended first are closed first");
}
