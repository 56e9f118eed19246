//! What connections hold is counted, and nothing is made that nobody takes.

use allocation_counter::measure;
use headcount::config::{Config, Limits};

use crate::engine::{self, OFFER, join};
use crate::wire;
use crate::world::{Peer, World};

/// A world whose server has a roster of a thousand names.
fn crowded() -> World {
    let mut world = World::new();
    for index in 0..1_000 {
        let id = world.hub.accepted([127, 0, 0, 1].into(), world.now()).expect("there is room");
        world.hub.received(id, &mut wire::handshake("/ws", ""), world.now());
        let name = format!("somebody with a long name {index}");
        world.hub.received(id, &mut wire::login(&name), world.now());
    }
    world.turn();
    world.pass_ms(20);
    world
}

#[test]
fn what_is_kept_for_a_connection_is_counted() {
    let limits = Limits { message_bytes_max: 100_000, ..Limits::default() };
    let cases: [(&str, &str, Vec<u8>); 5] = [
        ("a head", "", [b"GET / HTTP/1.1\r\nHost: ", &[b'a'; 5_000][..]].concat()),
        ("a frame of text", "/ws", wire::frame(0x81, &[b'a'; 6_000])[..5_008].to_vec()),
        ("a fragment of text", "/ws", wire::frame(0x01, &[b'a'; 5_000])),
        ("a fragment", "/echo", wire::frame(0x02, &[b'a'; 5_000])),
        ("a frame of Socket.IO", engine::PATH, wire::frame(0x01, &[b'a'; 5_000])),
    ];
    for (case, path, bytes) in cases {
        let config = Config { limits: limits.clone(), echo: true, ..Config::default() };
        let mut world = World::with(config);
        let peer = if path.is_empty() { world.connect() } else { world.open(path) };
        let before = world.hub.buffered_bytes();
        world.send(peer, &bytes);
        let kept = world.hub.buffered_bytes() - before;
        assert!((5_000..12_000).contains(&kept), "{kept} bytes for {case}");
        world.reset(peer);
        assert_eq!(world.hub.buffered_bytes(), 0, "{case}");
    }
}

/// A shared list is nobody's own, but for what precedes it in one namespace.
#[test]
fn part_of_a_list_that_is_a_connections_own_is_counted() {
    let mut world = World::new();
    let slow = join(&mut world);
    let native = world.watch();
    world.set_room(slow, 0);
    world.login(native, "Ada");
    world.pass_ms(20);
    assert_eq!(world.hub.buffered_bytes(), 0);
    let slow = world.id(slow);
    assert!(world.hub.transmit(slow).total() > 20);
    world.hub.sent(slow, 1);
    world.hub.settle_output(slow, true, world.now);
    let kept = world.hub.buffered_bytes();
    assert!((2..64).contains(&kept), "{kept} bytes");
}

/// What is newest is not taken for told when only the rest of what is older was sent.
#[test]
fn newest_list_comes_after_the_rest_of_an_older_one_in_pieces() {
    let limits = Limits { name_changes_per_minute: 1_000, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let (native, slow) = (world.watch(), join(&mut world));
    world.set_room(slow, 1);
    for name in ["Ada", "Bob", "Eve"] {
        world.login(native, name);
        world.pass_ms(20);
        world.set_room(slow, 1);
        world.turn();
    }
    world.set_room(slow, usize::MAX);
    world.turn();
    assert_eq!(lists(&mut world, slow), [["Ada"], ["Eve"]]);

    // And a newer one still, when nothing of it was sent but the rest of the older.
    world.set_room(slow, 1);
    for (name, room) in [("Ada", 0), ("Bob", "42[\"login\",[\"Ada\"]]".len() + 1), ("Eve", 0)] {
        world.login(native, name);
        world.pass_ms(20);
        world.set_room(slow, room);
        world.turn();
    }
    world.set_room(slow, usize::MAX);
    world.turn();
    assert_eq!(lists(&mut world, slow), [["Ada"], ["Eve"]]);
}

fn lists(world: &mut World, peer: Peer) -> Vec<Vec<String>> {
    engine::texts(world, peer).iter().map(|list| engine::names("42", list)).collect()
}

/// What a commit costs, in bytes of memory that are asked for, when the log need not grow.
fn cost_of_a_change(world: &mut World, native: Peer) -> u64 {
    let costs = ["one", "two", "three", "four"].map(|name| {
        world.send_quietly(native, &wire::login(name));
        let now = world.now();
        let cost = measure(|| world.hub.commit(now.after_ms(1_000)));
        assert!(world.hub.is_telling(), "there is a change");
        world.pass_ms(1_000);
        cost.bytes_total
    });
    costs.into_iter().min().expect("there are four")
}

/// The deflated form of a change is made for those who take it, and not after the last has left.
#[test]
fn nothing_is_deflated_for_nobody() {
    let limits =
        Limits { deflate_bytes_min: 1, name_changes_per_minute: 1_000, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let native = world.watch();
    let plain = cost_of_a_change(&mut world, native);
    let compressing = world.connect();
    world.send(compressing, &wire::handshake("/ws", OFFER));
    let deflated = cost_of_a_change(&mut world, native);
    assert!(deflated > plain + 50, "{deflated} and {plain} bytes");
    world.reset(compressing);
    let after = cost_of_a_change(&mut world, native);
    assert!(after < plain + 10, "{after} and {plain} bytes"); // Numbers have more digits now.
}

/// Full lists are made for clients of Socket.IO.
#[test]
fn no_list_is_made_where_nobody_takes_one() {
    let mut world = crowded();
    let watcher = world.watch();
    world.login(watcher, "Ada");
    let now = world.now();
    world.hub.commit(now.after_ms(100));
    let id = world.id(watcher);
    let cost = measure(|| {
        let bytes = world.hub.transmit(id).total();
        world.hub.sent(id, bytes);
    });
    assert_eq!(cost.bytes_total, 0);
}

/// `/roster` is made once for all who ask.
#[test]
fn roster_document_is_not_made_again_for_each() {
    let mut world = crowded();
    let request = b"GET /roster HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut cost = || {
        let peer = world.connect();
        let (id, now) = (world.id(peer), world.now());
        measure(|| world.hub.received(id, &mut request.to_vec(), now)).bytes_total
    };
    let (first, second) = (cost(), cost());
    assert!(first > 30_000 && second < 2_000, "{first} and then {second} bytes");
}

/// The list of those that may be pushed out forgets who is none of them any more.
#[test]
fn connections_that_were_pending_are_forgotten() {
    let limits = Limits { pending_max: 50, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let oldest = world.connect();
    let mut hub_only = || {
        let id = world.hub.accepted([127, 0, 0, 1].into(), world.now()).expect("there is room");
        world.hub.received(id, &mut wire::handshake("/ws", ""), world.now());
        world.hub.lost(id);
        while world.hub.reap().is_some() {}
        while world.hub.next_touched().is_some() {}
    };
    (0..1_000).for_each(|_| hub_only());
    let memory = measure(|| (0..20_000).for_each(|_| hub_only()));
    assert!(memory.bytes_current < 1_000, "{} bytes", memory.bytes_current);
    // Those that are still pending were not forgotten.
    let others: Vec<Peer> = (0..50).map(|_| world.connect()).collect();
    assert!(world.is_closed(oldest));
    assert!(!others.into_iter().any(|peer| world.is_closed(peer)));
}
