//! The roster as clients of Socket.IO see it.

use std::collections::BTreeSet;

use headcount::config::Config;
use headcount::config::Limits;
use serde_json::{Value, json};

use crate::engine::{bytes, join, login, names, open, open_at, text, texts};
use crate::wire::{self, Told};
use crate::world::World;

/// The payload of `text`, a packet that begins with `prefix`.
#[track_caller]
fn payload(prefix: &str, text: &str) -> Value {
    let json = text.strip_prefix(prefix).unwrap_or_else(|| panic!("{text}"));
    serde_json::from_str(json).unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn open_packet_says_what_the_server_was_told() {
    let limits = Limits {
        ping_interval_ms: 1_234,
        pong_timeout_ms: 567,
        message_bytes_max: 8_901,
        ..Limits::default()
    };
    let mut world = World::with(Config { limits, ..Config::default() });
    let (_, opening) = open_at(&mut world, crate::engine::PATH);
    let sid = opening["sid"].as_str().unwrap();
    let expected = json!({
        "sid": sid, "upgrades": [], "pingInterval": 1_234, "pingTimeout": 567, "maxPayload": 8_901,
    });
    assert_eq!(opening, expected);
}

#[test]
fn every_session_and_every_connect_has_an_id_of_its_own() {
    let mut sids = BTreeSet::new();
    let mut world = World::new();
    for _ in 0..20 {
        let (peer, opening) = open_at(&mut world, crate::engine::PATH);
        sids.insert(opening["sid"].as_str().unwrap().to_owned());
        for (connect, prefix) in [("40", "40"), ("40/a,", "40/a,"), ("41", ""), ("40", "40")] {
            world.say(peer, connect);
            for answer in texts(&mut world, peer).iter().filter(|text| text.starts_with("40")) {
                let answer = payload(prefix, answer);
                assert_eq!(answer.as_object().unwrap().len(), 1, "the key sid only");
                sids.insert(answer["sid"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(sids.len(), 80);
    assert!(sids.iter().all(|sid| sid.len() == 26), "{sids:?}");
}

#[test]
fn clients_of_both_protocols_are_on_one_roster() {
    let mut world = World::new();
    let native = world.watch();
    world.login(native, "Ada");
    world.pass_ms(100);
    let one = open(&mut world);
    world.say(one, "40");
    let told = texts(&mut world, one);
    assert_eq!(names("42", &told[1]), ["Ada"], "the list comes right after the answer");
    let two = join(&mut world);

    login(&mut world, one, "Bob");
    for peer in [one, two] {
        assert_eq!(names("42", &text(&mut world, peer)), ["Ada", "Bob"]);
    }
    assert_eq!(world.names(), ["Ada", "Bob"]);
    assert_eq!(world.heard(native).last().unwrap()[1]["joined"], json!(["Bob"]));
    assert_eq!(world.watching(), 1);

    world.pass_ms(100);
    world.say(one, r#"42["logout"]"#);
    assert_eq!(names("42", &text(&mut world, two)), ["Ada"]);
    world.reset(native);
    world.pass_ms(100);
    assert_eq!(names("42", texts(&mut world, two).last().unwrap()), [""; 0]);
}

#[test]
fn who_watches_counts_and_who_has_joined_nothing_does_not() {
    let mut world = World::new();
    let peer = open(&mut world);
    assert_eq!(world.watching(), 0);
    world.say(peer, "40/room,");
    assert_eq!(world.watching(), 1);
    world.say(peer, "41/room,");
    assert_eq!(world.watching(), 0);
}

#[test]
fn acknowledgement_says_null_or_why_not() {
    let mut world = World::new();
    let peer = join(&mut world);
    world.say(peer, r#"427["login","Ada"]"#);
    let told = texts(&mut world, peer);
    assert_eq!(told, ["437[null]", r#"42["login",["Ada"]]"#]);
    world.pass_ms(1_000);
    for (packet, ack, code) in [
        (r#"428["login",""]"#, Some("438"), "name_empty"),
        (r#"42["login","\u0007"]"#, None, "name_invalid"),
        (r#"429["shout","Ada"]"#, Some("439"), "event_unknown"),
        (r#"42[7]"#, None, "message_invalid"),
        (r#"4210["login","Ada",{},{}]"#, Some("4310"), "message_invalid"),
        (r#"4211["logout",0]"#, Some("4311"), "message_invalid"),
        (r#"4218446744073709551615["x"]"#, Some("4318446744073709551615"), "event_unknown"),
    ] {
        world.say(peer, packet);
        let told = texts(&mut world, peer);
        let reason = &payload("42", &told[0])[1];
        assert_eq!((&payload("42", &told[0])[0], &reason["code"]), (&json!("error"), &json!(code)));
        assert!(reason["message"].as_str().unwrap().ends_with('.'));
        match ack {
            Some(prefix) => assert_eq!(payload(prefix, &told[1]), json!([reason]), "{packet}"),
            None => assert_eq!(told.len(), 1, "{packet}"),
        }
    }
    assert_eq!(world.names(), ["Ada"], "she is who she was");
}

/// To measure a round trip, as the pages of Socket.IO's own documentation do.
#[test]
fn ping_has_its_acknowledgement_for_an_answer() {
    let mut world = World::new();
    let peer = join(&mut world);
    world.say(peer, r#"427["ping"]"#);
    assert_eq!(texts(&mut world, peer), ["437[null]"]);
    world.say(peer, r#"42["ping"]"#);
    assert_eq!(texts(&mut world, peer), [""; 0]);
}

#[test]
fn binary_event_is_answered_when_its_attachments_are_there() {
    let mut world = World::new();
    let peer = join(&mut world);
    let event = r#"452-/,3["login",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    world.say(peer, event);
    world.send(peer, &bytes(&[1, 2, 3]));
    // A ping between them is no packet of this layer.
    world.pass_ms(26_000);
    assert_eq!(text(&mut world, peer), "2");
    world.say(peer, "3");
    world.send(peer, &bytes(b""));
    let told = texts(&mut world, peer);
    assert_eq!(payload("42", &told[0])[1]["code"], "message_invalid");
    assert_eq!(payload("433", &told[1])[0]["code"], "message_invalid");
    world.say(peer, r#"450-1["login","Ada"]"#);
    assert_eq!(texts(&mut world, peer)[0], "431[null]", "none to wait for");
    world.say(peer, r#"451-["shout",{"_placeholder":true,"num":0}]"#);
    world.send(peer, &bytes(&[0; 1_000]));
    assert_eq!(payload("42", &text(&mut world, peer))[1]["code"], "event_unknown");
    assert_eq!(world.hub.buffered_bytes(), 0);
}

#[test]
fn names_are_html_here_and_themselves_elsewhere() {
    let name = "<img src=x>&\"'";
    let mut world = World::new();
    let (native, peer) = (world.watch(), join(&mut world));
    login(&mut world, peer, name);
    assert_eq!(names("42", &text(&mut world, peer)), ["&lt;img src=x&gt;&amp;&quot;&#39;"]);
    assert_eq!(world.heard(native)[0][1]["joined"], json!([name]));
    assert_eq!(world.names(), [name]);
}

#[test]
fn namespaces_are_rooms_and_a_session_has_a_name_in_each() {
    let mut world = World::new();
    let (peer, other) = (join(&mut world), join(&mut world));
    world.say(peer, r#"40/room,{"token":"x"}"#);
    let told = texts(&mut world, peer);
    assert!(told[0].starts_with("40/room,{\"sid\":"), "{told:?}");
    assert_eq!(names("42/room,", &told[1]), [""; 0]);
    let native = world.open("/ws/room");
    world.heard(native);
    world.say(peer, r#"42/room,1["login","Ada"]"#);
    assert_eq!(texts(&mut world, peer), ["43/room,1[null]", r#"42/room,["login",["Ada"]]"#]);
    assert_eq!(world.heard(native)[0][1]["joined"], json!(["Ada"]));
    assert_eq!(texts(&mut world, other), [""; 0], "nothing of it is told in another room");
    world.pass_ms(100);
    login(&mut world, peer, "Eve");
    assert_eq!(names("42", texts(&mut world, other).last().unwrap()), ["Eve"]);
    assert_eq!(world.heard(native).len(), 0);
    world.say(peer, r#"42/room,["nothing"]"#);
    let told = texts(&mut world, peer);
    assert!(told.last().unwrap().starts_with("42/room,[\"error\","), "{told:?}");
}

#[test]
fn namespace_that_may_not_be_joined_is_refused_and_the_session_goes_on() {
    let limits = Limits { rooms_per_connection_max: 2, ..Limits::default() };
    let rooms = vec!["open*".parse().unwrap(), "\u{e9}".parse().unwrap()];
    let mut world = World::with(Config { limits, rooms, ..Config::default() });
    let peer = join(&mut world);
    let refused = |world: &mut World, namespace: &str| {
        world.say(peer, &format!("40{namespace},"));
        let told = texts(world, peer);
        let [refusal] = &told[..] else { panic!("{told:?}") };
        payload(&format!("44{namespace},"), refusal)["message"].as_str().unwrap().len()
    };
    assert!(refused(&mut world, "/closed") > 20);
    assert!(refused(&mut world, "/a\u{202e}b") > 20);
    world.say(peer, "40/\u{e9},");
    assert_eq!(texts(&mut world, peer).len(), 2);
    assert!(refused(&mut world, "/e\u{301}") > 20, "the same room in another form");
    assert!(refused(&mut world, "/open") > 20, "one too many");
    login(&mut world, peer, "Ada");
    assert_eq!(names("42", &text(&mut world, peer)), ["Ada"]);
    world.say(peer, "41/\u{e9},");
    world.say(peer, "40/open,");
    assert_eq!(texts(&mut world, peer).len(), 2);
}

#[test]
fn client_that_asks_is_told_data_and_others_only_names() {
    let mut world = World::new();
    let (ada, plain) = (join(&mut world), join(&mut world));
    world.say(ada, r#"421["view",{"view":"presence"}]"#);
    let told = texts(&mut world, ada);
    assert_eq!(told[0], "431[null]");
    assert_eq!(payload("42", &told[1])[1]["names"], json!([]));
    world.say(ada, r#"42["login","<Ada>",{"data":{"mood":1},"status":"idle"}]"#);
    let told = text(&mut world, ada);
    assert_eq!(payload("42", &told)[0], "presence");
    let state = &payload("42", &told)[1];
    assert_eq!(state["names"], json!(["<Ada>"]), "this is text and no HTML");
    assert_eq!(state["data"], json!({ "<Ada>": { "mood": 1 } }));
    assert_eq!(state["status"], json!({ "<Ada>": "idle" }));
    assert_eq!(names("42", &text(&mut world, plain)), ["&lt;Ada&gt;"]);
    world.pass_ms(100);
    world.say(ada, r#"42["set",{"data":{"mood":2}}]"#);
    let state = &payload("42", &text(&mut world, ada))[1];
    assert_eq!(state["data"], json!({ "<Ada>": { "mood": 2 } }));
    assert_eq!(texts(&mut world, plain), [""; 0], "the names are the same");
    world.say(plain, r#"42["view",{"view":"count"}]"#);
    let count = payload("42", &text(&mut world, plain));
    assert_eq!((&count[0], &count[1]["count"]), (&json!("count"), &json!(1)));
    for wrong in [r#"["view",{"view":"changes"}]"#, r#"["logout",{"room":"x"}]"#, r#"["exit"]"#] {
        world.say(plain, &format!("42{wrong}"));
        let error = payload("42", &text(&mut world, plain));
        assert_eq!(error[1]["code"], "message_invalid", "{wrong}");
    }
}

#[test]
fn who_leaves_the_last_namespace_goes_but_the_connection_stays() {
    let mut world = World::new();
    let (peer, other) = (join(&mut world), join(&mut world));
    world.say(peer, "40/room,");
    world.say(peer, r#"42/room,["login","Ada"]"#);
    login(&mut world, peer, "Eve");
    world.pass_ms(100);
    assert_eq!(world.names(), ["Eve"]);
    world.say(peer, "41");
    world.pass_ms(100);
    assert_eq!(world.names(), [""; 0], "she is in the other room");
    texts(&mut world, peer);
    login(&mut world, other, "Bob");
    assert_eq!(texts(&mut world, peer), [""; 0], "and is told only of that");
    world.pass_ms(100);
    assert_eq!(world.hub.rooms(), 2);
    world.say(peer, "41/room,");
    world.pass_ms(100);
    assert_eq!(world.hub.rooms(), 1);
    assert_eq!(texts(&mut world, peer), [""; 0], "no reply, and no list any more");

    // Leaving and coming back in one segment: what it was called is forgotten all the same.
    let again = [wire::text("40"), wire::text(r#"42["login","Eve"]"#), wire::text("41")].concat();
    world.send(peer, &[again, wire::text("40")].concat());
    world.pass_ms(100);
    assert_eq!(world.names(), ["Bob"]);
    assert!(!world.is_half_closed(peer));
    assert_eq!(names("42", texts(&mut world, peer).last().unwrap()), ["Bob"]);
}

#[test]
fn server_asks_in_time_and_closes_without_an_answer() {
    let mut world = World::new();
    let peer = join(&mut world);
    login(&mut world, peer, "Ada");
    texts(&mut world, peer);
    for _ in 0..5 {
        let before = world.now;
        let mut told = Vec::new();
        while told.is_empty() {
            world.pass_ms(100);
            told = texts(&mut world, peer);
        }
        assert_eq!(told, ["2"]);
        let waited = world.now.ms_since(before);
        assert!((20_000..=25_100).contains(&waited), "it was told 25 s: {waited}");
        world.pass_ms(9_800);
        world.say(peer, "3");
    }
    world.pass_ms(25_000);
    assert_eq!(texts(&mut world, peer), ["2"]);
    world.pass_ms(10_200);
    assert!(world.is_closed(peer));
    assert_eq!(world.names(), [""; 0]);
    assert_eq!(world.hub.buffered_bytes(), 0);
}

/// A pong that nobody asked for does not put the next ping off.
#[test]
fn answer_to_no_ping_means_nothing() {
    let mut world = World::new();
    let peer = join(&mut world);
    for _ in 0..30 {
        world.say(peer, "3");
        world.pass_ms(1_000);
    }
    assert_eq!(texts(&mut world, peer), ["2"]);
}

#[test]
fn client_says_that_it_goes() {
    let mut world = World::new();
    let peer = join(&mut world);
    login(&mut world, peer, "Ada");
    world.pass_ms(100);
    texts(&mut world, peer);
    world.say(peer, "1");
    assert_eq!(world.told(peer), [Told::Close(Some(1000))]);
    world.pass_ms(100);
    assert_eq!(world.names(), [""; 0]);
    world.send(peer, &wire::close(1000));
    world.end(peer);
    assert!(world.is_closed(peer));
}

#[test]
fn stopping_server_says_1001() {
    let mut world = World::new();
    let peer = join(&mut world);
    world.hub.stop(world.now);
    world.turn();
    assert_eq!(world.told(peer), [Told::Close(Some(1001))]);
}
