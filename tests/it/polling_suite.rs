//! What the official conformance suites of Engine.IO v4 and Socket.IO v5 demand of a server by
//! long-polling, and of the move to a WebSocket: one test for each of theirs, in their order. The
//! suites have an application that sends messages back; ours acknowledges events.

use serde_json::{Value, json};

use crate::engine;
use crate::poller::{Client, OPEN, body, check_gone, get, is_refused, request};
use crate::socketio_suite::world;
use crate::wire::Told;
use crate::world::{Peer, World};

fn joined() -> (World, Client) {
    let mut world = world();
    let client = Client::joined(&mut world);
    (world, client)
}

/// The status of the response to a request that opens no session.
fn status(method: &str, path: &str) -> u16 {
    let mut world = world();
    let peer = world.connect();
    world.send(peer, request(method, path, "").as_bytes());
    world.answer(peer).status
}

#[test]
fn engine_opens_a_session_by_polling() {
    let mut world = world();
    let peer = world.connect();
    let answer = get(&mut world, peer, OPEN);
    let text = body(&answer);
    let opening: Value = serde_json::from_str(text.strip_prefix('0').unwrap()).unwrap();
    let expected = json!({
        "sid": opening["sid"], "upgrades": ["websocket"],
        "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000,
    });
    assert_eq!((answer.status, opening), (200, expected));
}

#[test]
fn engine_refuses_an_invalid_version_by_polling() {
    assert_eq!(status("GET", "/socket.io/?transport=polling"), 400);
    assert_eq!(status("GET", "/socket.io/?transport=polling&EIO=abc"), 400);
}

#[test]
fn engine_refuses_an_invalid_transport_by_polling() {
    assert_eq!(status("GET", "/socket.io/?EIO=4"), 400);
    assert_eq!(status("GET", "/socket.io/?EIO=4&transport=abc"), 400);
}

#[test]
fn engine_opens_no_session_by_another_method() {
    assert_eq!(status("POST", OPEN), 400);
    assert_eq!(status("PUT", OPEN), 400);
}

#[test]
fn engine_takes_a_text_packet() {
    let (mut world, mut client) = joined();
    assert_eq!(client.post(&mut world, "421[\"logout\"]"), (200, "ok".into()));
    assert_eq!(client.get(&mut world), "431[null]");
}

#[test]
fn engine_takes_several_text_packets() {
    let (mut world, mut client) = joined();
    let payload = ["421[\"logout\"]", "422[\"logout\"]", "423[\"logout\"]"].join("\u{1e}");
    assert_eq!(client.post(&mut world, &payload), (200, "ok".into()));
    assert_eq!(client.get(&mut world), "431[null]\u{1e}432[null]\u{1e}433[null]");
}

#[test]
fn engine_takes_text_and_binary_packets() {
    let (mut world, mut client) = joined();
    let payload =
        "421[\"logout\"]\u{1e}451-2[\"x\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==";
    assert_eq!(client.post(&mut world, payload), (200, "ok".into()));
    let told = client.get(&mut world);
    assert!(told.starts_with("431[null]\u{1e}"), "{told}");
    assert!(told.contains("\u{1e}432[{\"code\":\"event_unknown\""), "{told}");
}

#[test]
fn engine_ends_the_session_on_an_invalid_packet() {
    let (mut world, client) = joined();
    assert_eq!(client.post(&mut world, "abc").0, 400);
    check_gone(&mut world, &client);
}

#[test]
fn engine_ends_the_session_on_a_duplicate_poll() {
    let (mut world, mut client) = joined();
    client.ask(&mut world);
    let other = world.connect();
    assert_eq!(get(&mut world, other, &client.path()).status, 400);
    assert_eq!(client.told(&mut world), "1");
    check_gone(&mut world, &client);
}

#[test]
fn engine_ends_the_session_on_a_cancelled_poll() {
    let (mut world, mut client) = joined();
    client.ask(&mut world);
    world.reset(client.poll);
    check_gone(&mut world, &client);
}

#[test]
fn engine_pings_by_polling_and_is_answered() {
    let (mut world, mut client) = joined();
    for _ in 0..3 {
        client.ask(&mut world);
        world.pass_ms(300);
        assert_eq!(client.told(&mut world), "2");
        assert_eq!(client.post(&mut world, "3"), (200, "ok".into()));
    }
}

#[test]
fn engine_ends_a_session_of_polling_without_an_answer() {
    let (mut world, client) = joined();
    world.pass_ms(501);
    check_gone(&mut world, &client);
}

#[test]
fn engine_ends_a_session_of_polling_when_asked_to() {
    let (mut world, mut client) = joined();
    client.ask(&mut world);
    assert_eq!(client.post(&mut world, "1"), (200, "ok".into()));
    assert_eq!(client.told(&mut world), "6");
    check_gone(&mut world, &client);
}

/// A session that has moved: its WebSocket.
fn moved(world: &mut World, client: &mut Client) -> Peer {
    let socket = client.socket(world);
    world.say(socket, "2probe");
    assert_eq!(engine::text(world, socket), "3probe");
    assert_eq!(client.get(world), "6");
    world.say(socket, "5");
    socket
}

#[test]
fn engine_moves_a_session_to_a_websocket() {
    let (mut world, mut client) = joined();
    let socket = moved(&mut world, &mut client);
    world.say(socket, "421[\"logout\"]");
    assert_eq!(engine::text(&mut world, socket), "431[null]");
}

#[test]
fn engine_ignores_http_requests_after_the_move() {
    let (mut world, mut client) = joined();
    let socket = moved(&mut world, &mut client);
    let peer = world.connect();
    assert!(is_refused(&get(&mut world, peer, &client.path()), 1));
    world.say(socket, "421[\"logout\"]");
    assert_eq!(engine::text(&mut world, socket), "431[null]");
}

#[test]
fn engine_closes_a_second_websocket_after_the_move() {
    let (mut world, mut client) = joined();
    let socket = moved(&mut world, &mut client);
    let second = client.socket(&mut world);
    assert!(matches!(world.told(second)[..], [Told::Close(_)]));
    world.say(socket, "421[\"logout\"]");
    assert_eq!(engine::text(&mut world, socket), "431[null]");
}
