//! What a connection wants to be told of a room: changes, how many there are, or nothing.

use headcount::config::{Config, Limits};
use serde_json::{Value, json};

use crate::world::{Peer, World};

/// A world without rates.
fn world() -> World {
    let limits = Limits {
        name_changes_per_minute: 1 << 20,
        messages_per_second: 1 << 20,
        messages_burst: 1 << 20,
        ..Limits::default()
    };
    World::with(Config { limits, ..Config::default() })
}

fn view(world: &mut World, peer: Peer, view: &str) {
    world.say(peer, &format!(r#"["view",{{"view":"{view}"}}]"#));
}

/// The counts among what was heard, and nothing else may be.
fn counts(world: &mut World, peer: Peer) -> Vec<(u64, u64)> {
    let count = |message: Value| {
        assert_eq!(message[0], "count");
        (message[1]["seq"].as_u64().unwrap(), message[1]["count"].as_u64().unwrap())
    };
    world.heard(peer).into_iter().map(count).collect()
}

#[test]
fn count_is_told_at_once_and_then_at_most_once_in_an_interval() {
    for interval in [1_000, 300] {
        let limits = Limits {
            count_interval_ms: interval,
            name_changes_per_minute: 1 << 20,
            messages_per_second: 1 << 20,
            ..Limits::default()
        };
        let mut world = World::with(Config { limits, ..Config::default() });
        let (ada, viewer) = (world.watch(), world.watch());
        world.login(ada, "Ada");
        world.pass_ms(100);
        world.heard(viewer);
        view(&mut world, viewer, "count");
        assert_eq!(counts(&mut world, viewer), [(1, 1)]);
        let busy: Vec<Peer> = (0..100).map(|_| world.watch()).collect();
        let mut told = Vec::new();
        for (index, peer) in busy.into_iter().enumerate() {
            world.login(peer, &format!("somebody {index}"));
            world.pass_ms(u64::from(interval / 20));
            let news = counts(&mut world, viewer);
            told.extend(news.into_iter().map(|(_, count)| (world.now.as_ms(), count)));
        }
        world.pass_ms(u64::from(interval));
        assert!((5..=6).contains(&told.len()), "100 logins in 5 intervals: {told:?}");
        let gaps = told.windows(2).map(|pair| pair[1].0 - pair[0].0);
        // The first came when nothing had been told for long.
        let least = u64::from(interval - interval / 20);
        assert!(gaps.min().unwrap() >= least, "{told:?}");
        let last = counts(&mut world, viewer).pop().or(told.pop()).map(|(_, count)| count);
        assert_eq!(last, Some(101), "the last is told too");
        world.say(ada, r#"["set",{"status":"idle"}]"#);
        world.pass_ms(5_000);
        assert_eq!(counts(&mut world, viewer), [], "it is the same number");
    }
}

/// The room of a landing page: many who come and go, and many who see only their number.
#[test]
fn those_who_count_are_told_the_same() {
    let mut world = world();
    let viewers: Vec<Peer> = (0..5).map(|_| world.open("/ws/lobby")).collect();
    for &viewer in &viewers {
        view(&mut world, viewer, "count");
        world.heard(viewer);
    }
    let ada = world.open("/ws/lobby");
    for index in 0..20 {
        world.login(ada, &format!("name {index}"));
        world.pass_ms(30);
    }
    let first = counts(&mut world, viewers[0]);
    assert_eq!(first.len(), 1, "only the number changes them, and that is 1: {first:?}");
    for &viewer in &viewers[1..] {
        assert_eq!(counts(&mut world, viewer), first);
    }
    let late = world.open("/ws/lobby");
    world.heard(late);
    view(&mut world, late, "count");
    assert_eq!(counts(&mut world, late), first);
    world.reset(ada);
    world.pass_ms(1_000);
    for viewer in viewers.into_iter().chain([late]) {
        assert_eq!(counts(&mut world, viewer)[0].1, 0);
    }
}

#[test]
fn who_wants_nothing_is_present_without_a_frame() {
    let mut world = world();
    let (quiet, ada) = (world.watch(), world.watch());
    view(&mut world, quiet, "none");
    world.login(quiet, "Quiet");
    assert_eq!(world.heard(ada)[0][1]["joined"], json!(["Quiet"]));
    for index in 0..50 {
        world.login(ada, &format!("name {index}"));
        world.pass_ms(30);
    }
    assert_eq!(world.heard(quiet), [Value::Null; 0]);
    world.say(quiet, r#"["ping"]"#);
    assert_eq!(world.heard(quiet), [json!(["pong", {}])]);
    view(&mut world, quiet, "changes");
    let heard = world.heard(quiet);
    assert_eq!((&heard[0][0], heard.len()), (&json!("roster"), 1));
    assert_eq!(heard[0][1]["names"], json!(["Quiet", "name 49"]));
    world.login(ada, "Ada");
    assert_eq!(world.heard(quiet).len(), 1);
}

#[test]
fn view_that_is_asked_for_again_goes_on_where_it_is() {
    let mut world = world();
    let (peer, ada) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    world.heard(peer);
    view(&mut world, peer, "changes");
    world.say(peer, r#"["enter",{"room":"","view":"changes"}]"#);
    assert_eq!(world.heard(peer), [Value::Null; 0]);
    world.say(peer, r#"["enter",{"room":"","view":"count"}]"#);
    assert_eq!(counts(&mut world, peer), [(1, 1)]);
    for view in ["names", "presence", "all"] {
        world.say(peer, &format!(r#"["view",{{"view":"{view}"}}]"#));
        assert_eq!(world.heard(peer)[0][1]["code"], "message_invalid", "{view}");
    }
}

/// Who wants no roster need not be sent one first.
#[test]
fn url_may_say_the_view() {
    let mut world = world();
    let ada = world.watch();
    world.login(ada, "Ada");
    world.pass_ms(100);
    let count = world.open("/ws?a=b&view=count");
    assert_eq!(counts(&mut world, count), [(1, 1)]);
    let quiet = world.open("/ws?view=none");
    assert_eq!(world.heard(quiet), [Value::Null; 0]);
    let changes = world.open("/ws?view=changes&x");
    assert_eq!(world.heard(changes)[0][0], "roster");
    for wrong in ["/ws?view=all", "/ws?view=names", "/ws/a?view="] {
        let peer = world.connect();
        world.send(peer, &crate::wire::handshake(wrong, ""));
        assert_eq!(world.answer(peer).status, 400, "{wrong}");
    }
    assert_eq!(world.hub.rooms(), 1);
}

/// A room in which nothing happens holds nothing that is encoded, and tells it anew.
#[test]
fn quiet_room_tells_newcomers_all_the_same() {
    let mut world = world();
    let ada = world.open("/ws/a");
    world.login(ada, "Ada");
    world.pass_ms(11_000);
    for _ in 0..2 {
        let peer = world.open("/ws/a");
        let heard = world.heard(peer);
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0][1]["names"], json!(["Ada"]));
        world.pass_ms(5_000);
    }
}

#[test]
fn updates_have_a_rate_of_their_own() {
    let limits = Limits { updates_per_second: 2, updates_burst: 3, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let peer = world.watch();
    world.login(peer, "Ada");
    let mut codes = Vec::new();
    for request in [
        r#"["set",{"status":"idle"}]"#,
        r#"["view",{"view":"none"}]"#,
        r#"["enter",{"room":"a"}]"#,
        r#"["set",{"status":"hidden"}]"#,
        r#"["view",{"view":"changes"}]"#,
        r#"["enter",{"room":"b"}]"#,
        r#"["login","Ada",{"data":{"a":1}}]"#,
        r#"["login","Ada",{}]"#,
        r#"["exit",{"room":"a"}]"#,
    ] {
        world.heard(peer);
        world.say(peer, request);
        codes.extend(world.heard(peer).into_iter().filter(|message| message[0] == "error"));
    }
    assert!(codes.iter().all(|error| error[1]["code"] == "rate_limited"));
    assert_eq!(codes.len(), 4, "{codes:?}");
    assert_eq!(world.names(), ["Ada"]);
    world.pass_ms(500);
    world.say(peer, r#"["set",{"status":"hidden","id":1}]"#);
    assert_eq!(world.heard(peer)[0], json!(["ok", { "id": 1 }]));
}

/// The first room that is told in another way has no number to compare; another one has.
#[test]
fn pong_is_of_a_room_whose_changes_are_told() {
    let mut world = World::new();
    let peer = world.watch();
    world.say(peer, r#"["enter", {"room": "a"}]"#);
    world.say(peer, r#"["login", "Ada", {"room": "a"}]"#);
    world.say(peer, r#"["view", {"view": "none"}]"#);
    world.heard(peer);
    world.say(peer, r#"["ping"]"#);
    assert_eq!(world.heard(peer), [json!(["pong", {"room": "a", "seq": 1, "name": "Ada"}])]);
    world.say(peer, r#"["view", {"view": "changes"}]"#);
    world.heard(peer);
    world.say(peer, r#"["ping"]"#);
    assert_eq!(world.heard(peer), [json!(["pong", {"seq": 0}])]);
}
