//! Engine.IO v3 by long-polling, and the way from there to a WebSocket.

use headcount::config::Config;
use headcount::connection::CauseKind;
use serde_json::json;

use crate::eio3::world;
use crate::engine;
use crate::poller::{Client, OPEN_V3, body, check_gone, get};
use crate::wire::{self, Told};
use crate::world::World;

/// The packets of a payload, each after its length in UTF-16 code units.
#[track_caller]
fn packets(payload: &str) -> Vec<String> {
    let mut units: &[u16] = &payload.encode_utf16().collect::<Vec<_>>();
    let mut packets = Vec::new();
    while let Some(colon) = units.iter().position(|&unit| unit == u16::from(b':')) {
        let length: usize = String::from_utf16(&units[..colon]).unwrap().parse().expect(payload);
        let (packet, rest) = units[colon + 1..].split_at(length);
        packets.push(String::from_utf16(packet).expect(payload));
        units = rest;
    }
    assert!(units.is_empty(), "{payload}");
    packets
}

fn payload(packets: &[&str]) -> String {
    packets.iter().map(|packet| format!("{}:{packet}", packet.encode_utf16().count())).collect()
}

/// A session, and what it is told unasked.
fn open(world: &mut World) -> (Client, Vec<String>) {
    let poll = world.connect();
    let answer = get(world, poll, OPEN_V3);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=UTF-8"));
    let mut told = packets(&body(&answer));
    let opening = told.remove(0);
    (Client::opened(poll, opening.strip_prefix('0').unwrap(), OPEN_V3), told)
}

fn joined(world: &mut World) -> Client {
    open(world).0
}

fn told(client: &mut Client, world: &mut World) -> Vec<String> {
    packets(&client.get(world))
}

#[test]
fn v3_session_is_in_the_main_namespace_from_its_open_packet_on() {
    for query in ["", "&b64=1", "&t=abc"] {
        let mut world = world();
        let poll = world.connect();
        let answer = get(&mut world, poll, &format!("{OPEN_V3}{query}"));
        let told = packets(&body(&answer));
        assert!(told[0].contains("\"upgrades\":[\"websocket\"]"), "{told:?}");
        assert_eq!(told[1..], ["40", "42[\"login\",[]]"]);
        assert_eq!(world.watching(), 1);
    }
}

#[test]
fn v3_packets_have_their_length_before_them() {
    let mut world = world();
    let (mut client, mut other) = (joined(&mut world), joined(&mut world));
    other.ask(&mut world);
    let name = "\u{674e}\u{1f600}e\u{301}";
    let login = format!("421[\"login\",\"{name}\"]");
    let posted = payload(&[&login, "2", "422[\"ping\"]"]);
    assert_eq!(client.post(&mut world, &posted), (200, "ok".into()));
    world.pass_ms(100);
    let list = packets(&other.told(&mut world)).remove(0);
    let name = world.names().remove(0);
    assert_eq!(list, format!("42[\"login\",[\"{name}\"]]"));
    assert_eq!(told(&mut client, &mut world), ["431[null]", "3", "432[null]", &list]);
    // Several lists, of rooms of their own, in one payload.
    client.post(&mut world, &payload(&["40/a,", "40/b?x=y,"]));
    let mut all = told(&mut client, &mut world);
    all.sort();
    assert_eq!(all, ["40/a,", "40/b,", "42/a,[\"login\",[]]", "42/b,[\"login\",[]]"]);
}

#[test]
fn v3_packets_may_be_bytes() {
    let event = "451-1[\"x\",{\"_placeholder\":true,\"num\":0}]";
    let text = [payload(&[event, "b4AQIDBA=="]).into_bytes(), Vec::new()];
    let head = [&[0][..], &event.len().to_string().bytes().map(|d| d - b'0').collect::<Vec<_>>()];
    let bytes =
        [head.concat(), [&[255], event.as_bytes(), b"\x01\x05\xFF\x04\x01\x02\xFE\xFF"].concat()];
    for content in [text.concat(), bytes.concat()] {
        let mut world = world();
        let mut client = joined(&mut world);
        assert_eq!(client.post_bytes(&mut world, &content), (200, "ok".into()));
        let told = told(&mut client, &mut world);
        assert!(told[1].starts_with("431[{\"code\":\"event_unknown\""), "{told:?}");
    }
    // A text in the form of bytes: its length is that of its UTF-8.
    let mut world = world();
    let client = joined(&mut world);
    let login = "42[\"login\",\"\u{674e}\"]".as_bytes();
    let content = [b"\x00\x01\x07\xFF", login].concat();
    assert_eq!(login.len(), 17);
    assert_eq!(client.post_bytes(&mut world, &content).0, 200);
    world.pass_ms(100);
    assert_eq!(world.names(), ["\u{674e}"]);
}

#[test]
fn v3_payload_that_is_none_ends_the_session() {
    let cases: [&[u8]; 24] = [
        b"",
        b"2",
        b"1:",
        b"2:2",
        b"1:22",
        b":2",
        b"-1:2",
        b"99999999999999999999999:2",
        b"1:21:",
        b"1:3",
        b"1:5",
        b"1:0",
        b"3:abc",
        b"bAQID",
        b"6:b4AQID ",
        b"5:b4AQI",
        b"42[\"logout\"]",
        b"1:2\x1e1:2",
        b"\x00\x01\xFF",
        b"\x00",
        b"\x01\x05\xFF\x04",
        b"\x01\x01\xFF\x04",
        b"\x00\x02\xFF2\xFF",
        b"2:2\xFF",
    ];
    for content in cases {
        let mut world = world();
        let client = joined(&mut world);
        let (status, text) = client.post_bytes(&mut world, content);
        let what = String::from_utf8_lossy(content);
        assert_eq!((status, text.contains("\"code\":3")), (400, true), "{what:?} {text}");
        check_gone(&mut world, &client);
    }
    // That there is nothing is no fault.
    let mut world = world();
    let client = joined(&mut world);
    assert_eq!(client.post(&mut world, "0:"), (200, "ok".into()));
}

#[test]
fn v3_client_must_ping_and_is_not_pinged() {
    let mut world = world();
    let mut client = joined(&mut world);
    for _ in 0..4 {
        client.ask(&mut world);
        world.pass_ms(25_000);
        assert!(world.try_answer(client.poll).is_none());
        assert_eq!(client.post(&mut world, "1:2"), (200, "ok".into()));
        assert_eq!(client.told(&mut world), "1:3");
    }
    client.ask(&mut world);
    world.pass_ms(34_900);
    assert!(world.try_answer(client.poll).is_none());
    world.pass_ms(1_000);
    assert_eq!(client.told(&mut world), "1:1");
    check_gone(&mut world, &client);
}

#[test]
fn v3_session_is_closed_by_either_side() {
    let mut world = world();
    let mut client = joined(&mut world);
    client.ask(&mut world);
    client.post(&mut world, &payload(&["421[\"logout\"]", "1"]));
    assert_eq!(client.told(&mut world), "9:431[null]1:6");
    check_gone(&mut world, &client);
    let mut client = joined(&mut world);
    client.ask(&mut world);
    let peer = world.connect();
    assert_eq!(get(&mut world, peer, &client.path()).status, 400, "a second request that waits");
    assert_eq!(client.told(&mut world), "1:1");
    let mut client = joined(&mut world);
    client.ask(&mut world);
    let now = world.now();
    world.hub.stop(now);
    world.turn();
    assert_eq!(client.told(&mut world), "1:1");
}

#[test]
fn v3_session_moves_to_a_websocket_and_nobody_notices() {
    let mut world = world();
    let mut client = joined(&mut world);
    client.post(&mut world, &payload(&["42[\"login\",\"Ada\"]"]));
    client.get(&mut world);
    let observer = world.watch();
    world.told(observer);
    client.ask(&mut world);
    let socket = client.socket(&mut world);
    world.say(socket, "2probe");
    assert_eq!(engine::text(&mut world, socket), "3probe");
    assert_eq!(client.told(&mut world), "1:6");
    let other = engine::join(&mut world);
    engine::login(&mut world, other, "\u{674e}\u{96f7}");
    world.pass_ms(100);
    assert_eq!(client.get(&mut world), "1:6");
    // Anything may be in its own ping, also what ends a packet elsewhere.
    let posted = ["427[\"logout\"]", "2a\u{1e}1:b", "428[\"login\",\"Ada\"]"];
    client.post(&mut world, &payload(&posted));
    world.pass_ms(100);
    world.told(observer);
    let both = [wire::text("5"), wire::text("429[\"login\",\"Ada\"]")].concat();
    world.send(socket, &both);
    let told = engine::texts(&mut world, socket);
    assert_eq!(told[..3], ["437[null]", "3a\u{1e}1:b", "438[null]"]);
    assert!(told.contains(&"439[null]".into()), "{told:?}");
    assert!(told.contains(&"42[\"login\",[\"Ada\",\"\u{674e}\u{96f7}\"]]".into()), "{told:?}");
    world.pass_ms(100);
    assert!(world.told(observer).is_empty(), "it was there all the time");
    // It goes on to ping.
    for _ in 0..3 {
        world.pass_ms(25_000);
        world.say(socket, "2");
        assert!(engine::texts(&mut world, socket).contains(&"3".into()));
    }
    assert_eq!(world.names(), ["Ada"], "the other one did not answer");
    world.say(socket, "1");
    world.pass_ms(100);
    assert!(world.names().is_empty());
    assert_eq!(world.hub.tally().closed[CauseKind::Upgraded as usize], 1);
}

/// A client sends no pings while it moves. That it moved shows that it is there.
#[test]
fn v3_session_has_all_its_time_after_it_has_moved() {
    let mut world = world();
    let client = joined(&mut world);
    world.pass_ms(30_000);
    let socket = client.socket(&mut world);
    world.say(socket, "2probe");
    world.pass_ms(9_000);
    world.say(socket, "5");
    world.told(socket);
    world.pass_ms(34_000);
    assert!(!world.is_closed(socket));
    world.pass_ms(2_000);
    assert!(world.is_closed(socket));
}

#[test]
fn v3_probe_that_fails_leaves_polling_as_it_was() {
    let mut world = world();
    let mut client = joined(&mut world);
    let socket = client.socket(&mut world);
    world.say(socket, "2probe");
    assert_eq!(engine::text(&mut world, socket), "3probe");
    assert_eq!(client.get(&mut world), "1:6");
    world.say(socket, "2");
    assert!(matches!(world.told(socket)[..], [Told::Close(_)]));
    client.ask(&mut world);
    assert!(world.try_answer(client.poll).is_none());
    client.post(&mut world, &payload(&["427[\"logout\"]"]));
    assert_eq!(packets(&client.told(&mut world)), ["437[null]"]);
}

/// Each packet counts, and one of no length is no way around it.
#[test]
fn v3_payload_of_many_packets_ends_the_session() {
    let mut world = world();
    let client = joined(&mut world);
    assert_eq!(client.post(&mut world, &"1:2".repeat(5_000)).0, 400);
    check_gone(&mut world, &client);
    let client = joined(&mut world);
    assert_eq!(client.post(&mut world, &"0:".repeat(8_000)).0, 200);
}

/// A client that pings can't be asked while it is on no WebSocket: it counts as one that is there.
#[test]
fn j3_client_in_the_way_of_another_is_there_as_long_as_its_session() {
    const ADA: &str = "00000000000000000000000000000ada";
    let mut world = World::holding(Config { allows_eio3: true, ..Config::default() });
    let peer = world.connect();
    assert_eq!(get(&mut world, peer, &format!("{OPEN_V3}&client={ADA}")).status, 200);
    let other = world.offer("/ws", "headcount.v2");
    world.say(other, &json!(["hello", { "client": ADA }]).to_string());
    assert_eq!(world.heard(other)[0][1]["code"], "client_in_use");
}
