//! Clients behind a proxy: whom their connections are counted under (docs/evidence/threats.md C14).

use std::net::IpAddr;

use headcount::config::{Config, Limits};
use headcount::http::TrustedProxies;
use headcount::hub::Refusal;

use crate::wire::{self, Told};
use crate::world::{Peer, World};

const PROXY: &str = "10.0.0.1";

/// A server that trusts 10.0.0.0/8 and has room for three connections from each address, or four
/// new ones in a second.
fn world() -> World {
    let limits = Limits {
        connections_per_address_max: 3,
        accepts_per_address_per_second: 1,
        accepts_per_address_burst: 4,
        ..Limits::default()
    };
    let trusted_proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
    World::with(Config { limits, trusted_proxies, ..Config::default() })
}

fn connect(world: &mut World, from: &str) -> Peer {
    world.connect_from(from.parse().unwrap()).expect("the connection is taken")
}

/// Asks for a page in the words of a proxy that hands on a request with this list.
fn ask(world: &mut World, peer: Peer, list: &str) -> u16 {
    let request = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {list}\r\n\r\n");
    world.send(peer, request.as_bytes());
    world.answer(peer).status
}

/// Opens a WebSocket for whoever is in this list, and says what it was answered.
fn open(world: &mut World, list: &str) -> (Peer, u16) {
    let peer = connect(world, PROXY);
    world.send(peer, &wire::handshake("/ws", &format!("X-Forwarded-For: {list}\r\n")));
    let status = world.answer(peer).status;
    (peer, status)
}

/// How many WebSockets can be open at once for whoever is in these lists, and that those which are
/// one too many are told so and closed.
#[track_caller]
fn check_open(lists: &[String], expected: usize) {
    let mut world = world();
    let mut opened = 0;
    for list in lists {
        let (peer, status) = open(&mut world, list);
        match status {
            101 => opened += 1,
            429 => assert!(world.is_half_closed(peer)),
            other => panic!("{other} for {list}"),
        }
    }
    assert_eq!(opened, expected, "{lists:?}");
}

#[test]
fn client_behind_a_trusted_proxy_is_counted_by_its_own_address() {
    check_open(&vec!["192.0.2.1".into(); 5], 3);
    let clients: Vec<String> = (0..50).map(|index| format!("192.0.2.{index}")).collect();
    check_open(&clients, 50);
    check_open(&["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"].map(Into::into), 3);
    // Loopback is exempt, but not when a proxy names it.
    check_open(&vec!["127.0.0.1".into(); 5], 3);
    check_open(&vec!["::1".into(); 5], 3);
}

#[test]
fn client_does_not_get_more_by_what_it_makes_up() {
    let forged: Vec<String> = (0..5).map(|index| format!("203.0.113.{index}, 192.0.2.1")).collect();
    check_open(&forged, 3);
    let forged: Vec<String> =
        (0..5).map(|index| format!("{index} @, 192.0.2.1, 10.0.0.2")).collect();
    check_open(&forged, 3);
}

#[test]
fn list_that_is_malformed_is_counted_under_its_proxy() {
    let lists: Vec<String> = (0..5).map(|index| format!("unknown {index}")).collect();
    check_open(&lists, 3);
    check_open(&vec![String::new(); 5], 3);
    let lists: Vec<String> = (0..5).map(|index| format!("?, 10.0.0.{index}")).collect();
    check_open(&lists, 5); // Each under another proxy.
}

#[test]
fn forwarded_address_is_ignored_from_whom_is_not_trusted() {
    let mut world = world();
    for from in ["11.0.0.1", "::ffff:11.0.0.1"] {
        let stranger: IpAddr = from.parse().unwrap();
        let peers: Vec<Peer> = (0..3).map_while(|_| world.connect_from(stranger).ok()).collect();
        for (index, &peer) in peers.iter().enumerate() {
            assert_eq!(ask(&mut world, peer, &format!("192.0.2.{index}")), 200);
        }
        assert_eq!(world.connect_from(stranger), Err(Refusal::TooManyFromAddress));
        peers.iter().for_each(|&peer| world.reset(peer));
        world.pass_ms(4_000);
    }
    // Nor is it believed from this machine, unless it is listed.
    for _ in 0..10 {
        let peer = world.connect();
        assert_eq!(ask(&mut world, peer, "192.0.2.1"), 200);
    }
}

#[test]
fn proxy_itself_is_not_limited() {
    let mut world = world();
    for _ in 0..20 {
        let peer = connect(&mut world, PROXY);
        world.send(peer, &wire::handshake("/ws", ""));
        assert_eq!(world.answer(peer).status, 101);
        assert_eq!(open(&mut world, "10.1.2.3").1, 101, "another one asked it");
    }
}

/// A proxy that keeps a connection holds it for nobody between two requests.
#[test]
fn kept_connection_is_counted_while_a_request_is_not_answered() {
    let mut world = world();
    let kept: Vec<Peer> = (0..4).map(|_| connect(&mut world, PROXY)).collect();
    for &peer in &kept {
        assert_eq!(ask(&mut world, peer, "192.0.2.1"), 200);
    }
    world.pass_ms(3_000);
    let sockets: Vec<Peer> = (0..3).map(|_| open(&mut world, "192.0.2.1").0).collect();
    world.pass_ms(1_000);
    assert_eq!(ask(&mut world, kept[0], "192.0.2.1"), 429, "three are open");
    assert!(world.is_half_closed(kept[0]));
    assert_eq!(ask(&mut world, kept[1], "192.0.2.2"), 200, "another client on such a connection");
    world.reset(sockets[0]);
    assert_eq!(ask(&mut world, kept[1], "192.0.2.1"), 200, "one is given back");
    // A WebSocket stays who it is: what follows is not read as a request.
    world.login(sockets[1], "X-Forwarded-For: 192.0.2.9");
    assert!(matches!(&world.told(sockets[1])[..], [Told::Text(_), ..]));
}

/// Who does not take an answer holds its connection, also through a proxy.
#[test]
fn request_is_counted_until_its_answer_is_sent() {
    let mut world = world();
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
    let slow: Vec<Peer> = (0..3).map(|_| connect(&mut world, PROXY)).collect();
    for &peer in &slow {
        world.set_room(peer, 10);
        world.send(peer, request);
    }
    assert_eq!(open(&mut world, "192.0.2.1").1, 429);
    world.set_room(slow[0], usize::MAX);
    world.turn();
    assert_eq!(open(&mut world, "192.0.2.1").1, 101);
}

#[test]
fn connections_that_end_are_all_given_back() {
    let mut world = world();
    for round in 0..20 {
        let peers: Vec<Peer> = (0..3).map(|_| open(&mut world, "192.0.2.1").0).collect();
        world.pass_ms(4_000);
        assert_eq!(open(&mut world, "192.0.2.1").1, 429, "round {round}");
        match round % 3 {
            0 => peers.iter().for_each(|&peer| world.reset(peer)),
            1 => peers.iter().for_each(|&peer| world.end(peer)),
            _ => peers.iter().for_each(|&peer| world.send(peer, &wire::close(1000))),
        }
        world.pass_ms(6_000);
        assert_eq!(world.hub.len(), 0);
    }
}

#[test]
fn new_connections_of_a_client_behind_a_proxy_have_a_rate() {
    let mut world = world();
    let mut taken = 0;
    for _ in 0..10 {
        let (peer, status) = open(&mut world, "192.0.2.1");
        taken += usize::from(status == 101);
        world.reset(peer);
    }
    assert_eq!(taken, 4, "the burst");
    assert_eq!(open(&mut world, "192.0.2.2").1, 101, "another client does not wait for it");
    world.pass_ms(1_000);
    assert_eq!(open(&mut world, "192.0.2.1").1, 101, "one a second");
    // It is the same on a connection that is kept.
    let kept = connect(&mut world, PROXY);
    let statuses = [(); 5].map(|()| ask(&mut world, kept, "192.0.2.3"));
    assert_eq!(statuses, [200, 200, 200, 200, 429]);
}

/// Requests that follow each other at once are one after the other, and not two at a time.
#[test]
fn pipelined_requests_are_one_connection() {
    let mut world = world();
    for _ in 0..2 {
        assert_eq!(open(&mut world, "192.0.2.1").1, 101);
    }
    let pipelined = connect(&mut world, PROXY);
    let request = "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
    world.send(pipelined, request.repeat(3).as_bytes());
    let statuses = [(); 3].map(|()| world.answer(pipelined).status);
    assert_eq!(statuses, [200, 200, 429], "of the burst of four two were left");
}

/// Every way to open something goes through the same count.
#[test]
fn limit_holds_on_every_path() {
    for path in ["/ws", "/echo", "/socket.io/?EIO=4&transport=websocket", "/roster", "/", "/none"] {
        let mut world = world();
        for _ in 0..3 {
            assert_eq!(open(&mut world, "192.0.2.1").1, 101);
        }
        let peer = connect(&mut world, PROXY);
        world.send(peer, &wire::handshake(path, "X-Forwarded-For: 192.0.2.1\r\n"));
        let answer = world.answer(peer);
        assert_eq!((answer.status, answer.field("connection")), (429, Some("close")), "{path}");
    }
}
