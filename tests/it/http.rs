//! HTTP/1.1 as it is on the wire: raw requests and what RFC 9110 and RFC 9112 want for an answer.
//!
//! The tables are written from the RFCs and from the probes of docs/evidence/threats.md C1–C13, not
//! from the server. Each row names its rule; "house" marks a refusal that the RFCs allow and this
//! server has chosen (limits, mostly). This is about request lines and the lines as such; the
//! fields are in `http_fields`, bodies in `http_bodies`, and what requests mean in `http_pages`.

use headcount::config::{Config, Limits};

use crate::wire::{self, Answer};
use crate::world::{Peer, World};

/// What follows every request of the tables.
pub const NEXT: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// A rule, a part of a request, and the status of the answer.
pub type Row = (&'static str, &'static [u8], u16);

/// Sends `raw` and one more request, in one piece and cut in every way: the answers must be the
/// same to the byte. They are those of `statuses`; then the next request is answered if the
/// connection is `kept`, and otherwise it is half-closed and nothing more is said. Neither
/// disturbs another connection, nor leaves anything behind.
pub fn check(config: &Config, rule: &str, raw: &[u8], statuses: &[u16], kept: bool) {
    let case = format!("{rule}: {}", raw[..raw.len().min(200)].escape_ascii());
    let mut world = World::with(config.clone());
    let watcher = world.watch();
    let stream = [raw, NEXT].concat();

    let (whole, is_ended) = exchange(&mut world, [&stream[..]]);
    let mut rest = whole.clone();
    for status in statuses {
        let to_head = raw.trim_ascii_start().starts_with(b"HEAD ");
        let answer = wire::take_answer(&mut rest, to_head).expect(&case);
        assert_eq!(answer.status, *status, "{case}");
        check_answer(&answer, to_head, &case);
    }
    let next = wire::take_answer(&mut rest, false);
    assert_eq!(next.map(|next| next.body), kept.then(|| b"ok\n".to_vec()), "{case}");
    assert_eq!(rest.escape_ascii().to_string(), "", "nothing follows: {case}");
    assert_eq!(is_ended, !kept, "half-closed: {case}");

    for cut in cuts(stream.len()) {
        let (front, back) = stream.split_at(cut);
        let (bytes, is_ended) = exchange(&mut world, [front, back]);
        let same = bytes == whole && is_ended != kept;
        assert!(same, "cut at {cut}: {case}\n{}", bytes.escape_ascii());
    }
    let (bytes, is_ended) = exchange(&mut world, stream.chunks(1));
    assert!(bytes == whole && is_ended != kept, "byte by byte: {case}");

    assert_eq!(world.told(watcher), [], "{case}");
    world.login(watcher, "Ada");
    assert_eq!(world.told(watcher).len(), 1, "the watcher is still served: {case}");
    assert_eq!(world.hub.len(), 1, "nothing is left behind: {case}");
}

/// A connection on which `parts` are sent in turn: what came back, and whether the server ended.
pub fn exchange<'a>(
    world: &mut World,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<u8>, bool) {
    let peer = world.connect();
    for part in parts {
        world.send(peer, part);
    }
    let bytes = std::mem::take(world.inbox(peer));
    let is_ended = world.is_half_closed(peer);
    world.end(peer);
    assert!(world.is_closed(peer));
    (bytes, is_ended)
}

/// Every place to cut so many bytes in two; of a long stream its ends and a sample.
fn cuts(bytes: usize) -> impl Iterator<Item = usize> {
    (1..bytes).filter(move |cut| bytes < 600 || *cut < 64 || bytes - cut < 64 || cut % 97 == 0)
}

/// What holds for every answer.
fn check_answer(answer: &Answer, to_head: bool, case: &str) {
    assert!(answer.field("Date").is_some(), "9110 §6.6.1: {case}");
    assert_eq!(answer.field("Transfer-Encoding"), None, "9112 §6.1: {case}");
    let is_redundant = matches!(answer.status, ..200 | 204 | 304);
    assert_eq!(answer.field("Content-Length").is_none(), is_redundant, "9110 §8.6: {case}");
    match answer.status {
        405 => assert!(answer.field("Allow").is_some(), "9110 §15.5.6: {case}"),
        426 => assert_eq!(answer.field("Upgrade"), Some("websocket"), "9110 §15.5.22: {case}"),
        _ => {}
    }
    if answer.status >= 400 {
        let body = String::from_utf8(answer.body.clone()).expect(case);
        let is_line = body.lines().count() == 1 && body.ends_with('\n') && body.len() > 10;
        assert!(to_head || is_line, "{case}: {body:?}");
        assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"), "{case}");
        assert_eq!(answer.field("X-Content-Type-Options"), Some("nosniff"), "{case}");
    }
}

/// A request that is not understood ends the connection; that there is nothing at a path, or not
/// this method, does not. After CONNECT may come anything.
pub fn keeps(request: &[u8], status: u16) -> bool {
    matches!(status, 200 | 204 | 304 | 404 | 405) && !request.starts_with(b"CONNECT ")
}

/// Each row is the middle of a request: between `before` and `after`.
pub fn check_rows(rows: &[Row], before: &[u8], after: &[u8]) {
    let config = Config::default();
    for (rule, part, status) in rows {
        let raw = [before, part, after].concat();
        check(&config, rule, &raw, &[*status], keeps(&raw, *status));
    }
}

const REQUEST_LINES: &[Row] = &[
    ("9112 §3 method SP target SP version", b"GET /healthz HTTP/1.1", 200),
    ("9110 §9.3.2 HEAD is GET without content", b"HEAD /healthz HTTP/1.1", 200),
    ("9112 §3 one SP after the method", b"GET  /healthz HTTP/1.1", 400),
    ("9112 §3 nothing before the method", b" GET /healthz HTTP/1.1", 400),
    ("9112 §3 nothing before the method", b"\tGET /healthz HTTP/1.1", 400),
    ("9112 §3 nothing after the version", b"GET /healthz HTTP/1.1 ", 400),
    ("9112 §3 nothing after the version", b"GET /healthz HTTP/1.1\t", 400),
    ("9112 §3 nothing after the version", b"GET /healthz HTTP/1.1 x", 400),
    ("9112 §3 nothing after the version", b"GET /healthz HTTP/1.1\0", 400),
    ("9112 §3 HTAB is no SP", b"GET\t/healthz HTTP/1.1", 400),
    ("9112 §3 HTAB is no SP", b"GET /healthz\tHTTP/1.1", 400),
    ("9112 §3 VT is no SP", b"GET\x0b/healthz HTTP/1.1", 400),
    ("9112 §3 FF is no SP", b"GET /healthz\x0cHTTP/1.1", 400),
    ("9112 §3.2 there is a target", b"GET HTTP/1.1", 400),
    ("9112 §3.2 there is a target", b"GET  HTTP/1.1", 400),
    ("9112 §2.3 there is a version (HTTP/0.9 had none)", b"GET /healthz", 400),
    ("9112 §2.3 there is a version", b"GET /healthz ", 400),
    ("9112 §3 there is more than a method", b"GET", 400),
    ("9112 §2.2 a line of white space is no empty line", b"   ", 400),
    ("9110 §9.1 methods are case-sensitive", b"get /healthz HTTP/1.1", 501),
    ("9110 §9.1 methods are case-sensitive", b"Get /healthz HTTP/1.1", 501),
    ("9112 §3.1 a longer method is another", b"GETT /healthz HTTP/1.1", 501),
    ("9112 §3 an unknown method is 501", b"PROPFIND / HTTP/1.1", 501),
    ("9112 §3 an unknown method is 501", b"M-SEARCH * HTTP/1.1", 501),
    ("9112 §3 an unknown method is 501", b"!#$%&'*+-.^_`|~0aZ / HTTP/1.1", 501),
    ("9110 §5.6.2 a method is a token", b"G(T /healthz HTTP/1.1", 400),
    ("9110 §5.6.2 a method is a token", b"\"GET\" /healthz HTTP/1.1", 400),
    ("9110 §5.6.2 a method is a token", b"GET: /healthz HTTP/1.1", 400),
    ("9110 §5.6.2 a method is a token", b"G\0T /healthz HTTP/1.1", 400),
    ("9110 §5.6.2 a method is a token", b"G\xc3\x8bT /healthz HTTP/1.1", 400),
    ("9110 §15.5.6 known and not allowed", b"POST /healthz HTTP/1.1", 405),
    ("9110 §15.5.6 known and not allowed", b"PUT /healthz HTTP/1.1", 405),
    ("9110 §15.5.6 known and not allowed", b"DELETE / HTTP/1.1", 405),
    ("9110 §15.5.6 known and not allowed", b"PATCH / HTTP/1.1", 405),
    ("9110 §9.3.8 TRACE reflects nothing", b"TRACE / HTTP/1.1", 405),
    ("9110 §9.3.7 OPTIONS", b"OPTIONS / HTTP/1.1", 204),
    ("9112 §3.2.4 asterisk-form", b"OPTIONS * HTTP/1.1", 204),
    ("9112 §3.2.4 absolute-form for OPTIONS", b"OPTIONS http://a HTTP/1.1", 204),
    ("9112 §3.2.4 asterisk-form is only *", b"OPTIONS *x HTTP/1.1", 400),
    ("9112 §3.2.4 asterisk-form has no query", b"OPTIONS *?x HTTP/1.1", 400),
    ("9112 §3.2.3 authority-form", b"CONNECT a:443 HTTP/1.1", 405),
    ("9112 §3.2.3 authority-form", b"CONNECT [::1]:443 HTTP/1.1", 405),
    ("9110 §9.3.6 a bad port must be refused", b"CONNECT a:x HTTP/1.1", 400),
    ("9110 §9.3.6 a bad port must be refused", b"CONNECT a:99999 HTTP/1.1", 400),
    ("9112 §3.2.3 no user information", b"CONNECT u@a:443 HTTP/1.1", 400),
    ("9112 §3.2.3 authority-form is only for CONNECT", b"POST a:443 HTTP/1.1", 400),
    ("9110 §6.2 a higher minor version is like 1.1", b"GET / HTTP/1.2", 200),
    ("9110 §6.2 a higher minor version is like 1.1", b"GET /healthz HTTP/1.9", 200),
    ("9110 §6.2 a higher minor version is like 1.1", b"POST / HTTP/1.3", 405),
    ("9110 §6.2 a higher minor version is like 1.1", b"GET # HTTP/1.3", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/1", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/1.", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/.1", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/2", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/01.1", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/1.01", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/1.10", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/11.1", 400),
    ("9112 §2.3 a version has two digits", b"GET / HTTP/1.1.1", 400),
    ("9112 §2.3 digits are DIGIT", b"GET / HTTP/1.x", 400),
    ("9112 §2.3 digits are DIGIT", b"GET / HTTP/+1.1", 400),
    ("9112 §2.3 digits are DIGIT", b"GET / HTTP/-1.1", 400),
    ("9112 §2.3 the dot is a dot", b"GET / HTTP/1,1", 400),
    ("9112 §2.3 the slash is there", b"GET / HTTP1.1", 400),
    ("9112 §2.3 no white space in it", b"GET / HTTP /1.1", 400),
    ("9112 §2.3 no white space in it", b"GET / HTTP/ 1.1", 400),
    ("9112 §2.3 no white space in it", b"GET / HTTP/1 .1", 400),
    ("9112 §2.3 HTTP-name is case-sensitive", b"GET / http/1.1", 400),
    ("9112 §2.3 HTTP-name is case-sensitive", b"GET / Http/1.1", 400),
    ("9112 §2.3 HTTP-name is HTTP", b"GET / HTTPS/1.1", 400),
    ("9112 §2.3 HTTP-name is HTTP", b"GET / ICY/1.1", 400),
];

#[test]
fn server_takes_the_request_line_of_the_grammar_and_no_other() {
    check_rows(REQUEST_LINES, b"", b"\r\nHost: a\r\n\r\n");
}

#[test]
fn server_says_505_only_of_a_version_it_has_not() {
    let rows: &[Row] = &[
        ("9112 §3 one SP after the target", b"GET /healthz  HTTP/1.1", 400),
        ("9112 §3.2 no white space in the target", b"GET /heal thz HTTP/1.1", 400),
        ("9112 §3.2 no white space in the target", b"GET / x HTTP/1.0", 400),
        ("9112 §3 one SP after the target", b"GET / HTTP/1.1 HTTP/1.1", 400),
        ("9112 §3 one SP after the target", b"GET /  HTTP/2.0", 400),
    ];
    check_rows(rows, b"", b"\r\nHost: a\r\n\r\n");
}

#[test]
fn server_says_505_of_another_major_version_however_it_is_cut() {
    let rows: &[Row] = &[
        ("9110 §15.6.6 no other major version", b"GET / HTTP/0.9", 505),
        ("9110 §15.6.6 no other major version", b"GET / HTTP/2.0", 505),
        ("9110 §15.6.6 no other major version", b"GET / HTTP/3.0", 505),
        ("9110 §15.6.6 no other major version", b"GET / HTTP/9.9", 505),
        ("9113 §3.4 the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM", 505),
        ("9112 §2.3 a version has two digits", b"GET / HTTP/2.00", 400),
        ("9112 §3 nothing after the version", b"GET / HTTP/2.0 ", 400),
    ];
    check_rows(rows, b"", b"\r\nHost: a\r\n\r\n");
}

const TARGETS: &[Row] = &[
    ("9112 §3.2.1 origin-form", b"/", 200),
    ("9112 §3.2.1 origin-form has a query", b"/healthz?a=b&c", 200),
    ("9112 §3.2.1 origin-form has an empty query", b"/healthz?", 200),
    ("9112 §3.2.1 a query has slashes", b"/?/../..//http://b/", 200),
    ("9112 §3.2.2 absolute-form must be accepted", b"http://a/healthz", 200),
    ("9112 §3.2.2 absolute-form has a port", b"http://a:3000/healthz", 200),
    ("9112 §3.2.2 absolute-form replaces Host", b"http://b.example/healthz", 200),
    ("9112 §3.2.2 absolute-form has an empty path", b"http://a", 200),
    ("9112 §3.2.2 absolute-form has a query", b"http://a?b", 200),
    ("9112 §3.2.2 absolute-form has an IP-literal", b"http://[::1]:3000/healthz", 200),
    ("3986 §3.1 a scheme has no case", b"HTTP://a/healthz", 200),
    ("9110 §4.2.1 an empty host is invalid", b"http:///healthz", 400),
    ("9110 §4.2.1 an empty host is invalid", b"http://:80/healthz", 400),
    ("9110 §4.2.1 an empty host is invalid", b"http://", 400),
    ("9110 §4.2.4 no user information", b"http://u@a/healthz", 400),
    ("9110 §4.2.4 no user information", b"http://u:p@a/healthz", 400),
    ("9110 §4.2.4 no user information", b"http://a@b:80/healthz", 400),
    ("3986 §3.2.3 a port is a number", b"http://a:x/healthz", 400),
    ("3986 §3.2.3 a port is a number", b"http://a:99999/healthz", 400),
    ("9110 §4.2 http has an authority", b"http:/healthz", 400),
    ("9110 §4.2 http has an authority", b"http:healthz", 400),
    ("9110 §7.4 no other scheme", b"ftp://a/healthz", 400),
    ("9110 §7.4 no other scheme", b"ws://a/ws", 400),
    ("9110 §7.4 no other scheme", b"file:///etc/passwd", 400),
    ("9110 §7.4 no other scheme", b"://a/healthz", 400),
    ("9112 §3.2.3 authority-form is for CONNECT", b"a:80", 400),
    ("9112 §3.2.3 authority-form is for CONNECT", b"a", 400),
    ("9112 §3.2.4 asterisk-form is for OPTIONS", b"*", 400),
    ("9112 §3.2.1 a path begins with a slash", b"healthz", 400),
    ("9112 §3.2.1 a path begins with a slash", b"./healthz", 400),
    ("9112 §3.2.1 a path begins with a slash", b"?a", 400),
    ("9112 §3.2.1 a path begins with a slash", b"%2fhealthz", 400),
    ("9112 §3.2 a fragment is not sent", b"/healthz#a", 400),
    ("9112 §3.2 a fragment is not sent", b"http://a/#", 400),
    ("3986 §2 no control characters", b"/\0", 400),
    ("3986 §2 no control characters", b"/\x01", 400),
    ("3986 §2 no control characters", b"/\x1b", 400),
    ("3986 §2 no control characters", b"/\x7f", 400),
    ("3986 §2 nothing above ASCII", b"/caf\xc3\xa9", 400),
    ("3986 §2 nothing above ASCII", b"/\x80", 400),
    ("3986 §2 nothing above ASCII", b"/..\xc0\xaf", 400),
    ("9112 §3.2.1 two slashes are a path", b"//a/healthz", 404),
    ("C10 a line end that is encoded ends no line", b"/%0d%0aInjected:%201", 404),
    ("3986 §6.2.2 an escape is the character that it stands for", b"/%68ealth%7A", 200),
    ("3986 §6.2.2 an escape is the character that it stands for", b"http://a/%68ealth%7a", 200),
    ("3986 §6.2.2 what is decoded is not decoded again", b"/%2568ealthz", 404),
    ("3986 §6.2.2 a question mark that is encoded begins no query", b"/healthz%3fa", 404),
    ("3986 §2.1 an escape has two digits", b"/%", 400),
    ("3986 §2.1 an escape has two digits", b"/%6", 400),
    ("3986 §2.1 an escape has two digits", b"/%6/", 400),
    ("3986 §2.1 an escape has two digits", b"/%6g", 400),
    ("3986 §2.1 an escape has two digits", b"/%6?8", 400),
    ("3986 §2.1 a query is not decoded", b"/healthz?%6", 200),
    ("C12 no NUL", b"/%00", 400),
    ("C12 no NUL", b"/healthz%00", 400),
    ("C12 no slash within a segment", b"/%2fhealthz", 400),
    ("C12 no slash within a segment", b"/x%2F..%2Fhealthz", 400),
    ("C12 UTF-8 and nothing else", b"/caf%E9", 400),
    ("C12 UTF-8 and nothing else", b"/..%c0%afhealthz", 400),
    ("C12 a backslash is no slash", b"/..\\healthz", 404),
];

#[test]
fn server_takes_the_target_in_the_forms_that_a_method_has() {
    check_rows(TARGETS, b"GET ", b" HTTP/1.1\r\nHost: a\r\n\r\n");
}

/// Lines end in CRLF and in nothing else (RFC 9112 §2.2); a house rule where it is about LF.
#[test]
fn server_takes_crlf_for_the_end_of_a_line_and_no_other() {
    let rows: &[Row] = &[
        ("9112 §2.2 an empty line before is ignored", b"\r\nGET /healthz HTTP/1.1\r\nHost: a", 200),
        ("9112 §2.2 house: several too", b"\r\n\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a", 200),
        ("9112 §2.2 an LF before", b"\nGET /healthz HTTP/1.1\r\nHost: a", 400),
        ("9112 §2.2 a CR before", b"\rGET /healthz HTTP/1.1\r\nHost: a", 400),
        ("9112 §2.2 CR CRLF before", b"\r\r\nGET /healthz HTTP/1.1\r\nHost: a", 400),
        ("9112 §2.2 an SP line before", b" \r\nGET /healthz HTTP/1.1\r\nHost: a", 400),
        ("9112 §2.2 LF after the request line", b"GET /healthz HTTP/1.1\nHost: a", 400),
        ("9112 §2.2 CR after the request line", b"GET /healthz HTTP/1.1\rHost: a", 400),
        ("9112 §2.2 CRCRLF after the request line", b"GET /healthz HTTP/1.1\r\r\nHost: a", 400),
        ("9112 §2.2 LFCR after the request line", b"GET /healthz HTTP/1.1\n\rHost: a", 400),
        ("9112 §2.2 LF in the request line", b"GET /heal\nthz HTTP/1.1\r\nHost: a", 400),
        ("9112 §2.2 LF after a field", b"GET /healthz HTTP/1.1\r\nHost: a\nX: y", 400),
        ("9112 §2.2 CR after a field", b"GET /healthz HTTP/1.1\r\nHost: a\rX: y", 400),
        ("9112 §2.2 CR before a name", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\rX: y", 400),
        ("9112 §2.2 LF for an empty line", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\n", 400),
        ("9112 §2.2 CR for an empty line", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\rX", 400),
        ("9112 §2.2 CRs", b"GET /healthz HTTP/1.1\r\nHost: a\r\r", 400),
        ("9112 §2.2 LFs only", b"GET /healthz HTTP/1.1\nHost: a\n\n", 400),
        ("9112 §2.2 CRs only", b"GET /healthz HTTP/1.1\rHost: a\r\r", 400),
        ("C4 a TLS hello", b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03", 400),
        ("C4 noise", b"\x00\xff\x80\x7f\x01\xfe\x0b", 400),
        ("C4 an answer", b"HTTP/1.1 200 OK", 400),
    ];
    check_rows(rows, b"", b"\r\n\r\n");
}

/// Requests that follow each other at once (RFC 9112 §9.3.2) are answered in order, up to the
/// first that is refused or asks for the end.
#[test]
fn server_answers_pipelined_requests_in_order() {
    let get = |path: &str, line: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{line}\r\n");
    let (ok, gone) = (get("/healthz", ""), get("/nothing", ""));
    let close = get("/healthz", "Connection: close\r\n");
    let post =
        |lines: &str, body: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n{body}");
    let hello = post("Content-Length: 5", "hello");
    let chunks = post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX: y\r\n\r\n");
    let bad_chunks = post("Transfer-Encoding: chunked", "5\r\nhello!\r\n0\r\n\r\n");
    let large = post("Content-Length: 65537", "hello");
    let hello_get = get("/healthz", "Content-Length: 5\r\n") + "hello";
    let awaited = post("Content-Length: 5\r\nExpect: 100-continue", "hello");
    let bare = "GET / HTTP/1.1\nHost: a\r\n\r\n".to_owned();
    let empty = get("/", "Content-Length: 0\r\n");
    let rows: [(&[&String], &[u16], bool); 14] = [
        (&[&ok, &ok], &[200, 200], true),
        (&[&ok, &gone, &ok], &[200, 404, 200], true),
        (&[&gone; 9], &[404; 9], true),
        (&[&empty, &ok], &[200, 200], true),
        (&[&close, &ok], &[200], false),
        (&[&ok, &close, &gone], &[200, 200], false),
        (&[&ok, &hello, &ok], &[200, 405, 200], true),
        (&[&chunks, &chunks, &hello, &ok], &[405, 405, 405, 200], true),
        (&[&hello_get, &gone, &hello_get], &[200, 404, 200], true),
        (&[&ok, &large, &ok], &[200, 413], false),
        (&[&chunks, &bad_chunks, &ok], &[405, 400], false),
        (&[&ok, &awaited, &ok], &[200, 405], false),
        (&[&ok, &bare, &ok], &[200, 400], false),
        (&[&empty, &"X".into(), &ok], &[200, 501], false),
    ];
    for (requests, statuses, kept) in rows {
        let raw: String = requests.iter().map(|request| request.as_str()).collect();
        check(&Config::default(), "9112 §9.3.2", raw.as_bytes(), statuses, kept);
    }
}

/// A request that is not whole is not answered, wherever it stops (RFC 9112 §8).
#[test]
fn server_answers_nothing_to_part_of_a_request() {
    let mut world = World::new();
    for end in 0..NEXT.len() {
        let (answer, is_ended) = exchange(&mut world, [&NEXT[..end]]);
        assert_eq!((&answer[..], is_ended), (&b""[..], false), "{end}");
    }
    let peer: Peer = world.connect();
    world.send(peer, NEXT);
    assert_eq!(world.answer(peer).status, 200);
    assert_eq!(world.hub.len(), 1);
}

/// Two things wrong with one request: which of them is named must not depend on the segments that
/// it comes in, or what a proxy saw answered is not what its client would have.
#[test]
fn answer_to_two_faults_does_not_depend_on_how_the_request_is_cut() {
    let long = format!("GET /{} HTTP/1.1\r\nHost: a", "a".repeat(1_100));
    let firsts = [
        "GET / HTTP/1.1\r\nHost: a",
        "\r\n\r\nGET / HTTP/1.1\r\nHost: a",
        "FOO / HTTP/1.1\r\nHost: a",
        "GET /# HTTP/1.1\r\nHost: a",
        "GET / HTTP/2.0\r\nHost: a",
        "GET / HTTP/1.1\r\nX: y",
        "GET / HTTP/1.1\r\nHost : a",
        "GET /\r HTTP/1.1\r\nHost: a",
        "GET / HTTP/1.1\nHost: a",
        &long,
        &long.replace("GET", "FOO"),
        &long.replace("GET /", "GET /#"),
        &long.replace("1.1", "2.0"),
    ];
    let limits = Limits {
        head_bytes_max: 8_192,
        head_fields_max: 64,
        target_bytes_max: 1_024,
        ..Limits::default()
    };
    let config = Config { limits, ..Config::default() };
    let many = "\r\nX: y".repeat(64);
    let large = format!("\r\nX: {}", "y".repeat(8_192));
    let empty = format!("{}GET", "\r\n".repeat(600));
    let seconds =
        ["", "\r\nX : y", "\r\nX: y\nz", "\r\nX\rY: z", "\r\nX: \0", "\r\nHost: a", &many, &large];
    let mut split = Vec::new();
    for first in firsts.map(str::to_owned).into_iter().chain([firsts[0].replace("GET", &empty)]) {
        for second in seconds {
            let stream = format!("{first}{second}\r\nExpect: x\r\n\r\n");
            let stream = stream.as_bytes();
            let mut world = World::with(config.clone());
            let whole = exchange(&mut world, [stream]);
            let sizes = [1, 2, 3, 5, 7, 11, 16, 33];
            let mut is_same =
                sizes.iter().all(|n| exchange(&mut world, stream.chunks(*n)) == whole);
            for cut in cuts(stream.len()) {
                let (front, back) = stream.split_at(cut);
                is_same &= exchange(&mut world, [front, back]) == whole;
            }
            if !is_same {
                split.push(stream[..stream.len().min(90)].escape_ascii().to_string());
            }
        }
    }
    assert_eq!(split, [""; 0]);
}

#[test]
fn answer_to_a_bare_cr_does_not_depend_on_how_the_request_is_cut() {
    let rows: &[Row] = &[
        ("9112 §2.2 CR in the request line", b"GET /heal\rthz HTTP/1.1\r\nHost: a", 400),
        ("9112 §2.2 CR for SP", b"GET\r/healthz HTTP/1.1\r\nHost: a", 400),
        ("9112 §2.2 CR in a name", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\rY: z", 400),
    ];
    check_rows(rows, b"", b"\r\n\r\n");
}
