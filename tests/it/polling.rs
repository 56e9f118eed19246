//! Engine.IO v4 by long-polling, and the way from there to a WebSocket.

use headcount::config::{Config, Limits, PollingLimits};
use headcount::connection::CauseKind;
use serde_json::{Value, json};

use crate::engine;
use crate::poller::{Client, OPEN, body, check_gone, get, is_refused, request};
use crate::wire::{self, Told};
use crate::world::World;

/// The limits of long-polling, changed.
fn polling(change: impl FnOnce(&mut PollingLimits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits.polling);
    limits
}

#[test]
fn session_is_opened() {
    let mut world = World::new();
    let peer = world.connect();
    let answer = get(&mut world, peer, OPEN);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=UTF-8"));
    assert_eq!(answer.field("Cache-Control"), Some("no-store"));
    let text = body(&answer);
    let opening: Value = serde_json::from_str(text.strip_prefix('0').unwrap()).unwrap();
    let limits = Limits::default();
    let expected = json!({
        "sid": opening["sid"], "upgrades": ["websocket"],
        "pingInterval": limits.ping_interval_ms, "pingTimeout": limits.pong_timeout_ms,
        "maxPayload": limits.message_bytes_max,
    });
    assert_eq!(opening, expected);
    // The connection is good for more.
    assert_eq!(get(&mut world, peer, "/healthz").status, 200);
}

#[test]
fn request_is_answered_when_there_is_something_to_say() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    client.ask(&mut world);
    assert!(world.try_answer(client.poll).is_none());
    let other = engine::join(&mut world);
    engine::login(&mut world, other, "Ada");
    world.pass_ms(100);
    assert_eq!(client.told(&mut world), "42[\"login\",[\"Ada\"]]");
}

#[test]
fn client_that_polls_seldom_is_told_the_newest_list_alone() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    for name in ["Ada", "Bob", "Cy"] {
        let other = engine::join(&mut world);
        engine::login(&mut world, other, name);
        world.pass_ms(100);
    }
    assert_eq!(client.get(&mut world), "42[\"login\",[\"Ada\",\"Bob\",\"Cy\"]]");
}

#[test]
fn packets_of_a_post_are_taken_in_order_and_acknowledged() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    let payload = "421[\"login\",\"Ada\"]\u{1e}422[\"logout\"]\u{1e}423[\"login\",\"Bob\"]";
    assert_eq!(client.post(&mut world, payload), (200, "ok".into()));
    let told = client.get(&mut world);
    let told: Vec<&str> = told.split('\u{1e}').collect();
    assert_eq!(told[..3], ["431[null]", "432[null]", "433[null]"]);
    assert_eq!(world.names(), ["Bob"]);
}

#[test]
fn packets_may_be_binary() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    let event = "451-1[\"x\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQIDBA==";
    assert_eq!(client.post(&mut world, event).0, 200);
    // It is none of our events, and its acknowledgement says so.
    let told = client.get(&mut world);
    assert!(told.contains("\u{1e}431[{\"code\":\"event_unknown\""), "{told}");
    assert_eq!(client.post(&mut world, "bAQ").0, 400);
    check_gone(&mut world, &client);
}

#[test]
fn invalid_packet_ends_the_session() {
    for payload in ["abc", "", "4", "2", "0", "\u{1e}", "3\u{1e}\u{1e}", "40", "5", "2probe"] {
        let mut world = World::new();
        let client = Client::joined(&mut world);
        let (status, text) = client.post(&mut world, payload);
        assert_eq!((status, text.contains("\"code\":3")), (400, true), "{payload:?} {text}");
        check_gone(&mut world, &client);
    }
}

#[test]
fn post_that_is_no_text_ends_the_session() {
    let mut world = World::new();
    let client = Client::joined(&mut world);
    let head = request("POST", &client.path(), "1234");
    let head = &head.as_bytes()[..head.len() - 4];
    let peer = world.connect();
    world.send(peer, &[head, b"4\xFF\xFE\xFD"].concat());
    assert_eq!(world.answer(peer).status, 400);
    check_gone(&mut world, &client);
}

#[test]
fn second_request_that_waits_ends_the_session() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    client.ask(&mut world);
    let other = world.connect();
    let answer = get(&mut world, other, &client.path());
    assert!(is_refused(&answer, 3));
    assert_eq!(client.told(&mut world), "1");
    check_gone(&mut world, &client);
}

#[test]
fn g2_second_post_ends_the_session() {
    let mut world = World::new();
    let client = Client::joined(&mut world);
    let first = request("POST", &client.path(), "42[\"logout\"]");
    let peer = world.connect();
    world.send(peer, &first.as_bytes()[..first.len() - 4]);
    let other = world.connect();
    world.send(other, request("POST", &client.path(), "42[\"logout\"]").as_bytes());
    assert_eq!(world.answer(other).status, 400);
    check_gone(&mut world, &client);
}

#[test]
fn g11_aborted_request_ends_the_session() {
    for is_reset in [false, true] {
        let mut world = World::new();
        let mut client = Client::joined(&mut world);
        client.post(&mut world, "42[\"login\",\"Ada\"]");
        client.get(&mut world);
        client.ask(&mut world);
        match is_reset {
            true => world.reset(client.poll),
            false => world.end(client.poll),
        }
        check_gone(&mut world, &client);
        world.pass_ms(100);
        assert!(world.names().is_empty());
    }
}

#[test]
fn g11_aborted_post_ends_the_session() {
    let mut world = World::new();
    let client = Client::joined(&mut world);
    let post = request("POST", &client.path(), "42[\"logout\"]");
    let peer = world.connect();
    world.send(peer, &post.as_bytes()[..post.len() - 4]);
    world.end(peer);
    check_gone(&mut world, &client);
}

#[test]
fn client_is_pinged_and_must_answer() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    for _ in 0..3 {
        client.ask(&mut world);
        world.pass_ms(25_000);
        assert_eq!(client.told(&mut world), "2");
        assert_eq!(client.post(&mut world, "3"), (200, "ok".into()));
    }
    client.ask(&mut world);
    world.pass_ms(25_000);
    assert_eq!(client.told(&mut world), "2");
    client.ask(&mut world);
    world.pass_ms(21_000);
    assert_eq!(client.told(&mut world), "1", "it has not answered");
    check_gone(&mut world, &client);
}

#[test]
fn client_may_close_its_session() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    client.ask(&mut world);
    assert_eq!(client.post(&mut world, "1"), (200, "ok".into()));
    assert_eq!(client.told(&mut world), "6");
    check_gone(&mut world, &client);
}

#[test]
fn g11_what_was_to_be_told_is_told_before_the_end() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    client.ask(&mut world);
    client.post(&mut world, "421[\"logout\"]\u{1e}1");
    assert_eq!(client.told(&mut world), "431[null]\u{1e}6");
}

#[test]
fn post_that_is_too_long_is_refused_and_the_session_goes_on() {
    let mut world = World::new();
    let client = Client::joined(&mut world);
    let peer = world.connect();
    let long = "4".repeat(20_000);
    world.send(peer, request("POST", &client.path(), &long).as_bytes());
    assert_eq!(world.answer(peer).status, 413);
    assert_eq!(client.post(&mut world, "42[\"logout\"]"), (200, "ok".into()));
}

#[test]
fn g10_session_moves_to_a_websocket_and_nobody_notices() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    client.post(&mut world, "42[\"login\",\"Ada\"]");
    client.get(&mut world);
    let observer = world.watch();
    world.told(observer);
    client.ask(&mut world);
    let socket = client.socket(&mut world);
    assert!(world.try_answer(client.poll).is_none());
    world.say(socket, "2probe");
    assert_eq!(engine::text(&mut world, socket), "3probe");
    assert_eq!(client.told(&mut world), "6");
    // Until it moves it is told nothing elsewhere.
    let other = engine::join(&mut world);
    engine::login(&mut world, other, "Bob");
    world.pass_ms(100);
    assert_eq!(client.get(&mut world), "6");
    client.post(&mut world, "427[\"logout\"]\u{1e}428[\"login\",\"Ada\"]");
    world.pass_ms(100);
    world.told(observer);
    // What comes in the same segment is of the session, too.
    let both = [wire::text("5"), wire::text("429[\"login\",\"Ada\"]")].concat();
    world.send(socket, &both);
    let told = engine::texts(&mut world, socket);
    assert_eq!(told[..2], ["437[null]", "438[null]"]);
    assert!(told.contains(&"439[null]".into()), "{told:?}");
    assert!(told.contains(&"42[\"login\",[\"Ada\",\"Bob\"]]".into()), "{told:?}");
    let answer = {
        client.ask(&mut world);
        world.answer(client.poll)
    };
    assert!(is_refused(&answer, 1));
    world.pass_ms(100);
    assert!(world.told(observer).is_empty(), "it was there all the time");
    assert_eq!(world.names(), ["Ada", "Bob"]);
    // Its heart beats on.
    world.pass_ms(25_000);
    assert!(engine::texts(&mut world, socket).contains(&"2".into()));
    world.say(socket, "1");
    world.pass_ms(100);
    assert_eq!(world.names(), ["Bob"]);
    assert_eq!(world.hub.tally().closed[CauseKind::Upgraded as usize], 1);
}

#[test]
fn g10_only_one_who_counts_is_not_told_the_same_number_when_it_moves() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    client.post(&mut world, "42[\"login\",\"Ada\"]\u{1e}42[\"view\",{\"view\":\"count\"}]");
    assert_eq!(client.get(&mut world), "42[\"count\",{\"seq\":1,\"count\":1}]");
    let socket = client.socket(&mut world);
    world.say(socket, "2probe");
    client.post(&mut world, "42[\"set\",{\"status\":\"idle\"}]");
    world.pass_ms(2_000);
    assert_eq!(engine::text(&mut world, socket), "3probe");
    world.say(socket, "5");
    assert_eq!(engine::texts(&mut world, socket), [""; 0]);
}

#[test]
fn g6_second_websocket_is_closed_and_the_session_goes_on() {
    let mut world = World::new();
    let client = Client::joined(&mut world);
    let socket = client.socket(&mut world);
    let second = client.socket(&mut world);
    assert!(matches!(world.told(second)[..], [Told::Close(_)]));
    world.say(socket, "2probe");
    world.say(socket, "5");
    engine::texts(&mut world, socket);
    let third = client.socket(&mut world);
    assert!(matches!(world.told(third)[..], [Told::Close(_)]));
    world.say(socket, "427[\"logout\"]");
    assert_eq!(engine::text(&mut world, socket), "437[null]");
}

#[test]
fn g6_failed_probe_leaves_polling_as_it_was() {
    for is_probed in [false, true] {
        for how in 0..4 {
            let mut world = World::new();
            let mut client = Client::joined(&mut world);
            let socket = client.socket(&mut world);
            if is_probed {
                world.say(socket, "2probe");
                assert_eq!(engine::text(&mut world, socket), "3probe");
                assert_eq!(client.get(&mut world), "6");
            }
            match how {
                0 => world.reset(socket),
                1 => world.send(socket, &wire::close(1000)),
                2 => world.say(socket, "4hello"),
                _ => world.pass_ms(10_500),
            }
            client.ask(&mut world);
            assert!(world.try_answer(client.poll).is_none(), "{is_probed} {how}");
            client.post(&mut world, "427[\"logout\"]");
            assert_eq!(client.told(&mut world), "437[null]");
            // It may try again.
            let again = client.socket(&mut world);
            world.say(again, "2probe");
            assert_eq!(engine::text(&mut world, again), "3probe");
        }
    }
}

/// Its pong is due while it moves, or tries to: it may answer after that.
#[test]
fn g10_client_that_was_pinged_before_it_moves_has_time_to_answer() {
    for is_moved in [false, true] {
        let limits = Limits { pong_timeout_ms: 2_000, ..Limits::default() };
        let mut world = World::with(Config { limits, ..Config::default() });
        let mut client = Client::joined(&mut world);
        client.ask(&mut world);
        let pinged = loop {
            world.pass_ms(100);
            if let Some(answer) = world.try_answer(client.poll) {
                break body(&answer);
            }
        };
        assert_eq!(pinged, "2");
        let socket = client.socket(&mut world);
        world.say(socket, "2probe");
        assert_eq!(engine::text(&mut world, socket), "3probe");
        world.pass_ms(5_000);
        if is_moved {
            world.say(socket, "5");
        } else {
            world.reset(socket);
            client.ask(&mut world);
        }
        world.pass_ms(1_500);
        if is_moved {
            assert_eq!(engine::text(&mut world, socket), "2");
            world.say(socket, "3");
            world.pass_ms(2_000);
            world.say(socket, "427[\"logout\"]");
            assert_eq!(engine::text(&mut world, socket), "437[null]");
        } else {
            assert_eq!(client.told(&mut world), "2");
            assert_eq!(client.post(&mut world, "3"), (200, "ok".into()));
            world.pass_ms(2_000);
            assert_eq!(client.post(&mut world, "427[\"logout\"]"), (200, "ok".into()));
        }
    }
}

#[test]
fn g10_client_is_not_pinged_while_it_moves() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    world.pass_ms(20_000);
    let socket = client.socket(&mut world);
    world.say(socket, "2probe");
    assert_eq!(engine::text(&mut world, socket), "3probe");
    world.pass_ms(9_000);
    assert_eq!(client.get(&mut world), "6");
    assert_eq!(world.told(socket), []);
    world.say(socket, "5");
    world.pass_ms(200);
    assert_eq!(engine::text(&mut world, socket), "2");
}

#[test]
fn session_id_that_is_none_is_refused() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    let peer = world.connect();
    let other =
        client.sid.replace(&client.sid[..1], if &client.sid[..1] == "A" { "B" } else { "A" });
    for sid in ["__proto__", "constructor", "x", &"A".repeat(5_000), &other] {
        let answer = get(&mut world, peer, &format!("{OPEN}&sid={sid}"));
        assert!(is_refused(&answer, 1), "{sid:.40}");
    }
    client.post(&mut world, "427[\"logout\"]");
    assert_eq!(client.get(&mut world), "437[null]");
}

#[test]
fn server_that_stops_tells_sessions_and_their_requests() {
    let mut world = World::new();
    let mut waiting = Client::joined(&mut world);
    let idle = Client::joined(&mut world);
    waiting.ask(&mut world);
    let now = world.now();
    world.hub.stop(now);
    world.turn();
    assert_eq!(waiting.told(&mut world), "1");
    assert!(world.is_half_closed(waiting.poll) && world.is_half_closed(idle.poll));
    world.pass_ms(6_000);
    assert!(world.hub.is_empty());
}

#[test]
fn sessions_are_limited() {
    let limits = polling(|limits| limits.sessions_max = 2);
    let mut world = World::with(Config { limits, ..Config::default() });
    let clients = [Client::open(&mut world), Client::open(&mut world)];
    let peer = world.connect();
    let answer = get(&mut world, peer, OPEN);
    assert_eq!(answer.status, 503);
    assert!(answer.field("Retry-After").is_some());
    assert_eq!(clients[0].post(&mut world, "1").0, 200);
    let peer = world.connect();
    assert_eq!(get(&mut world, peer, OPEN).status, 200);
}

#[test]
fn time_to_move_is_limited() {
    let limits = polling(|limits| limits.upgrade_timeout_ms = 500);
    let mut world = World::with(Config { limits, ..Config::default() });
    let client = Client::joined(&mut world);
    let socket = client.socket(&mut world);
    world.pass_ms(400);
    assert_eq!(world.told(socket), []);
    world.pass_ms(200);
    assert!(matches!(world.told(socket)[..], [Told::Close(_)]));
}

#[test]
fn client_that_does_not_join_is_gone() {
    let mut world = World::new();
    let mut client = Client::open(&mut world);
    client.ask(&mut world);
    world.pass_ms(46_000);
    // It was pinged, and had not answered; or it had not joined.
    check_gone(&mut world, &client);
}

/// Nothing is made of the packets before the one that ends it is looked at.
#[test]
fn g1_payload_of_separators_alone_ends_the_session() {
    let mut world = World::new();
    let client = Client::joined(&mut world);
    let (status, _) = client.post(&mut world, &"\u{1e}".repeat(16_000));
    assert_eq!(status, 400);
    check_gone(&mut world, &client);
    // As many that are good are too many for one moment.
    let client = Client::joined(&mut world);
    let (status, _) = client.post(&mut world, &["3"; 8_000].join("\u{1e}"));
    assert_eq!(status, 400);
    check_gone(&mut world, &client);
}
