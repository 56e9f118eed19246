//! The opening handshake (RFC 6455 §4.2), and what may not open a WebSocket.
//!
//! Tables like those of `http`. What opens is followed by frames, which must be handled whatever
//! segments they come in (A15); what is refused is followed by frames and a request, which must
//! not be looked at (C6, C11).

use headcount::config::Config;
use serde_json::json;

use crate::http::{check, exchange};
use crate::wire::{self, Answer, Told};
use crate::world::World;

/// A rule of §4.2.1, the lines in place of the field that it is about, and the status.
type Row = (&'static str, &'static [u8], u16);

pub const LINE: &[u8] = b"GET /echo HTTP/1.1";

/// The fields of a good handshake, that of RFC 6455 §1.2.
const FIELDS: [(&str, &[u8]); 5] = [
    ("Host", b"Host: localhost:3000"),
    ("Upgrade", b"Upgrade: websocket"),
    ("Connection", b"Connection: Upgrade"),
    ("Key", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ("Version", b"Sec-WebSocket-Version: 13"),
];

/// A handshake with `lines` in place of the field `name`, or added to the others.
pub fn handshake(request_line: &[u8], name: &str, lines: &[u8]) -> Vec<u8> {
    let replaced = |(other, line): (&str, &'static [u8])| if other == name { lines } else { line };
    let mut all = vec![request_line];
    all.extend(FIELDS.map(replaced));
    if FIELDS.iter().all(|(other, _)| *other != name) {
        all.push(lines);
    }
    all.retain(|line| !line.is_empty());
    [&all.join(&b"\r\n"[..])[..], b"\r\n\r\n"].concat()
}

pub fn with_echo() -> Config {
    Config { echo: true, ..Config::default() }
}

/// The handshake `raw` opens a WebSocket or is answered with another status. Gives the answer.
pub fn check_handshake(config: &Config, rule: &str, raw: &[u8], status: u16) -> Answer {
    let frames = [
        wire::text("one"),
        wire::frame(0x89, b"two"),
        wire::frame(0x02, b"thr"),
        wire::frame(0x80, b"ee"),
        wire::close(1000),
    ]
    .concat();
    let stream = [raw, &frames].concat();
    let case = format!("{rule}: {}", raw.escape_ascii());
    let mut world = World::with(config.clone());
    let (whole, is_ended) = exchange(&mut world, [&stream[..]]);
    let mut rest = whole.clone();
    let answer = wire::take_answer(&mut rest, raw.starts_with(b"HEAD")).expect(&case);
    assert_eq!(answer.status, status, "{case}");
    if status != 101 {
        check(config, rule, &stream, &[status], false);
        assert_eq!(answer.field("Sec-WebSocket-Accept"), None, "{case}");
        let upgrade = (status == 426).then_some("websocket");
        assert_eq!(answer.field("Upgrade"), upgrade, "9110 §15.5.22: {case}");
        let version = (status == 426).then_some("13");
        assert_eq!(answer.field("Sec-WebSocket-Version"), version, "6455 §4.4: {case}");
        let connection = if status == 426 { "close, Upgrade" } else { "close" };
        assert_eq!(answer.field("Connection"), Some(connection), "{case}");
        return answer;
    }
    assert!(is_ended, "both have closed: {case}");
    for cut in 1..stream.len() {
        let (front, back) = stream.split_at(cut);
        let (bytes, is_ended) = exchange(&mut world, [front, back]);
        assert!(bytes == whole && is_ended, "cut at {cut}: {case}\n{}", bytes.escape_ascii());
    }
    assert!(exchange(&mut world, stream.chunks(1)) == (whole, true), "byte by byte: {case}");
    assert!(world.hub.is_empty(), "{case}");
    // §4.2.2, 5; RFC 9110 §8.6: a 101 has no length.
    assert_eq!(answer.field("Upgrade"), Some("websocket"), "{case}");
    assert_eq!(answer.field("Connection"), Some("Upgrade"), "{case}");
    assert!(answer.field("Sec-WebSocket-Accept").is_some(), "{case}");
    assert_eq!(answer.field("Content-Length"), None, "{case}");
    assert_eq!(answer.field("Transfer-Encoding"), None, "{case}");
    let told = [
        Told::Text("one".into()),
        Told::Pong(b"two".into()),
        Told::Binary(b"three".into()),
        Told::Close(Some(1000)),
    ];
    assert_eq!(wire::take_frames(&mut rest), told, "{case}");
    assert_eq!(rest, b"", "{case}");
    answer
}

fn check_rows(name: &str, rows: &[Row]) {
    for (rule, lines, status) in rows {
        check_handshake(&with_echo(), rule, &handshake(LINE, name, lines), *status);
    }
}

#[test]
fn handshake_is_a_get_request_of_http_1_1() {
    for (rule, request_line, status) in [
        ("6455 §4.2.1, 1 GET", &b"GET /echo HTTP/1.1"[..], 101),
        ("6455 §4.2.1, 1 a resource name has a query", b"GET /echo?a=/b HTTP/1.1", 101),
        ("6455 §4.2.1, 1 or is absolute", b"GET http://localhost:3000/echo HTTP/1.1", 101),
        ("6455 §4.2.1, 1 or is absolute", b"GET http://localhost:3000/echo?a HTTP/1.1", 101),
        ("9110 §7.4 but not https, without TLS", b"GET https://localhost:3000/echo HTTP/1.1", 421),
        ("6455 §4.2.1, 1 not HEAD", b"HEAD /echo HTTP/1.1", 405),
        ("6455 §4.2.1, 1 not POST", b"POST /echo HTTP/1.1", 405),
        ("6455 §4.2.1, 1 not PUT", b"PUT /echo HTTP/1.1", 405),
        ("6455 §4.2.1, 1 not OPTIONS", b"OPTIONS /echo HTTP/1.1", 405),
        ("6455 §4.2.1, 1 not TRACE", b"TRACE /echo HTTP/1.1", 405),
        ("6455 §4.2.1, 1 not CONNECT (RFC 8441 is HTTP/2)", b"CONNECT a:80 HTTP/1.1", 405),
        ("6455 §4.2.1, 1 not get", b"get /echo HTTP/1.1", 501),
        ("6455 §4.2.1, 1 not another", b"WEBSOCKET /echo HTTP/1.1", 501),
        ("6455 §4.2.1, 1 not HTTP/1.0", b"GET /echo HTTP/1.0", 400),
        ("6455 §4.2.1, 1 or higher (9110 §6.2: like 1.1)", b"GET /echo HTTP/1.2", 101),
        ("6455 §4.2.1, 1 or higher (9110 §6.2: like 1.1)", b"GET /echo HTTP/1.9", 101),
        ("9110 §15.6.6 no other major version", b"GET /echo HTTP/2.0", 505),
        ("9112 §2.3 no version", b"GET /echo", 400),
        ("6455 §4.1 not in the scheme ws", b"GET ws://localhost:3000/echo HTTP/1.1", 400),
        ("9112 §3.2.1 no path", b"GET echo HTTP/1.1", 400),
        ("9112 §3.2 a fragment", b"GET /echo#x HTTP/1.1", 400),
    ] {
        check_handshake(&with_echo(), rule, &handshake(request_line, "", b""), status);
    }
}

#[test]
fn handshake_has_a_host() {
    check_rows(
        "Host",
        &[
            ("6455 §4.2.1, 2 Host", b"Host: LOCALHOST", 101),
            ("6455 §4.2.1, 2 none", b"", 400),
            ("9112 §3.2 two", b"Host: localhost:3000\r\nHost: localhost:3000", 400),
            ("9112 §3.2 a bad one", b"Host: localhost:3000/echo", 400),
            ("9110 §4.2.1 an empty one", b"Host:", 400),
        ],
    );
}

#[test]
fn handshake_upgrades_to_websocket() {
    check_rows(
        "Upgrade",
        &[
            ("6455 §4.2.1, 3 no case", b"Upgrade: WebSocket", 101),
            ("6455 §4.2.1, 3 no case", b"UPGRADE: WEBSOCKET", 101),
            ("9110 §7.8 a list", b"Upgrade: h2c, websocket", 101),
            ("9110 §7.8 a list", b"Upgrade: websocket, h2c", 101),
            ("9110 §7.8 a list", b"Upgrade: a/1,websocket\t,b/2", 101),
            ("9110 §5.6.1 empty elements", b"Upgrade: , websocket,,", 101),
            ("9110 §5.3 in two lines", b"Upgrade: h2c\r\nUpgrade: websocket", 101),
            ("9112 §5 white space around", b"Upgrade:\t websocket \t", 101),
            ("6455 §4.2.1, 3 none", b"", 426),
            ("6455 §4.2.1, 3 empty", b"Upgrade:", 426),
            ("6455 §4.2.1, 3 h2c", b"Upgrade: h2c", 426),
            ("6455 §4.2.1, 3 h2c and TLS", b"Upgrade: h2c\r\nUpgrade: TLS/1.0", 426),
            ("6455 §4.2.1, 3 more", b"Upgrade: websockets", 426),
            ("6455 §4.2.1, 3 more", b"Upgrade: xwebsocket", 426),
            ("6455 §4.2.1, 3 less", b"Upgrade: websocke", 426),
            ("6455 §4.2.1, 3 in two", b"Upgrade: web socket", 426),
            ("6455 §4.2.1, 3 in two", b"Upgrade: web, socket", 426),
            ("6455 §4.2.1, 3 with a version", b"Upgrade: websocket/13", 426),
            ("6455 §4.2.1, 3 quoted", b"Upgrade: \"websocket\"", 426),
            ("6455 §4.2.1, 3 with a parameter", b"Upgrade: websocket;q=1", 426),
            ("6455 §4.2.1, 3 of another alphabet", b"Upgrade: websoc\xe2\x84\xaaet", 426),
            ("9110 §5.1 another field", b"X-Upgrade: websocket", 426),
            ("9112 §5.1 white space before the colon", b"Upgrade : websocket", 400),
            ("9112 §5.2 obs-fold", b"Upgrade: h2c,\r\n websocket", 400),
        ],
    );
}

#[test]
fn handshake_names_upgrade_in_connection() {
    check_rows(
        "Connection",
        &[
            ("6455 §4.2.1, 4 no case", b"Connection: upgrade", 101),
            ("6455 §4.2.1, 4 no case", b"CONNECTION: UPGRADE", 101),
            ("6455 §4.2.1, 4 includes it", b"Connection: keep-alive, Upgrade", 101),
            ("6455 §4.2.1, 4 includes it", b"Connection: Upgrade,keep-alive", 101),
            ("6455 §4.2.1, 4 includes it", b"Connection: x\t, UpGrade ,y", 101),
            ("9110 §5.6.1 empty elements", b"Connection: ,,Upgrade, ", 101),
            ("9110 §5.3 in two lines", b"Connection: keep-alive\r\nConnection: Upgrade", 101),
            ("6455 §4.2.1, 4 none", b"", 400),
            ("6455 §4.2.1, 4 empty", b"Connection:", 400),
            ("6455 §4.2.1, 4 another", b"Connection: keep-alive", 400),
            ("6455 §4.2.1, 4 another", b"Connection: close", 400),
            ("6455 §4.2.1, 4 another", b"Connection: websocket", 400),
            ("6455 §4.2.1, 4 more", b"Connection: Upgrades", 400),
            ("6455 §4.2.1, 4 in two", b"Connection: Up grade", 400),
            ("6455 §4.2.1, 4 no comma", b"Connection: keep-alive Upgrade", 400),
            ("6455 §4.2.1, 4 quoted", b"Connection: \"Upgrade\"", 400),
            ("9110 §5.1 another field", b"Proxy-Connection: Upgrade", 400),
        ],
    );
}

const KEYS: &[Row] = &[
    ("6455 §4.2.1, 5 white space around", b"Sec-WebSocket-Key:\tdGhlIHNhbXBsZSBub25jZQ== ", 101),
    ("9110 §5.1 no case", b"SEC-WEBSOCKET-KEY: dGhlIHNhbXBsZSBub25jZQ==", 101),
    (
        "4648 §3.5 house: bits that are not read",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZf==",
        101,
    ),
    ("6455 §4.2.1, 5 none", b"", 400),
    ("6455 §4.2.1, 5 empty", b"Sec-WebSocket-Key:", 400),
    ("6455 §4.2.1, 5 nothing in it", b"Sec-WebSocket-Key: ==", 400),
    ("6455 §4.2.1, 5 no base64", b"Sec-WebSocket-Key: the sample nonce", 400),
    ("6455 §4.2.1, 5 1 byte", b"Sec-WebSocket-Key: AA==", 400),
    ("6455 §4.2.1, 5 15 bytes", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j", 400),
    ("6455 §4.2.1, 5 17 bytes", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=", 400),
    ("6455 §4.2.1, 5 18 bytes", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWVl", 400),
    (
        "6455 §4.2.1, 5 32 bytes",
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        400,
    ),
    ("4648 §4 no padding", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ", 400),
    ("4648 §4 half the padding", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=", 400),
    ("4648 §4 more padding", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ===", 400),
    ("4648 §4 padding in front", b"Sec-WebSocket-Key: ==dGhlIHNhbXBsZSBub25jZQ", 400),
    ("4648 §5 another alphabet", b"Sec-WebSocket-Key: dGhl-HNhbXBs_SBub25jZQ==", 400),
    ("4648 §3.3 no other characters", b"Sec-WebSocket-Key: dGhlIHNhbXBs ZSBub25jZQ==", 400),
    ("4648 §3.3 no other characters", b"Sec-WebSocket-Key: dGhlIHNhbXBs\xe9SBub25jZQ==", 400),
    ("6455 §4.2.1, 5 quoted", b"Sec-WebSocket-Key: \"dGhlIHNhbXBsZSBub25jZQ==\"", 400),
    ("6455 §4.2.1, 5 with a parameter", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==;x", 400),
    ("6455 §4.2.1, 5 a list", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==,", 400),
    (
        "6455 §11.3.1 twice the same",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        400,
    ),
    (
        "6455 §11.3.1 twice, one empty",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key:",
        400,
    ),
    (
        "6455 §11.3.1 a list of two",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
        400,
    ),
];

#[test]
fn handshake_has_one_key_of_sixteen_bytes() {
    check_rows("Key", KEYS);
}

#[test]
fn handshake_has_version_13() {
    check_rows(
        "Version",
        &[
            ("6455 §4.2.1, 6 white space around", b"Sec-WebSocket-Version: \t13 ", 101),
            ("6455 §4.2.1, 6 none", b"", 426),
            ("6455 §4.2.1, 6 empty", b"Sec-WebSocket-Version:", 426),
            ("6455 §4.2.1, 6 hybi-07", b"Sec-WebSocket-Version: 7", 426),
            ("6455 §4.2.1, 6 hybi-10", b"Sec-WebSocket-Version: 8", 426),
            ("6455 §4.2.1, 6 one less", b"Sec-WebSocket-Version: 12", 426),
            ("6455 §4.2.1, 6 one more", b"Sec-WebSocket-Version: 14", 426),
            ("6455 §4.2.1, 6 1337", b"Sec-WebSocket-Version: 1337", 426),
            ("6455 §4.4 a client names one", b"Sec-WebSocket-Version: 13, 8", 426),
            ("6455 §4.4 a client names one", b"Sec-WebSocket-Version: 8, 13", 426),
            ("6455 §4.4 a client names one", b"Sec-WebSocket-Version: 13, 13", 426),
            ("6455 §4.4 a client names one", b"Sec-WebSocket-Version: 13,", 426),
            ("6455 §4.3 no leading zero", b"Sec-WebSocket-Version: 013", 426),
            ("6455 §4.3 no sign", b"Sec-WebSocket-Version: +13", 426),
            ("6455 §4.3 no fraction", b"Sec-WebSocket-Version: 13.0", 426),
            ("6455 §4.3 not in hexadecimal", b"Sec-WebSocket-Version: 0xd", 426),
            ("6455 §4.3 in one piece", b"Sec-WebSocket-Version: 1 3", 426),
            ("6455 §4.3 quoted", b"Sec-WebSocket-Version: \"13\"", 426),
            ("6455 §4.3 2^32 + 13", b"Sec-WebSocket-Version: 4294967309", 426),
            ("6455 §4.3 2^8 + 13", b"Sec-WebSocket-Version: 269", 426),
            ("6455 §11.3.5 twice", b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8", 400),
            ("6455 §11.3.5 twice", b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13", 400),
        ],
    );
}

/// Whatever else is wrong with a request is also wrong with a handshake (A14).
#[test]
fn handshake_is_refused_for_what_any_request_is() {
    check_rows(
        "",
        &[
            ("9112 §6.3 no body", b"Content-Length: 0", 101),
            ("9110 §10.1.1 an expectation", b"Expect: 100-continue", 101),
            ("9110 §14.2 Range", b"Range: bytes=0-0", 101),
            ("6455 §4.2.1, 8–10 other fields", b"Cookie: a=b\r\nX: y", 101),
            ("9110 §7.8 house: no body", b"Content-Length: 3", 400),
            ("9110 §8.6 not a number", b"Content-Length: x", 400),
            ("9110 §7.8 house: no body", b"Transfer-Encoding: chunked", 400),
            ("9112 §6.1 no other coding", b"Transfer-Encoding: gzip, chunked", 501),
            ("9110 §10.1.1 another expectation", b"Expect: x", 417),
            ("9112 §5.1 white space before the colon", b"X : y", 400),
            ("9112 §5.2 obs-fold", b" x", 400),
            ("9112 §2.2 LF", b"X: y\nX: y", 400),
            ("9110 §5.5 NUL", b"X: \0", 400),
            ("C8 another origin", b"Origin: http://evil.com", 403),
        ],
    );
}

/// §4.2.2, 5: the proof is computed from the key as it was sent.
#[test]
fn server_proves_that_it_read_the_key() {
    for (key, accept) in [
        ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        ("AAAAAAAAAAAAAAAAAAAAAA==", "ICX+Yqv66kxgM0FcWaLWlFLwTAI="),
        ("/+/+/+/+/+/+/+/+/+/+/w==", "YdypOIlszlAa8WZtOS9miNhQsaE="),
        ("x3JJHMbDL1EzLkh9GBhXDw==", "HSmrc0sMlYUkAGmm5OPpG2HaGWk="),
    ] {
        let lines = format!("Sec-WebSocket-Key: {key}");
        let raw = handshake(LINE, "Key", lines.as_bytes());
        let answer = check_handshake(&with_echo(), "6455 §4.2.2, 5", &raw, 101);
        assert_eq!(answer.field("Sec-WebSocket-Accept"), Some(accept));
    }
}

/// §4.2.2, 5 and §11.3.4: one of those that the client offers, or none.
#[test]
fn subprotocol_is_chosen_from_the_offers() {
    let mut world = World::with_echo();
    for (lines, is_chosen) in [
        ("", false),
        ("Sec-WebSocket-Protocol: headcount.v2", true),
        ("sec-websocket-protocol:headcount.v2", true),
        ("Sec-WebSocket-Protocol: chat, headcount.v2", true),
        ("Sec-WebSocket-Protocol: headcount.v2,chat", true),
        ("Sec-WebSocket-Protocol: chat\t,\t headcount.v2 ,x", true),
        ("Sec-WebSocket-Protocol: ,, headcount.v2", true),
        ("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: headcount.v2", true),
        ("Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol: headcount.v2,", true),
        ("Sec-WebSocket-Protocol: chat, superchat", false),
        ("Sec-WebSocket-Protocol: Headcount.v1", false),
        ("Sec-WebSocket-Protocol: headcount.v20", false),
        ("Sec-WebSocket-Protocol: xheadcount.v2", false),
        ("Sec-WebSocket-Protocol: headcount", false),
        ("Sec-WebSocket-Protocol: constructor, __proto__", false),
        ("X-Sec-WebSocket-Protocol: headcount.v2", false),
    ] {
        for (path, is_possible) in [("/ws", true), ("/echo", false)] {
            let raw = handshake(format!("GET {path} HTTP/1.1").as_bytes(), "", lines.as_bytes());
            let (mut bytes, _) = exchange(&mut world, [&raw[..]]);
            let answer = wire::take_answer(&mut bytes, false).unwrap();
            assert_eq!(answer.status, 101, "{lines}");
            let expected = (is_chosen && is_possible).then_some("headcount.v2");
            assert_eq!(answer.field("Sec-WebSocket-Protocol"), expected, "{path} {lines}");
        }
    }
}

/// §9.1: offers in any spacing and quoting are read; what was not offered is not agreed on.
#[test]
fn extensions_that_are_offered_in_odd_ways_do_no_harm() {
    for offers in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate;client_max_window_bits=\"15\";server_no_context_takeover",
        "permessage-deflate ; server_max_window_bits = 9 , permessage-deflate",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=0",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=99999999999999999999",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; unknown=1",
        "x-webkit-deflate-frame",
        "x-foo; a=\"b\\c\", x-bar;a;b=c",
        ", permessage-deflate,,",
        "\r\nSec-WebSocket-Extensions: permessage-deflate",
        "constructor, __proto__; toString=valueOf",
    ] {
        let lines = format!("Sec-WebSocket-Extensions: {offers}");
        let raw = handshake(LINE, "", lines.as_bytes());
        let answer = check_handshake(&with_echo(), "6455 §9.1", &raw, 101);
        let agreed = answer.field("Sec-WebSocket-Extensions");
        let is_offered = |agreed: &str| {
            agreed.starts_with("permessage-deflate") && offers.contains("permessage-deflate")
        };
        assert!(agreed.is_none_or(is_offered), "{offers}: {agreed:?}");
    }
}

/// Without `/ws` or `/echo` there is nothing to upgrade to: the request is answered as any other
/// (RFC 9110 §7.8), and what follows is HTTP or refused, never a frame.
#[test]
fn nothing_but_a_websocket_path_opens_one() {
    let mut world = World::new();
    for (path, status) in
        [("/", 200), ("/healthz", 200), ("/roster", 200), ("/echo", 404), ("/ws/", 404)]
    {
        let raw = handshake(format!("GET {path} HTTP/1.1").as_bytes(), "", b"");
        check(&Config::default(), "9110 §7.8 ignored", &raw, &[status], true);
        let stream = [raw, wire::text("x"), wire::frame(0x89, b"")].concat();
        let (mut bytes, is_ended) = exchange(&mut world, [&stream[..]]);
        let answer = wire::take_answer(&mut bytes, false).unwrap();
        assert_eq!((answer.status, answer.field("Upgrade")), (status, None), "{path}");
        assert_eq!(wire::take_answer(&mut bytes, false).unwrap().status, 400, "{path}");
        assert!(bytes.is_empty() && is_ended, "{path}");
    }
}

/// A connection that was asked for pages may become a WebSocket, and then speaks no more HTTP.
#[test]
fn handshake_may_follow_other_requests_and_ends_http() {
    let get = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let raw = handshake(LINE, "", b"");
    let stream = [&get[..], get, &raw, &wire::text("x"), get].concat();
    let mut world = World::with_echo();
    for cut in 0..stream.len() {
        let (front, back) = stream.split_at(cut);
        let (mut bytes, is_ended) = exchange(&mut world, [front, back]);
        let statuses = [(); 3].map(|()| wire::take_answer(&mut bytes, false).unwrap().status);
        assert_eq!(statuses, [200, 200, 101], "{cut}");
        // To a WebSocket a request is a frame whose reserved bits are set.
        let told = [Told::Text("x".into()), Told::Close(Some(1002))];
        assert_eq!(wire::take_frames(&mut bytes), told, "{cut}");
        assert!(is_ended, "{cut}");
    }
}

/// A15 on the roster: what comes with the handshake is neither lost nor out of order.
#[test]
fn messages_in_the_segment_of_the_handshake_are_obeyed() {
    let frames = [wire::text("[\"login\",\"Ada\"]"), wire::frame(0x89, b"p"), wire::text("[]")];
    let stream = [wire::handshake("/ws", ""), frames.concat()].concat();
    let mut world = World::new();
    for cut in 0..=stream.len() {
        let watcher = world.watch();
        let peer = world.connect();
        let (front, back) = stream.split_at(cut);
        world.send(peer, front);
        world.send(peer, back);
        world.pass_ms(20);
        assert_eq!(world.answer(peer).status, 101);
        assert_eq!(world.names(), ["Ada"], "{cut}");
        let told = world.told(peer);
        let private: Vec<_> = told.iter().filter(|told| !is_roster(told)).collect();
        assert_eq!(private[0], &Told::Pong(b"p".into()), "{cut}");
        assert!(matches!(private[1], Told::Text(text) if text.starts_with("[\"error\"")), "{cut}");
        assert_eq!(private.len(), 2, "{cut}");
        assert!(told.iter().any(is_roster), "{cut}");
        let change = world.heard(watcher).remove(0);
        assert_eq!((&change[0], &change[1]["joined"]), (&json!("change"), &json!(["Ada"])));
        world.reset(peer);
        world.reset(watcher);
        world.pass_ms(20);
    }
    assert!(world.hub.is_empty());
}

fn is_roster(told: &Told) -> bool {
    matches!(told, Told::Text(text)
        if text.starts_with("[\"roster\"") || text.starts_with("[\"change\""))
}

/// §4.2.1: "any violations of the ABNF grammar" end the handshake; §9.1: a malformed extension
/// list must fail the connection, whoever cares for extensions. A list of nothing is one (RFC 9110
/// §5.6.1.2: "at least one non-empty element is required").
#[test]
fn offers_that_are_malformed_fail_the_handshake() {
    for lines in [
        "Sec-WebSocket-Protocol:",
        "Sec-WebSocket-Protocol: ,\t, ",
        "Sec-WebSocket-Protocol:\r\nSec-WebSocket-Protocol: ,",
        "Sec-WebSocket-Extensions:",
        "Sec-WebSocket-Extensions: , ,",
        "Sec-WebSocket-Extensions: ,\r\nSec-WebSocket-Extensions:",
        "Sec-WebSocket-Protocol: a b",
        "Sec-WebSocket-Protocol: \"headcount.v2\"",
        "Sec-WebSocket-Protocol: headcount.v2;q=1",
        "Sec-WebSocket-Protocol: headcount/1",
        "Sec-WebSocket-Protocol: caf\u{e9}",
        "Sec-WebSocket-Extensions: a b",
        "Sec-WebSocket-Extensions: a;",
        "Sec-WebSocket-Extensions: ;a",
        "Sec-WebSocket-Extensions: a;b=",
        "Sec-WebSocket-Extensions: a;=b",
        "Sec-WebSocket-Extensions: a=b",
        "Sec-WebSocket-Extensions: a;b=\"c",
        "Sec-WebSocket-Extensions: a;b=\"c d\"",
        "Sec-WebSocket-Extensions: a;b=\"\"",
        "Sec-WebSocket-Extensions: a;b=c\"d\"",
        "Sec-WebSocket-Extensions: a\r\nSec-WebSocket-Extensions: \"",
    ] {
        let raw = handshake(b"GET /echo HTTP/1.1", "", lines.as_bytes());
        check_handshake(&with_echo(), "6455 §4.2.1 and §9.1", &raw, 400);
    }
}
