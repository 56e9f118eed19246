//! What the official conformance suites of Engine.IO v4 and Socket.IO v5 demand of a server on a
//! WebSocket: one test for each of theirs, in their order.

use headcount::config::{Application, Config, Limits};
use serde_json::{Value, json};

use crate::engine::{bytes, open_at, text, texts};
use crate::wire::{self, Told};
use crate::world::{Peer, World};

const ENGINE: &str = "/engine.io/?EIO=4&transport=websocket";
const SOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// The server that the suites want.
fn world() -> World {
    let limits = Limits {
        ping_interval_ms: 300,
        pong_timeout_ms: 200,
        connect_timeout_ms: 1_000,
        message_bytes_max: 1_000_000,
        frame_bytes_max: 1_000_000,
        ..Limits::default()
    };
    World::with(Config { limits, application: Application::Suite, ..Config::default() })
}

/// A new session, its open packet taken.
fn session(path: &str) -> (World, Peer) {
    let mut world = world();
    let (peer, _) = open_at(&mut world, path);
    (world, peer)
}

/// A new session in the main namespace, and its welcome taken.
fn connected() -> (World, Peer) {
    let (mut world, peer) = session(SOCKET);
    world.say(peer, "40");
    assert_eq!(texts(&mut world, peer).len(), 2);
    (world, peer)
}

#[track_caller]
fn check_closed(world: &mut World, peer: Peer) {
    world.pass_ms(1);
    assert!(world.is_half_closed(peer) || world.is_closed(peer));
}

// Engine.IO, over each of the two paths.

#[test]
fn engine_opens_a_session() {
    for path in [ENGINE, SOCKET] {
        let mut world = world();
        let (_, opening) = open_at(&mut world, path);
        let expected = json!({
            "sid": opening["sid"], "upgrades": [],
            "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000,
        });
        assert_eq!(opening, expected);
        assert!(opening["sid"].is_string());
    }
}

#[test]
fn engine_refuses_an_invalid_version() {
    for path in ["/engine.io/", "/socket.io/"] {
        for query in ["?transport=websocket", "?EIO=abc&transport=websocket"] {
            let mut world = world();
            let peer = world.connect();
            world.send(peer, &wire::handshake(&format!("{path}{query}"), ""));
            assert_eq!(world.answer(peer).status, 400);
            check_closed(&mut world, peer);
        }
    }
}

#[test]
fn engine_refuses_an_invalid_transport() {
    for path in ["/engine.io/", "/socket.io/"] {
        for query in ["?EIO=4", "?EIO=4&transport=abc"] {
            let mut world = world();
            let peer = world.connect();
            world.send(peer, &wire::handshake(&format!("{path}{query}"), ""));
            assert_eq!(world.answer(peer).status, 400);
            check_closed(&mut world, peer);
        }
    }
}

#[test]
fn engine_echoes_text_and_bytes() {
    let (mut world, peer) = session(ENGINE);
    world.say(peer, "4hello");
    assert_eq!(text(&mut world, peer), "4hello");
    world.send(peer, &bytes(&[1, 2, 3, 4]));
    assert_eq!(world.told(peer), [Told::Binary(vec![1, 2, 3, 4])]);
}

#[test]
fn engine_closes_on_an_invalid_packet() {
    let (mut world, peer) = session(ENGINE);
    world.say(peer, "abc");
    check_closed(&mut world, peer);
}

#[test]
fn engine_pings_and_is_answered() {
    for path in [ENGINE, SOCKET] {
        let (mut world, peer) = session(path);
        if path == SOCKET {
            world.say(peer, "40");
            texts(&mut world, peer);
        }
        for _ in 0..3 {
            world.pass_ms(300);
            assert_eq!(text(&mut world, peer), "2");
            world.say(peer, "3");
        }
        assert!(!world.is_half_closed(peer));
    }
}

#[test]
fn engine_closes_without_an_answer() {
    for path in [ENGINE, SOCKET] {
        let (mut world, peer) = session(path);
        world.pass_ms(600);
        assert!(world.is_closed(peer));
    }
}

#[test]
fn engine_closes_when_asked_to() {
    for path in [ENGINE, SOCKET] {
        let (mut world, peer) = session(path);
        world.say(peer, "1");
        assert_eq!(world.told(peer), [Told::Close(Some(1000))]);
        world.send(peer, &wire::close(1000));
        check_closed(&mut world, peer);
    }
}

// Socket.IO: connect.

/// Joins with `packet`, and checks the answer and what the application says after it.
#[track_caller]
fn check_connect(packet: &str, prefix: &str, auth: &Value) {
    let (mut world, peer) = session(SOCKET);
    world.say(peer, packet);
    let told = texts(&mut world, peer);
    let [answer, event] = &told[..] else { panic!("{told:?}") };
    let json = answer.strip_prefix(&format!("40{prefix}")).unwrap();
    let answer: Value = serde_json::from_str(json).unwrap();
    assert_eq!(answer, json!({ "sid": answer["sid"] }));
    assert!(answer["sid"].is_string());
    let json = event.strip_prefix(&format!("42{prefix}")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(json).unwrap(), json!(["auth", auth]));
}

#[test]
fn connects_to_the_main_namespace() {
    check_connect("40", "", &json!({}));
    check_connect(r#"40{"token":"123"}"#, "", &json!({ "token": "123" }));
}

#[test]
fn connects_to_a_custom_namespace() {
    check_connect("40/custom,", "/custom,", &json!({}));
    check_connect(r#"40/custom,{"token":"abc"}"#, "/custom,", &json!({ "token": "abc" }));
}

#[test]
fn refuses_an_unknown_namespace() {
    let (mut world, peer) = session(SOCKET);
    world.say(peer, "40/random");
    assert_eq!(text(&mut world, peer), r#"44/random,{"message":"Invalid namespace"}"#);
    world.say(peer, "40");
    assert_eq!(texts(&mut world, peer).len(), 2, "the session goes on");
}

#[test]
fn closes_on_an_invalid_handshake() {
    let (mut world, peer) = session(SOCKET);
    world.say(peer, "4abc");
    check_closed(&mut world, peer);
}

#[test]
fn closes_without_a_handshake() {
    let (mut world, peer) = session(SOCKET);
    let mut told = Vec::new();
    for _ in 0..10 {
        world.pass_ms(100);
        told.extend(world.told(peer));
        if told.last() == Some(&Told::Text("2".into())) {
            world.say(peer, "3");
        }
    }
    assert_eq!(told.last(), Some(&Told::Close(Some(1008))), "it answered pings");
}

// Disconnect.

#[test]
fn disconnects_from_the_main_namespace() {
    let (mut world, peer) = connected();
    world.say(peer, "41");
    world.pass_ms(300);
    assert_eq!(text(&mut world, peer), "2", "no answer, and the transport stays");
}

#[test]
fn disconnects_from_a_custom_namespace() {
    let (mut world, peer) = connected();
    world.say(peer, "40/custom");
    assert_eq!(texts(&mut world, peer).len(), 2);
    world.say(peer, "41/custom");
    world.say(peer, r#"42["message","message to main namespace"]"#);
    assert_eq!(text(&mut world, peer), r#"42["message-back","message to main namespace"]"#);
}

// Messages.

#[test]
fn sends_text_back_as_it_came() {
    let (mut world, peer) = connected();
    for arguments in [
        r#","1",2,{"3":[4,true]}"#,
        "",
        r#", 1.0 , {"b":1,"a":2,"b":3}, "\u00e9\/", 1e400, 12345678901234567890"#,
    ] {
        world.say(peer, &format!("42[\"message\"{arguments}]"));
        assert_eq!(text(&mut world, peer), format!("42[\"message-back\"{arguments}]"));
    }
}

#[test]
fn acknowledges_text_as_it_came() {
    let (mut world, peer) = connected();
    world.say(peer, r#"42456["message-with-ack",1,"2",{"3":[false]}]"#);
    assert_eq!(text(&mut world, peer), r#"43456[1,"2",{"3":[false]}]"#);
    world.say(peer, r#"420["message-with-ack"]"#);
    assert_eq!(text(&mut world, peer), "430[]");
}

const PLACEHOLDERS: &str = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;

/// Two attachments, one after the other.
fn attachments() -> Vec<u8> {
    [bytes(&[1, 2, 3]), bytes(&[4, 5, 6])].concat()
}

#[test]
fn sends_bytes_back() {
    let (mut world, peer) = connected();
    world.say(peer, &format!("452-[\"message\",{PLACEHOLDERS}]"));
    assert_eq!(world.told(peer), []);
    world.send(peer, &attachments());
    let expected = [
        Told::Text(format!("452-[\"message-back\",{PLACEHOLDERS}]")),
        Told::Binary(vec![1, 2, 3]),
        Told::Binary(vec![4, 5, 6]),
    ];
    assert_eq!(world.told(peer), expected);
    assert_eq!(world.hub.buffered_bytes(), 0);
}

#[test]
fn acknowledges_bytes() {
    let (mut world, peer) = connected();
    world.say(peer, &format!("452-789[\"message-with-ack\",{PLACEHOLDERS}]"));
    world.send(peer, &attachments());
    let expected = [
        Told::Text(format!("462-789[{PLACEHOLDERS}]")),
        Told::Binary(vec![1, 2, 3]),
        Told::Binary(vec![4, 5, 6]),
    ];
    assert_eq!(world.told(peer), expected);
}

#[test]
fn closes_on_an_invalid_packet() {
    for packet in ["4abc", "42{}", "42abc[\"message-with-ack\",1]"] {
        let (mut world, peer) = connected();
        world.say(peer, packet);
        check_closed(&mut world, peer);
    }
}

/// Not in their suites: only this application has these, and only where it is asked for.
#[test]
fn product_has_no_suite() {
    let mut world = World::new();
    let peer = world.connect();
    world.send(peer, &wire::handshake(ENGINE, ""));
    assert_eq!(world.answer(peer).status, 404);
}
