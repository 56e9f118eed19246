//! How the packets of a POST may come: in chunks, in any pieces, and only once they are asked for.

use serde_json::Value;

use crate::http::NEXT;
use crate::world::{Peer, World};

const OPEN: &str = "/socket.io/?EIO=4&transport=polling";

const LOGIN: &str = "42[\"login\",\"Ada\"]";

/// A session in the main namespace: the path of its requests.
fn session(world: &mut World) -> String {
    let peer = world.connect();
    world.send(peer, format!("GET {OPEN} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
    let body = world.answer(peer).body;
    let opening: Value = serde_json::from_slice(&body[1..]).unwrap();
    let path = format!("{OPEN}&sid={}", opening["sid"].as_str().unwrap());
    world.send(peer, post(&path, "Content-Length: 2", "40").as_bytes());
    assert_eq!(world.answer(peer).status, 200);
    path
}

fn post(path: &str, lines: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}")
}

/// The packets were taken, and the connection is good for another request.
fn check_taken(world: &mut World, peer: Peer) {
    let answer = world.answer(peer);
    assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
    assert_eq!(world.names(), ["Ada"]);
    world.send(peer, NEXT);
    assert_eq!(world.answer(peer).status, 200);
}

#[test]
fn packets_may_come_in_chunks_and_in_any_pieces() {
    let chunks = format!(
        "3\r\n{}\r\n{:x};a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
        &LOGIN[..3],
        LOGIN.len() - 3,
        &LOGIN[3..]
    );
    let length = format!("Content-Length: {}", LOGIN.len());
    for (lines, body) in [(&*length, LOGIN), ("Transfer-Encoding: chunked", &chunks)] {
        for size in [1, 2, 7, 1_000] {
            let mut world = World::new();
            let path = session(&mut world);
            let peer = world.connect();
            for piece in post(&path, lines, body).as_bytes().chunks(size) {
                assert_eq!(*world.inbox(peer), b"", "it is not all there");
                world.send(peer, piece);
            }
            check_taken(&mut world, peer);
        }
    }
}

/// RFC 9110 §10.1.1.
#[test]
fn client_that_waits_to_send_packets_is_told_to_go_on() {
    let lines = format!("Expect: 100-continue\r\nContent-Length: {}", LOGIN.len());
    let mut world = World::new();
    let path = session(&mut world);
    let peer = world.connect();
    world.send(peer, post(&path, &lines, "").as_bytes());
    assert_eq!(std::mem::take(world.inbox(peer)), b"HTTP/1.1 100 Continue\r\n\r\n");
    world.send(peer, LOGIN.as_bytes());
    check_taken(&mut world, peer);

    // One that did not wait needs not be told.
    let mut world = World::new();
    let path = session(&mut world);
    let peer = world.connect();
    let (first, rest) = LOGIN.split_at(1);
    world.send(peer, post(&path, &lines, first).as_bytes());
    assert_eq!(*world.inbox(peer), b"");
    world.send(peer, rest.as_bytes());
    check_taken(&mut world, peer);

    // HTTP/1.0 has no 1xx.
    let mut world = World::new();
    let path = session(&mut world);
    let peer = world.connect();
    world.send(peer, post(&path, &lines, "").replace("HTTP/1.1", "HTTP/1.0").as_bytes());
    assert_eq!(*world.inbox(peer), b"");
    world.send(peer, LOGIN.as_bytes());
    assert_eq!((world.answer(peer).status, world.is_half_closed(peer)), (200, true));
}

/// A final status says it all: what is refused, and why.
#[test]
fn client_that_waits_is_not_told_to_go_on_with_what_is_refused() {
    let mut world = World::new();
    let path = session(&mut world);
    let nobody = format!("{OPEN}&sid=AAAAAAAAAAAAAAAAAAAA");
    let length = "Content-Length: 4";
    for (path, lines, status) in [
        (&*nobody, length, 400),
        ("/socket.io/?EIO=3&transport=polling", length, 400),
        ("/ws", length, 405),
        (&path, "Content-Length: 1000000000", 413),
        (&path, "Content-Length: 4\r\nTransfer-Encoding: chunked", 400),
        (&path, "Transfer-Encoding: gzip, chunked", 501),
    ] {
        let peer = world.connect();
        let lines = format!("Expect: 100-continue\r\n{lines}");
        world.send(peer, post(path, &lines, "").as_bytes());
        let answer = world.answer(peer);
        let found = (answer.status, answer.field("Connection"), world.is_half_closed(peer));
        assert_eq!(found, (status, Some("close"), true), "{path} {lines}");
        assert_eq!(*world.inbox(peer), b"");
    }
    let peer = world.connect();
    world.send(peer, post(&path, &format!("Content-Length: {}", LOGIN.len()), LOGIN).as_bytes());
    check_taken(&mut world, peer);
}

/// A2: what is promised takes no memory, and what has come is counted until it is used.
#[test]
fn packets_that_are_half_there_hold_what_has_come() {
    let mut world = World::new();
    let path = session(&mut world);
    let before = world.hub.buffered_bytes();
    let peer = world.connect();
    world.send(peer, post(&path, "Content-Length: 16000", "").as_bytes());
    let empty = world.hub.buffered_bytes() - before;
    assert!(empty < 1_000, "{empty} bytes");
    world.send(peer, &[b'4'; 4_000]);
    let held = world.hub.buffered_bytes() - before - empty;
    assert!((4_000..=8_000).contains(&held), "{held} bytes");
    world.reset(peer);
    assert!(world.hub.buffered_bytes() <= before, "{}", world.hub.buffered_bytes());
}
