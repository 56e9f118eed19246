//! A client goes on from its own copy of a room, or is sent another.

use headcount::config::{Config, Limits};
use serde_json::{Value, json};

use crate::digest;
use crate::wire::{self, Told};
use crate::world::{Peer, World};

/// Nobody is asked whether they are there.
fn world(mut limits: Limits) -> World {
    limits.ping_interval_ms = 3_600_000;
    World::holding(Config { limits, ..Config::default() })
}

/// What a client has of the room without a name.
fn copy(world: &mut World) -> Value {
    let roster = world.roster();
    json!([roster["epoch"], roster["seq"], roster["digest"]])
}

/// Somebody who comes with this copy, and what they hear: whole messages, with their digests.
fn back(world: &mut World, copy: &Value) -> (Peer, Vec<Value>) {
    let peer = world.offer("/ws", "headcount.v2");
    world.say(peer, &json!(["hello", { "rooms": { "": copy } }]).to_string());
    let told = world.told(peer).into_iter().skip(1);
    let heard = told.map(|told| match told {
        Told::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    });
    (peer, heard.collect())
}

/// Commits `count` changes, each a login and a logout of somebody.
fn churn(world: &mut World, count: usize) {
    for number in 0..count {
        let peer = world.open("/ws");
        world.login(peer, &format!("Somebody {number}"));
        world.pass_ms(20);
        world.send(peer, &wire::close(4000));
        world.pass_ms(20);
    }
}

#[test]
fn what_was_missed_is_told_from_the_log() {
    let mut world = world(Limits::default());
    let ada = world.watch();
    world.login(ada, "Ada");
    world.pass_ms(100);
    let at = copy(&mut world);
    let (_, heard) = back(&mut world, &at);
    let nothing = json!(["change", {
        "epoch": at[0], "seq": at[1], "digest": at[2], "joined": [], "left": [],
    }]);
    assert_eq!(heard, std::slice::from_ref(&nothing), "nothing was missed");
    world.login(ada, "Countess");
    world.pass_ms(100);
    let (peer, heard) = back(&mut world, &at);
    assert_eq!(heard[0], nothing);
    let change = json!(["change", { "seq": 2, "joined": ["Countess"], "left": ["Ada"] }]);
    assert_eq!(digest::without(heard[1].clone()), change);
    world.login(ada, "Eve");
    assert_eq!(world.heard(peer)[0][1]["seq"], 3, "and so on");
}

#[test]
fn what_was_missed_long_ago_is_told_as_one_change() {
    let mut world = world(Limits { log_bytes_min: 100, ..Limits::default() });
    let peers: Vec<Peer> = (0..9).map(|_| world.watch()).collect();
    for (number, &peer) in peers.iter().enumerate() {
        world.say(peer, &format!(r#"["login","{number}",{{"status":"idle","data":{{"a":1}}}}]"#));
    }
    world.pass_ms(100);
    let at = copy(&mut world);
    for (peer, message) in [
        (peers[0], r#"["logout"]"#),
        (peers[1], r#"["set",{"status":"hidden","data":{"a":null}}]"#),
        (peers[2], r#"["logout"]"#),
        (peers[3], r#"["login","three"]"#),
        (peers[2], r#"["login","2",{"data":{"b":2}}]"#),
        (peers[0], r#"["login","0"]"#),
        (peers[0], r#"["logout"]"#),
    ] {
        world.say(peer, message);
        world.pass_ms(100);
    }
    churn(&mut world, 20);
    let now = copy(&mut world);
    let (_, heard) = back(&mut world, &at);
    let change = json!(["change", {
        "epoch": at[0], "seq": now[1], "digest": now[2], "joined": ["three"], "left": ["0", "3"],
        "status": { "1": "hidden", "2": "active", "three": "idle" },
        "data": { "1": null, "2": { "b": 2 }, "three": { "a": 1 } },
    }]);
    assert_eq!(heard, [change]);
}

/// After a restart, or on another server, a copy is known by what it is.
#[test]
fn copy_of_another_epoch_is_known_by_its_digest() {
    let mut world = world(Limits::default());
    let ada = world.watch();
    world.login(ada, "Ada");
    world.pass_ms(100);
    let now = copy(&mut world);
    let other = json!(["00000000000000aa", 700, now[2]]);
    let (_, heard) = back(&mut world, &other);
    assert_eq!(heard[0][1]["epoch"], now[0]);
    assert_eq!(heard[0][1]["seq"], now[1]);
    world.login(ada, "Eve");
    world.pass_ms(100);
    let (_, heard) = back(&mut world, &other);
    assert_eq!((heard.len(), &heard[1][1]["left"]), (2, &json!(["Ada"])));
}

/// When the server has just started, those who are back first wait a while for the others.
#[test]
fn those_who_are_back_first_wait_for_the_others() {
    let mut world = world(Limits::default());
    let names = ["Ada", "Bob", "Eve"];
    let peers = names.map(|name| {
        let peer = world.watch();
        world.login(peer, name);
        peer
    });
    world.pass_ms(100);
    let at = copy(&mut world);
    for peer in peers {
        world.send(peer, &wire::close(4000));
    }
    world.pass_ms(100);
    assert_eq!(world.hub.rooms(), 0);
    let comers = names.map(|name| {
        let (peer, heard) = back(&mut world, &at);
        assert!(heard.is_empty(), "{heard:?}");
        world.login(peer, name);
        world.pass_ms(500);
        peer
    });
    world.pass_ms(2_000);
    for peer in comers {
        let heard = world.heard(peer);
        assert_eq!((heard.len(), &heard[0][0]), (1, &json!("change")), "nobody needs a roster");
    }
    let wrong = json!([at[0], at[1], "0123456789abcdef"]);
    let (peer, heard) = back(&mut world, &wrong);
    assert!(heard.is_empty());
    world.pass_ms(1_900);
    assert!(world.heard(peer).is_empty());
    world.pass_ms(200);
    assert_eq!(world.heard(peer)[0][0], "roster");
    let (peer, _) = back(&mut world, &wrong);
    world.say(peer, r#"["view",{"view":"count"}]"#);
    world.pass_ms(3_000);
    let heard = world.heard(peer);
    assert!(
        heard.iter().all(|message| message[0] == "count"),
        "it wants something else: {heard:?}"
    );
    world.pass_ms(30_000);
    let (_, heard) = back(&mut world, &wrong);
    assert_eq!(heard[0][0], "roster", "and later nobody waits");
}

/// Whoever asks for another view meanwhile, or comes with another copy, has that.
#[test]
fn one_that_waits_may_want_something_else() {
    let mut world = world(Limits::default());
    let other = world.watch();
    world.login(other, "Ada");
    world.pass_ms(100);
    let right = copy(&mut world);
    let wrong = json!([right[0], right[1], "0123456789abcdef"]);
    for (say, event) in [
        (r#"["view",{"view":"none"}]"#, None),
        (r#"["view",{"view":"count"}]"#, Some("count")),
        (r#"["view",{"view":"changes"}]"#, Some("roster")),
        (r#"["enter",{"room":""}]"#, Some("roster")),
        (r#"["enter",{"room":"","at":null}]"#, Some("roster")),
    ] {
        let (peer, heard) = back(&mut world, &wrong);
        assert!(heard.is_empty());
        world.say(peer, say);
        world.pass_ms(3_000);
        let heard = world.heard(peer);
        let events: Vec<_> = heard.iter().map(|heard| heard[0].as_str()).collect();
        assert_eq!(events, event.map(Some).into_iter().collect::<Vec<_>>(), "{say}");
    }
}

/// A wait that is over, as the room was left, means nothing when it is entered again.
#[test]
fn one_that_waits_waits_for_its_last_copy() {
    let mut world = world(Limits::default());
    let (ada, bob) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    world.pass_ms(100);
    let of_ada = copy(&mut world);
    world.login(bob, "Bob");
    world.pass_ms(100);
    for peer in [ada, bob] {
        world.send(peer, &wire::close(4000));
    }
    world.pass_ms(100);
    let (peer, heard) = back(&mut world, &of_ada);
    assert!(heard.is_empty());
    world.pass_ms(1_000);
    world.say(peer, r#"["exit"]"#);
    world.say(peer, r#"["enter",{"room":"","at":["0000000000000000",1,"0123456789abcdef"]}]"#);
    let back_again = world.watch();
    world.login(back_again, "Ada");
    world.pass_ms(1_500);
    assert_eq!(world.heard(peer).len(), 0, "that was another wait, and another copy");
    world.pass_ms(1_000);
    assert_eq!(world.heard(peer)[0][0], "roster");
}

#[test]
fn copy_that_is_none_of_this_room_is_replaced() {
    let mut world = world(Limits::default());
    let ada = world.watch();
    world.login(ada, "Ada");
    world.pass_ms(40_000);
    let now = copy(&mut world);
    for at in [
        json!([now[0], 2, now[1].as_u64().map(|_| "0123456789abcdef")]),
        json!([now[0], 99, "0123456789abcdef"]),
        json!([now[0], u64::MAX, "0123456789abcdef"]),
        json!(null),
    ] {
        let (_, heard) = back(&mut world, &at);
        assert_eq!(heard[0][0], "roster", "{at}");
    }
}

#[test]
fn what_is_kept_for_those_who_come_back_has_a_size() {
    for (resume_bytes_max, event) in [(1_000, "roster"), (100_000, "change")] {
        let limits = Limits { resume_bytes_max, log_bytes_min: 100, ..Limits::default() };
        let mut world = world(limits);
        let ada = world.watch();
        world.login(ada, "Ada");
        world.pass_ms(40_000);
        let at = copy(&mut world);
        world.login(ada, "Eve");
        churn(&mut world, 20);
        let (_, heard) = back(&mut world, &at);
        assert_eq!(heard[0][0], event, "{resume_bytes_max}");
    }
}

/// A client whose copy has drifted asks for the roster, and that is counted.
#[test]
fn roster_is_sent_again_to_whoever_asks_for_it() {
    let mut world = world(Limits::default());
    let peer = world.watch();
    world.heard(peer);
    world.say(peer, r#"["enter",{"room":"","at":null,"id":1}]"#);
    let heard = world.heard(peer);
    assert_eq!(heard[0], json!(["ok", { "id": 1, "room": "" }]));
    assert_eq!(heard[1][0], "roster");
    assert_eq!(world.hub.tally().drifts, 1);
    let at = copy(&mut world);
    world.say(peer, &json!(["enter", { "room": "", "at": at, "id": 2 }]).to_string());
    let heard = world.heard(peer);
    assert_eq!(
        (&heard[0][0], &heard[1][1]["epoch"]),
        (&json!("ok"), &at[0]),
        "the answer is first"
    );
    world.say(peer, r#"["enter",{"room":"","at":[1]}]"#);
    assert_eq!(world.heard(peer)[0][1]["code"], "at_invalid");
}
