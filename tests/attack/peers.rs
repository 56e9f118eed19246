//! Peers that are slow, stuck or dead.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{SockFilter, SockRef};

use crate::crowd::{Crowd, login};
use crate::meter::{self, Meter, compare};
use crate::process::PATIENCE;
use crate::program::{Client, Program, names, reset};
use crate::shown;
use crate::wire;

const SLOWLORIS: usize = 5000;
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Connects one well-behaved client after the other, and says how many were served and how long
/// the slowest took.
fn good_clients(address: SocketAddr, is_over: &AtomicBool) -> String {
    let (mut count, mut slowest) = (0, Duration::ZERO);
    while !is_over.load(Relaxed) {
        let started = Instant::now();
        let mut client = Client::connect(address);
        client.send(&wire::handshake("/ws", ""));
        assert_eq!(client.answer().status, 101);
        client.told();
        slowest = slowest.max(started.elapsed());
        count += 1;
        thread::sleep(Duration::from_millis(50));
    }
    format!("{count} good clients served within {slowest:.1?}")
}

/// Each sends a byte a second of a request that never ends. Time runs from accept, not from the
/// last byte.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn c3_slowloris_is_closed_ten_seconds_after_accept() {
    let program = Program::start(&[&["--pending-max", "8192"], &meter::FLAGS[..]].concat());
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 50);
    let (others, (good, first, last)) = meter.withstand(|is_over| {
        thread::scope(|scope| {
            let good = scope.spawn(|| good_clients(address, is_over));
            let started = Instant::now();
            let mut crowd = Crowd::connect(address, SLOWLORIS, b"G");
            let connected = started.elapsed();
            while started.elapsed() < HANDSHAKE - Duration::from_secs(1) {
                thread::sleep(Duration::from_secs(1));
                crowd.send(b"E");
            }
            let (first, last) = crowd.wait_for_end(started);
            (good.join().unwrap(), first, last.saturating_sub(connected))
        })
    });
    drop(meter);
    program.wait_for_base(base);
    assert!(first >= HANDSHAKE, "the first was closed after {first:?}");
    assert!(last <= HANDSHAKE + Duration::from_secs(1), "the last was closed after {last:?}");
    shown(
        "C3",
        &format!(
            "slowloris × {SLOWLORIS}: closed {first:.1?} to {last:.1?} after accept; {good}; \
             {others}"
        ),
    );
}

/// As many pending connections as may be, and more: the oldest go, and who speaks is served.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn c3_slowloris_pushes_out_its_own_and_good_clients_are_served() {
    let program = Program::start(&meter::FLAGS);
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 50);
    let (others, (good, opened)) = meter.withstand(|is_over| {
        thread::scope(|scope| {
            let good = scope.spawn(|| good_clients(address, is_over));
            let mut crowd = Crowd { streams: Vec::new() };
            let mut opened = 0;
            while !is_over.load(Relaxed) {
                crowd.streams.append(&mut Crowd::connect(address, 50, b"G").streams);
                opened += 50;
                // Those that are closed by now are the oldest.
                if crowd.streams.len() > 2000 {
                    crowd.streams.drain(..50).for_each(reset);
                }
                thread::sleep(Duration::from_millis(10));
            }
            (good.join().unwrap(), opened)
        })
    });
    drop(meter);
    program.wait_for_base(base);
    shown(
        "C3",
        &format!("{opened} that never speak, 1,024 places for them: {good} beside; {others}"),
    );
}

/// Clients who change their long names all the time, so that much is told to everyone.
struct Talkers {
    crowd: Crowd,
    round: usize,
}

/// Flags with which clients may talk as much as these do, and are not pinged.
const TALKATIVE: [&str; 4] = [
    "--name-changes-per-minute=1000000",
    "--messages-per-second=1000000",
    "--bytes-per-second=1000000000",
    "--ping-interval-ms=3600000",
];

impl Talkers {
    fn connect(address: SocketAddr) -> Talkers {
        Talkers { crowd: Crowd::watch(address, 100), round: 0 }
    }

    /// For some time, each changes its name 50 times a second: 1 MB/s to everyone.
    fn talk(&mut self, is_over: impl Fn() -> bool) {
        while !is_over() {
            let started = Instant::now();
            self.round += 1;
            for (index, stream) in self.crowd.streams.iter().enumerate() {
                login(stream, &format!("{} {index:03} {:03}", "一".repeat(24), self.round % 1000));
            }
            self.crowd.read();
            thread::sleep(Duration::from_millis(20).saturating_sub(started.elapsed()));
        }
    }
}

#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d6_stuck_readers_cost_little_and_are_cut_off() {
    let program = Program::start(&TALKATIVE);
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 20);
    let mut talkers = Talkers::connect(address);
    let live = program.open_files();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| talkers.talk(|| is_over.load(Relaxed)));
        let without = meter.p99();
        let memory = program.memory_bytes();
        let started = Instant::now();
        let stuck = Crowd::watch(address, 1000);
        let with = meter.p99();
        let held = program.memory_bytes().saturating_sub(memory) / 1000;
        assert_eq!(program.open_files(), live + 1000, "nobody is cut off before the time");
        while program.open_files() > live {
            assert!(started.elapsed() < Duration::from_secs(20), "{}", program.open_files() - live);
            thread::sleep(Duration::from_millis(20));
        }
        let cut = started.elapsed();
        drop(stuck);
        is_over.store(true, Relaxed);
        assert!(held <= 4096, "{held} bytes for each");
        let others = compare(without, with);
        shown("D6", &format!("1,000 stuck readers: {held} B each, cut after {cut:.1?}; {others}"));
    });
    drop((meter, talkers));
    program.wait_for_base(base);
}

/// A machine that has lost its power acknowledges nothing: this socket's filter takes no segment.
fn switch_off(stream: &TcpStream) {
    const RETURN: u16 = 0x06;
    SockRef::from(stream).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
}

/// How long it takes until the first and the last of the names are gone.
fn wait_until_gone(address: SocketAddr, count: usize, started: Instant) -> (Duration, Duration) {
    let mut first = None;
    loop {
        let names = names(address);
        let elapsed = started.elapsed();
        if names < count {
            first.get_or_insert(elapsed);
        }
        if names == 0 {
            return (first.unwrap_or(elapsed), elapsed);
        }
        assert!(elapsed < PATIENCE, "{names} names");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The latest time for a peer that does not answer, with a ping after 3 s and 2 s for the pong:
/// pings come 10 % early or late, and deadlines are met a little late.
const GONE: Duration = Duration::from_millis(6500);

/// Checks that 100 peers who are there since `started`, and do what `what` says, are found to be
/// gone within these times after that.
fn check_gone(
    program: &Program,
    base: usize,
    started: Instant,
    (earliest, latest): (Duration, Duration),
    what: &str,
) {
    let (first, last) = wait_until_gone(program.addresses[0], 100, started);
    program.wait_for_base(base);
    assert!(first >= earliest && last <= latest, "{first:?} to {last:?}");
    shown(
        "D7",
        &format!("100 peers that {what}; ping 3 s, pong 2 s: gone after {first:.1?} to {last:.1?}"),
    );
}

/// Nobody hears from it any more, and it does not even send RST.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d7_dead_peers_are_gone_when_their_pong_is_due() {
    let program = Program::start(&["--ping-interval-ms=3000", "--pong-timeout-ms=2000"]);
    let (address, base) = (program.addresses[0], program.open_files());
    let started = Instant::now();
    let dead = Crowd::watch(address, 100);
    for (index, stream) in dead.streams.iter().enumerate() {
        login(stream, &format!("dead {index}"));
        switch_off(stream);
    }
    while names(address) < 100 {}
    let times = (Duration::from_millis(4700), GONE);
    check_gone(&program, base, started, times, "acknowledge nothing");
}

/// Its window is closed and its kernel acknowledges each probe of that, for ever.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d7_peers_with_a_closed_window_are_gone_within_ping_and_pong() {
    let mut flags = TALKATIVE.to_vec();
    flags[3] = "--ping-interval-ms=3000";
    flags.extend(["--pong-timeout-ms=2000", "--send-timeout-ms=2000"]);
    let program = Program::start(&flags);
    let (address, base) = (program.addresses[0], program.open_files());
    let started = Instant::now();
    let stuck = Crowd::watch(address, 100);
    for (index, stream) in stuck.streams.iter().enumerate() {
        SockRef::from(stream).set_recv_buffer_size(1).unwrap();
        login(stream, &format!("stuck {index}"));
    }
    // Of some the kernel has just taken everything. A slow machine takes longer to fill them.
    let second = Duration::from_secs(1);
    Talkers::connect(address).talk(|| {
        let elapsed = started.elapsed();
        elapsed > second && closed_windows(address, &stuck.streams) >= 90 || elapsed > PATIENCE
    });
    let late = started.elapsed().saturating_sub(second);
    let times = (Duration::from_secs(2), GONE + late);
    check_gone(&program, base, started, times, "have a closed window");
}

/// For how many of these the server's kernel holds what they have not acknowledged, or has ended
/// them for that already.
fn closed_windows(server: SocketAddr, streams: &[TcpStream]) -> usize {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    // What is on its way from the server, by both addresses: connections of former tests that the
    // kernel still remembers had the same ports at one end.
    let waiting: HashMap<_, _> = rows
        .map(|row| {
            let bytes = row[4].split(':').next().unwrap();
            ([row[1].to_owned(), row[2].to_owned()], u64::from_str_radix(bytes, 16).unwrap())
        })
        .collect();
    let is_closed = |stream: &&TcpStream| {
        let ends = [server, stream.local_addr().unwrap()].map(in_table);
        waiting.get(&ends) != Some(&0)
    };
    streams.iter().filter(is_closed).count()
}

/// An address as `/proc/net/tcp` writes it.
fn in_table(address: SocketAddr) -> String {
    let SocketAddr::V4(address) = address else { panic!("it is IPv4") };
    format!("{:08X}:{:04X}", u32::from_le_bytes(address.ip().octets()), address.port())
}
