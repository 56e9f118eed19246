//! What connections hold, and what they leave behind.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::crowd::{Crowd, login};
use socket2::SockRef;

use crate::program::{Program, in_rooms, metric, names};
use crate::shown;
use crate::wire;

const MANY: usize = 10_000;

/// Ten were measured for docs/evidence/testing.md; these are what there is time for.
const STORMS: usize = 2;

/// Waits until this many watch.
fn wait_for_watchers(program: &Program, count: usize) {
    while in_rooms(program.addresses[0])[0] != count as u64 {
        thread::sleep(Duration::from_millis(20));
    }
}

/// A header says how much will come: the largest message that is allowed. One byte of it comes.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn a2_memory_grows_with_what_came_and_not_with_what_was_declared() {
    let program = Program::start(&[]);
    let (address, base) = (program.addresses[0], program.open_files());
    let crowd = Crowd::watch(address, MANY);
    let before = program.memory_bytes();
    let frame = wire::frame(0x82, &[0; 16 * 1024]);
    crowd.send(&frame[..9]);
    // When one more has been told something, the server has read what came before.
    drop(program.watch().heard());
    wait_for_watchers(&program, MANY);
    let held = program.memory_bytes().saturating_sub(before) / MANY as u64;
    drop(crowd);
    program.wait_for_base(base);
    assert!(held <= 256, "{held} bytes for each");
    shown("A2", &format!("16 KiB declared, 1 B sent, {MANY} connections: {held} B each"));
}

/// What `MANY` connections hold that have been told of a roster and have sent a message.
fn held_each(extra: &str, message: &[u8]) -> u64 {
    let program = Program::start(&[]);
    let address = program.addresses[0];
    // A roster that is long enough to be compressed.
    let named = Crowd::watch(address, 100);
    for (index, stream) in named.streams.iter().enumerate() {
        login(stream, &format!("Somebody {index}"));
    }
    while names(address) < 100 {}
    let before = program.memory_bytes();
    let mut crowd = Crowd::upgrade(address, MANY, &wire::handshake("/ws", extra));
    crowd.send(message);
    crowd.read();
    wait_for_watchers(&program, MANY);
    program.memory_bytes().saturating_sub(before) / MANY as u64
}

#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn b5_compression_costs_an_idle_connection_nothing() {
    let plain = held_each("", &wire::text(r#"["logout"]"#));
    // RFC 7692 §7.2.3.3: a stored block, and the empty one whose last four octets are left out.
    let data = br#"["logout"]"#;
    let length = data.len() as u8;
    let deflated = [&[0, length, 0, !length, 0xFF][..], data, &[0]].concat();
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let compressed = held_each(offer, &wire::frame(0xC1, &deflated));
    assert!(compressed <= plain + 4096, "{compressed} B each, uncompressed {plain} B");
    shown("B5", &format!("{MANY} connections: {compressed} B each compressed, {plain} B not"));
}

/// Answers that nobody reads, as many as may wait, time and again: what they took is used again,
/// whoever has come meanwhile and stays.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d13_memory_of_full_queues_is_used_again() {
    const RATES: [&str; 5] = [
        "--send-buffer-bytes=1",
        "--messages-per-second=1000000",
        "--messages-burst=1000000",
        "--bytes-per-second=1000000000",
        "--buffered-mebibytes-max=2000",
    ];
    let program = Program::start(&RATES);
    let (address, base) = (program.addresses[0], program.open_files());
    let mut stays = Vec::new();
    let mut after: Vec<u64> = Vec::new();
    for round in 0..10 {
        let crowd = Crowd::watch(address, 1000);
        for mut stream in &crowd.streams {
            // What the kernel takes does not wait.
            SockRef::from(stream).set_recv_buffer_size(1).unwrap();
            let _ = stream.write(&wire::text("[]").repeat(8000));
        }
        let mut client = program.watch();
        client.login(&format!("Ada {round}"));
        stays.push(client);
        await_rest(&program);
        let queued = metric(address, "buffered_bytes") / 1000.0;
        assert!(queued > 100_000.0, "{queued} bytes each: the kernel took what should wait");
        drop(crowd);
        program.wait_for_open_files(base + stays.len());
        after.push(program.memory_bytes() / 1_000_000);
    }
    drop(stays);
    program.wait_for_base(base);
    let most = after.iter().max().unwrap();
    shown("D13", &format!("1,000 full queues, ten times, and all closed: {after:?} MB"));
    assert!(*most as f64 <= 1.3 * after[0] as f64, "{after:?}");
}

/// Waits until the program has read what it takes, however busy the machine is.
fn await_rest(program: &Program) {
    let cpu = || program.cpu_ticks();
    let mut before = cpu();
    for _ in 0..100 {
        thread::sleep(Duration::from_millis(200));
        if std::mem::replace(&mut before, cpu()) == before {
            return;
        }
    }
}

/// Waits until the kernel has forgotten most connections that are over.
fn await_free_ports() {
    let started = Instant::now();
    let left = || {
        let statistics = fs::read_to_string("/proc/net/sockstat").unwrap();
        let (_, rest) = statistics.split_once(" tw ").unwrap();
        rest.split_whitespace().next().unwrap().parse::<u32>().unwrap()
    };
    while left() > 1000 {
        assert!(started.elapsed() < Duration::from_secs(100), "{} connections are over", left());
        thread::sleep(Duration::from_millis(500));
    }
}

/// Memory after each of several storms of clients who log in, see everyone, and vanish.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d13_memory_after_storms_is_what_it_was_after_one() {
    // An address each: the ports of clients who left are not free again for a minute.
    let mut flags = vec!["--name-changes-per-minute=1000000"];
    flags.extend(["--listen", "127.0.0.1:0"].repeat(STORMS));
    let program = Program::start(&flags);
    let base = program.open_files();
    let start = program.memory_bytes();
    let mut after: Vec<f64> = Vec::new();
    for address in &program.addresses {
        let url = format!("ws://{address}");
        let storm = || {
            let mut command = Program::command();
            command.args(["bench", "storm", "-n", "15000", "--url", &url]).output().unwrap()
        };
        let mut outcome = storm();
        if String::from_utf8_lossy(&outcome.stderr).contains("no port is free") {
            await_free_ports();
            outcome = storm();
        }
        assert!(outcome.status.success(), "{outcome:?}");
        program.wait_for_base(base);
        after.push(program.memory_bytes() as f64 / 1e6);
    }
    let most = after.iter().copied().fold(0.0, f64::max);
    shown(
        "D13",
        &format!(
            "{STORMS} storms of 15,000 clients: {:.1} MB before, then {after:.1?} MB, \
             × {:.2} of the first",
            start as f64 / 1e6,
            most / after[0]
        ),
    );
    assert!(most <= 1.3 * after[0], "{after:?}");
}
