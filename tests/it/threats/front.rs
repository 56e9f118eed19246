//! Where HTTP ends and the WebSocket begins (A15, C6, C7, C11), and what answers and paths can't
//! be made to say (C10, C12).

use allocation_counter::measure;
use headcount::config::{Config, OriginPolicy};

use super::{Bare, generous};
use crate::handshake::{LINE, check_handshake, handshake, with_echo};
use crate::http::{NEXT, check, exchange};
use crate::wire::{self, Told};
use crate::world::World;
use headcount_support::fuzz::Xorshift;

#[test]
fn a15_frames_in_the_segment_of_the_handshake_are_handled_in_order() {
    let frames = [wire::text("one"), wire::frame(0x89, b"two"), wire::frame(0x82, b"three")];
    let stream = [wire::handshake("/echo", ""), frames.concat()].concat();
    let expected =
        [Told::Text("one".into()), Told::Pong(b"two".into()), Told::Binary(b"three".into())];
    let mut world = World::with_echo();
    let mut check = |parts: &[&[u8]]| {
        let peer = world.connect();
        parts.iter().for_each(|part| world.send(peer, part));
        assert_eq!(world.answer(peer).status, 101);
        assert_eq!(world.told(peer), expected);
        world.reset(peer);
    };
    check(&[&stream]);
    check(&stream.chunks(1).collect::<Vec<_>>());
    for cut in 0..=stream.len() {
        let (front, back) = stream.split_at(cut);
        check(&[front, back]);
        let (back, rest) = back.split_at(back.len() / 2);
        check(&[front, back, rest]);
    }
}

/// Each is refused, and the frames and the request after it are never looked at.
#[test]
fn c6_upgrade_that_is_not_one_opens_nothing() {
    let rows: &[(&str, &[u8], u16)] = &[
        ("Version", b"Sec-WebSocket-Version: 12", 426),
        ("Version", b"Sec-WebSocket-Version: 14", 426),
        ("Version", b"Sec-WebSocket-Version: 1337", 426),
        ("Version", b"Sec-WebSocket-Version: 013", 426),
        ("Version", b"Sec-WebSocket-Version: 13, 8", 426),
        ("Version", b"Sec-WebSocket-Version:", 426),
        ("Version", b"X: y", 426),
        ("Version", b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8", 400),
        ("Key", b"X: y", 400),
        ("Key", b"Sec-WebSocket-Key:", 400),
        ("Key", b"Sec-WebSocket-Key: short", 400),
        ("Key", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=", 400),
        ("Key", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: x", 400),
        ("Connection", b"X: y", 400),
        ("Connection", b"Connection: close", 400),
        ("Connection", b"Connection: keep-alive, Upgraded", 400),
        ("Upgrade", b"X: y", 426),
        ("Upgrade", b"Upgrade: h2c", 426),
        ("Upgrade", b"Upgrade: websockets", 426),
        ("Upgrade", b"Upgrade: web\r\nUpgrade: socket", 426),
        ("Upgrade", b"Upgrade: websocket/13", 426),
        ("", b"Content-Length: 3", 400),
        ("", b"Transfer-Encoding: chunked", 400),
    ];
    for (name, lines, status) in rows {
        check_handshake(&with_echo(), "C6", &handshake(LINE, name, lines), *status);
    }
    for (line, status) in [
        ("POST /echo HTTP/1.1", 405),
        ("PUT /echo HTTP/1.1", 405),
        ("HEAD /echo HTTP/1.1", 405),
        ("CONNECT localhost:3000 HTTP/1.1", 405),
        ("GET /echo HTTP/1.0", 400),
        ("GET /echo HTTP/2.0", 505),
        ("GET /echo", 400),
    ] {
        let raw = handshake(line.as_bytes(), "", b"");
        check(&with_echo(), "C6", &[&raw[..], &wire::text("x")].concat(), &[status], false);
    }
    // Several fields are one list.
    for lines in ["Upgrade: websocket\r\nUpgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"]
    {
        check_handshake(&with_echo(), "C6", &handshake(LINE, "Upgrade", lines.as_bytes()), 101);
    }
}

/// A body never becomes the next request, and what follows a body is never lost in it: whatever the
/// route, the method and the length. With `Expect` nobody knows whether the body comes, so nothing
/// that follows is looked at.
#[test]
fn c7_body_is_never_the_next_request() {
    let smuggled = String::from_utf8(NEXT.to_vec()).unwrap();
    let length = format!("Content-Length: {}\r\n", smuggled.len());
    let chunks = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());
    let bodies: [(&str, &str, Option<u16>); 8] = [
        (&length, &smuggled, None),
        ("Content-Length: 5\r\n", "hello", None),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", None),
        ("Transfer-Encoding: chunked\r\n", &chunks, None),
        ("Content-Length: 5\r\nExpect: 100-continuex\r\n", "hello", Some(417)),
        ("Content-Length: 65537\r\n", &smuggled, Some(413)),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n", Some(400)),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello!\r\n0\r\n\r\n", Some(400)),
    ];
    for path in ["/", "/roster", "/healthz", "/ws", "/echo", "/nothing", "/socket.io/", "/page.js"]
    {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let line = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n");
            let plain = exchange_next(&line, "", "", method);
            assert_eq!(plain.1, plain.0.field("Connection").is_none(), "{line}");
            for (lines, body, refusal) in bodies {
                let (answer, is_kept) = exchange_next(&line, lines, body, method);
                match refusal {
                    // A body changes nothing.
                    None => assert!((answer, is_kept) == plain, "{line}{lines}"),
                    Some(status) => assert_eq!((answer.status, is_kept), (status, false), "{line}"),
                }
            }
            for body in ["", "hello"] {
                let lines = "Content-Length: 5\r\nExpect: 100-continue\r\n";
                let (answer, is_kept) = exchange_next(&line, lines, body, method);
                assert_eq!((answer.status, is_kept), (plain.0.status, false), "{line}{lines}");
            }
        }
    }
}

/// What a request is answered, in whatever pieces it comes, and whether the next one is answered
/// too.
fn exchange_next(line: &str, lines: &str, body: &str, method: &str) -> (wire::Answer, bool) {
    let stream = [format!("{line}{lines}\r\n{body}").as_bytes(), NEXT].concat();
    let mut world = World::new();
    let whole = exchange(&mut world, [&stream[..]]);
    assert!(exchange(&mut world, stream.chunks(7)) == whole, "{line}{lines}");
    let (mut bytes, is_ended) = whole;
    let answer = wire::take_answer(&mut bytes, method == "HEAD").expect("an answer");
    let next = wire::take_answer(&mut bytes, false).map(|next| next.body);
    assert_eq!(next, (!is_ended).then(|| b"ok\n".to_vec()), "{line}{lines}");
    assert!(bytes.is_empty(), "{line}{lines}");
    (answer, !is_ended)
}

/// The parts of a handshake in which something is injected.
const PARTS: [&str; 14] = [
    "GET",
    " /",
    "ws",
    " HTTP/1.1",
    "\r\nHost: a",
    "\r\nUpgrade: websocket",
    "\r\nConnection: Upgrade",
    "\r\nSec-WebSocket-Version: 13",
    "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "\r\nSec-WebSocket-Protocol: headcount.v1",
    "\r\nOrigin: https://b.com",
    "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=10",
    "\r\nIf-None-Match: \"x\"",
    "\r\n\r\n",
];

/// CR, LF and NUL, wherever they are put: no answer has a line that is not the server's own.
#[test]
fn c10_nothing_of_a_request_gets_into_the_head_of_an_answer() {
    let mut random = Xorshift::new(10);
    let injected = ["\r\nZzz: 1", "\nZzz: 1", "\rZzz: 1", "\0Zzz", "\r\n\r\nZzz", "%0d%0aZzz: 1"];
    let origins = OriginPolicy::Listed(vec!["https://b.com".parse().unwrap()]);
    let mut world = World::with(Config { origins, echo: true, ..Config::default() });
    for _ in 0..5_000 {
        let mut parts = PARTS.map(str::to_owned);
        for _ in 0..=random.below(2) {
            let (part, what) = (random.below(parts.len()), random.below(injected.len()));
            let at = random.below(parts[part].len() + 1);
            parts[part].insert_str(at, injected[what]);
        }
        let raw = parts.concat();
        let (bytes, _) = exchange(&mut world, [raw.as_bytes()]);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        assert!(!text.contains("zzz"), "{raw:?}: {text:?}");
    }
}

/// An upgrade that is refused at each of its checks, with frames behind it: the connection is freed
/// once and wholly.
#[test]
fn c11_refused_upgrade_leaves_nothing_behind() {
    let frames = [wire::text("one").repeat(50), wire::frame(0x82, &[7; 9_000])].concat();
    let good = handshake(LINE, "", b"");
    let refused = [
        ("Upgrade", "Upgrade: h2c"),
        ("Connection", "Connection: close"),
        ("Version", "Sec-WebSocket-Version: 12"),
        ("Version", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13"),
        ("Key", "Sec-WebSocket-Key: x"),
        ("Host", "Host: a\r\nOrigin: http://evil.com"),
        ("", "Sec-WebSocket-Protocol: a b"),
        ("", "Sec-WebSocket-Extensions: permessage-deflate; ="),
        ("", "Content-Length: 5"),
    ]
    .map(|(name, lines)| handshake(LINE, name, lines.as_bytes()));
    let mut server = Bare::with(generous());
    let mut life = |raw: &[u8], size: usize, is_reset: bool| {
        let id = server.accept();
        for piece in [raw, &frames].concat().chunks(size) {
            server.send(id, piece);
        }
        if is_reset {
            server.hub.lost(id);
        }
        server.hub.ended(id, server.now);
        server.take(id);
        assert_eq!(server.turn(), 1, "it is reaped, and once");
        assert!(server.hub.is_empty());
        assert_eq!(server.hub.buffered_bytes(), 0);
    };
    // What the hub keeps for all of them has grown by then.
    (0..50).for_each(|_| life(&good, 1, false));
    for raw in &refused {
        for size in [1, 100, 20_000] {
            for is_reset in [false, true] {
                let memory = measure(|| life(raw, size, is_reset));
                assert!(memory.bytes_current <= 0, "{} bytes", memory.bytes_current);
            }
        }
    }
}

/// Files are in a table under the path that is asked for, and no more is served than one part.
#[test]
fn c12_paths_lead_nowhere_else_and_floods_of_ranges_get_the_whole() {
    let mut world = World::new();
    let mut get = |path: &str, lines: &str| {
        let raw = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        let (mut bytes, _) = exchange(&mut world, [raw.as_bytes()]);
        wire::take_answer(&mut bytes, false).expect("an answer")
    };
    let dots = ["..", "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..;", "%c0%ae%c0%ae", "..."];
    let slashes = ["/", "%2f", "%2F", "%5c", "\\", "%252f", "%c0%af", "//"];
    for dot in dots {
        for slash in slashes {
            for file in ["page.js", "Cargo.toml", "etc/passwd", "www/index.html"] {
                for path in [
                    format!("/{dot}{slash}{file}"),
                    format!("/x{slash}{dot}{slash}{file}"),
                    format!("/{dot}{slash}{dot}{slash}{dot}{slash}{file}"),
                ] {
                    let answer = get(&path, "");
                    let is_invalid = ["%2f", "%2F", "%c0"].iter().any(|bad| path.contains(bad));
                    assert_eq!(answer.status, if is_invalid { 400 } else { 404 }, "{path}");
                    assert_eq!(
                        answer.body.iter().filter(|byte| **byte == b'\n').count(),
                        1,
                        "{path}"
                    );
                }
            }
        }
    }
    for near in ["/page.js/", "//page.js", "/page.js.", "/PAGE.JS", "/page%252ejs", "/page.js%20"] {
        assert_eq!(get(near, "").status, 404, "{near}");
    }
    let whole = get("/page.js", "");
    let flood = format!("bytes={}", "0-,".repeat(2_000));
    for range in ["bytes=5-2", "bytes=0-0,0-0", "bytes=0-,0-", "bytes=--1", &flood] {
        let answer = get("/page.js", &format!("Range: {range}\r\n"));
        assert!(answer == whole, "{range:.20}");
    }
}
