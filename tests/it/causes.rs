//! Every way in which a connection ends has one cause, and it is the right one.

use std::collections::BTreeSet;

use headcount::config::{Config, Limits};
use headcount::connection::{Cause, CauseKind, Timeout};
use headcount::http::Status;
use headcount::hub::Part;
use headcount::socketio::ClientError;
use headcount::ws::ProtocolError;

use crate::engine::PATH;
use crate::wire;
use crate::world::{Peer, World};

fn get(connection: &str) -> Vec<u8> {
    format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n").into_bytes()
}

fn world() -> World {
    let limits = Limits { pending_max: 2, buffered_mebibytes_max: 1, ..Limits::default() };
    World::with(Config { limits, echo: true, ..Config::default() })
}

/// What a peer of `world` does until it is closed, without what time does to it.
type Play = fn(&mut World) -> Peer;

/// A peer for each way to end, and the cause that it is.
const WAYS: [(Play, Cause); 29] = [
    (|world| after(world, "/ws", World::end, &[&wire::close(1000)]), Cause::Closed),
    (|world| after(world, "/ws", World::reset, &[&wire::close(1000)]), Cause::Closed),
    (|world| after(world, PATH, World::end, &[&wire::text("1")]), Cause::Closed),
    (|world| after(world, "/ws", World::end, &[&wire::close(4000)]), Cause::LoggedOut),
    (|world| after(world, "/ws", World::end, &[]), Cause::Ended),
    (|world| after(world, "", World::end, &[&get("keep-alive")]), Cause::Ended),
    (|world| after(world, "", World::end, &[b"GET /heal"]), Cause::Ended),
    (|world| after(world, "/ws", World::reset, &[]), Cause::Lost),
    (|world| after(world, "", World::reset, &[]), Cause::Lost),
    (|world| after(world, "", World::end, &[&get("close")]), Cause::Answered),
    (|world| after(world, "", silent, &[&get("keep-alive")]), Cause::Answered),
    (|world| after(world, "", World::end, &[b"GET\r\n\r\n"]), Cause::Refused(Status::BadRequest)),
    (
        |world| after(world, "", silent, &[b"GET /ws HTTP/1.1\r\nHost: a\r\n\r\n"]),
        Cause::Refused(Status::UpgradeRequired),
    ),
    (
        |world| after(world, "/ws", World::end, &[b"\xC1\x80key."]),
        Cause::Protocol(ProtocolError::ReservedBits),
    ),
    (
        |world| after(world, "/ws", silent, &[b"\x81\x01a"]),
        Cause::Protocol(ProtocolError::Unmasked),
    ),
    (
        |world| after(world, PATH, World::end, &[&wire::text(r#"42["x"]"#)]),
        Cause::SocketIo(ClientError::NotConnected),
    ),
    (|world| after(world, "/ws", World::end, &[&wire::text("x").repeat(41)]), Cause::TooFast),
    (|world| after(world, "", silent, &[]), Cause::TimedOut(Timeout::Handshake)),
    (|world| after(world, "", silent, &[b"GET /heal"]), Cause::TimedOut(Timeout::Handshake)),
    (
        |world| after(world, "", silent, &[&get("keep-alive"), b"GET /heal"]),
        Cause::TimedOut(Timeout::Handshake),
    ),
    (|world| after(world, "/ws", silent, &[]), Cause::TimedOut(Timeout::Pong)),
    (|world| after(world, "/ws", silent, &[&wire::close(1000)]), Cause::TimedOut(Timeout::Close)),
    (joins_nothing, Cause::TimedOut(Timeout::Connect)),
    (reads_nothing, Cause::TimedOut(Timeout::Send)),
    (is_oldest, Cause::Displaced),
    (holds_the_most, Cause::Shed),
    (sees_the_server_stop, Cause::Stopping),
    (asks_while_the_server_stops, Cause::Stopping),
    (shows_our_bug, Cause::Panicked),
];

/// Connects, to `path` if there is one, sends `inputs` in a turn each, and ends.
fn after(world: &mut World, path: &str, end: fn(&mut World, Peer), inputs: &[&[u8]]) -> Peer {
    let peer = if path.is_empty() { world.connect() } else { world.open(path) };
    inputs.iter().for_each(|input| world.send(peer, input));
    end(world, peer);
    peer
}

fn silent(world: &mut World, _: Peer) {
    world.pass_ms(120_000);
}

fn joins_nothing(world: &mut World) -> Peer {
    let peer = world.open(PATH);
    while world.now().as_ms() < 45_000 {
        world.pass_ms(5_000);
        if !world.told(peer).is_empty() {
            world.say(peer, "3");
        }
    }
    world.end(peer);
    peer
}

fn reads_nothing(world: &mut World) -> Peer {
    let peer = world.connect();
    world.set_room(peer, 10);
    world.send(peer, &get("close"));
    silent(world, peer);
    peer
}

fn is_oldest(world: &mut World) -> Peer {
    let peer = world.connect();
    world.connect();
    world.connect();
    peer
}

fn holds_the_most(world: &mut World) -> Peer {
    let peer = world.open("/echo");
    world.set_room(peer, 0);
    world.send(peer, &wire::frame(0x82, &vec![0; 2 << 20]));
    peer
}

fn sees_the_server_stop(world: &mut World) -> Peer {
    let peer = world.watch();
    world.hub.stop(world.now());
    world.turn();
    world.send(peer, &wire::close(1001));
    world.end(peer);
    peer
}

fn asks_while_the_server_stops(world: &mut World) -> Peer {
    let peer = world.connect();
    let request = get("keep-alive");
    world.send(peer, &request[..10]);
    world.hub.stop(world.now());
    world.send(peer, &request[10..]);
    world.end(peer);
    peer
}

fn shows_our_bug(world: &mut World) -> Peer {
    let peer = world.watch();
    world.hub.panicked(world.id(peer), Part::Output, world.now());
    world.turn();
    peer
}

#[test]
fn every_end_has_one_cause() {
    for (index, (play, cause)) in WAYS.into_iter().enumerate() {
        let mut world = world();
        let peer = play(&mut world);
        assert_eq!(world.cause(peer), Some(cause), "way {index}");
        assert_eq!(world.hub.tally().closed[cause.kind() as usize], 1, "way {index}");
    }
}

#[test]
fn every_cause_is_that_of_some_end() {
    let mut reached: BTreeSet<&str> = WAYS.iter().map(|(_, cause)| cause.name()).collect();
    // Of a session on no socket: `polling::g10_session_moves_to_a_websocket_and_nobody_notices`.
    reached.insert(Cause::Upgraded.name());
    let all: BTreeSet<&str> = CauseKind::ALL.into_iter().map(|(_, name)| name).collect();
    assert_eq!(all, reached);
}
