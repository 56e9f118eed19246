//! Who is here, as clients see it.

use serde_json::{Value, json};

use crate::digest;
use crate::wire;
use crate::world::{Peer, World};

/// The epoch of the first room that a server of a test makes.
const FIRST_EPOCH: &str = "e220a8397b1dcdaf";

fn roster(seq: u64, names: &[&str]) -> Value {
    json!(["roster", { "epoch": FIRST_EPOCH, "seq": seq, "names": names }])
}

fn change(seq: u64, joined: &[&str], left: &[&str]) -> Value {
    json!(["change", { "seq": seq, "joined": joined, "left": left }])
}

/// The codes of all errors among `heard`, and nothing else may be.
fn codes(heard: Vec<Value>) -> Vec<String> {
    let code = |message: Value| {
        assert_eq!(message[0], "error");
        assert!(message[1]["message"].as_str().is_some_and(|text| text.ends_with('.')));
        message[1]["code"].as_str().expect("an error has a code").to_owned()
    };
    heard.into_iter().map(code).collect()
}

#[test]
fn everyone_sees_who_comes_and_goes() {
    let mut world = World::new();
    let ada = world.open("/ws");
    assert_eq!(world.heard(ada), [roster(0, &[])]);
    world.login(ada, "Ada");
    assert_eq!(world.heard(ada), [change(1, &["Ada"], &[])]);

    world.pass_ms(100);
    let bob = world.open("/ws");
    assert_eq!(world.heard(bob), [roster(1, &["Ada"])]);
    world.login(bob, "Bob");
    assert_eq!(world.heard(ada), [change(2, &["Bob"], &[])]);
    assert_eq!(world.heard(bob), [change(2, &["Bob"], &[])]);

    world.pass_ms(100);
    world.say(ada, r#"["logout"]"#);
    assert_eq!(world.heard(ada), [change(3, &[], &["Ada"])], "she goes on watching");
    assert_eq!(world.heard(bob), [change(3, &[], &["Ada"])]);
    let document = digest::without(json!(["roster", world.roster()]));
    assert_eq!(document, roster(3, &["Bob"]));
}

#[test]
fn second_login_renames_in_one_change() {
    let mut world = World::new();
    let (ada, watcher) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    world.pass_ms(100);
    world.login(ada, "Countess");
    let expected = [change(1, &["Ada"], &[]), change(2, &["Countess"], &["Ada"])];
    assert_eq!(world.heard(watcher), expected);
    world.pass_ms(100);
    world.login(ada, "  Countess ");
    world.pass_ms(100);
    assert_eq!(world.heard(watcher), [Value::Null; 0], "the same name is no change");
}

#[test]
fn two_connections_with_one_name_are_one_entry() {
    let mut world = World::new();
    let (one, two, watcher) = (world.watch(), world.watch(), world.watch());
    world.login(one, "Ada");
    world.login(two, "Ada");
    world.pass_ms(100);
    assert_eq!(world.names(), ["Ada"]);
    world.reset(one);
    world.pass_ms(100);
    assert_eq!(world.names(), ["Ada"]);
    world.reset(two);
    world.pass_ms(100);
    assert_eq!(world.heard(watcher), [change(1, &["Ada"], &[]), change(2, &[], &["Ada"])]);
}

/// However a connection ends, the name goes with it and is told once.
#[test]
fn connection_that_ends_takes_its_name_along() {
    type End = fn(&mut World, Peer);
    let ends: [(&str, End); 7] = [
        ("reset", |world, peer| world.reset(peer)),
        ("end of input", |world, peer| world.end(peer)),
        ("close", |world, peer| world.send(peer, &wire::close(1000))),
        ("protocol error", |world, peer| world.send(peer, b"\xff\xff")),
        ("flood", |world, peer| {
            for _ in 0..50 {
                if !world.is_half_closed(peer) {
                    world.say(peer, "x");
                }
            }
        }),
        ("silence", |world, _| world.pass_ms(60_000)),
        ("no reading", |world, peer| {
            world.set_room(peer, 0);
            world.pass_ms(60_000);
        }),
    ];
    for (how, end) in ends {
        let mut world = World::new();
        let ada = world.watch();
        world.login(ada, "Ada");
        world.pass_ms(100);
        assert_eq!(world.names(), ["Ada"], "{how}");
        end(&mut world, ada);
        world.pass_ms(100);
        assert_eq!(world.names(), [""; 0], "{how}");
        assert_eq!(world.hub.tally().commits, 2, "{how}: left once");
        world.pass_ms(60_000);
        assert!(world.is_closed(ada), "{how}");
        assert!(world.hub.is_empty(), "{how}");
        assert_eq!(world.hub.buffered_bytes(), 0, "{how}");
    }
}

fn pong(seq: u64) -> Value {
    json!(["pong", { "seq": seq }])
}

/// A page can't see the pings of the protocol: it asks, and sees whether its copy is right too.
#[test]
fn ping_is_answered_with_the_commit_that_the_connection_was_told_of_last() {
    let mut world = World::new();
    let ada = world.open("/ws");
    world.say(ada, r#"["ping"]"#);
    assert_eq!(world.heard(ada), [roster(0, &[]), pong(0)]);
    // With the login that makes a change, a pong comes before that change and says so.
    world.send(ada, &[wire::login("Ada"), wire::text(r#"["ping"]"#)].concat());
    // It has the name in the form of the roster.
    let named = |seq: u64| json!(["pong", { "seq": seq, "name": "Ada" }]);
    assert_eq!(world.heard(ada), [named(0), change(1, &["Ada"], &[])]);
    world.say(ada, r#" ["ping"] "#);
    assert_eq!(world.heard(ada), [named(1)]);
    world.say(ada, r#"["login", " Ada"]"#);
    assert!(world.heard(ada).is_empty());

    let late = world.watch();
    world.say(late, r#"["ping"]"#);
    assert_eq!(world.heard(late), [pong(1)], "it was told so by a roster");
    world.say(late, r#"["ping", 1]"#);
    world.say(late, r#"["pong"]"#);
    assert_eq!(codes(world.heard(late)), ["message_invalid", "event_unknown"]);
}

/// The number is true when the pong is read, wherever in the stream it ends up: after a frame that
/// was half written, and before the log.
#[test]
fn pong_to_a_slow_reader_says_what_it_has_read_by_then() {
    for room in 0..200 {
        let mut world = World::new();
        let (slow, busy) = (world.watch(), world.watch());
        world.set_room(slow, room);
        for name in ["Ada", "Bob", "Eve"] {
            world.pass_ms(100);
            world.login(busy, name);
            world.say(slow, r#"["ping"]"#);
        }
        world.set_room(slow, usize::MAX);
        world.turn();
        let mut told = 0;
        let mut pongs = 0;
        for message in world.heard(slow) {
            let seq = message[1]["seq"].as_u64().unwrap();
            match message[0].as_str() {
                Some("pong") => pongs += 1,
                _ => told = seq,
            }
            assert_eq!(seq, told, "{message} with room for {room} bytes");
        }
        assert_eq!((told, pongs), (3, 3));
    }
}

/// Before the first roster there is no commit: 0.
#[test]
fn pong_before_the_first_roster_says_0() {
    let mut world = World::new();
    let busy = world.watch();
    world.login(busy, "Ada");
    let early = world.connect();
    let opening = [wire::handshake("/ws", ""), wire::text(r#"["ping"]"#)].concat();
    world.send(early, &opening);
    assert_eq!(world.answer(early).status, 101);
    assert_eq!(world.heard(early), [pong(0), roster(1, &["Ada"])]);
}

#[test]
fn ping_costs_what_any_message_costs() {
    let mut world = World::new();
    let peer = world.watch();
    for _ in 0..40 {
        world.say(peer, r#"["ping"]"#);
    }
    assert_eq!(world.heard(peer).len(), 40);
    world.say(peer, r#"["ping"]"#);
    assert!(matches!(world.told(peer)[..], [wire::Told::Close(Some(1008))]));
}

#[test]
fn login_to_an_idle_server_is_told_at_once() {
    let mut world = World::new();
    let (ada, watcher) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    assert_eq!(world.heard(watcher).len(), 1, "no time has passed");
}

#[test]
fn burst_of_logins_is_a_few_changes() {
    let mut world = World::new();
    let watcher = world.watch();
    let peers: Vec<_> = (0..500).map(|_| world.watch()).collect();
    for (index, &peer) in peers.iter().enumerate() {
        world.login(peer, &format!("name {index}"));
        if index % 25 == 0 {
            world.pass_ms(1);
        }
    }
    world.pass_ms(100);
    let heard = world.heard(watcher);
    // 20 ms of logins at one commit each 20 ms, and the first at once.
    assert!((2..=3).contains(&heard.len()), "{} changes", heard.len());
    assert_eq!(world.names().len(), 500);
}

#[test]
fn name_that_comes_and_goes_between_commits_is_not_mentioned() {
    let mut world = World::new();
    let (ada, bob, watcher) = (world.watch(), world.watch(), world.watch());
    world.login(ada, "Ada");
    assert_eq!(world.heard(watcher).len(), 1);
    world.login(bob, "Bob");
    world.say(bob, r#"["logout"]"#);
    world.pass_ms(1_000);
    assert_eq!(world.heard(watcher), [Value::Null; 0]);
}

#[test]
fn refused_request_is_answered_and_the_connection_stays() {
    let mut world = World::new();
    let (ada, watcher) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    world.pass_ms(1_000);
    world.told(ada);
    for (message, code) in [
        (r#"["login", ""]"#, "name_empty"),
        (r#"["login", "\u0007"]"#, "name_invalid"),
        (r#"["login", "A\u202eda"]"#, "name_invalid"),
        (r#"["login", "123456789012345678901234567890123"]"#, "name_too_long"),
        (r#"["login"]"#, "message_invalid"),
        (r#"["shout", "Ada"]"#, "event_unknown"),
        ("hello", "message_invalid"),
    ] {
        world.say(ada, message);
        let heard = world.heard(ada);
        assert_eq!(codes(heard), [code], "{message}");
        world.pass_ms(100);
    }
    world.send(ada, &wire::frame(0x82, b"[\"logout\"]"));
    let heard = world.heard(ada);
    assert_eq!(codes(heard), ["message_invalid"], "binary messages have no meaning");
    assert_eq!(world.names(), ["Ada"], "she is who she was");
    assert_eq!(world.heard(watcher), [change(1, &["Ada"], &[])]);
}

#[test]
fn name_changes_are_limited_in_a_minute() {
    let mut world = World::new();
    let ada = world.watch();
    for index in 0..6 {
        world.login(ada, &format!("name {index}"));
        world.pass_ms(100);
    }
    let mut heard = world.heard(ada);
    let last = heard.split_off(5);
    assert_eq!(codes(last), ["rate_limited"]);
    assert_eq!(world.names(), ["name 4"]);
    world.say(ada, r#"["logout"]"#);
    world.pass_ms(100);
    assert_eq!(world.names(), [""; 0], "to leave is always allowed");
    world.pass_ms(12_000);
    world.login(ada, "Ada");
    world.pass_ms(100);
    assert_eq!(world.names(), ["Ada"]);
}

/// The same operations give the same bytes to everyone: nothing depends on hashing or chance.
#[test]
fn same_inputs_give_the_same_outputs() {
    let run = || {
        let mut world = World::new();
        let peers: Vec<_> = (0..40).map(|_| world.watch()).collect();
        for (index, &peer) in peers.iter().enumerate() {
            world.login(peer, &format!("n{}", index * 7 % 40));
            if index % 3 == 0 {
                world.reset(peers[index / 2]);
            }
            world.pass_ms(5);
        }
        world.pass_ms(30_000);
        peers.iter().map(|&peer| world.inbox(peer).clone()).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
