//! Engine.IO v3 and Socket.IO v4, which clients of version 1 and 2 speak, on a WebSocket.

use headcount::config::{Config, Limits};
use serde_json::{Value, json};

use crate::engine::{bytes, login, names, open_at, text, texts};
use crate::poller::{OPEN_V3, get, is_refused};
use crate::wire::{self, Told};
use crate::world::{Peer, World};

pub const PATH: &str = "/socket.io/?EIO=3&transport=websocket";
const ADA: &str = "00000000000000000000000000000ada";

pub fn world() -> World {
    World::with(Config { allows_eio3: true, ..Config::default() })
}

/// Opens a session; what it is told unasked is taken.
fn join(world: &mut World) -> Peer {
    let peer = world.open(PATH);
    let told = texts(world, peer);
    assert_eq!(told[1], "40");
    peer
}

#[test]
fn v3_is_refused_unless_it_is_allowed() {
    for (allows_eio3, allowed) in [(false, &["4"][..]), (true, &["3", "4"])] {
        let mut world = World::with(Config { allows_eio3, ..Config::default() });
        for version in ["1", "2", "3", "4", "5", "", "abc", "03", "3&EIO=3", "3&EIO=4"] {
            let path = format!("/socket.io/?EIO={version}&transport=polling");
            let peer = world.connect();
            let answer = get(&mut world, peer, &path);
            match allowed.contains(&version) {
                true => assert_eq!(answer.status, 200, "{version}"),
                false => assert!(is_refused(&answer, 5), "{version}"),
            }
        }
        let peer = world.connect();
        assert!(is_refused(&get(&mut world, peer, "/socket.io/?transport=polling"), 5));
        let peer = world.connect();
        world.send(peer, &wire::handshake(PATH, ""));
        assert_eq!(world.answer(peer).status, if allows_eio3 { 101 } else { 400 });
    }
}

/// An old browser that has no other way reads scripts. Ours has none for it.
#[test]
fn jsonp_is_refused() {
    let mut world = world();
    for query in ["&j=0", "&j", "&b64=1&j=12", "&j=0&j=1"] {
        let peer = world.connect();
        let answer = get(&mut world, peer, &format!("{OPEN_V3}{query}"));
        assert!(is_refused(&answer, 0), "{query}");
    }
}

#[test]
fn client_is_in_the_main_namespace_unasked() {
    let mut world = world();
    let peer = world.open(PATH);
    let told = texts(&mut world, peer);
    let [opening, connected, list] = &told[..] else { panic!("{told:?}") };
    let opening: Value = serde_json::from_str(opening.strip_prefix('0').unwrap()).unwrap();
    let limits = Limits::default();
    let expected = json!({
        "sid": opening["sid"], "upgrades": [],
        "pingInterval": limits.ping_interval_ms, "pingTimeout": limits.pong_timeout_ms,
        "maxPayload": limits.message_bytes_max,
    });
    assert_eq!(opening, expected);
    assert_eq!((&**connected, &**list), ("40", "42[\"login\",[]]"));
    assert_eq!(world.watching(), 1);
    login(&mut world, peer, "Ada");
    assert_eq!(names("42", &text(&mut world, peer)), ["Ada"]);
    // It asked for nothing, and so owes nothing.
    world.say(peer, "2");
    world.pass_ms(34_000);
    world.say(peer, "2");
    world.pass_ms(34_000);
    assert_eq!(world.names(), ["Ada"]);
}

/// The list is encoded once for clients of both versions.
#[test]
fn clients_of_both_versions_are_on_one_roster() {
    let mut world = world();
    let old = join(&mut world);
    let new = crate::engine::join(&mut world);
    login(&mut world, old, "\u{674e}\u{1f600}");
    for peer in [old, new] {
        assert_eq!(names("42", &text(&mut world, peer)), ["\u{674e}\u{1f600}"]);
    }
    world.say(old, r#"427["login","Bob"]"#);
    assert_eq!(texts(&mut world, old)[0], "437[null]");
    world.pass_ms(100);
    assert_eq!(world.names(), ["Bob"]);
}

#[test]
fn namespace_is_joined_without_its_query_and_without_a_payload() {
    let mut world = world();
    let peer = join(&mut world);
    for (connect, reply, prefix) in [
        ("40/a,", "40/a,", "42/a,"),
        ("40/b", "40/b,", "42/b,"),
        ("40/c?token=x&n=1,", "40/c,", "42/c,"),
        ("40/d?,", "40/d,", "42/d,"),
    ] {
        world.say(peer, connect);
        let told = texts(&mut world, peer);
        assert_eq!(told, [reply, &format!("{prefix}[\"login\",[]]")], "{connect}");
    }
    world.say(peer, r#"42/c,5["login","Cy"]"#);
    assert_eq!(texts(&mut world, peer), ["43/c,5[null]", r#"42/c,["login",["Cy"]]"#]);
    assert_eq!(world.roster_of("c")["names"], json!(["Cy"]));
    world.say(peer, "41/c,");
    world.pass_ms(100);
    assert_eq!(world.roster_of("c")["names"], json!([]));
    // In v4 a query is a part of the name.
    let peer = crate::engine::open(&mut world);
    world.say(peer, "40/c?x=y,");
    assert!(texts(&mut world, peer)[0].starts_with("40/c?x=y,{"));
}

#[test]
fn refusal_is_a_string() {
    let limits = Limits { rooms_per_connection_max: 2, ..Limits::default() };
    let rooms = vec!["doc-*".parse().unwrap()];
    let config = Config { limits, rooms, allows_eio3: true, ..Config::default() };
    let mut world = World::with(config);
    let peer = join(&mut world);
    for (connect, prefix) in [
        ("40/secret,", "44/secret,"),
        ("40/secret?token=x,", "44/secret,"),
        ("40/doc-1,", "40/doc-1,"),
        ("40/doc-2,", "44/doc-2,"),
    ] {
        world.say(peer, connect);
        let told = texts(&mut world, peer);
        let reason = told[0].strip_prefix(prefix).unwrap_or_else(|| panic!("{told:?}"));
        let is_refused = prefix.starts_with("44");
        let is_string = serde_json::from_str::<String>(reason).is_ok_and(|text| !text.is_empty());
        assert_eq!((is_string, told.len()), (is_refused, 2 - usize::from(is_refused)), "{told:?}");
    }
}

#[test]
fn main_namespace_may_be_refused_left_and_joined_again() {
    let limits = Limits { followers_per_room_max: 1, ..Limits::default() };
    let mut world = World::with(Config { limits, allows_eio3: true, ..Config::default() });
    let first = join(&mut world);
    let second = world.open(PATH);
    let told = texts(&mut world, second);
    assert!(told.len() == 2 && told[1].starts_with("44\""), "{told:?}");
    world.say(first, "41");
    world.say(second, "40");
    assert_eq!(texts(&mut world, second), ["40", "42[\"login\",[]]"]);
    world.say(second, "40");
    assert_eq!(world.told(second), [Told::Close(Some(1002))]);
}

#[test]
fn ping_of_a_client_is_answered_with_its_data() {
    let mut world = world();
    let peer = join(&mut world);
    for (ping, pong) in [("2", "3"), ("2probe", "3probe"), ("2\u{1e}\u{674e}", "3\u{1e}\u{674e}")] {
        world.say(peer, ping);
        assert_eq!(texts(&mut world, peer), [pong]);
    }
}

#[test]
fn client_must_ping_and_is_not_pinged() {
    let mut world = world();
    let silent = join(&mut world);
    let (pinging, talking) = (join(&mut world), join(&mut world));
    for _ in 0..4 {
        world.pass_ms(25_000);
        world.say(pinging, "2");
        world.say(talking, r#"42["ping"]"#);
        assert_eq!(texts(&mut world, pinging), ["3"]);
    }
    assert!(world.is_closed(silent));
    // Interval and timeout are 25 s and 10 s.
    world.pass_ms(34_900);
    assert!(!world.is_closed(pinging) && !world.is_closed(talking));
    assert_eq!(world.told(talking), []);
    world.pass_ms(1_000);
    assert!(world.is_closed(pinging) && world.is_closed(talking));
    let lost = world.cause(pinging).map(|cause| cause.to_string());
    assert_eq!(lost, world.cause(silent).map(|cause| cause.to_string()));
}

#[test]
fn attachments_have_a_type_or_are_base64() {
    let mut world = world();
    let peer = join(&mut world);
    let placeholder = |num| format!("{{\"_placeholder\":true,\"num\":{num}}}");
    let event = format!("452-7[\"x\",{},{}]", placeholder(0), placeholder(1));
    world.say(peer, &event);
    world.send(peer, &bytes(&[4, 1, 2, 3]));
    assert_eq!(texts(&mut world, peer), [""; 0]);
    world.say(peer, "b4AQID");
    assert!(texts(&mut world, peer)[1].starts_with("437[{\"code\":\"event_unknown\""));
    for wrong in
        [bytes(&[]), bytes(&[2, 1]), bytes(b"4abc"), wire::text("b4AQ"), wire::text("bAQID")]
    {
        let peer = join(&mut world);
        world.say(peer, &event);
        world.send(peer, &wrong);
        assert_eq!(world.told(peer), [Told::Close(Some(1007))]);
    }
    let peer = join(&mut world);
    world.say(peer, "b4AQID");
    assert_eq!(world.told(peer), [Told::Close(Some(1002))]);
}

#[test]
fn what_only_the_other_side_or_the_other_version_sends_ends_the_session() {
    for packet in ["0", "3", "5", "6", "abc", "", "4", "4abc", "42{}", "42/a,[\"x\"]", "44\"x\""] {
        let mut world = world();
        let peer = join(&mut world);
        world.say(peer, packet);
        assert!(matches!(world.told(peer)[..], [Told::Close(Some(_))]), "{packet:?}");
    }
}

#[test]
fn either_side_may_close() {
    let mut world = world();
    let peer = join(&mut world);
    login(&mut world, peer, "Ada");
    texts(&mut world, peer);
    world.say(peer, "1");
    assert_eq!(world.told(peer), [Told::Close(Some(1000))]);
    world.pass_ms(100);
    assert!(world.names().is_empty());
    let peer = join(&mut world);
    let now = world.now();
    world.hub.stop(now);
    world.turn();
    assert_eq!(world.told(peer), [Told::Close(Some(1001))]);
}

fn holding() -> World {
    World::holding(Config { allows_eio3: true, ..Config::default() })
}

/// It has no payload of CONNECT in which it could say who it is.
#[test]
fn client_is_back_by_the_id_in_its_query() {
    let urls = [format!("{PATH}&client={ADA}"), PATH.to_owned()];
    let connects = ["42[\"logout\"]".to_owned(), format!("40/a?token=1&client={ADA},")];
    for (url, connect, namespace) in [(&urls[0], &connects[0], ""), (&urls[1], &connects[1], "/a,")]
    {
        let mut world = holding();
        let other = world.open(&format!("/ws{}", namespace.trim_end_matches(',')));
        let login = format!("42{namespace}{}", r#"["login","Ada",{"data":{"a":1}}]"#);
        let peer = world.open(url);
        world.say(peer, connect);
        world.say(peer, &login);
        world.pass_ms(100);
        world.heard(other);
        world.send(peer, &wire::close(1001));
        world.pass_ms(1_000);
        let peer = world.open(url);
        world.say(peer, connect);
        world.say(peer, &format!("42{namespace}[\"login\",\"Ada\"]"));
        world.pass_ms(10_000);
        assert_eq!(world.heard(other), [Value::Null; 0], "{namespace} it has its data again");
    }
}

/// A client that pings can't be asked by Engine.IO, but its WebSocket can.
#[test]
fn client_in_the_way_of_another_is_asked_whether_it_is_there() {
    for answers in [true, false] {
        let mut world = holding();
        let peer = world.open(&format!("{PATH}&client={ADA}"));
        login(&mut world, peer, "Ada");
        world.told(peer);
        let other = world.offer("/ws", "headcount.v2");
        world.say(other, &json!(["hello", { "client": ADA }]).to_string());
        let told = world.told(peer);
        let [Told::Ping(data)] = &told[..] else { panic!("{told:?}") };
        if answers {
            world.send(peer, &wire::frame(0x8A, data));
        }
        world.pass_ms(1_100);
        assert_eq!(world.is_closed(peer), !answers);
        let heard = world.heard(other);
        let event = if answers { "error" } else { "welcome" };
        assert_eq!(heard[0][0], event, "{heard:?}");
    }
}

#[test]
fn open_packet_is_the_same_where_v4_is_spoken() {
    let mut world = world();
    let (peer, _) = open_at(&mut world, crate::engine::PATH);
    assert_eq!(world.watching(), 0, "it is asked for what v3 has unasked");
    world.say(peer, "2");
    assert!(matches!(world.told(peer)[..], [Told::Close(_)]));
}
