//! Request heads: how long, how many, how slow (C1–C3, C13).

use allocation_counter::measure;
use headcount::config::{Config, Limits};
use headcount::connection::{Cause, ConnectionId, Timeout};

use headcount_support::world::sweep;

use super::{Bare, cpu, generous, grows_at_most};
use crate::http::exchange;
use crate::wire;
use crate::world::World;

/// A request with a head of so many bytes.
fn head(bytes: usize) -> Vec<u8> {
    let line = format!("X: {}\r\n", "y".repeat(995));
    let mut head = "GET /healthz HTTP/1.1\r\nHost: a\r\n".to_owned();
    while head.len() + 2 * line.len() < bytes {
        head.push_str(&line);
    }
    let room = bytes - head.len() - "X: \r\n\r\n".len();
    format!("{head}X: {}\r\n\r\n", "y".repeat(room)).into_bytes()
}

#[test]
fn c1_head_that_comes_byte_by_byte_is_linear_work() {
    let limits = Limits { head_bytes_max: 1 << 16, ..Limits::default() };
    let time = |bytes: usize| {
        let head = head(bytes);
        let mut server = Bare::with(Config { limits: limits.clone(), ..Config::default() });
        let id = server.accept();
        cpu(|| head.iter().for_each(|byte| server.send(id, &[*byte])))
    };
    grows_at_most(16, (8 * 1024, 60 * 1024), "a head", time);
}

/// The request line is looked at before it is complete, and so is a target of the largest size, and
/// what stands behind it in place of a version.
#[test]
fn c1_request_line_that_comes_byte_by_byte_is_linear_work() {
    for behind in ["", " HTTP/1.1", " "] {
        let time = |bytes: usize| {
            let target_bytes_max = bytes as u32 / 2;
            let limits = Limits { head_bytes_max: 1 << 17, target_bytes_max, ..Limits::default() };
            let line = format!("GET /{}{behind}", "y".repeat(bytes / 2 - 10));
            let line = format!("{line}{}", "y".repeat(bytes - line.len()));
            let mut server = Bare::with(Config { limits, ..Config::default() });
            let id = server.accept();
            cpu(|| line.bytes().for_each(|byte| server.send(id, &[byte])))
        };
        grows_at_most(16, (8 * 1024, 60 * 1024), behind, time);
    }
}

#[test]
fn c1_head_over_the_limit_is_431_at_its_first_byte_too_many() {
    for (bytes, status) in [(32_768, 200), (32_769, 431)] {
        let mut world = World::new();
        let peer = world.connect();
        let head = head(bytes);
        assert_eq!(head.len(), bytes);
        for (index, byte) in head.iter().enumerate() {
            assert!(world.inbox(peer).is_empty(), "answered before byte {index} of {bytes}");
            world.send(peer, &[*byte]);
        }
        assert_eq!(world.answer(peer).status, status);
    }
    // Without an end in sight too.
    let mut world = World::new();
    let peer = world.connect();
    let start = b"GET / HTTP/1.1\r\nHost: a\r\nX: ";
    world.send(peer, start);
    world.send(peer, &vec![b'y'; 32_768 - start.len()]);
    assert!(world.inbox(peer).is_empty());
    world.send(peer, b"y");
    assert_eq!(world.answer(peer).status, 431);
    assert!(world.is_half_closed(peer));
    assert_eq!(world.hub.buffered_bytes(), 0);
}

#[test]
fn c2_number_and_names_of_fields_are_limited() {
    let fields = |number: usize| (0..number).map(|n| format!("X{n}: y\r\n")).collect::<String>();
    let name = |bytes: usize| format!("{}: y\r\n", "n".repeat(bytes));
    for (case, lines, status) in [
        ("99 fields", fields(98), 200),
        ("100 fields", fields(99), 200),
        ("101 fields", fields(100), 431),
        ("10,000 fields", fields(9_999), 431),
        ("10,000 times the same", "X: y\r\n".repeat(9_999), 431),
        ("an empty name", ": y\r\n".to_owned(), 400),
        ("an empty name and an empty value", ":\r\n".to_owned(), 400),
        ("10,000 empty names", ":\r\n".repeat(9_999), 400),
        ("a name of 32 KiB", name(32_768), 431),
        ("a name of 64 KiB", name(65_536), 431),
    ] {
        for start in ["GET /healthz", "GET /ws", "GET /roster", "HEAD /", "OPTIONS *"] {
            let raw = format!("{start} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
            let mut world = World::new();
            let whole = exchange(&mut world, [raw.as_bytes()]);
            let (mut bytes, is_ended) = whole.clone();
            let answer = wire::take_answer(&mut bytes, start == "HEAD /").expect(case);
            // Without an upgrade, a WebSocket's path says so.
            let expected = match (status, start) {
                (200, "GET /ws") => 426,
                (200, "OPTIONS *") => 204,
                _ => status,
            };
            assert_eq!(answer.status, expected, "{case} {start}");
            assert_eq!(is_ended, !matches!(answer.status, 200 | 204), "{case}");
            assert!(exchange(&mut world, raw.as_bytes().chunks(1000)) == whole, "{case}");
            assert!(world.hub.is_empty() && world.hub.buffered_bytes() == 0, "{case}");
        }
    }
}

/// 5,000 connections that send a byte every nine seconds: none of them lives for longer than ten.
#[test]
fn c3_slow_heads_end_ten_seconds_after_accept() {
    let mut server = Bare::with(generous());
    let slow: Vec<ConnectionId> = (0..5_000).map(|_| server.accept()).collect();
    for (pause_ms, byte) in [(0, b"G"), (9_000, b"E"), (900, b"T")] {
        server.now = server.now.after_ms(pause_ms);
        slow.iter().for_each(|&id| server.send(id, byte));
        assert_eq!(server.turn(), 0, "{:?}", server.now);
        let good = server.open("/ws", ""); // Good clients keep connecting.
        server.hub.lost(good);
        server.turn();
    }
    server.now = server.now.after_ms(200);
    assert_eq!(server.turn(), 5_000, "10.1 s after accept and 0.2 s after their last byte");
    assert!(server.hub.is_empty());
}

/// A body has no time of its own, and its bytes and chunks push nothing out.
#[test]
fn c3_slow_bodies_end_ten_seconds_after_accept() {
    for (lines, piece) in [
        ("Content-Length: 60000", &b"x"[..]),
        ("Transfer-Encoding: chunked", b"1\r\nx\r\n"),
        ("Transfer-Encoding: chunked", b"0"),
    ] {
        let mut server = Bare::with(Config::default());
        let id = server.accept();
        server.send(id, format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n").as_bytes());
        for second in 1..=10 {
            assert_eq!((server.hub.len(), server.turn()), (1, 0), "{lines}: {second}");
            server.now = server.now.after_ms(1_000);
            server.send(id, if piece == b"0" && second > 5 { b"" } else { piece });
        }
        server.now = server.now.after_ms(100);
        let ended = Cause::TimedOut(Timeout::Handshake);
        sweep(&mut server.hub, server.now);
        assert_eq!(server.hub.reap().map(|reaped| reaped.cause), Some(ended), "{lines}");
        assert_eq!((server.take(id), server.hub.buffered_bytes()), (Vec::new(), 0));
    }
    // After a request that was answered, too.
    let mut server = Bare::with(Config::default());
    let id = server.accept();
    server.send(id, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(server.take(id).starts_with(b"HTTP/1.1 200 "));
    server.send(id, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell");
    server.now = server.now.after_ms(10_100);
    sweep(&mut server.hub, server.now);
    let ended = Cause::TimedOut(Timeout::Handshake);
    assert_eq!(server.hub.reap().map(|reaped| reaped.cause), Some(ended));
}

/// With the defaults there are never more than 1,024 of them; the oldest goes for the newest, so
/// that who finishes its handshake at once always gets in.
#[test]
fn c3_slow_heads_do_not_keep_good_clients_out() {
    let mut server = Bare::with(Config::default());
    for _ in 0..5_000 {
        let id = server.accept();
        server.send(id, b"G");
        server.turn();
        assert!(server.hub.len() <= 1_024);
    }
    for _ in 0..1_000 {
        server.open("/ws", "");
    }
    server.turn();
    assert!(server.hub.len() > 2_000, "1,000 good ones, and slow ones");
    assert!(server.hub.buffered_bytes() <= 1_024 * 64);
}

/// Heads of the largest size that never end: all that they may take together is taken, and good
/// clients are served. A head that was long and is done costs its connection nothing.
#[test]
fn c3_long_heads_are_within_the_memory_of_all() {
    let limits = Limits { buffered_mebibytes_max: 8, ..Limits::default() };
    let mut server = Bare::with(Config { limits, ..Config::default() });
    let head = head(32_768);
    let mut most = 0;
    for _ in 0..2_000 {
        let id = server.accept();
        server.send(id, &head[..head.len() - 2]);
        server.turn();
        most = most.max(server.hub.buffered_bytes());
    }
    assert!((4 << 20..=8 << 20).contains(&most), "{most} bytes");
    let before = server.hub.buffered_bytes();
    let good = server.open("/ws", &format!("Cookie: {}\r\n", "y".repeat(30_000)));
    assert_eq!(server.hub.buffered_bytes(), before, "nothing is kept of it");
    server.send(good, &wire::login("Ada"));
    server.now = server.now.after_ms(20);
    server.turn();
    assert!(String::from_utf8_lossy(&server.take(good)).contains("Ada"));
}

#[test]
fn c13_huge_length_is_refused_on_the_head_and_nothing_is_allocated() {
    for length in ["1000000000000", "999999999", "4294967296", "18446744073709551615"] {
        for method in ["POST", "GET", "PUT"] {
            let mut server = Bare::with(Config::default());
            let id = server.accept();
            let raw =
                format!("{method} /roster HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
            let memory = measure(|| server.send(id, raw.as_bytes()));
            assert!(memory.bytes_max <= 16 * 1024, "{} bytes", memory.bytes_max);
            let mut bytes = server.take(id);
            let answer = wire::take_answer(&mut bytes, false).expect("at once");
            assert_eq!((answer.status, answer.field("Connection")), (413, Some("close")));
            assert_eq!(server.now.as_ms(), 0, "no timeout");
        }
    }
}
