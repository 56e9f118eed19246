//! What the official conformance suites of Engine.IO v4 and Socket.IO v5 demand of a server on a
//! WebSocket: one test for each of theirs, in their order.

use headcount::config::{Config, Limits, Secret};
use headcount::socketio::{Client, Engine, Message, Opening, Outgoing};
use headcount::socketio::{PacketLimits, Terms, Transport};
use headcount::time::Time;
use serde_json::{Value, json};

use crate::engine::{open_at, text, texts};
use crate::wire::{self, Told};
use crate::world::{Peer, World};

use headcount_support::suite::{Next, Session};

const SOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// The server that the suites want.
pub fn world() -> World {
    let limits = Limits {
        ping_interval_ms: 300,
        pong_timeout_ms: 200,
        connect_timeout_ms: 1_000,
        message_bytes_max: 1_000_000,
        frame_bytes_max: 1_000_000,
        ..Limits::default()
    };
    World::with(Config { limits, ..Config::default() })
}

/// A new session, its open packet taken.
fn session() -> (World, Peer) {
    let mut world = world();
    let (peer, _) = open_at(&mut world, SOCKET);
    (world, peer)
}

/// A new session in the main namespace, and its list taken.
fn connected() -> (World, Peer) {
    let (mut world, peer) = session();
    world.say(peer, "40");
    assert_eq!(texts(&mut world, peer).len(), 2);
    (world, peer)
}

/// A session of the application of the suites, which is in their example.
struct App {
    session: Session,
    secret: Secret,
}

impl App {
    fn new() -> App {
        let secret = Secret::default();
        let opening = Opening {
            ping_interval_ms: 300,
            ping_timeout_ms: 200,
            message_bytes_max: 1_000_000,
            upgrades: false,
        };
        let (terms, transport) = (terms(&secret), Transport::WebSocket);
        let (client, _) = Client::open(opening, 1, transport, Engine::V4, &terms, Time::ZERO);
        App { session: Session::new(client), secret }
    }

    /// One that is in the main namespace.
    fn connected() -> App {
        let mut app = App::new();
        assert_eq!(app.say("40").len(), 2);
        app
    }

    fn receive(&mut self, message: Message<'_>) -> Option<Vec<Told>> {
        let told = |outgoing| match outgoing {
            Outgoing::Text(text) => Told::Text(String::from_utf8(text).unwrap()),
            Outgoing::Binary(bytes) => Told::Binary(bytes),
        };
        match self.session.receive(message, &terms(&self.secret), Time::ZERO) {
            Ok(Next::Replies(replies)) => Some(replies.into_iter().map(told).collect()),
            Ok(Next::Close) | Err(_) => None,
        }
    }

    /// What a message is answered with.
    #[track_caller]
    fn say(&mut self, message: &str) -> Vec<String> {
        let told = self.receive(Message::Text(message)).expect("the session goes on");
        told.into_iter()
            .map(|told| match told {
                Told::Text(text) => text,
                other => panic!("{other:?}"),
            })
            .collect()
    }
}

fn terms(secret: &Secret) -> Terms<'_> {
    Terms {
        packets: PacketLimits { attachments_max: 10, namespace_bytes_max: 128, json_depth_max: 32 },
        connect_timeout_ms: 1_000,
        secret,
    }
}

#[track_caller]
fn check_closed(world: &mut World, peer: Peer) {
    world.pass_ms(1);
    assert!(world.is_half_closed(peer) || world.is_closed(peer));
}

// Engine.IO.

#[test]
fn engine_opens_a_session() {
    let mut world = world();
    let (_, opening) = open_at(&mut world, SOCKET);
    let expected = json!({
        "sid": opening["sid"], "upgrades": [],
        "pingInterval": 300, "pingTimeout": 200, "maxPayload": 1_000_000,
    });
    assert_eq!(opening, expected);
    assert!(opening["sid"].is_string());
}

#[test]
fn engine_refuses_an_invalid_version() {
    for query in ["?transport=websocket", "?EIO=abc&transport=websocket"] {
        let mut world = world();
        let peer = world.connect();
        world.send(peer, &wire::handshake(&format!("/socket.io/{query}"), ""));
        assert_eq!(world.answer(peer).status, 400);
        check_closed(&mut world, peer);
    }
}

#[test]
fn engine_refuses_an_invalid_transport() {
    for query in ["?EIO=4", "?EIO=4&transport=abc"] {
        let mut world = world();
        let peer = world.connect();
        world.send(peer, &wire::handshake(&format!("/socket.io/{query}"), ""));
        assert_eq!(world.answer(peer).status, 400);
        check_closed(&mut world, peer);
    }
}

#[test]
fn engine_closes_on_an_invalid_packet() {
    let (mut world, peer) = session();
    world.say(peer, "abc");
    check_closed(&mut world, peer);
}

#[test]
fn engine_pings_and_is_answered() {
    let (mut world, peer) = connected();
    for _ in 0..3 {
        world.pass_ms(300);
        assert_eq!(text(&mut world, peer), "2");
        world.say(peer, "3");
    }
    assert!(!world.is_half_closed(peer));
}

#[test]
fn engine_closes_without_an_answer() {
    let (mut world, peer) = session();
    world.pass_ms(600);
    assert!(world.is_closed(peer));
}

#[test]
fn engine_closes_when_asked_to() {
    let (mut world, peer) = session();
    world.say(peer, "1");
    assert_eq!(world.told(peer), [Told::Close(Some(1000))]);
    world.send(peer, &wire::close(1000));
    check_closed(&mut world, peer);
}

// Socket.IO: connect.

/// Joins with `packet`, and checks the answer and what the application says after it.
#[track_caller]
fn check_connect(packet: &str, prefix: &str, auth: &Value) {
    let told = App::new().say(packet);
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
    let mut app = App::new();
    assert_eq!(app.say("40/random"), [r#"44/random,{"message":"Invalid namespace"}"#]);
    assert_eq!(app.say("40").len(), 2, "the session goes on");
}

#[test]
fn closes_on_an_invalid_handshake() {
    let (mut world, peer) = session();
    world.say(peer, "4abc");
    check_closed(&mut world, peer);
}

#[test]
fn closes_without_a_handshake() {
    let (mut world, peer) = session();
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
    let mut app = App::connected();
    assert_eq!(app.say("40/custom").len(), 2);
    assert_eq!(app.say("41/custom"), [""; 0]);
    let answer = app.say(r#"42["message","message to main namespace"]"#);
    assert_eq!(answer, [r#"42["message-back","message to main namespace"]"#]);
}

// Messages.

#[test]
fn sends_text_back_as_it_came() {
    let mut app = App::connected();
    for arguments in [
        r#","1",2,{"3":[4,true]}"#,
        "",
        r#",1.0,{"b":1,"a":2,"b":3},"\u00e9\/",1e400,12345678901234567890"#,
    ] {
        let answer = app.say(&format!("42[\"message\"{arguments}]"));
        assert_eq!(answer, [format!("42[\"message-back\"{arguments}]")]);
    }
}

#[test]
fn acknowledges_text_as_it_came() {
    let mut app = App::connected();
    let answer = app.say(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#);
    assert_eq!(answer, [r#"43456[1,"2",{"3":[false]}]"#]);
    assert_eq!(app.say(r#"420["message-with-ack"]"#), ["430[]"]);
}

const PLACEHOLDERS: &str = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;

/// What a packet with two attachments is answered with, when both have come.
#[track_caller]
fn with_attachments(packet: &str) -> Vec<Told> {
    let mut app = App::connected();
    assert_eq!(app.say(packet), [""; 0]);
    assert_eq!(app.receive(Message::Binary(&[1, 2, 3])), Some(Vec::new()));
    app.receive(Message::Binary(&[4, 5, 6])).expect("the session goes on")
}

#[test]
fn sends_bytes_back() {
    let answer = with_attachments(&format!("452-[\"message\",{PLACEHOLDERS}]"));
    let expected = [
        Told::Text(format!("452-[\"message-back\",{PLACEHOLDERS}]")),
        Told::Binary(vec![1, 2, 3]),
        Told::Binary(vec![4, 5, 6]),
    ];
    assert_eq!(answer, expected);
}

#[test]
fn acknowledges_bytes() {
    let answer = with_attachments(&format!("452-789[\"message-with-ack\",{PLACEHOLDERS}]"));
    let expected = [
        Told::Text(format!("462-789[{PLACEHOLDERS}]")),
        Told::Binary(vec![1, 2, 3]),
        Told::Binary(vec![4, 5, 6]),
    ];
    assert_eq!(answer, expected);
}

#[test]
fn closes_on_an_invalid_packet() {
    for packet in ["4abc", "42{}", "42abc[\"message-with-ack\",1]"] {
        let (mut world, peer) = connected();
        world.say(peer, packet);
        check_closed(&mut world, peer);
    }
}
