//! Peers that are slow but there are waited for; peers that only seem to be are not.

use headcount::config::{Config, Limits};

use crate::wire::{self, Told};
use crate::world::{Peer, World};

/// Logs in `count` connections, all in one turn.
fn crowd(world: &mut World, count: usize) {
    for index in 0..count {
        let id = world.hub.accepted([127, 0, 0, 1].into(), world.now).unwrap();
        world.hub.received(id, &mut wire::handshake("/ws", ""), world.now);
        let login = format!("[\"login\",\"somebody with a long name {index:05}\"]");
        world.hub.received(id, &mut wire::text(&login), world.now);
    }
    world.turn();
}

/// Takes so many bytes a second for so many seconds.
fn read_slowly(world: &mut World, peer: Peer, bytes_per_second: usize, seconds: usize) {
    for second in 0..seconds {
        world.pass_ms(1_000);
        assert!(!world.is_closed(peer), "closed after {second} s");
        world.set_room(peer, bytes_per_second);
        world.turn();
    }
}

/// Somebody who has asked for a roster of 700 KB, and has taken the first 1,000 bytes of it.
fn large_download() -> (World, Peer) {
    let mut world = World::new();
    crowd(&mut world, 20_000);
    let peer = world.connect();
    world.set_room(peer, 1_000);
    world.send(peer, b"GET /roster HTTP/1.1\r\nHost: a\r\n\r\n");
    (world, peer)
}

#[test]
fn slow_download_is_finished_and_then_another_request_is_awaited() {
    let (mut world, slow) = large_download();
    read_slowly(&mut world, slow, 30_000, 25);
    assert_eq!(world.answer(slow).status, 200);
    world.pass_ms(5_000);
    world.set_room(slow, usize::MAX);
    world.send(slow, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(world.answer(slow).status, 200);
    world.pass_ms(10_200);
    assert!(world.is_closed(slow));
}

/// Whoever takes a large answer may rest longer than a request may take to come.
#[test]
fn rest_in_the_middle_of_an_answer_is_no_silence() {
    let (mut world, slow) = large_download();
    world.pass_ms(20_000);
    world.set_room(slow, usize::MAX);
    world.turn();
    assert_eq!(world.answer(slow).status, 200);
}

/// A ping waits behind the roster, and so its pong is not missed: the send timeout is enough.
#[test]
fn heartbeat_lets_a_slow_reader_finish() {
    let limits = Limits { send_bytes_per_second_min: 2_048, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    crowd(&mut world, 5_000);
    let slow = world.connect();
    world.set_room(slow, 1_000);
    world.send(slow, &wire::handshake("/ws", ""));
    read_slowly(&mut world, slow, 3 * 1_024, 55);
    world.set_room(slow, usize::MAX);
    world.turn();
    assert_eq!(world.answer(slow).status, 101);
    let told = world.told(slow);
    let [Told::Text(roster), Told::Ping(_), ..] = &told[..] else { panic!("{told:?}") };
    assert_eq!(roster.matches("\"").count(), 2 * (5_000 + 7), "names, keys, epoch and digest");
    world.pass_ms(60_000);
    assert!(world.is_closed(slow), "it answers no pings now");
}

/// The socket was full between two frames; what came after that has a deadline all the same.
#[test]
fn reply_to_a_socket_that_is_full_has_a_deadline() {
    let mut world = World::new();
    let (ada, slow) = (world.watch(), world.watch());
    world.set_room(slow, 0);
    world.login(ada, "Ada");
    world.send(slow, &wire::frame(0x89, b"?"));
    world.end(slow);
    world.pass_ms(11_000);
    assert!(world.is_closed(slow));
}

/// A peer that has said good-bye is not logged in by what it said before that and was held back.
#[test]
fn login_that_was_held_back_until_the_end_is_no_ghost() {
    let limits = Limits { reply_bytes_max: 100, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let peer = world.watch();
    world.set_room(peer, 0);
    let login = wire::text("[\"login\",\"Ghost\"]");
    world.send(peer, &[wire::text("x").repeat(2), login].concat());
    world.end(peer);
    world.set_room(peer, 200);
    world.turn();
    world.pass_ms(5_000);
    assert_eq!(world.names(), [""; 0]);
}

/// `/roster` is made once for all who ask: its bytes are shared, and asking again costs nothing.
#[test]
fn roster_document_is_made_once_until_it_changes() {
    let mut world = World::new();
    crowd(&mut world, 1_000);
    let peer = world.connect();
    let before = world.hub.buffered_bytes();
    world.set_room(peer, 0);
    world.send(peer, b"GET /roster HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(world.hub.buffered_bytes() - before < 2_000, "the body is nobody's own");
    let ada = world.watch();
    world.login(ada, "Ada");
    world.pass_ms(100);
    assert!(world.names().contains(&"Ada".to_owned()));
}
