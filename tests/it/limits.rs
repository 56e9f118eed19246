//! Every bound, reached.

use std::net::IpAddr;

use headcount::config::{Config, Limits};
use headcount::hub::Refusal;

use crate::wire::{self, Told};
use crate::world::{Peer, World};

fn world(limits: Limits) -> World {
    World::with(Config { limits, echo: true, ..Config::default() })
}

/// Sends `bytes` to a new WebSocket and expects it to be failed with `code`.
#[track_caller]
fn check_failed(limits: Limits, bytes: &[u8], code: u16) {
    let mut world = world(limits);
    let peer = world.watch();
    world.send(peer, bytes);
    assert_eq!(world.told(peer).last(), Some(&Told::Close(Some(code))));
    assert_eq!(world.hub.buffered_bytes(), 0);
}

#[test]
fn message_frame_and_fragments_have_limits() {
    let fits = [b"[\"login\",\"Ada\"]".to_vec(), vec![b' '; 16 * 1024 - 15]].concat();
    let mut world = world(Limits::default());
    let peer = world.watch();
    world.send(peer, &wire::frame(0x81, &fits));
    assert_eq!(world.heard(peer).len(), 1, "just fits");

    check_failed(Limits::default(), &wire::frame(0x81, &[fits, vec![b' ']].concat()), 1009);
    check_failed(Limits::default(), b"\x81\xfe\x40\x01key.", 1009); // On the header alone.
}

fn fragments(count: usize, piece: &[u8]) -> Vec<u8> {
    let mut bytes = wire::frame(0x01, piece);
    bytes.extend(wire::frame(0x00, piece).repeat(count - 2));
    bytes.extend(wire::frame(0x80, piece));
    bytes
}

#[test]
fn fragments_are_counted_empty_ones_too() {
    let mut world = world(Limits::default());
    let peer = world.watch();
    world.send(peer, &fragments(64, b""));
    assert_eq!(world.heard(peer).len(), 1, "64 are a message, if a bad one");
    check_failed(Limits::default(), &fragments(65, b""), 1009);
    check_failed(Limits::default(), &fragments(3, &[b' '; 6_000]), 1009);
}

#[test]
fn rates_are_limited_and_closed_with_1008() {
    let messages = wire::text("x").repeat(41);
    check_failed(Limits::default(), &messages, 1008);
    check_failed(Limits::default(), &wire::frame(0x89, b"").repeat(21), 1008);
    check_failed(Limits::default(), &wire::frame(0x8A, b"").repeat(21), 1008);
    let limits = Limits { message_bytes_max: 100, fragments_max: 1, ..Limits::default() };
    let limits = Limits { bytes_per_second: 1, ..limits };
    check_failed(limits, &wire::frame(0x81, &[b' '; 50]).repeat(3), 1008);

    let mut world = world(Limits::default());
    let peer = world.watch();
    for _ in 0..200 {
        world.say(peer, "x");
        world.pass_ms(50);
    }
    assert!(!world.is_half_closed(peer), "20 a second are allowed for ever");
}

#[test]
fn echo_has_limits_of_its_own() {
    let mut world = world(Limits::default());
    let peer = world.open("/echo");
    world.send(peer, &wire::text("x").repeat(5_000));
    assert_eq!(world.told(peer).len(), 5_000, "no rate");
    world.send(peer, &fragments(131_072, b""));
    assert_eq!(world.told(peer), [Told::Text(String::new())]);
    world.send(peer, &fragments(131_073, b""));
    assert_eq!(world.told(peer), [Told::Close(Some(1009))]);

    let peer = world.open("/echo");
    let large = vec![7; 64 << 20];
    world.send(peer, &wire::frame(0x82, &large));
    assert!(world.told(peer) == [Told::Binary(large)], "64 MiB");
    world.send(peer, b"\x82\xff\0\0\0\0\x04\0\0\x01key.");
    assert_eq!(world.told(peer), [Told::Close(Some(1009))]);
    assert_eq!(world.hub.buffered_bytes(), 0);
}

/// A length that is declared and not sent costs nothing.
#[test]
fn memory_grows_with_what_comes_and_not_with_what_is_promised() {
    let mut world = world(Limits::default());
    for _ in 0..1_000 {
        let peer = world.open("/echo");
        world.send(peer, b"\x82\xff\0\0\0\0\x04\0\0\0key.x");
    }
    assert!(world.hub.buffered_bytes() <= 1_000 * 64, "{}", world.hub.buffered_bytes());
}

#[test]
fn all_memory_together_has_a_limit_and_the_largest_goes() {
    let mut world = world(Limits { buffered_mebibytes_max: 1, ..Limits::default() });
    let small: Vec<Peer> = (0..10).map(|_| world.open("/echo")).collect();
    for &peer in &small {
        world.send(peer, &wire::frame(0x02, &[0; 10_000]));
    }
    let large = world.open("/echo");
    world.send(large, &wire::frame(0x02, &vec![0; 1_100_000]));
    assert!(world.is_closed(large));
    assert!(small.iter().all(|&peer| !world.is_closed(peer)));
}

#[test]
fn connections_have_a_number() {
    let mut world = world(Limits { connections_max: 3, ..Limits::default() });
    let localhost: IpAddr = "127.0.0.1".parse().unwrap();
    let peers: Vec<Peer> = (0..3).map(|_| world.connect()).collect();
    assert_eq!(world.connect_from(localhost), Err(Refusal::Full));
    let answer = String::from_utf8(world.hub.refusal(Refusal::Full)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("by itself.\n"));
    world.reset(peers[1]);
    assert!(world.connect_from(localhost).is_ok());
}

#[test]
fn connections_that_are_not_upgraded_have_a_number_and_the_oldest_goes() {
    let mut world = world(Limits { pending_max: 5, ..Limits::default() });
    let watcher = world.watch();
    let peers: Vec<Peer> = (0..8).map(|_| world.connect()).collect();
    let closed: Vec<bool> = peers.iter().map(|&peer| world.is_closed(peer)).collect();
    assert_eq!(closed, [true, true, true, false, false, false, false, false]);
    assert!(!world.is_closed(watcher), "it is not one of them");
}

#[test]
fn turn_has_a_number_of_deadlines_and_the_next_goes_on() {
    let mut world = world(Limits { deadlines_per_turn: 2, ..Limits::default() });
    let peers: Vec<Peer> = (0..5).map(|_| world.connect()).collect();
    let open = |world: &World| peers.iter().filter(|peer| !world.is_closed(**peer)).count();
    world.now = world.now.after_ms(10_100);
    for left in [3, 1, 0] {
        assert!(world.hub.next_wakeup() <= world.now, "there is more to do");
        world.turn();
        assert_eq!(open(&world), left);
    }
    assert!(world.hub.next_wakeup() > world.now);
}

#[test]
fn address_has_a_number_and_a_rate_of_connections_and_loopback_has_none() {
    let mut world = world(Limits {
        connections_per_address_max: 100,
        accepts_per_address_per_second: 20,
        accepts_per_address_burst: 50,
        ..Limits::default()
    });
    let stranger: IpAddr = "192.0.2.7".parse().unwrap();
    let taken = (0..200).filter(|_| world.connect_from(stranger).is_ok()).count();
    assert_eq!(taken, 50, "the burst");
    let mut taken = taken;
    for _ in 0..40 {
        world.pass_ms(100);
        taken += (0..10).filter(|_| world.connect_from(stranger).is_ok()).count();
    }
    assert_eq!(taken, 100, "the number");
    assert_eq!(world.connect_from(stranger), Err(Refusal::TooManyFromAddress));
    assert!(world.connect_from("192.0.2.8".parse().unwrap()).is_ok());
    assert!((0..500).all(|_| world.connect_from("127.0.0.1".parse().unwrap()).is_ok()));
}

#[test]
fn http_connection_has_a_number_of_requests() {
    let mut world = world(Limits { requests_max: 3, ..Limits::default() });
    let peer = world.connect();
    world.send(peer, &b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(5));
    for index in 1..=3 {
        let answer = world.answer(peer);
        assert_eq!(answer.field("connection"), (index == 3).then_some("close"));
    }
    assert!(world.try_answer(peer).is_none());
    assert!(world.is_half_closed(peer));
}

/// The log that is kept for those behind is no larger than the roster that they would get instead.
#[test]
fn log_has_a_size() {
    let mut world = world(Limits { log_bytes_min: 100, ..Limits::default() });
    let (ada, slow) = (world.watch(), world.watch());
    world.set_room(slow, 0);
    for index in 0..5 {
        world.login(ada, &format!("name {index}"));
        world.pass_ms(20);
    }
    world.set_room(slow, usize::MAX);
    world.turn();
    let heard = world.heard(slow);
    assert_eq!((heard.len(), &heard[0][0]), (1, &"roster".into()));
}

#[test]
fn limits_of_names_can_be_set() {
    let limits = Limits { name_chars_max: 3, name_bytes_max: 4, ..Limits::default() };
    let mut world = world(limits);
    let ada = world.watch();
    for (name, code) in [("Adam", "name_too_long"), ("李雷", "name_too_long")] {
        world.login(ada, name);
        assert_eq!(world.heard(ada)[0][1]["code"], code);
    }
    world.login(ada, "Ada");
    assert_eq!(world.heard(ada)[0][0], "change");
}
