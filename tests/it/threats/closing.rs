//! How connections end: closing handshakes that are not completed, and resets (A12, A13).

use headcount::config::Config;
use serde_json::json;

use super::generous;
use crate::engine::PATH;
use crate::wire::{self, Told};
use crate::world::World;

/// What a client sends as its last words, and how that is answered.
fn last_words() -> Vec<(&'static str, Vec<u8>, Option<u16>)> {
    let close =
        |code: u16, reason: &[u8]| wire::frame(0x88, &[&code.to_be_bytes()[..], reason].concat());
    let mut cases = vec![
        ("nothing", wire::frame(0x88, b""), None),
        ("a code", close(1000, b""), Some(1000)),
        ("a reason", close(1001, "au revoir, où que ce soit".as_bytes()), Some(1001)),
        ("one byte", wire::frame(0x88, b"\x03"), Some(1002)),
        ("a reason that is not UTF-8", close(1000, b"\xce\xba\xe1"), Some(1007)),
        ("a reason with a surrogate", close(1000, b"\xed\xa0\x80"), Some(1007)),
    ];
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        cases.push(("a code that must not be sent", close(code, b""), Some(1002)));
    }
    cases
}

#[test]
fn a12_closing_handshake_that_is_not_completed_ends_in_time() {
    let more = [wire::text("more"), wire::frame(0x89, b"more")].concat();
    for path in ["/ws", "/echo"] {
        for (case, frame, code) in last_words() {
            for after in [&b""[..], &more] {
                let mut world = World::with(generous());
                let watcher = world.watch();
                let peer = world.open(path);
                world.told(peer);
                world.send(peer, &frame);
                assert_eq!(world.told(peer), [Told::Close(code)], "{case}");
                assert!(world.is_half_closed(peer), "{case}: the server closes first");
                // Silence, or more data, which is ignored; and no end from the peer.
                for _ in 0..49 {
                    world.send(peer, after);
                    world.pass_ms(100);
                    assert_eq!(world.told(peer), [], "{case}");
                }
                assert!(!world.is_closed(peer), "{case}: it has its time");
                world.pass_ms(200);
                assert!(world.is_closed(peer), "{case}");
                assert_eq!((world.hub.len(), world.hub.buffered_bytes()), (1, 0), "{case}");
                assert_eq!(world.told(watcher), [], "{case}");
            }
        }
    }
}

/// The server's own Close that nobody answers, and one that nobody takes.
#[test]
fn a12_close_of_the_server_that_is_not_answered_ends_in_time() {
    for (room, after) in [(usize::MAX, &b""[..]), (usize::MAX, b"\x81"), (0, b""), (3, b"\x81")] {
        let mut world = World::new();
        let peer = world.watch();
        world.set_room(peer, room);
        world.hub.stop(world.now);
        world.turn();
        world.send(peer, after);
        world.pass_ms(4_900);
        assert!(!world.is_closed(peer));
        world.pass_ms(200);
        assert!(world.is_closed(peer), "{room} bytes of room");
        assert!(world.hub.is_empty());
    }
}

/// What a peer sends after the Close does not push the end out, and is not read for ever.
#[test]
fn a12_data_after_the_close_is_thrown_away_up_to_a_limit() {
    let mut world = World::with(Config { echo: true, ..Config::default() });
    let peer = world.open("/echo");
    world.send(peer, &wire::close(1000));
    assert_eq!(world.told(peer), [Told::Close(Some(1000))]);
    world.send(peer, &vec![0; 64 * 1024]);
    assert!(!world.is_closed(peer));
    world.send(peer, b"x");
    assert!(world.is_closed(peer));
}

/// A life of a connection, cut off at every byte: only that connection ends.
#[test]
fn a13_reset_at_any_byte_ends_that_connection_and_nothing_else() {
    let native = [
        wire::handshake("/ws", "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        wire::text(r#"["login","Eve"]"#),
        wire::frame(0x89, b"ping"),
        wire::frame(0x01, b"[\"log"),
        wire::frame(0x80, b"out\"]"),
        wire::frame(0xC1, b"\xf2\x48\xcd\xc9\xc9\x07\x00"),
        wire::close(1000),
    ];
    let socketio = [
        wire::handshake(PATH, ""),
        wire::text("40"),
        wire::text(r#"421["login","Eve"]"#),
        wire::text(r#"452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#),
        wire::frame(0x82, b"one"),
        wire::frame(0x82, b"two"),
        wire::text("41"),
    ];
    let page = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /roster HTTP/1.1\r\nHost: a\r\n\r\n";
    for life in [&native[..], &socketio, &[page.to_vec()]] {
        let life = life.concat();
        let mut world = World::new();
        let (watcher, ada) = (world.watch(), world.watch());
        world.login(ada, "Ada");
        world.pass_ms(50);
        world.told(watcher);
        for cut in 0..=life.len() {
            let peer = world.connect();
            world.send(peer, &life[..cut]);
            world.reset(peer);
            world.pass_ms(50);
            assert!(world.is_closed(peer), "cut at {cut}");
            assert_eq!((world.hub.len(), world.hub.buffered_bytes()), (2, 0), "cut at {cut}");
            let told = world.heard(watcher);
            assert!(told.iter().all(|heard| heard[0] == "change"), "{told:?}");
            assert_eq!(world.names(), ["Ada"], "cut at {cut}");
        }
        assert!(!world.is_half_closed(watcher));
    }
}

#[test]
fn a13_frame_with_rsv2_ends_that_connection_and_nothing_else() {
    for first in [0xA1, 0xA0, 0xA8, 0xA9, 0x91, 0xB1, 0xF1, 0x83, 0x8B] {
        let mut world = World::new();
        let (ada, eve) = (world.watch(), world.watch());
        world.login(ada, "Ada");
        world.login(eve, "Eve");
        world.pass_ms(50);
        world.told(ada);
        world.told(eve);
        world.send(eve, &wire::frame(first, b""));
        world.pass_ms(50);
        assert_eq!(world.told(eve), [Told::Close(Some(1002))], "{first:#x}");
        let left = world.heard(ada);
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(left[0][1]["left"], json!(["Eve"]));
        world.say(ada, r#"["logout"]"#);
        assert_eq!(world.heard(ada).len(), 1, "it is served as before");
    }
}
