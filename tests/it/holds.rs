//! Who comes back is seen by nobody, and who does not leaves once.

use headcount::config::{Config, Limits};
use serde_json::{Value, json};

use crate::poller::{Client, check_gone};
use crate::wire;
use crate::world::{Peer, World};

const ADA: &str = "00000000000000000000000000000ada";
const NOTHING: [Value; 0] = [];
const BOB: &str = "00000000000000000000000000000b0b";

/// Nobody is asked whether they are there, unless somebody else wants their place.
fn holding() -> World {
    let limits = Limits { ping_interval_ms: 3_600_000, ..Limits::default() };
    World::holding(Config { limits, ..Config::default() })
}

/// A client that speaks `headcount.v2`.
fn join(world: &mut World, path: &str) -> Peer {
    world.offer(path, "headcount.v2")
}

fn hello(world: &mut World, client: &str) -> Peer {
    hello_and(world, client, &[])
}

/// The same, with more in the same segment.
fn hello_and(world: &mut World, client: &str, more: &[u8]) -> Peer {
    let peer = join(world, "/ws");
    let hello = json!(["hello", { "client": client }]).to_string();
    world.send(peer, &[&wire::text(&hello), more].concat());
    peer
}

/// The events that a client heard.
fn events(world: &mut World, peer: Peer) -> Vec<String> {
    let heard = world.heard(peer).into_iter();
    heard.map(|message| message[0].as_str().unwrap().to_owned()).collect()
}

fn codes(world: &mut World, peer: Peer) -> Vec<Value> {
    world.heard(peer).into_iter().map(|message| message[1]["code"].clone()).collect()
}

/// How a connection ends, when others are told, and why.
type End = (fn(&mut World, Peer), u64, usize);

#[test]
fn leave_waits_as_long_as_its_cause_says() {
    let ends: [End; 8] = [
        (|world, peer| world.say(peer, r#"["logout"]"#), 0, 0),
        (|world, peer| world.send(peer, &wire::close(4000)), 0, 0),
        (|world, peer| world.send(peer, &wire::close(1000)), 300, 1),
        (|world, peer| world.send(peer, &wire::close(1001)), 300, 1),
        (|world, peer| world.send(peer, &wire::close(4001)), 300, 1),
        (|world, peer| world.end(peer), 700, 2),
        (|world, peer| world.reset(peer), 700, 2),
        (|world, peer| world.send(peer, &[0xFF, 0xFF]), 0, 3),
    ];
    for (number, (end, ms, why)) in ends.into_iter().enumerate() {
        let limits = Limits { hold_closed_ms: 300, hold_lost_ms: 700, ..Limits::default() };
        let mut world = World::holding(Config { limits, ..Config::default() });
        let (ada, other) = (world.watch(), world.watch());
        world.login(ada, "Ada");
        world.pass_ms(100);
        world.heard(other);
        end(&mut world, ada);
        if ms > 0 {
            world.pass_ms(ms - 1);
            assert_eq!(world.heard(other), NOTHING, "way {number}, too early");
        }
        world.pass_ms(1);
        let left = json!(["change", { "seq": 2, "joined": [], "left": ["Ada"] }]);
        assert_eq!(world.heard(other), [left], "way {number}");
        let mut ended = [0; 4];
        ended[why] = 1;
        assert_eq!(world.hub.members_ended(), ended, "way {number}");
        world.pass_ms(2_000);
        assert_eq!(world.heard(other), NOTHING);
    }
}

#[test]
fn client_that_is_back_in_time_was_never_away() {
    let mut world = holding();
    let (ada, other) = (hello(&mut world, ADA), world.watch());
    assert_eq!(events(&mut world, ada), ["welcome", "roster"]);
    world.say(ada, r#"["login","Ada",{"status":"idle","data":{"a":1}}]"#);
    world.pass_ms(100);
    world.heard(other);
    for is_reset in [true, false] {
        let peer = hello(&mut world, ADA);
        world.pass_ms(1_000);
        match is_reset {
            true => world.reset(peer),
            false => world.send(peer, &wire::close(1001)),
        }
        world.pass_ms(2_900);
    }
    let back = hello(&mut world, ADA);
    world.pass_ms(60_000);
    assert_eq!(world.heard(other), NOTHING, "nobody saw that");
    let heard = world.heard(back);
    let expected = json!(["welcome", { "client": ADA, "resumed": [""] }]);
    assert_eq!(heard[0], expected);
    assert_eq!(heard[1][1]["status"], json!({ "Ada": "idle" }));
    world.say(back, r#"["set",{"data":{"a":2}}]"#);
    let change =
        json!(["change", { "seq": 2, "joined": [], "left": [], "data": { "Ada": { "a": 2 } } }]);
    assert_eq!(world.heard(other), [change], "it is the same member");
}

#[test]
fn client_that_is_back_too_late_leaves_and_joins_once() {
    let mut world = holding();
    let (ada, other) = (hello(&mut world, ADA), world.watch());
    world.login(ada, "Ada");
    world.pass_ms(100);
    world.heard(other);
    world.send(ada, &wire::close(1001));
    world.pass_ms(3_100);
    let back = hello(&mut world, ADA);
    assert_eq!(world.heard(back)[0], json!(["welcome", { "client": ADA, "resumed": [] }]));
    world.login(back, "Ada");
    world.pass_ms(60_000);
    let changes = [
        json!(["change", { "seq": 2, "joined": [], "left": ["Ada"] }]),
        json!(["change", { "seq": 3, "joined": ["Ada"], "left": [] }]),
    ];
    assert_eq!(world.heard(other), changes);
}

#[test]
fn somebody_without_an_id_who_logs_in_again_in_time_was_never_away() {
    let mut world = holding();
    let (ada, other) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    world.pass_ms(100);
    world.heard(other);
    world.reset(ada);
    world.pass_ms(5_000);
    let back = world.watch();
    world.login(back, "Ada");
    world.pass_ms(60_000);
    assert_eq!(world.heard(other), NOTHING);
    world.say(back, r#"["logout"]"#);
    assert_eq!(events(&mut world, other), ["change"], "the old one is gone by now");
}

/// A session of long-polling is asked like a WebSocket, by the request that waits.
#[test]
fn j3_session_of_long_polling_is_asked_whether_it_is_there() {
    for is_there in [true, false] {
        let mut world = holding();
        let mut client = Client::open(&mut world);
        client.post(&mut world, &format!("40{{\"client\":\"{ADA}\"}}"));
        client.get(&mut world);
        client.ask(&mut world);
        let copy = hello(&mut world, ADA);
        assert_eq!(client.told(&mut world), "2");
        assert_eq!(world.heard(copy), NOTHING, "it waits for the answer");
        if is_there {
            assert_eq!(client.post(&mut world, "3"), (200, "ok".into()));
            assert_eq!(codes(&mut world, copy), ["client_in_use"]);
            client.post(&mut world, "421[\"logout\"]");
            assert_eq!(client.get(&mut world), "431[null]", "it lives on");
        } else {
            world.pass_ms(1_100);
            assert_eq!(events(&mut world, copy)[0], "welcome");
            check_gone(&mut world, &client);
        }
    }
}

/// … and on the WebSocket to which it has moved when it is asked.
#[test]
fn j3_session_is_asked_where_it_is_by_then() {
    let mut world = holding();
    let mut client = Client::open(&mut world);
    client.post(&mut world, &format!("40{{\"client\":\"{ADA}\"}}"));
    client.get(&mut world);
    let socket = client.socket(&mut world);
    world.say(socket, "2probe");
    world.told(socket);
    let copy = join(&mut world, "/ws");
    world.send_quietly(copy, &wire::text(&json!(["hello", { "client": ADA }]).to_string()));
    world.say(socket, "5");
    assert_eq!(world.told(socket), [wire::Told::Text("2".into())]);
    world.say(socket, "3");
    assert_eq!(codes(&mut world, copy), ["client_in_use"]);
}

/// … and whoever has the place by then is not asked.
#[test]
fn newcomer_is_not_asked_itself_when_the_other_ends_in_the_same_turn() {
    let mut world = holding();
    let ada = hello(&mut world, ADA);
    world.told(ada);
    let next = join(&mut world, "/ws");
    world.send_quietly(next, &wire::text(&json!(["hello", { "client": ADA }]).to_string()));
    world.reset(ada);
    let told = world.told(next);
    assert!(told.iter().all(|one| matches!(one, wire::Told::Text(_))), "{told:?}");
    assert!(!told.is_empty(), "it is welcome");
}

/// A tab that is duplicated has the id of the other. Both are there, and live on.
#[test]
fn second_connection_of_a_live_client_has_to_take_another_id() {
    let mut world = holding();
    let ada = hello(&mut world, ADA);
    world.login(ada, "Ada");
    world.pass_ms(100);
    world.told(ada);
    let first = hello(&mut world, ADA);
    let copy = hello_and(&mut world, ADA, &wire::text(r#"["login","Ada","too early"]"#));
    assert_eq!(codes(&mut world, first), ["client_in_use"], "the latest waits");
    let ping = world.told(ada);
    let [wire::Told::Ping(data)] = &ping[..] else { panic!("{ping:?}") };
    assert_eq!(world.heard(copy), NOTHING, "it waits for the answer");
    world.send(ada, &wire::frame(0x8A, data));
    world.turn();
    assert_eq!(codes(&mut world, copy), ["client_in_use", "message_invalid"], "in this order");
    world.say(copy, &json!(["hello", { "client": BOB }]).to_string());
    assert_eq!(events(&mut world, copy), ["welcome", "roster"]);
    world.pass_ms(2_000);
    assert!(!world.is_closed(ada) && !world.is_closed(copy));
}

/// A socket that is half open: its client has lost the network and is back.
#[test]
fn connection_that_does_not_answer_within_a_second_is_replaced() {
    let mut world = holding();
    let (ada, other) = (hello(&mut world, ADA), world.watch());
    world.login(ada, "Ada");
    world.pass_ms(100);
    world.heard(other);
    let back = hello_and(&mut world, ADA, &wire::login("Countess"));
    world.pass_ms(900);
    assert_eq!(world.heard(back), NOTHING);
    world.pass_ms(200);
    assert!(world.is_closed(ada));
    let heard = world.heard(back);
    assert_eq!(heard[0], json!(["welcome", { "client": ADA, "resumed": [""] }]));
    let renamed = json!(["change", { "seq": 2, "joined": ["Countess"], "left": ["Ada"] }]);
    assert_eq!(world.heard(other), [renamed], "what it said while it waited was done then");
    world.pass_ms(60_000);
    assert_eq!(world.heard(other), NOTHING);
}

/// The end of the one that was asked is as good an answer.
#[test]
fn newcomer_that_waits_has_the_place_of_one_that_ends() {
    let mut world = holding();
    let ada = hello(&mut world, ADA);
    world.login(ada, "Ada");
    let back = hello(&mut world, ADA);
    world.told(back);
    world.reset(ada);
    world.turn();
    let welcome = json!(["welcome", { "client": ADA, "resumed": [""] }]);
    assert_eq!(world.heard(back)[0], welcome);

    let gone = hello(&mut world, ADA);
    world.reset(gone);
    world.turn();
    let next = hello(&mut world, ADA);
    world.told(next);
    world.reset(back);
    world.turn();
    assert_eq!(world.heard(next)[0], welcome, "one that waited and is gone is in nobody's way");
}

#[test]
fn hello_comes_first_and_once_and_is_understood_or_refused_whole() {
    let mut world = holding();
    let peer = join(&mut world, "/ws");
    for (message, code) in [
        (r#"["login","Ada"]"#, "hello_missing"),
        (r#"["ping"]"#, "hello_missing"),
        (r#"["shout"]"#, "event_unknown"),
        (r#"["hello",{"client":"me"}]"#, "client_invalid"),
        (r#"["hello",{"client":7}]"#, "client_invalid"),
        (r#"["hello",{"client":"00000000000000000000000000000ADA"}]"#, "client_invalid"),
        (r#"["hello",{"rooms":["a"]}]"#, "message_invalid"),
        (r#"["hello",{"rooms":{"a":["0000000000000000",1,"00000000000000"]}}]"#, "at_invalid"),
        (r#"["hello",{"rooms":{"a":["0000000000000000",-1,"0000000000000000"]}}]"#, "at_invalid"),
        (r#"["hello",{"rooms":{"a":["0000000000000000"]}}]"#, "at_invalid"),
        (r#"["hello",{"view":"all"}]"#, "message_invalid"),
        (r#"["hello",{"view":"names"}]"#, "message_invalid"),
        (r#"["hello",{"rooms":{"a":null," a":null}}]"#, "room_invalid"),
    ] {
        world.say(peer, message);
        assert_eq!(codes(&mut world, peer), [code], "{message}");
    }
    assert_eq!(world.hub.rooms(), 1, "nothing was entered");
    world.say(peer, r#"["hello",{"rooms":{"a":null,"":null," ":null}}]"#);
    let heard = world.heard(peer);
    assert_eq!(heard[0], json!(["welcome", { "resumed": [] }]));
    let refused = (&heard[1][0], &heard[1][1]["code"], &heard[1][1]["room"]);
    assert_eq!(refused, (&json!("error"), &json!("room_invalid"), &json!(" ")));
    assert_eq!((&heard[2][0], heard[2][1].get("room")), (&json!("roster"), None));
    assert_eq!((&heard[3][0], &heard[3][1]["room"]), (&json!("roster"), &json!("a")));
    world.say(peer, r#"["hello",{}]"#);
    assert_eq!(codes(&mut world, peer), ["hello_unexpected"]);
    let old = world.watch();
    world.say(old, r#"["hello",{}]"#);
    assert_eq!(codes(&mut world, old), ["hello_unexpected"], "it offered no subprotocol");
}

#[test]
fn no_more_are_held_than_may_be() {
    let limits = Limits { held_members_max: 1, ..Limits::default() };
    let mut world = World::holding(Config { limits, ..Config::default() });
    let other = world.watch();
    for name in ["Ada", "Bob"] {
        let peer = world.watch();
        world.login(peer, name);
        world.pass_ms(100);
        world.reset(peer);
    }
    world.pass_ms(100);
    assert_eq!(world.names(), ["Ada"], "there is a place for one of them");
    world.pass_ms(15_000);
    assert!(world.names().is_empty());
    world.told(other);
}

/// Others are told why somebody left, if the server is told to say that.
#[test]
fn cause_of_a_leave_is_told_if_it_is_to_be() {
    let limits = Limits { hold_lost_ms: 100, log_bytes_min: 150, ..Limits::default() };
    let mut world = World::holding(Config { limits, shows_causes: true, ..Config::default() });
    let other = world.offer("/ws", "headcount.v2");
    world.say(other, r#"["hello",{}]"#);
    let peers = ["Ada", "Bob"].map(|name| {
        let peer = world.watch();
        world.login(peer, name);
        peer
    });
    world.pass_ms(100);
    let at = world.roster();
    let at = json!([at["epoch"], at["seq"], at["digest"]]);
    world.heard(other);
    world.reset(peers[0]);
    world.pass_ms(200);
    world.say(peers[1], r#"["logout"]"#);
    let causes = |message: &Value| message[1]["causes"].clone();
    let heard = world.heard(other);
    let told: Vec<Value> = heard.iter().map(causes).collect();
    assert_eq!(told, [json!({ "Ada": "lost" }), json!({ "Bob": "logout" })]);
    let enter = json!(["enter", { "room": "", "at": at }]).to_string();
    world.say(other, &enter);
    let heard = world.heard(other);
    assert_eq!(causes(&heard[0]), json!({ "Ada": "lost", "Bob": "logout" }), "{heard:?}");
}

/// A room is there as long as somebody is held in it, and gone afterwards.
#[test]
fn room_lives_as_long_as_its_holds() {
    let mut world = holding();
    let ada = join(&mut world, "/ws/a");
    world.say(ada, &json!(["hello", { "client": ADA }]).to_string());
    world.login(ada, "Ada");
    world.pass_ms(100);
    let epoch = world.roster_of("a")["epoch"].clone();
    world.reset(ada);
    world.pass_ms(14_000);
    let back = join(&mut world, "/ws/a");
    world.say(back, &json!(["hello", { "client": ADA }]).to_string());
    assert_eq!(world.heard(back)[1][1]["epoch"], epoch);
    world.reset(back);
    world.pass_ms(15_100);
    assert_eq!(world.hub.rooms(), 0);
}

/// Opens a session of Socket.IO for Ada, whose id comes with CONNECT.
fn connect_socket_io(world: &mut World) -> Peer {
    let peer = world.open("/socket.io/?EIO=4&transport=websocket");
    world.say(peer, &format!(r#"40{{"client":"{ADA}"}}"#));
    peer
}

/// A client of Socket.IO gives its id with CONNECT.
#[test]
fn client_of_socket_io_is_back_by_its_id() {
    let mut world = holding();
    let other = world.watch();
    let ada = connect_socket_io(&mut world);
    world.say(ada, r#"42["login","Ada"]"#);
    world.pass_ms(100);
    assert_eq!(events(&mut world, other), ["change"]);
    let copy = connect_socket_io(&mut world);
    world.say(copy, r#"42["login","Copy"]"#);
    world.pass_ms(100);
    assert_eq!(events(&mut world, other), ["change"], "both are there");
    world.send(copy, &wire::close(4000));
    assert_eq!(events(&mut world, other), ["change"]);

    world.send(ada, &wire::close(1001));
    world.pass_ms(1_000);
    let back = connect_socket_io(&mut world);
    world.pass_ms(10_000);
    assert_eq!(events(&mut world, other), ["change"], "a page that shows its form is nobody");
    world.say(back, r#"42["login","Ada",{"data":{"a":1}}]"#);
    world.pass_ms(100);
    world.send(back, &wire::close(1001));
    assert_eq!(events(&mut world, other), ["change"]);
    let back = connect_socket_io(&mut world);
    world.say(back, r#"42["login","Ada"]"#);
    world.pass_ms(10_000);
    assert_eq!(world.heard(other), NOTHING, "it has its data again");
    world.say(back, r#"42["set",{"status":"idle"}]"#);
    assert_eq!(events(&mut world, other), ["change"]);
    world.say(back, r#"42["hello",{}]"#);
    let told = world.told(back);
    assert!(
        matches!(told.last(), Some(wire::Told::Text(text)) if text.contains("message_invalid"))
    );
}

/// An error changes nothing: whoever is held is so as long as before.
#[test]
fn refused_login_brings_nobody_back() {
    let most = Limits::default().data_keys_max;
    let keys: Vec<String> = (0..=most).map(|key| format!("\"{key}\":1")).collect();
    let too_large = format!("{{\"data\":{{{}}}}}", keys.join(","));
    for name in ["Ada", "Countess"] {
        let mut world = holding();
        let other = world.watch();
        let ada = connect_socket_io(&mut world);
        world.say(ada, r#"42["login","Ada",{"status":"idle"}]"#);
        world.pass_ms(100);
        world.send(ada, &wire::close(1001));
        assert_eq!(events(&mut world, other), ["change"]);
        let back = connect_socket_io(&mut world);
        world.say(back, &format!(r#"42["login","{name}",{too_large}]"#));
        let told = format!("{:?}", world.told(back));
        assert!(told.contains("data_too_large"), "{told}");
        world.pass_ms(10_000);
        let heard = world.heard(other);
        assert_eq!(heard.len(), 1, "{name}: {heard:?}");
        assert_eq!(heard[0][1]["left"], json!(["Ada"]), "{name}");
        assert_eq!(world.hub.presence().held(), 0);
    }
}
