//! The room that the connections of long-polling take.

use headcount::config::{Config, Limits};

use crate::engine;
use crate::poller::{Client, check_gone, request};
use crate::wire::{self, Told};
use crate::world::{Peer, World};

const LOGOUT: &str = "42[\"logout\"]";

/// A server in which two connections may be pending.
fn small() -> World {
    let limits = Limits { pending_max: 2, ..Limits::default() };
    World::with(Config { limits, ..Config::default() })
}

#[test]
fn g12_requests_that_wait_are_no_slow_heads() {
    let mut world = small();
    let mut clients: Vec<Client> = (0..20).map(|_| Client::joined(&mut world)).collect();
    clients.iter_mut().for_each(|client| client.ask(&mut world));
    let heads = [world.connect(), world.connect(), world.connect()];
    assert!(world.is_closed(heads[0]) && !world.is_closed(heads[2]), "the oldest of them goes");
    assert!(clients.iter().all(|client| !world.is_closed(client.poll)));
    let other = engine::join(&mut world);
    engine::login(&mut world, other, "Ada");
    world.pass_ms(100);
    for client in &mut clients {
        assert_eq!(client.told(&mut world), "42[\"login\",[\"Ada\"]]");
    }
}

/// A client keeps two connections, one of which waits, and would lose its session with the other.
#[test]
fn g12_connections_of_a_session_are_not_displaced() {
    let mut world = small();
    let mut clients: Vec<Client> = (0..20).map(|_| Client::joined(&mut world)).collect();
    clients.iter_mut().for_each(|client| client.ask(&mut world));
    let posts: Vec<Peer> =
        clients.iter().map(|client| client.post_from(&mut world, LOGOUT)).collect();
    let heads = [world.connect(), world.connect(), world.connect()];
    assert!(world.is_closed(heads[0]) && !world.is_closed(heads[2]), "the oldest of them goes");
    assert!(posts.iter().all(|&peer| !world.is_closed(peer)));
    // … nor is one whose request has not come as a whole.
    let half = request("POST", &clients[0].path(), LOGOUT);
    world.send(posts[0], &half.as_bytes()[..half.len() - 4]);
    let heads = [world.connect(), world.connect(), world.connect()];
    assert!(world.is_closed(heads[0]) && !world.is_closed(posts[0]));
}

/// … so that a session takes the room of two, however many it has had.
#[test]
fn g12_session_keeps_two_connections_and_none_when_it_is_over() {
    let mut world = small();
    let mut client = Client::joined(&mut world);
    client.ask(&mut world);
    let posts: Vec<Peer> = (0..5).map(|_| client.post_from(&mut world, LOGOUT)).collect();
    let closed: Vec<bool> = posts.iter().map(|&peer| world.is_closed(peer)).collect();
    assert_eq!(closed, [true, true, false, false, false], "the last is kept, and two are pending");
    assert!(!world.is_closed(client.poll), "it waits");
    assert_eq!(client.post(&mut world, "1").0, 200);
    let heads = [world.connect(), world.connect()];
    assert!(posts.iter().all(|&peer| world.is_closed(peer)) && world.is_closed(client.poll));
    assert!(heads.iter().all(|&peer| !world.is_closed(peer)));
}

/// A connection that is let go in the turn in which it has the next request is kept.
#[test]
fn g12_connection_that_is_used_again_is_one_of_the_two() {
    let mut world = World::new();
    let mut client = Client::joined(&mut world);
    client.ask(&mut world);
    client.post_from(&mut world, LOGOUT);
    let other = engine::join(&mut world);
    engine::login(&mut world, other, "Ada");
    world.pass_ms(100);
    assert_eq!(client.told(&mut world), "42[\"login\",[\"Ada\"]]");
    let third = world.connect();
    world.send_quietly(third, request("POST", &client.path(), LOGOUT).as_bytes());
    world.send(client.poll, request("GET", &client.path(), "").as_bytes());
    world.reset(client.poll);
    check_gone(&mut world, &client);
}

/// A session that ends in the turn in which it moves has its WebSocket closed.
#[test]
fn g6_websocket_of_a_session_that_ends_as_it_moves_is_closed() {
    let mut world = World::new();
    let client = Client::joined(&mut world);
    let (socket, post) = (client.socket(&mut world), world.connect());
    world.say(socket, "2probe");
    world.told(socket);
    world.send_quietly(post, request("POST", &client.path(), "1").as_bytes());
    world.say(socket, "5");
    assert!(matches!(world.told(socket)[..], [Told::Close(..)]), "it has nobody to wait for");
}

/// A WebSocket on a connection that had requests of a session is like any other.
#[test]
fn websocket_after_requests_of_a_session_is_any_other() {
    let mut world = World::new();
    let client = Client::joined(&mut world);
    let hello = wire::text(r#"["hello",{}]"#);
    for cut in [true, false] {
        let peer = client.post_from(&mut world, LOGOUT);
        let handshake = wire::handshake("/ws", "");
        match cut {
            true => world.send(peer, &handshake),
            false => world.send(peer, &[&handshake[..], &hello].concat()),
        }
        assert_eq!(world.answer(peer).status, 101);
        if cut {
            world.send(peer, &hello);
        }
        let heard = world.heard(peer);
        let codes = heard.iter().filter_map(|message| message[1]["code"].as_str());
        assert_eq!(codes.collect::<Vec<_>>(), ["hello_unexpected"], "cut: {cut}");
    }
}

/// Proxies have requests of several clients on one connection.
#[test]
fn g12_connection_may_have_requests_of_several_sessions() {
    let mut world = World::new();
    let mut first = Client::joined(&mut world);
    let mut second = Client::joined(&mut world);
    let ask = |world: &mut World, peer: Peer, client: &Client| {
        world.send(peer, request("GET", &client.path(), "").as_bytes());
    };
    let other = engine::join(&mut world);
    first.ask(&mut world);
    let shared = first.poll;
    engine::login(&mut world, other, "Ada");
    world.pass_ms(100);
    assert_eq!(first.told(&mut world), "42[\"login\",[\"Ada\"]]");
    ask(&mut world, shared, &second);
    second.poll = shared;
    assert_eq!(second.told(&mut world), "42[\"login\",[\"Ada\"]]");
    ask(&mut world, shared, &second);
    // The first goes on with other connections, and lets this one go.
    first.ask(&mut world);
    first.post_from(&mut world, LOGOUT);
    first.post_from(&mut world, LOGOUT);
    world.reset(shared);
    check_gone(&mut world, &second);
    engine::login(&mut world, other, "Bob");
    world.pass_ms(100);
    assert_eq!(first.told(&mut world), "42[\"login\",[\"Bob\"]]");
}
