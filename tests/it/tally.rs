//! The numbers are those of what happened. That they reconcile the hub asserts itself in a debug
//! build, at the end of each turn of every test.

use headcount::config::{Config, Limits};
use headcount::connection::State;
use headcount::hub::Refusal;

use crate::engine::PATH;
use crate::wire;
use crate::world::World;

#[test]
fn logins_and_what_they_cost_are_counted() {
    let mut world = World::new();
    let (ada, bob) = (world.watch(), world.watch());
    let handshakes = world.hub.tally().bytes_in;
    let before = world.hub.tally().bytes_out;
    assert_eq!(handshakes, 2 * wire::handshake("/ws", "").len() as u64);

    world.login(ada, "Ada");
    world.pass_ms(100);
    world.login(ada, "Eve");
    world.login(bob, "Bob");
    world.pass_ms(100);
    world.say(bob, r#"["logout"]"#);
    world.pass_ms(100);
    world.reset(ada);
    world.pass_ms(100);
    let heard = world.inbox(ada).len() + world.inbox(bob).len();

    let tally = world.hub.tally();
    assert_eq!((tally.accepted, tally.logins, tally.renames), (2, 2, 1));
    assert_eq!(world.hub.members_ended(), [1, 0, 1, 0], "one logged out, one was lost");
    // Two rosters; then five commits, the last of them for one.
    assert_eq!((tally.commits, tally.deliveries), (5, 2 + 4 * 2 + 1));
    assert_eq!(tally.checkpoints_lagged, 0, "a first roster is for nobody who fell behind");
    assert_eq!(tally.bytes_out - before, heard as u64);
    assert_eq!(tally.responses, [2, 0, 0, 0, 0]);
    assert_eq!((world.hub.open(State::Watching), world.hub.open(State::Present)), (1, 0));
}

#[test]
fn checkpoint_for_one_who_fell_behind_is_counted() {
    let mut world = World::new();
    let stuck = world.watch();
    world.set_room(stuck, 0);
    // The log keeps 4 KiB, and a change takes some 80 bytes.
    for _ in 0..50 {
        let other = world.watch();
        world.login(other, "somebody with a rather long name");
        world.pass_ms(20);
        world.reset(other);
        world.pass_ms(20);
    }
    let before = world.hub.tally().checkpoints_lagged;
    world.set_room(stuck, usize::MAX);
    world.pass_ms(20);
    assert_eq!((before, world.hub.tally().checkpoints_lagged), (0, 1));
}

#[test]
fn refusals_and_answers_are_counted() {
    let limits = Limits { connections_max: 2, connections_per_address_max: 1, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let remote = "192.0.2.1".parse().unwrap();
    let peer = world.connect();
    world.connect_from(remote).unwrap();
    assert_eq!(world.connect_from(remote), Err(Refusal::Full));
    world.send(peer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    world.send(peer, b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
    world.end(peer);
    assert_eq!(world.connect_from(remote), Err(Refusal::TooManyFromAddress));
    let tally = world.hub.tally();
    assert_eq!((tally.accepted, tally.refused_full, tally.refused_address), (2, 1, 1));
    assert_eq!(tally.responses, [0, 1, 0, 1, 1]);
}

/// Each state is entered and left.
#[test]
fn connections_are_counted_by_their_state() {
    let mut world = World::with_echo();
    world.connect();
    world.open("/echo");
    let joined = world.open(PATH);
    world.open(PATH);
    world.say(joined, "40");
    let present = world.watch();
    world.login(present, "Ada");
    let failed = world.watch();
    world.send(failed, b"\xFF\xFF");
    let open = |world: &World| State::OPEN.map(|(state, _)| world.hub.open(state));
    assert_eq!(open(&world), [1, 0, 1, 1, 1, 1, 0, 1]);
    world.hub.stop(world.now());
    assert_eq!(open(&world), [0, 0, 0, 0, 0, 0, 4, 2]);
    world.pass_ms(120_000);
    assert_eq!(open(&world), [0; 8]);
    assert_eq!(world.hub.tally().closed_total(), 6);
}
