//! How connections end.

use headcount::config::{Config, Limits};

use crate::wire::{self, Told};
use crate::world::World;

#[test]
fn close_is_answered_with_its_code_and_the_server_closes_first() {
    for (payload, expected) in [
        (&b""[..], None),
        (b"\x03\xe8", Some(1000)),
        (b"\x03\xe8bye", Some(1000)),
        (b"\x03\xf3", Some(1011)),
        (b"\x0b\xb8", Some(3000)),
        (b"\x13\x87", Some(4999)),
    ] {
        let mut world = World::with_echo();
        let peer = world.open("/echo");
        world.send(peer, &[wire::text("last"), wire::frame(0x88, payload)].concat());
        assert_eq!(world.told(peer), [Told::Text("last".into()), Told::Close(expected)]);
        assert!(world.is_half_closed(peer), "the server closes first (RFC 6455 §7.1.1)");
        world.send(peer, &[wire::text("ignored"), wire::frame(0x89, b"")].concat());
        assert_eq!(world.told(peer), []);
        world.end(peer);
        assert!(world.is_closed(peer));
    }
}

/// What is wrong is answered with the code that RFC 6455 names, after the answers to what was not.
#[test]
fn protocol_error_is_closed_with_its_code() {
    let cut_off = |bytes: &[u8], key: &[u8]| [bytes, key].concat();
    for (wrong, code) in [
        (b"\x81\x05hello".to_vec(), 1002),
        (wire::frame(0xC1, b"x"), 1002),
        (wire::frame(0x83, b"x"), 1002),
        (wire::frame(0x8B, b""), 1002),
        (wire::frame(0x80, b"x"), 1002),
        (wire::frame(0x09, b""), 1002),
        (wire::frame(0x89, &[0; 126]), 1002),
        ([wire::frame(0x01, b"a"), wire::frame(0x81, b"b")].concat(), 1002),
        (wire::frame(0x88, b"\x03"), 1002),
        (wire::frame(0x88, b"\x03\xed"), 1002),
        (wire::frame(0x88, b"\x03\xe8\xff"), 1007),
        (wire::frame(0x81, b"\xc3("), 1007),
        ([wire::frame(0x01, b"\xce\xba\xe1"), wire::frame(0x00, b"\xff")].concat(), 1007),
        (cut_off(b"\x82\xff\x80\0\0\0\0\0\0\0", b""), 1002),
        (cut_off(b"\x82\xfe\x00\x05", b"key."), 1002),
        (cut_off(b"\x82\xff\0\0\0\0\x04\0\0\x01", b"key."), 1009),
    ] {
        let mut world = World::with_echo();
        let peer = world.open("/echo");
        let before = [wire::text("before"), wire::frame(0x89, b"ping")].concat();
        let after = [wire::text("after"), wire::frame(0x89, b"after")].concat();
        world.send(peer, &[&before[..], &wrong, &after].concat());
        let expected =
            [Told::Text("before".into()), Told::Pong(b"ping".into()), Told::Close(Some(code))];
        assert_eq!(world.told(peer), expected, "{}", wrong.escape_ascii());
        assert!(world.is_half_closed(peer));
        assert!(!world.is_closed(peer), "its peer is listened to for a while, so that no RST …");
        world.pass_ms(5_100);
        assert!(world.is_closed(peer), "… but not for ever");
    }
}

/// RFC 6455 §8.1 with §5.4: text fails at its first wrong byte, not at the end of its message.
#[test]
fn wrong_text_fails_at_once_in_a_frame_that_is_not_complete() {
    let mut world = World::with_echo();
    let peer = world.open("/echo");
    let message = wire::frame(0x81, "κόσμε\u{10FFFF}...".as_bytes());
    let mut wrong = message.clone();
    wrong[6 + 11] ^= 0x80;
    world.send(peer, &wrong[..6 + 11]);
    assert_eq!(world.told(peer), []);
    world.send(peer, &wrong[6 + 11..6 + 12]);
    assert_eq!(world.told(peer), [Told::Close(Some(1007))]);
}

#[test]
fn peer_that_sends_for_ever_after_the_close_is_cut_off() {
    let mut world = World::new();
    let peer = world.watch();
    world.send(peer, &wire::close(1000));
    for _ in 0..100 {
        if !world.is_closed(peer) {
            world.send(peer, &[0; 1024]);
        }
    }
    assert!(world.is_closed(peer));
}

#[test]
fn deadlines_are_not_pushed_out_by_bytes() {
    let mut world = World::new();
    let peer = world.connect();
    let request = wire::handshake("/ws", "");
    for byte in request.chunks(1).take(11) {
        world.send(peer, byte);
        world.pass_ms(900);
    }
    world.pass_ms(200);
    assert!(world.is_closed(peer), "10 s after it was accepted");
}

#[test]
fn kept_connection_that_asks_nothing_is_closed() {
    let mut world = World::new();
    let peer = world.connect();
    world.pass_ms(9_000);
    world.send(peer, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(world.answer(peer).status, 200);
    world.pass_ms(9_900);
    assert!(!world.is_closed(peer));
    world.pass_ms(300);
    assert!(world.is_closed(peer));
}

#[test]
fn peer_that_answers_pings_stays_and_another_goes() {
    let mut world = World::new();
    let (alive, dead) = (world.watch(), world.watch());
    for _ in 0..40 {
        world.pass_ms(5_000);
        for told in world.told(alive) {
            let Told::Ping(data) = told else { panic!("{told:?}") };
            world.send(alive, &wire::frame(0x8A, &data));
        }
    }
    assert!(!world.is_closed(alive));
    assert!(world.is_closed(dead));
    assert!(matches!(world.told(dead)[..], [Told::Ping(_)]));
}

#[test]
fn dead_peer_is_gone_within_the_ping_and_the_pong() {
    let mut world = World::new();
    let dead = world.watch();
    world.login(dead, "Ada");
    world.pass_ms(22_500 + 10_000 - 100);
    assert!(!world.is_closed(dead));
    world.pass_ms(2 * 2_500 + 400);
    assert!(world.is_closed(dead));
    assert_eq!(world.names(), [""; 0]);
}

#[test]
fn stopping_server_says_1001_and_waits_for_the_answers() {
    let mut world = World::new();
    let (polite, silent, page) = (world.watch(), world.watch(), world.connect());
    world.login(silent, "Ada");
    world.told(polite);
    world.hub.stop(world.now);
    world.turn();
    assert_eq!(world.told(polite), [Told::Close(Some(1001))]);
    assert!(!world.is_half_closed(polite), "the closing handshake comes first");
    world.send(polite, &wire::close(1001));
    assert!(world.is_half_closed(polite));
    world.end(polite);
    assert!(world.is_closed(polite));
    assert!(world.is_half_closed(page));
    assert!(world.connect_from("127.0.0.1".parse().unwrap()).is_err());
    world.pass_ms(5_200);
    assert!(world.is_closed(silent) && world.is_closed(page));
    assert!(world.hub.is_empty());
}

/// A stopping server that has 1001 under way ignores the messages of its peer and awaits its Close.
#[test]
fn messages_between_the_two_closes_are_ignored() {
    let mut world = World::with_echo();
    let (echo, roster) = (world.open("/echo"), world.watch());
    world.hub.stop(world.now);
    for peer in [echo, roster] {
        let messages =
            [wire::text("x"), wire::frame(0x82, b"y"), wire::text("[\"login\",\"Ada\"]")];
        world.send(peer, &[messages.concat(), wire::close(1000)].concat());
        assert_eq!(world.told(peer), [Told::Close(Some(1001))]);
        assert!(world.is_half_closed(peer));
    }
}

/// RFC 6455 §5.5.2: a Ping is answered until the peer's Close has come, and §7.1.7: until the
/// connection is failed.
#[test]
fn pings_between_the_two_closes_are_answered() {
    for end in [wire::close(1000), b"\x89\x00".to_vec()] {
        for path in ["/echo", "/ws"] {
            let mut world = World::with_echo();
            let peer = world.open(path);
            world.told(peer);
            world.hub.stop(world.now);
            world.send(peer, &wire::frame(0x89, b"1"));
            assert_eq!(world.told(peer), [Told::Close(Some(1001)), Told::Pong(b"1".into())]);
            world.send(
                peer,
                &[wire::frame(0x89, b"2"), end.clone(), wire::frame(0x89, b"3")].concat(),
            );
            assert_eq!(world.told(peer), [Told::Pong(b"2".into())]);
            assert!(world.is_half_closed(peer));
            world.send(peer, &wire::frame(0x89, b"4"));
            assert_eq!(world.told(peer), []);
        }
    }
}

/// The limits on what a peer may ask for hold until the end.
#[test]
fn pings_between_the_two_closes_are_limited() {
    let mut world = World::with_echo();
    let (often, slow) = (world.watch(), world.open("/echo"));
    world.hub.stop(world.now);
    world.send(often, &wire::frame(0x89, b"").repeat(21));
    let told = world.told(often);
    assert_eq!(told.len(), 1 + 20, "--control-frames-burst is 20: {told:?}");
    assert!(world.is_half_closed(often), "it was told 1001 before and is told no second code");

    world.told(slow);
    world.set_room(slow, 0);
    world.send(slow, &wire::frame(0x89, &[b'p'; 125]).repeat(600));
    assert!(!world.hub.wants_read(world.id(slow)), "--reply-bytes-max is 64 KiB");
    assert!(world.hub.buffered_bytes() < 512 * 1024);
    world.pass_ms(5_200);
    assert!(world.is_closed(slow), "a closing handshake has its time whatever is asked in it");
}

/// RFC 6455 §5.5.1: after a Close frame no data are sent, though a commit was due for everyone.
#[test]
fn commit_that_is_pending_is_not_told_after_the_close() {
    let mut world = World::new();
    let (ada, watcher) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    assert_eq!(world.told(watcher).len(), 1, "the first commit is at once …");
    let login = wire::text("[\"login\",\"Countess\"]");
    world.send(ada, &login);
    assert_eq!(world.told(watcher), [], "… and the second is pending");
    world.told(ada);
    world.hub.stop(world.now);
    world.pass_ms(1_000);
    for peer in [ada, watcher] {
        assert_eq!(world.told(peer), [Told::Close(Some(1001))]);
    }
}

#[test]
fn end_of_input_after_a_request_still_gets_the_answer() {
    let mut world = World::new();
    let peer = world.connect();
    world.set_room(peer, 10);
    world.send(peer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    world.end(peer);
    assert!(!world.is_closed(peer));
    world.set_room(peer, usize::MAX);
    world.turn();
    assert_eq!(world.answer(peer).status, 200);
    assert!(world.is_closed(peer));
}

#[test]
fn close_timeout_is_a_limit() {
    let limits = Limits { close_timeout_ms: 300, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let peer = world.watch();
    world.send(peer, &wire::close(1000));
    world.pass_ms(200);
    assert!(!world.is_closed(peer));
    world.pass_ms(250);
    assert!(world.is_closed(peer));
}
