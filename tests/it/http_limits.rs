//! The limits of a request head, from both sides, and that they bound the work
//! (docs/evidence/threats.md C1, C2).

use std::time::{Duration, Instant};

use headcount::config::{Config, Limits};
use headcount::time::Time;

use crate::http::check;
use crate::wire;
use crate::world::World;

/// Limits, from both sides (RFC 9112 §3, RFC 6585 §5; C1, C2).
#[test]
fn head_has_limits() {
    let get =
        |target: &str, lines: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    let long = |prefix: &str, bytes: usize| format!("{prefix}{}", "a".repeat(bytes));
    let fields = |number: usize| (0..number).map(|n| format!("X{n}: y\r\n")).collect::<String>();
    let room = 32_768 - get("/", "X: \r\n").len();
    let many = "\r\n".repeat(16_384);
    for (rule, raw, status) in [
        ("head of 32 KiB", get("/", &(long("X: ", room) + "\r\n")), 200),
        ("head of 32 KiB and a byte", get("/", &(long("X: ", room + 1) + "\r\n")), 431),
        ("head of 64 KiB", get("/", &(long("X: ", 65_000) + "\r\n")), 431),
        ("empty lines are part of it", format!("{}{}", "\r\n".repeat(50), get("/", "")), 200),
        ("empty lines are part of it", many.clone() + &get("/", ""), 431),
        ("empty lines for ever", many.repeat(4), 431),
        ("99 fields", get("/", &fields(98)), 200),
        ("100 fields", get("/", &fields(99)), 200),
        ("101 fields", get("/", &fields(100)), 431),
        ("10,000 fields", get("/", &fields(9_999)), 431),
        ("10,000 fields without names", get("/", &":\r\n".repeat(9_999)), 400),
        ("name of 31 KiB", get("/", &(long("X", 31_000) + ": y\r\n")), 200),
        ("name of 32 KiB", get("/", &(long("X", 32_768) + ": y\r\n")), 431),
        ("name without an end", get("/", &long("X", 60_000)), 431),
        ("9112 §3 target of 8 KiB", get(&long("/", 8_191), ""), 404),
        ("9112 §3 target of 8 KiB and a byte", get(&long("/", 8_192), ""), 414),
        ("9112 §3 query counts", get(&long("/healthz?", 8_192), ""), 414),
        ("9112 §3 target of 30 KiB", get(&long("/", 30_000), ""), 414),
        ("9112 §3 target without an end", long("GET /", 60_000), 414),
        ("9112 §3 absolute target", get(&long("http://a/", 8_200), ""), 414),
        ("9112 §3 long unknown method", long("G", 2_000) + " / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("9112 §3 method without an end", long("G", 60_000), 501),
        ("Host of 31 KiB", format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", long("a", 31_000)), 200),
    ] {
        check(&Config::default(), rule, raw.as_bytes(), &[status], status == 200 || status == 404);
    }
}

#[test]
fn limit_of_the_target_does_not_depend_on_how_the_request_is_cut() {
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
    let target = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    for (rule, raw, status) in [
        ("9110 §4.1 target of 8 KiB", get(&target(8_192)), 404),
        ("9112 §2.2 house: empty lines before", "\r\n".repeat(600) + &get("/healthz"), 200),
        ("9112 §2.2 house: empty lines before", "\r\n".repeat(40) + &get(&target(8_150)), 404),
    ] {
        check(&Config::default(), rule, raw.as_bytes(), &[status], true);
    }
}

#[test]
fn limits_of_a_head_can_be_set() {
    let limits = Limits {
        head_bytes_max: wire::handshake("/ws", "").len() as u32,
        head_fields_max: 5,
        target_bytes_max: 9,
        ..Limits::default()
    };
    let room = limits.head_bytes_max as usize - "GET / HTTP/1.1\r\nHost: \r\n\r\n".len();
    let config = Config { limits, ..Config::default() };
    for (rule, target, host, lines, status) in [
        ("just so", "/healthz", "a".into(), "X:\r\n".repeat(4), 200),
        ("just so", "/", "a".repeat(room), String::new(), 200),
        ("a byte more", "/", "a".repeat(room + 1), String::new(), 431),
        ("a field more", "/healthz", "a".into(), "X:\r\n".repeat(5), 431),
        ("a byte more in the target", "/healthz?z", "a".into(), String::new(), 414),
    ] {
        let raw = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
        check(&config, rule, raw.as_bytes(), &[status], status == 200);
    }
}

/// C1: each byte of a head is looked at a bounded number of times, however it is cut. A linear
/// reader takes some million steps here, and a quadratic one half a million million.
#[test]
fn head_that_comes_byte_by_byte_is_linear_work() {
    let bytes = 1 << 20;
    let limits = Limits { head_bytes_max: bytes, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let peer = world.connect();
    let id = world.id(peer);
    let line = format!("X: {}\r\n", "y".repeat(17_000));
    let mut head = b"GET /healthz HTTP/1.1\r\nHost: a\r\n".to_vec();
    while head.len() + line.len() + 2 <= bytes as usize {
        head.extend_from_slice(line.as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    let started = Instant::now();
    for segment in head.chunks_mut(1) {
        world.hub.received(id, segment, Time::ZERO);
        assert!(started.elapsed() < Duration::from_secs(20));
    }
    world.turn();
    assert_eq!(world.answer(peer).status, 200);
}
