//! What a change costs until every connection was handed it, and what a connection costs to join;
//! without sockets, so this is what the server adds to the system calls.
//!
//! `cargo bench --bench hub`; `cargo test --benches` runs each once and checks its result.

use std::net::{IpAddr, Ipv4Addr};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use headcount::assets::Assets;
use headcount::config::{Config, Limits};
use headcount::connection::ConnectionId;
use headcount::hub::{AfterSend, Hub};
use headcount::presence::{Encoder, Presence, Update, View};
use headcount::time::Time;
use headcount::ws::Deflater;
use headcount::ws::frame::{self, Opcode};
use headcount::ws::mask::MaskKey;

const HANDSHAKE: &[u8] = b"GET /ws HTTP/1.1\r\n\
    Host: localhost:3000\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

/// The same for a client of Socket.IO.
const SOCKET_IO_HANDSHAKE: &[u8] = b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n\
    Host: localhost:3000\r\n\
    Upgrade: websocket\r\n\
    Connection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\
    \r\n";

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A hub whose connections follow the roster and have read everything.
struct Crowd {
    hub: Hub,
    ids: Vec<ConnectionId>,
    now: Time,
    changes: u64,
}

impl Crowd {
    fn new(size: usize) -> Crowd {
        // No rate keeps the one connection from changing its name as often as this measures it.
        let limits = Limits {
            messages_per_second: 1 << 30,
            messages_burst: 1 << 30,
            bytes_per_second: 1 << 30,
            name_changes_per_minute: 1 << 30,
            ..Limits::default()
        };
        let hub = Hub::new(Config { limits, ..Config::default() }, Assets::embedded());
        let mut crowd = Crowd { hub, ids: Vec::new(), now: Time::ZERO, changes: 0 };
        for _ in 0..size {
            let (id, _) = crowd.join();
            crowd.ids.push(id);
        }
        crowd
    }

    /// A crowd of clients of Socket.IO, with one before them that is none.
    fn of_socket_io(size: usize) -> Crowd {
        let mut crowd = Crowd::new(1);
        for _ in 0..size {
            let id = crowd.hub.accepted(LOCALHOST, crowd.now).expect("there is room");
            crowd.hub.received(id, &mut SOCKET_IO_HANDSHAKE.to_vec(), crowd.now);
            crowd.transmit(id);
            crowd.hub.received(id, &mut text("40"), crowd.now);
            crowd.transmit(id);
            crowd.forget_touched();
            crowd.ids.push(id);
        }
        crowd
    }

    /// A crowd of which all are on the roster.
    fn with_names(size: usize) -> Crowd {
        let mut crowd = Crowd::new(size);
        crowd.log_in(size);
        crowd
    }

    /// All log in, each with one of so many names.
    fn log_in(&mut self, names: usize) {
        for index in 0..self.ids.len() {
            let mut login = text(&format!("[\"login\",\"somebody {:06}\"]", index % names));
            self.hub.received(self.ids[index], &mut login, self.now);
        }
        self.commit();
        assert_eq!(self.hand_over(), self.ids.len());
    }

    /// Accept, handshake, and all that a new connection is told: who it is, and how many bytes that
    /// were.
    fn join(&mut self) -> (ConnectionId, usize) {
        let id = self.hub.accepted(LOCALHOST, self.now).expect("there is room");
        self.hub.received(id, &mut HANDSHAKE.to_vec(), self.now);
        let bytes = self.transmit(id);
        (id, bytes)
    }

    /// The connection of `id` breaks.
    fn leave(&mut self, id: ConnectionId) {
        self.hub.lost(id);
        assert_eq!(self.hub.reap().map(|reaped| reaped.id), Some(id));
        self.forget_touched();
    }

    fn forget_touched(&mut self) {
        while self.hub.next_touched().is_some() {}
    }

    /// The first connection takes another name.
    fn change(&mut self) {
        self.changes += 1;
        let mut login = text(&format!("[\"login\",\"name {:010}\"]", self.changes));
        self.hub.received(self.ids[0], &mut login, self.now);
    }

    fn commit(&mut self) {
        self.now = self.now.after_ms(20);
        self.hub.commit(self.now);
        self.forget_touched();
    }

    /// Hands everything to everyone who is to be told, as if their sockets took it, and counts who
    /// got something.
    fn hand_over(&mut self) -> usize {
        let mut told = 0;
        while let Some(id) = self.hub.next_to_tell() {
            told += usize::from(self.transmit(id) > 0);
        }
        told
    }

    /// Hands everything to `id`, in the way of the driver: until there is no more.
    fn transmit(&mut self, id: ConnectionId) -> usize {
        let (mut told, mut is_settled) = (0, true);
        loop {
            let bytes = self.hub.transmit(id).total();
            if bytes == 0 {
                break;
            }
            told += bytes;
            match self.hub.sent(id, bytes) {
                AfterSend::More => is_settled = false,
                AfterSend::Nothing if is_settled => return told,
                AfterSend::Nothing | AfterSend::Settle => break,
            }
        }
        self.hub.settle_output(id, false, self.now);
        told
    }
}

/// A text message as a client sends it.
fn text(message: &str) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = Vec::new();
    frame::encode(Opcode::Text, message.as_bytes(), &mut bytes);
    bytes[1] |= 0x80;
    let header = bytes.len() - message.len();
    MaskKey::new(key).apply(&mut bytes[header..]);
    bytes.splice(header..header, key);
    bytes
}

/// One login: to its commit, and until all connections have it.
fn broadcast(c: &mut Criterion) {
    let mut group = c.benchmark_group("broadcast");
    for size in [1_000, 10_000, 100_000, 1_000_000] {
        let before = memory();
        let mut crowd = Crowd::new(size);
        let bytes = memory().saturating_sub(before) / size as u64;
        println!("{size} connections: {bytes} B of memory each");
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| {
                crowd.change();
                crowd.commit();
                assert_eq!(crowd.hand_over(), size, "everyone is told");
            });
        });
        let told = crowd.hub.ids().filter(|&id| !crowd.hub.wants_write(id)).count();
        assert_eq!(told, size);
        assert_eq!(crowd.hub.buffered_bytes(), 0, "nothing is kept for anyone");
    }
    group.finish();
}

/// The same for clients of Socket.IO, which are told the whole roster: here one name.
fn socket_io(c: &mut Criterion) {
    let mut group = c.benchmark_group("broadcast, Socket.IO");
    for size in [1_000, 10_000, 100_000] {
        let mut crowd = Crowd::of_socket_io(size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| {
                crowd.change();
                crowd.commit();
                assert_eq!(crowd.hand_over(), size + 1, "everyone is told");
            });
        });
    }
    group.finish();
}

/// A million connections of which each has one of a hundred thousand names.
fn million(c: &mut Criterion) {
    const NAMES: usize = 100_000;
    const SESSIONS: usize = 1_000_000;
    let mut group = c.benchmark_group("broadcast, all logged in");
    let before = memory();
    let (mut presence, limits) = (Presence::new(0), Limits::default());
    let (room, _) = presence.enter("", 0, &View::Nothing, &limits).expect("there is room");
    for index in 0..NAMES {
        let name = format!("somebody {index:06}");
        presence.login(room, None, (&name, Update::default()), &limits).expect("there are no data");
    }
    let mut deflater = Deflater::new(1);
    let mut encoder = Encoder { deflater: &mut deflater, deflate_bytes_min: usize::MAX };
    presence.commit(&limits, &mut encoder, Time::ZERO);
    assert_eq!(presence.room(room).roster().len(), NAMES);
    let of_roster = memory() - before;
    drop(presence);

    let before = memory();
    let mut crowd = Crowd::new(SESSIONS);
    crowd.log_in(NAMES);
    let bytes = (memory() - before).saturating_sub(of_roster) / SESSIONS as u64;
    println!(
        "{SESSIONS} connections with {NAMES} names: {bytes} B of memory each beside the roster"
    );
    group.throughput(Throughput::Elements(SESSIONS as u64));
    group.bench_function(BenchmarkId::from_parameter(SESSIONS), |b| {
        b.iter(|| {
            crowd.change();
            crowd.commit();
            assert_eq!(crowd.hand_over(), SESSIONS, "everyone is told");
        });
    });
    group.finish();
}

/// Memory of this process that is in no file, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    kibibytes
        .and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or(0, |kibibytes| kibibytes * 1024)
}

/// The same without handing it over: what does not depend on how many connections there are.
fn login(c: &mut Criterion) {
    let mut crowd = Crowd::new(1);
    c.bench_function("login, commit", |b| {
        b.iter(|| {
            crowd.change();
            crowd.commit();
        });
    });
    assert_eq!(crowd.hand_over(), 1);
}

/// Accept, handshake, checkpoint; and to leave again. With a change before each join the new
/// connection gets the changes since the checkpoint too, and now and then the checkpoint is encoded
/// anew.
fn join(c: &mut Criterion) {
    let mut group = c.benchmark_group("join");
    for names in [1, 1_000, 10_000] {
        let mut crowd = Crowd::with_names(names);
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("roster as it was", names), |b| {
            b.iter(|| {
                let (id, bytes) = crowd.join();
                assert!(bytes > names * "somebody 000000".len());
                crowd.leave(id);
            });
        });
        group.bench_function(BenchmarkId::new("roster changed", names), |b| {
            b.iter(|| {
                crowd.change();
                crowd.commit();
                let (id, bytes) = crowd.join();
                assert!(bytes > names * "somebody 000000".len());
                crowd.leave(id);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, broadcast, socket_io, million, login, join);
criterion_main!(benches);
