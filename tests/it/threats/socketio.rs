//! Socket.IO over WebSocket (G3–G5); long-polling is tested in `it::polling`.

use std::collections::BTreeSet;

use headcount::config::{Config, Secret};
use serde_json::Value;

use crate::engine::{self, PATH};
use crate::http::exchange;
use crate::wire::{self, Told};
use crate::world::World;
use headcount_support::fuzz::Xorshift;

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Values that a parameter has not got.
const ODD: &str = "|__proto__|constructor|toString|hasOwnProperty|0|-1|3|5|99|1e1|NaN|null|true|[]|\
                   %00|%F0|4%00|4%20|websocket,polling|WEBSOCKET|webtransport|POLLING|websocket%00";

/// Every odd value of every parameter, by every method: an answer in JSON, and no connection.
#[test]
fn g3_odd_queries_get_an_error_in_json_and_open_nothing() {
    let mut world = World::new();
    let mut queries = Vec::new();
    for value in ODD.split('|') {
        queries.push(format!("EIO={value}&transport=websocket"));
        queries.push(format!("EIO=4&transport={value}"));
        queries.push(format!("EIO=4&transport=websocket&sid=x{value}"));
    }
    for query in ["EIO=4&EIO=4&transport=websocket", "EIO[]=4&transport=websocket", "&&&", "=", ""]
    {
        queries.push(query.to_owned());
    }
    queries.push(format!("EIO=4&transport={}", "x".repeat(900)));
    for query in &queries {
        // OPTIONS opens nothing whatever it is about (`preflight`).
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"] {
            for fields in ["", UPGRADE] {
                let raw =
                    format!("{method} /socket.io/?{query} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
                let stream = [raw.as_bytes(), &wire::text("40")].concat();
                let (mut bytes, is_ended) = exchange(&mut world, [&stream[..]]);
                let answer = wire::take_answer(&mut bytes, method == "HEAD").expect(&raw);
                assert_eq!(answer.status, 400, "{raw}");
                // What follows a request for another protocol is not looked at.
                if fields.is_empty() {
                    assert_eq!(wire::take_answer(&mut bytes, false).expect(&raw).status, 400);
                }
                assert!(is_ended && bytes.is_empty(), "{raw}");
                if method != "HEAD" {
                    let body: Value = serde_json::from_slice(&answer.body).expect(&raw);
                    assert!(body["code"].is_u64() && body["message"].is_string(), "{raw}");
                }
            }
        }
    }
    assert!(world.hub.is_empty());
}

/// A first message that is none ends that connection alone.
#[test]
fn g3_malformed_first_message_ends_one_session() {
    for first in ["", "4", "40{", "40\"x\"", "5", "9", "{}", "\0", "44", "2probe", "6"] {
        let mut world = World::new();
        let ada = engine::join(&mut world);
        engine::login(&mut world, ada, "Ada");
        world.pass_ms(50);
        world.told(ada);
        let eve = engine::open(&mut world);
        world.say(eve, first);
        let told = world.told(eve);
        assert!(matches!(told[..], [Told::Close(Some(1002 | 1007))]), "{first:?}: {told:?}");
        assert_eq!(world.told(ada), []);
        assert_eq!(world.names(), ["Ada"]);
    }
}

/// Pieces of packets, some of which are good.
const PIECES: &str = "4 2 5 1- 10- 11- 999999999999- / /x, , [ ] { } \"login\" \"connect\" \
                      \"disconnect\" \"__proto__\" \"toString\" : 1 -1 1e400 null true \"\\u0000\" \
                      \"_placeholder\":true \"num\":0 \"num\":\"splice\" \"Ada\"";

/// Packets that are nearly right: what is closed is closed with a code, and nobody else notices.
#[test]
fn g4_odd_packets_are_refused_and_nothing_is_taken_for_something_else() {
    let pieces: Vec<&str> = PIECES.split_whitespace().collect();
    let mut random = Xorshift::new(4);
    let mut world = World::new();
    let ada = engine::join(&mut world);
    engine::login(&mut world, ada, "Ada");
    world.pass_ms(50);
    world.told(ada);
    let mut closed = BTreeSet::new();
    for _ in 0..1_000 {
        let eve = engine::join(&mut world);
        let packet: String =
            (0..=random.below(12)).map(|_| pieces[random.below(pieces.len())]).collect();
        world.say(eve, &format!("4{packet}"));
        closed.extend(world.told(eve).into_iter().filter_map(|told| match told {
            Told::Close(code) => Some(code),
            _ => None,
        }));
        world.reset(eve);
        assert!(!world.is_half_closed(ada));
    }
    let expected = [Some(1002), Some(1007), Some(1008)];
    assert!(closed.iter().all(|code| expected.contains(code)), "{closed:?}");
    world.pass_ms(100);
    assert!(world.names().contains(&"Ada".to_owned()));
    assert_eq!(world.hub.len(), 1);
}

#[test]
fn g4_attachments_and_depth_have_limits() {
    let placeholders = |count: usize| {
        let of = |num: usize| format!(",{{\"_placeholder\":true,\"num\":{num}}}");
        format!("45{count}-[\"x\"{}]", (0..count).map(of).collect::<String>())
    };
    let deep =
        |levels: usize| format!("42[\"x\",{}{}]", "[".repeat(levels - 1), "]".repeat(levels - 1));
    for (packet, is_over) in [
        (placeholders(10), false),
        (placeholders(11), true),
        (deep(32), false),
        (deep(33), true),
        (deep(8_000), true),
    ] {
        let mut world = World::new();
        let eve = engine::join(&mut world);
        world.say(eve, &packet);
        let is_closed = world.told(eve) == [Told::Close(Some(1008))];
        assert_eq!(is_closed, is_over, "{packet:.60}");
    }
}

/// The ids of connections and of their namespaces, with such a secret.
fn sids(secret: [u8; 32]) -> Vec<String> {
    let mut world = World::with(Config { secret: Secret::new(secret), ..Config::default() });
    let mut sids = Vec::new();
    for _ in 0..300 {
        let (peer, opening) = engine::open_at(&mut world, PATH);
        world.say(peer, "40");
        let connected = engine::texts(&mut world, peer).remove(0);
        let own: Value = serde_json::from_str(connected.strip_prefix("40").unwrap()).unwrap();
        sids.extend([&opening, &own].map(|of| of["sid"].as_str().unwrap().to_owned()));
        world.reset(peer);
    }
    sids
}

/// An id has 120 bits of a generator that is keyed by the system's randomness; no request can name
/// one, as a connection stays on the WebSocket that it was opened on.
#[test]
fn g5_session_ids_can_not_be_guessed_and_are_of_no_use_elsewhere() {
    let (one, other) = (sids([1; 32]), sids([2; 32]));
    let all: BTreeSet<&String> = one.iter().chain(&other).collect();
    assert_eq!(all.len(), 1_200, "no id comes twice, nor in two processes");
    assert!(all.iter().all(|sid| sid.len() == 26));
    // 20 characters of base64 are 120 bits; behind them is the number of the session.
    for place in 0..20 {
        let values: BTreeSet<u8> = all.iter().map(|sid| sid.as_bytes()[place]).collect();
        assert!(values.len() >= 60, "{} of 64 values at {place}", values.len());
    }

    let mut world = World::new();
    let (owner, opening) = engine::open_at(&mut world, PATH);
    let sid = opening["sid"].as_str().unwrap();
    for guess in [sid, "AAAAAAAAAAAAAAAAAAAA"] {
        for transport in ["websocket", "polling"] {
            let query = format!("EIO=4&transport={transport}&sid={guess}");
            let raw = format!("GET /socket.io/?{query} HTTP/1.1\r\nHost: a\r\n{UPGRADE}\r\n");
            let (mut bytes, _) = exchange(&mut world, [raw.as_bytes()]);
            let status = wire::take_answer(&mut bytes, false).unwrap().status;
            // A second WebSocket of a session is opened and closed.
            match (guess == sid, transport) {
                (true, "websocket") => {
                    assert_eq!(status, 101);
                    assert!(matches!(wire::take_frames(&mut bytes)[..], [Told::Close(_)]));
                }
                _ => assert_eq!(status, 400),
            }
        }
    }
    world.say(owner, "40");
    assert_eq!(engine::texts(&mut world, owner).len(), 2, "its owner has it still");
}
