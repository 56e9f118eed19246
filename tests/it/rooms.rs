//! Rooms: entered, left, made and gone, each with a roster of its own.

use headcount::config::{Config, Limits, RoomNameLimits};
use serde_json::{Value, json};

use crate::wire;
use crate::world::{Peer, World};

fn with(limits: Limits) -> World {
    World::with(Config { limits, ..Config::default() })
}

/// What was said about each event, without what differs from one run to the next.
fn told(world: &mut World, peer: Peer) -> Vec<(String, Value, Value)> {
    let parts = |message: Value| {
        let (event, body) = (message[0].as_str().unwrap().to_owned(), &message[1]);
        let what = ["names", "joined", "count", "code", "id"].map(|key| body[key].clone());
        let what = what.into_iter().find(|value| !value.is_null()).unwrap_or_default();
        (event, body["room"].clone(), what)
    };
    world.heard(peer).into_iter().map(parts).collect()
}

fn one(event: &str, room: Value, what: Value) -> Vec<(String, Value, Value)> {
    vec![(event.to_owned(), room, what)]
}

#[test]
fn room_of_the_url_has_a_roster_of_its_own() {
    let mut world = World::new();
    let (main, here) = (world.watch(), world.open("/ws/doc%201/%C3%A9"));
    assert_eq!(told(&mut world, here), one("roster", json!("doc 1/\u{e9}"), json!([])));
    let same = world.open("/ws/doc%20%201/e%CC%81");
    world.heard(same);
    world.login(here, "Ada");
    for peer in [here, same] {
        assert_eq!(told(&mut world, peer), one("change", json!("doc 1/\u{e9}"), json!(["Ada"])));
    }
    assert_eq!(told(&mut world, main), []);
    assert_eq!(world.names(), [""; 0]);
}

#[test]
fn connection_is_in_several_rooms_with_a_name_in_each() {
    let mut world = World::new();
    let (peer, other) = (world.watch(), world.open("/ws/b"));
    world.heard(other);
    world.say(peer, r#"["enter",{"room":"b","id":1}]"#);
    let heard = told(&mut world, peer);
    assert_eq!(heard[0], one("ok", json!("b"), json!(1))[0], "the answer comes first");
    assert_eq!(heard[1], one("roster", json!("b"), json!([]))[0]);
    world.say(peer, r#"["login","Ada"]"#);
    assert_eq!(told(&mut world, peer), one("change", Value::Null, json!(["Ada"])));
    world.say(peer, r#"["login","Bea",{"room":" b "}]"#);
    assert_eq!(told(&mut world, peer), one("change", json!("b"), json!(["Bea"])));
    assert_eq!(told(&mut world, other), one("change", json!("b"), json!(["Bea"])));
    world.pass_ms(100);

    world.say(peer, r#"["logout"]"#);
    assert_eq!(told(&mut world, peer).len(), 1);
    assert_eq!(told(&mut world, other), [], "she is still in the other room");
    world.say(peer, r#"["exit",{"room":"b"}]"#);
    assert_eq!(world.heard(other)[0][1]["left"], json!(["Bea"]));
    world.login(other, "Cy");
    world.pass_ms(100);
    assert_eq!(told(&mut world, peer), [], "who is out is told nothing");
    world.reset(peer);
    world.reset(other);
    world.pass_ms(100);
    assert_eq!(world.hub.rooms(), 0);
}

#[test]
fn request_is_answered_by_its_id() {
    let mut world = World::new();
    let peer = world.watch();
    for (request, answer) in [
        (r#"["login","  Ada ",{"id":"x"}]"#, json!(["ok", { "id": "x", "name": "Ada" }])),
        (r#"["logout",{"id":1e3}]"#, json!(["ok", { "id": 1e3 }])),
        (r#"["exit",{"id":0,"room":"c"}]"#, json!(["error", { "id": 0, "room": "c" }])),
        (r#"["set",{"id":2}]"#, json!(["error", { "id": 2 }])),
        (r#"["login","",{"id":3}]"#, json!(["error", { "id": 3 }])),
        (r#"["set",{"id":4,"data":7}]"#, json!(["error", { "id": 4 }])),
        (r#"["enter",{"id":7,"room":" e\u0301 "}]"#, json!(["ok", { "id": 7, "room": "\u{e9}" }])),
        (r#"["exit",{"id":5}]"#, json!(["ok", { "id": 5 }])),
        (r#"["logout",{"id":6}]"#, json!(["error", { "id": 6 }])),
    ] {
        world.say(peer, request);
        let mut heard = world.heard(peer).remove(0);
        if let Some(error) = heard[1].as_object_mut().filter(|body| body.contains_key("code")) {
            error.remove("code");
            let message = error.remove("message").unwrap();
            assert!(message.as_str().unwrap().ends_with('.'), "{message}");
        }
        assert_eq!(heard, answer, "{request}");
        world.pass_ms(100);
        world.heard(peer);
    }
}

/// Who was in a room that is gone is in none, and the next of that name is another.
#[test]
fn room_is_gone_when_nobody_is_in_it_and_made_again_it_is_another() {
    let mut world = World::new();
    let epoch = |world: &mut World| {
        let peer = world.open("/ws/a");
        let roster = world.heard(peer).remove(0);
        (peer, roster[1]["epoch"].clone(), roster[1]["seq"].clone())
    };
    let (first, before, _) = epoch(&mut world);
    world.login(first, "Ada");
    world.pass_ms(100);
    let (second, same, seq) = epoch(&mut world);
    assert_eq!((same, seq), (before.clone(), json!(1)));
    world.reset(first);
    world.pass_ms(100);
    assert_eq!(world.hub.rooms(), 1, "it is followed");
    world.end(second);
    world.pass_ms(100);
    assert_eq!(world.hub.rooms(), 0);
    let (_, after, seq) = epoch(&mut world);
    assert_eq!(seq, 0);
    assert_ne!(after, before);
}

#[test]
fn roster_is_served_with_a_tag_and_not_again_to_who_has_it() {
    let mut world = World::new();
    let ask = |world: &mut World, path: &str, fields: &str| {
        let peer = world.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        world.send(peer, request.as_bytes());
        world.answer(peer)
    };
    const NONE: &str = "0000000000000000";
    let absent = ask(&mut world, "/roster/a%20b", "");
    assert_eq!(absent.field("etag"), Some("\"0000000000000000:0\""));
    let body = serde_json::from_slice::<Value>(&absent.body).unwrap();
    assert_eq!(
        body,
        json!({ "room": "a b", "epoch": NONE, "seq": 0, "digest": NONE, "names": [] })
    );
    assert_eq!(world.hub.rooms(), 0, "to ask makes no room");

    let peer = world.open("/ws/a%20b");
    world.say(peer, r#"["login","Ada",{"status":"idle","data":{"x":[1]}}]"#);
    let answer = ask(&mut world, "/roster/a%20b", "");
    let tag = answer.field("etag").unwrap().to_owned();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(tag, format!("\"{}:1\"", body["epoch"].as_str().unwrap()));
    assert_eq!((&body["names"], &body["data"]), (&json!(["Ada"]), &json!({ "Ada": { "x": [1] } })));
    assert_eq!(body["status"], json!({ "Ada": "idle" }));
    let again = ask(&mut world, "/roster/a%20b", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!((again.status, again.body.len(), again.field("etag")), (304, 0, Some(&*tag)));
    world.pass_ms(100);
    world.say(peer, r#"["set",{"status":"active"}]"#);
    world.pass_ms(100);
    assert_eq!(ask(&mut world, "/roster/a%20b", &format!("If-None-Match: {tag}\r\n")).status, 200);
    assert_eq!(ask(&mut world, "/roster/%E2%80%AEa", "").status, 400);
}

fn handshake_status(world: &mut World, path: &str) -> u16 {
    let peer = world.connect();
    world.send(peer, &wire::handshake(path, ""));
    world.answer(peer).status
}

fn code(world: &mut World, peer: Peer, request: &str) -> Option<String> {
    world.heard(peer);
    world.say(peer, request);
    let errors = world.heard(peer).into_iter().find(|message| message[0] == "error");
    errors.map(|error| error[1]["code"].as_str().unwrap().to_owned())
}

#[test]
fn rooms_have_a_number() {
    let mut world = with(Limits { rooms_max: 2, ..Limits::default() });
    let (first, second) = (world.open("/ws/a"), world.open("/ws/b"));
    assert_eq!(handshake_status(&mut world, "/ws"), 503);
    assert_eq!(handshake_status(&mut world, "/ws/a"), 101, "that one is there");
    let enter = r#"["enter",{"room":"c"}]"#;
    assert_eq!(code(&mut world, first, enter).as_deref(), Some("rooms_too_many"));
    world.say(second, r#"["exit"]"#);
    world.pass_ms(100);
    assert_eq!(code(&mut world, first, enter), None);
}

#[test]
fn rooms_of_a_connection_have_a_number() {
    let mut world = with(Limits { rooms_per_connection_max: 3, ..Limits::default() });
    let peer = world.watch();
    for room in ["a", "b", "a"] {
        let enter = format!(r#"["enter",{{"room":"{room}"}}]"#);
        assert_eq!(code(&mut world, peer, &enter), None, "{room}");
    }
    let enter = r#"["enter",{"room":"c"}]"#;
    assert_eq!(code(&mut world, peer, enter).as_deref(), Some("rooms_too_many"));
    assert_eq!(code(&mut world, peer, r#"["exit",{"room":"a"}]"#), None);
    assert_eq!(code(&mut world, peer, enter), None);
}

#[test]
fn room_has_so_many_followers_and_members() {
    let limits = Limits { followers_per_room_max: 2, members_per_room_max: 1, ..Limits::default() };
    let mut world = with(limits);
    let (ada, bob) = (world.watch(), world.watch());
    assert_eq!(handshake_status(&mut world, "/ws"), 503);
    let elsewhere = world.open("/ws/a");
    let enter = code(&mut world, elsewhere, r#"["enter",{"room":""}]"#);
    assert_eq!(enter.as_deref(), Some("room_full"));
    assert_eq!(code(&mut world, ada, r#"["login","Ada"]"#), None);
    assert_eq!(code(&mut world, bob, r#"["login","Bob"]"#).as_deref(), Some("room_full"));
    world.reset(ada);
    assert_eq!(code(&mut world, bob, r#"["login","Bob"]"#), None);
    assert_eq!(handshake_status(&mut world, "/ws"), 101);
}

#[test]
fn name_of_a_room_has_a_length() {
    let room_name = RoomNameLimits { room_chars_max: 4, room_bytes_max: 8 };
    let mut world = with(Limits { room_name, ..Limits::default() });
    let peer = world.watch();
    for (room, expected) in [
        ("abcd", None),
        ("abcde", Some("room_invalid")),
        ("\u{e9}\u{e9}\u{e9}\u{e9}", None),
        ("\u{674e}\u{674e}\u{674e}", Some("room_invalid")),
        (" \u{200b} ", Some("room_invalid")),
        ("a\u{202e}b", Some("room_invalid")),
    ] {
        let enter = format!(r#"["enter",{{"room":"{room}"}}]"#);
        assert_eq!(code(&mut world, peer, &enter).as_deref(), expected, "{room}");
    }
    for room in ["a/..", ".\u{ad}."] {
        let dots = code(&mut world, peer, &format!(r#"["enter",{{"room":"{room}"}}]"#));
        assert_eq!(dots.as_deref(), Some("room_forbidden"), "no URL leads to {room}");
    }
    assert_eq!(handshake_status(&mut world, "/ws/abcde"), 400);
    assert_eq!(handshake_status(&mut world, "/ws/a%2Fb"), 400);
}

#[test]
fn only_rooms_that_may_be_are_made() {
    let rooms = vec!["doc-*".parse().unwrap()];
    let mut world = World::with(Config { rooms, ..Config::default() });
    let peer = world.watch();
    assert_eq!(handshake_status(&mut world, "/ws/doc-1"), 101);
    assert_eq!(handshake_status(&mut world, "/ws/other"), 403);
    assert_eq!(code(&mut world, peer, r#"["enter",{"room":"doc-2"}]"#), None);
    let refused = code(&mut world, peer, r#"["enter",{"room":"other"}]"#);
    assert_eq!(refused.as_deref(), Some("room_forbidden"));
    assert_eq!(world.hub.rooms(), 3, "and the one without a name");
}

/// After an interruption a client logs in again in all its rooms at once.
#[test]
fn first_login_in_each_further_room_is_free() {
    let limits = Limits { name_changes_per_minute: 1, ..Limits::default() };
    let mut world = with(limits);
    let peer = world.watch();
    assert_eq!(code(&mut world, peer, r#"["login","Ada"]"#), None);
    for room in ["a", "b", "c"] {
        world.say(peer, &format!(r#"["enter",{{"room":"{room}"}}]"#));
        let login = |name: &str| format!(r#"["login","{name}",{{"room":"{room}"}}]"#);
        assert_eq!(code(&mut world, peer, &login("Ada")), None);
        assert_eq!(code(&mut world, peer, &login("Eve")).as_deref(), Some("rate_limited"));
    }
}

/// To leave and to come back is no way around the rate of names.
#[test]
fn free_logins_have_a_rate_too() {
    let limits = Limits {
        name_changes_per_minute: 1,
        rooms_per_connection_max: 3,
        messages_burst: 1_000,
        ..Limits::default()
    };
    let mut world = with(limits);
    let peer = world.watch();
    let mut granted = 0;
    for index in 0..10 {
        world.say(peer, r#"["enter",{"room":"a"}]"#);
        let login = format!(r#"["login","name {index}",{{"room":"a"}}]"#);
        granted += u32::from(code(&mut world, peer, &login).is_none());
        world.say(peer, r#"["exit",{"room":"a"}]"#);
    }
    assert_eq!(granted, 3 + 1);
}

/// A login that is refused takes nothing away.
#[test]
fn login_that_is_refused_stays_free() {
    let limits = Limits { name_changes_per_minute: 1, ..Limits::default() };
    let mut world = with(limits);
    let peer = world.watch();
    assert_eq!(code(&mut world, peer, r#"["login","Ada"]"#), None);
    world.say(peer, r#"["enter",{"room":"a"}]"#);
    let long = "x".repeat(2_000);
    let login = format!(r#"["login","Ada",{{"room":"a","data":{{"a":"{long}"}}}}]"#);
    assert_eq!(code(&mut world, peer, &login).as_deref(), Some("data_too_large"));
    assert_eq!(code(&mut world, peer, r#"["login","Ada",{"room":"a"}]"#), None);
}
