//! The body of a request: how long it is, where it ends, and what becomes of one that nobody wants
//! (docs/evidence/threats.md C4, C5, C7).
//!
//! Tables like those of `http`, which has their check: what follows a body is the next request, in
//! whatever pieces they come.

use headcount::config::{Config, Limits};

use crate::http::{NEXT, Row, check, check_rows, exchange, keeps};
use crate::wire;
use crate::world::World;

/// What says how long a body is, and the body.
const FRAMING: &[Row] = &[
    ("9112 §6.3 7 no body", b"X: y\r\n\r\n", 200),
    ("9112 §6.3 6 no body", b"Content-Length: 0\r\n\r\n", 200),
    ("9110 §8.6 1*DIGIT", b"Content-Length: 000\r\n\r\n", 200),
    ("9110 §8.6 white space around", b"content-length:\t0 \r\n\r\n", 200),
    ("9112 §6.3 6 a body", b"Content-Length: 5\r\n\r\nhello", 200),
    ("9112 §6.3 6 a body", b"Content-Length: 1\r\n\r\n\n", 200),
    ("9110 §8.6 leading zeros", b"Content-Length: 005\r\n\r\nhello", 200),
    ("9112 §6.3 6 a request in a body", b"Content-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n", 200),
    ("9110 §15.5.14 a byte over the limit", b"Content-Length: 65537\r\n\r\n", 413),
    ("C13 refused by its head", b"Content-Length: 1000000000000\r\n\r\n", 413),
    ("C5 2^63", b"Content-Length: 9223372036854775808\r\n\r\n", 413),
    ("C5 2^64 - 1", b"Content-Length: 18446744073709551615\r\n\r\n", 413),
    ("C5 2^64", b"Content-Length: 18446744073709551616\r\n\r\n", 400),
    ("C5 2^64 + 5", b"Content-Length: 18446744073709551621\r\n\r\nhello", 400),
    ("C5 25 digits", b"Content-Length: 9999999999999999999999999\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length:\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: \t\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: +0\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: -0\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: +5\r\n\r\nhello", 400),
    ("9110 §8.6 not a number", b"Content-Length: -5\r\n\r\nhello", 400),
    ("9110 §8.6 not a number", b"Content-Length: 0x0\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: 0x5\r\n\r\nhello", 400),
    ("9110 §8.6 not a number", b"Content-Length: 5h\r\n\r\nhello", 400),
    ("9110 §8.6 not a number", b"Content-Length: 0 0\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: 5 5\r\n\r\nhello", 400),
    ("9110 §8.6 not a number", b"Content-Length: 0_0\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: 1_0\r\n\r\n0123456789", 400),
    ("9110 §8.6 not a number", b"Content-Length: 0.0\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: 0e1\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: 0;x\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: \"0\"\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: chunked\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: \xd9\xa0\r\n\r\n", 400),
    ("9110 §8.6 not a number", b"Content-Length: 0\x0b\r\n\r\n", 400),
    ("9112 §6.3 5 house: no list, even of the same", b"Content-Length: 0, 0\r\n\r\n", 400),
    ("9112 §6.3 5 house: no list, even of the same", b"Content-Length: 5,5\r\n\r\nhello", 400),
    ("9112 §6.3 5 a list", b"Content-Length: 0, 5\r\n\r\nhello", 400),
    ("9112 §6.3 5 a list", b"Content-Length: 5, 0\r\n\r\nhello", 400),
    ("9112 §6.3 5 a list", b"Content-Length: 0,\r\n\r\n", 400),
    ("9112 §6.3 5 a list", b"Content-Length: ,0\r\n\r\n", 400),
    ("9112 §6.3 5 twice", b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400),
    ("9112 §6.3 5 twice", b"Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello", 400),
    ("9112 §6.3 5 twice, one empty", b"Content-Length: 0\r\nContent-Length:\r\n\r\n", 400),
    (
        "9112 §6.3 5 house: twice the same",
        b"Content-Length: 0\r\nX: y\r\ncontent-length: 0\r\n\r\n",
        400,
    ),
    (
        "9112 §6.3 5 house: twice the same",
        b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        400,
    ),
    ("9110 §5.1 another field", b"Content_Length: 5\r\n\r\n", 200),
    ("9110 §5.1 another field", b"X-Content-Length: 5\r\n\r\n", 200),
    ("9112 §6.3 4 chunks", b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
    ("9112 §7 a coding has no case", b"TRANSFER-ENCODING: Chunked\r\n\r\n0\r\n\r\n", 200),
    ("9110 §5.5 white space around", b"Transfer-Encoding:\tchunked \r\n\r\n0\r\n\r\n", 200),
    ("9112 §6.3 4 chunked is not the last", b"Transfer-Encoding: identity\r\n\r\n", 400),
    ("9112 §6.3 4 chunked is not the last", b"Transfer-Encoding: gzip\r\n\r\n", 400),
    ("9112 §6.1 no other coding", b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (
        "9112 §6.1 no other coding",
        b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        501,
    ),
    ("9112 §6.3 4 chunked is not the last", b"Transfer-Encoding: chunked, gzip\r\n\r\n", 400),
    ("9112 §6.1 chunked twice", b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    (
        "9112 §6.1 chunked twice",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        400,
    ),
    (
        "9112 §6.1 two lines",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        400,
    ),
    ("9112 §6.1 an unknown coding", b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("9112 §6.1 an unknown coding", b"Transfer-Encoding: chun ked\r\n\r\n0\r\n\r\n", 400),
    ("9112 §7 a parameter", b"Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", 400),
    ("9112 §7 a quoted coding", b"Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400),
    ("9110 §5.6.1 empty elements", b"Transfer-Encoding: ,chunked,\r\n\r\n0\r\n\r\n", 400),
    ("9110 §5.6.1 an empty list", b"Transfer-Encoding:\r\n\r\n", 400),
    ("9110 §5.6.1 an empty list", b"Transfer-Encoding: ,\r\n\r\n", 400),
    ("9110 §5.5 a control character", b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    ("9110 §5.5 a control character", b"Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n", 400),
    ("9110 §5.5 a control character", b"Transfer-Encoding: chunked\x0c\r\n\r\n0\r\n\r\n", 400),
    ("9112 §6.1 both", b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("9112 §6.1 both", b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400),
    ("9112 §6.1 both", b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("9112 §6.1 both", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
    ("9112 §6.1 both", b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\nhello", 400),
    ("9112 §6.1 both", b"Content-Length: 5\r\nTransfer-Encoding:\r\n\r\nhello", 400),
    ("9112 §6.1 both", b"Content-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (
        "9112 §6.1 both, and the end",
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        400,
    ),
    (
        "9112 §6.1 hidden from a connection",
        b"Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n\r\n0\r\n\r\n",
        200,
    ),
    ("9110 §5.1 another field", b"Transfer_Encoding: chunked\r\n\r\n", 200),
    ("9110 §5.1 another field", b"X-Transfer-Encoding: chunked\r\n\r\n", 200),
];

/// Whatever the method, and on every route (C7). RFC 9110 §9.3.1: content of a GET request "has no
/// generally defined semantics", so it is answered as if it had none; so do nginx and Apache.
#[test]
fn length_of_a_body_is_said_once_and_in_one_way() {
    check_rows(FRAMING, b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"");
    for line in ["POST /healthz", "PUT /", "TRACE /", "PATCH /ws", "CONNECT a:80", "DELETE /"] {
        let before = format!("{line} HTTP/1.1\r\nHost: a\r\n");
        for (rule, part, status) in FRAMING {
            let status = if *status == 200 { 405 } else { *status };
            let raw = [before.as_bytes(), part].concat();
            check(&Config::default(), rule, &raw, &[status], keeps(&raw, status));
        }
    }
}

const CHUNKS: &[Row] = &[
    ("9112 §7.1 a chunk", b"5\r\nhello\r\n0\r\n\r\n", 405),
    ("9112 §7.1 chunks", b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", 405),
    ("9112 §7.1 upper case", b"A\r\nhelloworld\r\n0\r\n\r\n", 405),
    ("9112 §7.1 lower case", b"a\r\nhelloworld\r\n0\r\n\r\n", 405),
    ("9112 §7.1 leading zeros", b"0005\r\nhello\r\n0000\r\n\r\n", 405),
    ("9112 §7.1 house: 16 digits", b"0000000000000005\r\nhello\r\n0\r\n\r\n", 405),
    ("9112 §7.1 house: 17 digits", b"00000000000000005\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 no last chunk", b"5\r\nhello\r\n", 400),
    ("9110 §15.5.14 over the limit", b"10001\r\n", 413),
    ("9110 §15.5.14 over the limit, in two", b"5\r\nhello\r\nfffc\r\n", 413),
    ("C5 2^64", b"10000000000000000\r\n", 400),
    ("C5 2^64 + 5", b"10000000000000005\r\nhello\r\n0\r\n\r\n", 400),
    ("C5 2^63", b"8000000000000000\r\n", 413),
    ("C5 2^64 - 1", b"ffffffffffffffff\r\n", 413),
    ("9112 §7.1 1*HEXDIG", b"+5\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 1*HEXDIG", b"-5\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 1*HEXDIG", b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 1*HEXDIG", b"5_0\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 1*HEXDIG", b" 5\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 1*HEXDIG", b"5 \r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 1*HEXDIG", b"\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 1*HEXDIG", b"x\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 too long", b"3\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 too short", b"9\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 no CRLF after the data", b"5\r\nhello0\r\n\r\n", 400),
    ("9112 §7.1 LF after the size", b"5\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 CR after the size", b"5\rhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1 LF after the data", b"5\r\nhello\n0\r\n\r\n", 400),
    ("9112 §7.1 LFs at the end", b"5\r\nhello\r\n0\n\n", 400),
    ("9112 §7.1 LF at the end", b"5\r\nhello\r\n0\r\n\n", 400),
    ("9112 §7.1.1 an extension", b"5;a=b\r\nhello\r\n0\r\n\r\n", 405),
    ("9112 §7.1.1 extensions", b"5;a;b=c\r\nhello\r\n0;d\r\n\r\n", 405),
    ("9112 §7.1.1 BWS", b"5 ;\ta = b\r\nhello\r\n0\r\n\r\n", 405),
    ("9112 §7.1.1 a quoted extension", b"5;a=\"b;\\\"c\"\r\nhello\r\n0\r\n\r\n", 405),
    ("9112 §7.1.1 an extension has a name", b"5;\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1.1 an extension has a name", b"5;=b\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1.1 a name is a token", b"5;a[=b\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1.1 LF in an extension", b"5;a\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1.1 CR in an extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1.1 CRLF in quotes", b"5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", 400),
    ("9112 §7.1.2 a trailer", b"0\r\nX: y\r\n\r\n", 405),
    ("9112 §7.1.2 trailers", b"0\r\nX: y\r\nZ:\r\n\r\n", 405),
    ("9110 §6.5.1 a trailer frames nothing", b"0\r\nContent-Length: 5\r\n\r\n", 405),
    ("9110 §6.5.1 a trailer frames nothing", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", 405),
    ("9112 §5 a trailer has a colon", b"0\r\nX\r\n\r\n", 400),
    ("9112 §5.1 no white space before the colon", b"0\r\nX : y\r\n\r\n", 400),
    ("9112 §5.2 no obs-fold", b"0\r\nX: y\r\n z\r\n\r\n", 400),
    ("9112 §2.2 LF after a trailer", b"0\r\nX: y\n\r\n", 400),
    ("9110 §5.5 no control characters", b"0\r\nX: \0\r\n\r\n", 400),
    (
        "C4 a request as a chunk",
        b"22\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n\r\n0\r\n\r\n",
        405,
    ),
    ("C4 a request as a trailer", b"0\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
];

#[test]
fn server_takes_chunks_of_the_grammar_and_no_others() {
    check_rows(
        CHUNKS,
        b"POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"",
    );
}

/// RFC 9110 §10.1.1: a final status at once, in place of 100, as no route takes the body. Whether
/// it comes all the same can't be known, so what follows is not looked at, and the connection ends.
#[test]
fn client_that_waits_to_send_a_body_is_told_at_once_not_to() {
    let (known, chunked) = ("Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n");
    for (line, status) in [
        ("GET /healthz", 200),
        ("POST /healthz", 405),
        ("PUT /nothing", 405),
        ("GET /nothing", 404),
        ("POST /socket.io/", 400),
        ("POST /ws", 405),
    ] {
        for (lines, body) in
            [(known, ""), (known, "hello"), (chunked, ""), (chunked, "5\r\nhello\r\n0\r\n\r\n")]
        {
            let head = format!("{line} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{lines}\r\n");
            let mut world = World::new();
            let peer = world.connect();
            world.send(peer, head.as_bytes());
            let answer = world.answer(peer);
            assert_eq!(
                (answer.status, answer.field("Connection")),
                (status, Some("close")),
                "{head}"
            );
            assert!(world.is_half_closed(peer) && !world.is_closed(peer), "it lingers: {head}");
            world.send(peer, &[body.as_bytes(), NEXT].concat());
            assert_eq!(*world.inbox(peer), b"", "{head}");
            world.end(peer);
            assert!(world.is_closed(peer) && world.hub.is_empty());
        }
    }
    // Nothing is awaited.
    let row: &[Row] = &[("9110 §10.1.1 no body", b"Content-Length: 0", 200)];
    check_rows(row, b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n", b"\r\n\r\n");
    let large =
        b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n";
    check(&Config::default(), "9110 §15.5.14 a large one", large, &[413], false);
}

/// Each part of a body that is not wanted is gone as soon as it has come.
#[test]
fn body_that_is_not_wanted_has_a_size() {
    let limits = Limits { body_bytes_max: 10, ..Limits::default() };
    let config = Config { limits, ..Config::default() };
    for (part, status) in [
        ("Content-Length: 10\r\n\r\nhelloworld", 405),
        ("Content-Length: 11\r\n\r\nhelloworld!", 413),
        ("Content-Length: 11\r\n\r\n", 413),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", 405),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n", 413),
        ("Transfer-Encoding: chunked\r\n\r\nB;", 413),
    ] {
        let raw = format!("POST / HTTP/1.1\r\nHost: a\r\n{part}");
        check(&config, "9110 §15.5.14", raw.as_bytes(), &[status], status == 405);
    }
    let mut world = World::new();
    let peer = world.connect();
    world.send(peer, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n");
    let before = world.hub.buffered_bytes();
    assert!(before < 500, "{before} bytes");
    for _ in 0..65_535 / 5 {
        world.hub.received(world.id(peer), &mut b"hello".to_vec(), world.now);
        assert_eq!(world.hub.buffered_bytes(), before);
    }
    world.send(peer, b"!");
    assert_eq!((world.answer(peer).status, world.hub.buffered_bytes()), (405, 0));
    let (bytes, is_ended) = exchange(&mut world, [NEXT]);
    assert_eq!(
        (wire::take_answer(&mut bytes.clone(), false).unwrap().status, is_ended),
        (200, false)
    );
}
