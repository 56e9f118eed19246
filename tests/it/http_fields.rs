//! The fields of a request: syntax, `Host`, expectations. Those that frame a body are in
//! `http_bodies`.
//!
//! Tables like those of `http`, which has their check.

use headcount::config::Config;

use crate::http::{Row, check, check_rows, exchange};
use crate::wire;
use crate::world::World;

const HOSTS: &[Row] = &[
    ("9112 §3.2 Host", b"Host: a", 200),
    ("9110 §5.1 field names have no case", b"hOST: a", 200),
    ("9112 §5 white space around the value is optional", b"Host:a", 200),
    ("9112 §5 white space around the value is optional", b"Host: \t a\t ", 200),
    ("9110 §7.2 a port", b"Host: a:3000", 200),
    ("3986 §3.2.3 an empty port", b"Host: a:", 200),
    ("3986 §3.2.2 IPv4address", b"Host: 127.0.0.1:3000", 200),
    ("3986 §3.2.2 IP-literal", b"Host: [::1]", 200),
    ("3986 §3.2.2 IP-literal and port", b"Host: [2001:db8::7]:3000", 200),
    ("3986 §3.2.2 IP-literal", b"Host: [::ffff:192.0.2.1]", 200),
    ("3986 §3.2.2 reg-name: unreserved", b"Host: xn--mnchen-3ya.a_b~c.", 200),
    ("3986 §3.2.2 reg-name: sub-delims", b"Host: !$&'()*+;=", 200),
    ("3986 §3.2.2 reg-name: pct-encoded", b"Host: a%41", 200),
    ("9112 §3.2 no Host", b"X: a", 400),
    ("9112 §3.2 no Host", b"X-Host: a", 400),
    ("9112 §3.2 no Host", b"X: Host: a", 400),
    ("9112 §3.2 two of them", b"Host: a\r\nHost: b", 400),
    ("9112 §3.2 two of them, the same", b"Host: a\r\nHost: a", 400),
    ("9112 §3.2 two of them, apart", b"Host: a\r\nX: y\r\nhost: a", 400),
    ("9112 §3.2 two of them, one empty", b"Host: a\r\nHost:", 400),
    ("9110 §4.2.1 an empty host is invalid", b"Host:", 400),
    ("9110 §4.2.1 an empty host is invalid", b"Host: \t ", 400),
    ("9110 §4.2.1 an empty host is invalid", b"Host: :80", 400),
    ("9110 §7.2 it is no list", b"Host: a, b", 400),
    ("9110 §7.2 house: it is no list", b"Host: a,b", 400),
    ("9110 §7.2 no white space in it", b"Host: a b", 400),
    ("9110 §7.2 no white space in it", b"Host: a :80", 400),
    ("9110 §7.2 no white space in it", b"Host: a: 80", 400),
    ("9110 §7.2 no path", b"Host: a/", 400),
    ("9110 §7.2 no path", b"Host: a/b", 400),
    ("9110 §7.2 no query", b"Host: a?b", 400),
    ("9110 §7.2 no fragment", b"Host: a#b", 400),
    ("9110 §7.2 no scheme", b"Host: http://a", 400),
    ("9110 §7.2 no user information", b"Host: u@a", 400),
    ("9110 §7.2 no user information", b"Host: u:p@a", 400),
    ("3986 §3.2.3 a port is a number", b"Host: a:x", 400),
    ("3986 §3.2.3 a port is a number", b"Host: a:-1", 400),
    ("3986 §3.2.3 a port is a number", b"Host: a:+80", 400),
    ("3986 §3.2.3 a port is a number", b"Host: a:0x50", 400),
    ("3986 §3.2.3 house: a port has 16 bits", b"Host: a:65536", 400),
    ("3986 §3.2.3 one port", b"Host: a:80:80", 400),
    ("3986 §3.2.2 IPv6 is in brackets", b"Host: ::1", 400),
    ("3986 §3.2.2 brackets are closed", b"Host: [::1", 400),
    ("3986 §3.2.2 brackets are opened", b"Host: ::1]", 400),
    ("3986 §3.2.2 brackets are not empty", b"Host: []", 400),
    ("3986 §3.2.2 only a port after them", b"Host: [::1]a", 400),
    ("3986 §3.2.2 only a port after them", b"Host: [::1]:x", 400),
    ("3986 §3.2.2 an address in them", b"Host: [localhost]", 400),
    ("3986 §3.2.2 house: no zones", b"Host: [fe80::1%25eth0]", 400),
    ("3986 §3.2.2 reg-name", b"Host: a\\b", 400),
    ("3986 §3.2.2 reg-name", b"Host: \"a\"", 400),
    ("3986 §3.2.2 reg-name", b"Host: <a>", 400),
    ("3986 §3.2.2 reg-name", b"Host: a^b", 400),
    ("3986 §3.2.2 nothing above ASCII", b"Host: m\xc3\xbcnchen", 400),
    ("9110 §5.5 no control characters", b"Host: a\0", 400),
    ("9112 §5.1 no white space before the colon", b"Host : a", 400),
    ("9112 §5.2 no obs-fold", b"Host:\r\n a", 400),
    ("9112 §2.2 no white space before the first field", b" Host: a", 400),
    ("9112 §2.2 no white space before the first field", b"\tX: y\r\nHost: a", 400),
];

#[test]
fn server_wants_one_valid_host() {
    check_rows(HOSTS, b"GET /healthz HTTP/1.1\r\n", b"\r\n\r\n");
    let row = "9112 §3.2 a request without fields";
    check(&Config::default(), row, b"GET /healthz HTTP/1.1\r\n\r\n", &[400], false);
}

/// The host of an absolute target takes the place of `Host`, but that must be valid nevertheless.
#[test]
fn server_wants_a_valid_host_beside_an_absolute_target() {
    let rows: &[Row] = &[
        ("9112 §3.2.2 Host is ignored", b"Host: elsewhere:1", 200),
        ("9112 §3.2 no Host", b"X: y", 400),
        ("9112 §3.2 two of them", b"Host: a\r\nHost: a", 400),
        ("9112 §3.2 an invalid one", b"Host: a b", 400),
    ];
    check_rows(rows, b"GET http://a/healthz HTTP/1.1\r\n", b"\r\n\r\n");
}

const FIELDS: &[Row] = &[
    ("9112 §5 a name, a colon, a value", b"X: y", 200),
    ("9112 §5 white space around the value is optional", b"X:y", 200),
    ("9112 §5 white space around the value is optional", b"X:\t y \t", 200),
    ("9110 §5.5 a value may be empty", b"X:", 200),
    ("9110 §5.5 a value may be empty", b"X: \t ", 200),
    ("9110 §5.5 a colon in a value", b"X:: y: z", 200),
    ("9110 §5.5 HTAB in a value", b"X: y\tz", 200),
    ("9110 §5.5 obs-text in a value", b"X: \x80\xc3\xa9\xff", 200),
    ("9110 §5.6.2 a name is a token", b"!#$%&'*+-.^_`|~09azAZ: y", 200),
    ("9110 §5.3 a field of any number of lines", b"X: y\r\nX: z\r\nx:", 200),
    ("9112 §5.1 no white space before the colon", b"X : y", 400),
    ("9112 §5.1 no white space before the colon", b"X\t: y", 400),
    ("9112 §5.1 no white space before the colon", b"Content-Length : 0", 400),
    ("9112 §5.1 no white space before the colon", b"Transfer-Encoding : chunked", 400),
    ("9112 §5.2 obs-fold", b"X: y\r\n z", 400),
    ("9112 §5.2 obs-fold", b"X: y\r\n\tz", 400),
    ("9112 §5.2 obs-fold", b"X:\r\n y", 400),
    ("9112 §5.2 obs-fold of nothing", b"X: y\r\n ", 400),
    ("9112 §5.2 obs-fold that hides a field", b"X: y\r\n Content-Length: 5", 400),
    ("9112 §5.2 obs-fold that hides a field", b"Transfer-Encoding:\r\n chunked", 400),
    ("9112 §5 a field has a name", b": y", 400),
    ("9112 §5 a field has a name", b":", 400),
    ("9112 §5 a field has a colon", b"X", 400),
    ("9112 §5 a field has a colon", b"X y", 400),
    ("9112 §5 a field has a colon", b"Host=a", 400),
    ("9110 §5.6.2 a name is a token", b"X Y: z", 400),
    ("9110 §5.6.2 a name is a token", b"X\tY: z", 400),
    ("9110 §5.6.2 a name is a token", b"X(: y", 400),
    ("9110 §5.6.2 a name is a token", b"[X]: y", 400),
    ("9110 §5.6.2 a name is a token", b"{X}: y", 400),
    ("9110 §5.6.2 a name is a token", b"X@Y: z", 400),
    ("9110 §5.6.2 a name is a token", b"X,Y: z", 400),
    ("9110 §5.6.2 a name is a token", b"X;Y: z", 400),
    ("9110 §5.6.2 a name is a token", b"X/Y: z", 400),
    ("9110 §5.6.2 a name is a token", b"X=Y: z", 400),
    ("9110 §5.6.2 a name is a token", b"\"X\": y", 400),
    ("9110 §5.6.2 a name is a token", b"<X>: y", 400),
    ("9110 §5.6.2 a name is a token", b"X\\: y", 400),
    ("9110 §5.6.2 a name is a token", b"X\0: y", 400),
    ("9110 §5.6.2 a name is a token", b"\x7fX: y", 400),
    ("9110 §5.6.2 a name is a token", b"X\xc3\xa9: y", 400),
    ("9110 §5.5 no control characters", b"X: \0", 400),
    ("9110 §5.5 no control characters", b"X: y\0z", 400),
    ("9110 §5.5 no control characters", b"X: \x01", 400),
    ("9110 §5.5 no control characters", b"X: \x07\x08", 400),
    ("9110 §5.5 no control characters", b"X: y\x0bz", 400),
    ("9110 §5.5 no control characters", b"X: y\x0c", 400),
    ("9110 §5.5 no control characters", b"X: \x1b[31m", 400),
    ("9110 §5.5 no control characters", b"X: \x1f", 400),
    ("9110 §5.5 no control characters", b"X: \x7f", 400),
    ("9110 §5.5 no control characters", b"Cookie: a=\0", 400),
    ("9112 §2.2 LF in a value", b"X: y\nZ: w", 400),
    ("9112 §2.2 CR in a value", b"X: y\rz", 400),
    ("9112 §2.2 CR at the end of a value", b"X: y\r\r\n", 400),
    ("9112 §2.2 LF that hides a field", b"X: y\nContent-Length: 5", 400),
    ("9112 §2.2 CR that hides a field", b"X: y\rTransfer-Encoding: chunked", 400),
    ("9110 §10.1.1 an expectation without a body", b"Expect: 100-continue", 200),
    ("9110 §10.1.1 it has no case", b"Expect: 100-Continue", 200),
    ("9110 §10.1.1 an empty list", b"Expect:", 200),
    ("9110 §10.1.1 another expectation", b"Expect: 200-ok", 417),
    ("9110 §10.1.1 another expectation", b"Expect: 100-continue-not", 417),
    ("9110 §10.1.1 another expectation", b"Expect: 100-continue, x", 417),
    ("9110 §10.1.1 another expectation", b"Expect: x, 100-continue", 417),
    ("9110 §10.1.1 another expectation", b"Expect: 100-continue\r\nExpect: x=y", 417),
    ("9110 §10.1.1 another expectation", b"Expect: 100-continue; q=1", 417),
    ("9110 §7.8 Upgrade may be ignored", b"Upgrade: h2c\r\nConnection: Upgrade", 200),
    (
        "9110 §7.8 Upgrade may be ignored",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
        200,
    ),
    ("9110 §7.8 Upgrade may be ignored", b"Upgrade: TLS/1.0\r\nConnection: Upgrade", 200),
    ("9110 §7.8 here is no WebSocket", b"Upgrade: websocket\r\nConnection: Upgrade", 200),
    ("9110 §14.2 Range may be ignored", b"Range: bytes=0-0", 200),
    ("9110 §14.2 Range may be ignored", b"Range: bytes=0-,0-,0-,0-,0-,0-,0-,5-2", 200),
    ("9110 §13.1.5 If-Range without Range support", b"Range: bytes=0-\r\nIf-Range: \"x\"", 200),
    ("9110 §12.1 Accept may be disregarded", b"Accept: a/x;q=0", 200),
    ("9110 §10.1.4 TE asks for nothing", b"TE: trailers, chunked;q=0", 200),
    ("9110 §6.6.2 Trailer frames nothing", b"Trailer: X", 200),
    ("C14 nobody is believed where it comes from", b"X-Forwarded-For: 1.2.3.4", 200),
    ("9110 §9.1 the method is the method", b"X-HTTP-Method-Override: DELETE", 200),
    ("9112 §3 the target is the target", b"X-Original-URL: /ws\r\nX-Rewrite-URL: /ws", 200),
];

#[test]
fn server_takes_fields_of_the_grammar_and_no_other() {
    check_rows(FIELDS, b"GET /healthz HTTP/1.1\r\nHost: a\r\n", b"\r\n\r\n");
}

/// RFC 9112 §9.3, and RFC 9112 §6.1 on what 1.0 has not.
#[test]
fn server_understands_http_1_0() {
    let rows: [(&str, &str, &[u16]); 11] = [
        ("9112 §9.3 no keep-alive", "Host: a\r\n", &[200]),
        ("9112 §9.3 house: not even if it is asked for", "Connection: keep-alive\r\n", &[200]),
        ("9112 §3.2 Host may be missing", "", &[200]),
        ("9112 §3.2 two Hosts", "Host: a\r\nHost: a\r\n", &[400]),
        ("9112 §3.2 a bad Host", "Host: a b\r\n", &[400]),
        ("9110 §10.1.1 an expectation must be ignored", "Expect: 100-continue\r\n", &[200]),
        ("9112 §6.1 a coding is faulty framing", "Transfer-Encoding: chunked\r\n", &[400]),
        ("9112 §6.1 both", "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", &[400]),
        ("9110 §8.6 a body", "Content-Length: 5\r\n", &[200]),
        ("9110 §8.6 a large body", "Content-Length: 65537\r\n", &[413]),
        ("9110 §10.1.1 both", "Expect: 100-continue\r\nContent-Length: 5\r\n", &[200]),
    ];
    for (rule, lines, statuses) in rows {
        let body = if lines.contains("Content-Length: 5") { "hello" } else { "" };
        let raw = format!("GET /healthz HTTP/1.0\r\n{lines}\r\n{body}");
        check(&Config::default(), rule, raw.as_bytes(), statuses, false);
    }
}

/// RFC 9110 §6.2: it is processed "as if it were in the highest minor version within that major
/// version to which the recipient is conformant".
#[test]
fn request_of_a_later_minor_version_is_one_of_1_1() {
    let rows: &[Row] = &[
        ("9112 §9.3 the connection persists", b"Host: a", 200),
        ("9112 §3.2 no Host", b"X: y", 400),
        ("9110 §10.1.1 another expectation", b"Host: a\r\nExpect: x", 417),
    ];
    check_rows(rows, b"GET /healthz HTTP/1.2\r\n", b"\r\n\r\n");
}

#[test]
fn server_wants_a_host_of_the_grammar() {
    let rows: &[Row] = &[
        ("3986 §2.1 pct-encoded", b"Host: a%", 400),
        ("3986 §2.1 pct-encoded", b"Host: a%4", 400),
        ("3986 §2.1 pct-encoded", b"Host: a%zz", 400),
        ("3986 §2.1 pct-encoded", b"Host: a%4z", 400),
        ("3986 §2.1 pct-encoded", b"Host: a%z4", 400),
        ("3986 §3.2.2 reg-name", b"Host: a%41\"", 400),
        ("3986 §3.2.2 reg-name", b"Host: a%zz\"", 400),
        ("3986 §3.2.2 IPv6address", b"Host: [1]", 400),
        ("3986 §3.2.2 IPv6address", b"Host: [:]", 400),
        ("3986 §3.2.2 IPv6address", b"Host: [.]", 400),
        ("3986 §3.2.2 IPv6address", b"Host: [1::2::3]", 400),
        ("3986 §3.2.2 IPv6address", b"Host: [12345::]", 400),
        ("3986 §3.2.2 IPv6address", b"Host: [127.0.0.1]", 400),
    ];
    check_rows(rows, b"GET /healthz HTTP/1.1\r\n", b"\r\n\r\n");
}

/// RFC 9110 §9.3.2: "the server MUST NOT send content in the response" to HEAD; RFC 9112 §6.3, 1:
/// its client reads none, so that what is sent is the beginning of the next answer to it.
#[test]
fn refusal_of_head_has_no_content() {
    let rows: &[Row] = &[
        ("9112 §3.2 no Host", b"X: y", 400),
        ("9110 §15.5.14 a large body", b"Host: a\r\nContent-Length: 65537", 413),
        ("9110 §8.6 not a number", b"Host: a\r\nContent-Length: x", 400),
        ("9112 §6.1 no other coding", b"Host: a\r\nTransfer-Encoding: gzip, chunked", 501),
        ("9112 §7.1 no chunk", b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\nx", 400),
        ("9112 §7.1 a large chunk", b"Host: a\r\nTransfer-Encoding: chunked\r\n\r\n10001", 413),
        ("9110 §10.1.1 another expectation", b"Host: a\r\nExpect: x", 417),
        ("9112 §5.1 no white space before the colon", b"Host: a\r\nX : y", 400),
        ("9112 §2.2 LF in a value", b"Host: a\r\nX: y\nz", 400),
    ];
    check_rows(rows, b"HEAD /healthz HTTP/1.1\r\n", b"\r\n\r\n");
    let rows: &[Row] = &[
        ("9112 §3.2 no such target", b"/#", 400),
        ("9112 §3 a long target", &[b'/'; 8_200], 414),
        ("9110 §15.6.6 no other major version", b"/ HTTP/2.0\r\nX:", 505),
    ];
    check_rows(rows, b"HEAD ", b" HTTP/1.1\r\nHost: a\r\n\r\n");
    let config = Config { hosts: vec!["localhost".parse().unwrap()], ..Config::default() };
    let raw = b"HEAD / HTTP/1.1\r\nHost: b\r\n\r\n";
    let mut world = World::with(config);
    let (mut bytes, _) = exchange(&mut world, [&raw[..]]);
    assert_eq!(wire::take_answer(&mut bytes, true).map(|answer| answer.status), Some(421));
    assert_eq!(bytes.escape_ascii().to_string(), "");
}
