//! Clients of Socket.IO by long-polling, by the thousand.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::meter::{self, Meter};
use crate::poller::{Poller, ask};
use crate::program::{Client, Program, metric, reset};
use crate::shown;
use crate::wire::{self, Told};

const CLIENTS: usize = 10_000;
const ROOMS: usize = 500;
const THREADS: usize = 4;

/// Changes a second in all rooms together.
const CHURN: u32 = 200;

/// What a client has heard, by whichever way it came.
struct Heard {
    name: String,
    /// Acknowledgements, which come in the order of their numbers.
    acks: usize,
    /// Whether its name was in the last list.
    is_here: bool,
    /// Names of its own kind that were in the last list: nobody of them leaves.
    users: usize,
    /// The number in the other name of the last list.
    churn: usize,
}

impl Heard {
    fn take(&mut self, packet: &str) {
        let (head, body) = packet.split_once(',').expect("it is of a namespace");
        if head.starts_with("40/") {
            return;
        }
        if head.starts_with("43/") {
            assert_eq!(
                body,
                format!("{}[null]", self.acks),
                "an acknowledgement is lost or comes twice"
            );
            self.acks += 1;
            return;
        }
        assert!(head.starts_with("42/"), "{packet}");
        let (event, list): (String, Vec<String>) = serde_json::from_str(body).expect("a list");
        assert_eq!(event, "login");
        let is_here = list.contains(&self.name);
        assert!(is_here || !self.is_here, "{} has left {list:?}", self.name);
        let users = list.iter().filter(|name| name.starts_with("user")).count();
        let churn = list.iter().filter_map(|name| name.strip_prefix("churn ")?.parse().ok()).max();
        assert!(users >= self.users, "somebody has left for a moment: {list:?}");
        assert!(churn.unwrap_or(0) >= self.churn, "{list:?} is older than {}", self.churn);
        (self.is_here, self.users, self.churn) = (is_here, users, churn.unwrap_or(0));
    }

    /// Takes the packets of a response.
    fn take_all(&mut self, payload: &str) {
        payload.split('\u{1e}').for_each(|packet| self.take(packet));
    }
}

/// A client that has moved to a WebSocket.
struct Moved {
    socket: Client,
    room: usize,
    heard: Heard,
}

impl Moved {
    /// Comes by long-polling, is somebody, and moves while it says something.
    fn come(address: SocketAddr, number: usize, took: &mut Vec<Duration>) -> Moved {
        let (room, name) = (number % ROOMS, format!("user {number}"));
        let mut heard = Heard { name: name.clone(), acks: 0, is_here: false, users: 0, churn: 0 };
        let mut poller = Poller::open(address);
        poller.post(&format!("40/room-{room},"));
        poller.post(&format!("42/room-{room},0[\"login\",\"{name}\"]"));
        while heard.acks == 0 || !heard.is_here {
            heard.take_all(&poller.get());
        }
        poller.ask();
        let started = Instant::now();
        let mut socket = Client::connect(address);
        let path = format!("/socket.io/?EIO=4&transport=websocket&sid={}", poller.sid);
        socket.send(&wire::handshake(&path, ""));
        assert_eq!(socket.answer().status, 101);
        socket.send(&wire::text("2probe"));
        Poller::other(address, &poller.sid)
            .post(&format!("42/room-{room},1[\"login\",\"{name}\"]"));
        let probed = socket.told();
        assert!(matches!(&probed, Told::Text(text) if text == "3probe"), "{probed:?}");
        loop {
            match &*poller.told() {
                "6" => break,
                payload => heard.take_all(payload),
            }
            poller.ask();
        }
        socket.send(&wire::text("5"));
        socket.send(&wire::text(&format!("42/room-{room},2[\"login\",\"{name}\"]")));
        let mut moved = Moved { socket, room, heard };
        moved.hear_until(|heard| heard.acks == 3);
        took.push(started.elapsed());
        reset(poller.client.stream);
        moved
    }

    fn hear_until(&mut self, is_heard: impl Fn(&Heard) -> bool) {
        while !is_heard(&self.heard) {
            match self.socket.told() {
                Told::Text(text) if text == "2" => self.socket.send(&wire::text("3")),
                Told::Text(text) => self.heard.take(&text),
                told => panic!("{told:?}"),
            }
        }
    }
}

/// In each room somebody who changes its name and sees all that others do. Says how often each has.
fn churn(address: SocketAddr, is_over: &AtomicBool) -> (Vec<Client>, Vec<usize>) {
    let mut clients: Vec<Client> = Vec::with_capacity(ROOMS);
    for room in 0..ROOMS {
        let mut client = Client::connect(address);
        client.send(&wire::handshake(&format!("/ws/room-{room}"), ""));
        assert_eq!(client.answer().status, 101);
        clients.push(client);
    }
    let started = Instant::now();
    let mut names = vec![0; ROOMS];
    for count in 0.. {
        if is_over.load(Relaxed) {
            break;
        }
        let due = started + Duration::from_secs(1) * count / CHURN;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let room = count as usize % ROOMS;
        names[room] += 1;
        clients[room].login(&format!("churn {}", names[room]));
    }
    (clients, names)
}

/// Nobody but itself has left this room.
fn check_nobody_left(client: &mut Client, name: usize) {
    let last = format!("churn {name}");
    loop {
        let message: Value = client.heard();
        let names = |key: &str| -> Vec<String> {
            serde_json::from_value(message[1][key].clone()).unwrap_or_default()
        };
        let mut left = names("left").into_iter();
        assert!(left.all(|name| name.starts_with("churn ")), "somebody left: {message}");
        if names("joined").contains(&last) {
            return;
        }
    }
}

/// Others see who moves neither leave nor come, and who moves misses nothing and hears nothing
/// twice.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn g10_ten_thousand_move_to_a_websocket_and_nobody_notices() {
    // Those who change their names answer no pings.
    let flags = ["--name-changes-per-minute=1000000", "--ping-interval-ms=600000"];
    let program = Program::start(&flags);
    let (address, base) = (program.addresses[0], program.open_files());
    let (is_over, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let started = Instant::now();
    let (moved, mut took, churners) = thread::scope(|scope| {
        let churn = scope.spawn(|| churn(address, &is_over));
        let come = || {
            let (mut moved, mut took) = (Vec::new(), Vec::new());
            loop {
                match next.fetch_add(1, Relaxed) {
                    number @ ..CLIENTS => moved.push(Moved::come(address, number, &mut took)),
                    _ => return (moved, took),
                }
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(come)).collect();
        let results: Vec<_> = threads.into_iter().map(thread::ScopedJoinHandle::join).collect();
        is_over.store(true, Relaxed);
        let churners = churn.join().unwrap();
        let (mut moved, mut took) = (Vec::new(), Vec::new());
        for result in results {
            let (mut some, mut times) = result.unwrap();
            moved.append(&mut some);
            took.append(&mut times);
        }
        (moved, took, churners)
    });
    let elapsed = started.elapsed();
    let turn = metric(address, "turn_duration_longest_seconds");
    let (mut clients, names) = churners;
    for client in moved {
        let (mut client, last) = (client, names.clone());
        let room = client.room;
        client.hear_until(|heard| heard.users == CLIENTS / ROOMS && heard.churn == last[room]);
        reset(client.socket.stream);
    }
    for (client, name) in clients.iter_mut().zip(names) {
        check_nobody_left(client, name);
    }
    clients.into_iter().for_each(|client| reset(client.stream));
    program.wait_for_base(base);
    took.sort();
    let (p99, most) = (took[CLIENTS * 99 / 100], took[CLIENTS - 1]);
    assert!(turn <= 0.2, "a turn of the loop took up to {turn} s");
    shown(
        "G10",
        &format!(
            "{CLIENTS} upgrades in {elapsed:.1?} beside {CHURN} changes a second: each took \
             {p99:.1?} at p99 and {most:.1?} at most; turns of the loop up to {turn:.3} s; nothing \
             lost, doubled or out of order, nobody seen to leave"
        ),
    );
}

/// Sessions whose requests wait.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn g12_session_that_waits_costs_little() {
    let program = Program::start(&["--ping-interval-ms", "600000"]);
    let (address, base) = (program.addresses[0], program.open_files());
    let before = program.memory_bytes();
    let mut pollers: Vec<Poller> = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let mut poller = Poller::open(address);
        poller.post("40");
        poller.get();
        poller.ask();
        pollers.push(poller);
    }
    drop(program.watch().heard());
    let held = program.memory_bytes().saturating_sub(before) / CLIENTS as u64;
    pollers.into_iter().for_each(|poller| reset(poller.client.stream));
    program.wait_for_base(base);
    assert!(held <= 2048, "{held} bytes for each");
    shown("G12", &format!("{CLIENTS} sessions whose requests wait: {held} B each"));
}

/// Posts as much as it may in one request, again and again, by one session after the other.
fn flood(address: SocketAddr, is_over: &AtomicBool) -> usize {
    let payload = vec!["42[\"logout\"]"; 100].join("\u{1e}");
    let mut posts = 0;
    while !is_over.load(Relaxed) {
        let mut poller = Poller::open(address);
        poller.post("40");
        let mut is_open = true;
        while is_open && !is_over.load(Relaxed) {
            posts += 1;
            let path = poller.path();
            ask(&mut poller.client, "POST", &path, &payload);
            is_open = poller.client.answer().status == 200;
        }
        if is_open {
            poller.post("1");
        }
        reset(poller.client.stream);
    }
    posts
}

/// How long 99 of 100 strangers wait for an answer to their first request.
fn strangers(address: SocketAddr, is_over: &AtomicBool) -> Duration {
    let mut times = Vec::new();
    while !is_over.load(Relaxed) || times.len() < 100 {
        let started = Instant::now();
        let mut client = Client::connect(address);
        ask(&mut client, "GET", "/healthz", "");
        assert_eq!(client.answer().status, 200);
        times.push(started.elapsed());
        reset(client.stream);
        thread::sleep(Duration::from_millis(5));
    }
    times.sort();
    times[times.len() * 99 / 100]
}

#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn g2_flood_of_posts_starves_nobody() {
    let program = Program::start(&meter::FLAGS);
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 50);
    let (others, (posts, strangers)) = meter.withstand(|is_over| {
        thread::scope(|scope| {
            let strangers = scope.spawn(|| strangers(address, is_over));
            (flood(address, is_over), strangers.join().unwrap())
        })
    });
    drop(meter);
    program.wait_for_base(base);
    shown(
        "G2",
        &format!(
            "{posts} requests of 100 packets as fast as they go: {others}; a stranger's request \
             {strangers:.1?} at p99"
        ),
    );
}
