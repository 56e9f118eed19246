//! What a browser asks before a page of another origin makes a request with fields of its own
//! (Fetch, "CORS-preflight request"), and what it lets the page read then.

use headcount::config::{Config, OriginPolicy};

use crate::engine;
use crate::origin::list;
use crate::poller::{Client, OPEN, body, is_refused};
use crate::wire::Answer;
use crate::world::World;

const LISTED: &str = "https://b.com";

fn listed() -> World {
    world(list(&[LISTED]))
}

fn world(origins: OriginPolicy) -> World {
    World::with(Config { origins, ..Config::default() })
}

fn ask(world: &mut World, method: &str, path: &str, fields: &str) -> Answer {
    let peer = world.connect();
    let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    world.send(peer, request.as_bytes());
    let answer = world.answer(peer);
    // The connection is good for more, whatever was asked.
    world.send(peer, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(world.answer(peer).status, 200, "{request}");
    answer
}

/// The fields of a preflight.
fn preflight(origin: &str, method: &str, names: &str) -> String {
    let names = match names {
        "" => String::new(),
        names => format!("Access-Control-Request-Headers: {names}\r\n"),
    };
    format!("Origin: {origin}\r\nAccess-Control-Request-Method: {method}\r\n{names}")
}

fn cors(answer: &Answer) -> [Option<&str>; 5] {
    ["Origin", "Credentials", "Methods", "Headers", "Max-Age"].map(|name| match name {
        "Max-Age" => answer.field("Access-Control-Max-Age"),
        name => answer.field(&format!("Access-Control-Allow-{name}")),
    })
}

#[test]
fn page_that_may_connect_may_ask_with_fields_of_its_own() {
    let methods = Some("GET, POST, OPTIONS");
    let mut world = listed();
    let client = Client::joined(&mut world);
    // Whether there is such a session is for the request itself to find out.
    for path in [OPEN, &client.path(), &format!("{OPEN}&sid=abc"), "/socket.io/"] {
        let fields = preflight(LISTED, "POST", "x-mine,authorization");
        let answer = ask(&mut world, "OPTIONS", path, &fields);
        assert_eq!((answer.status, &*answer.body), (204, &b""[..]), "{path}");
        let names = Some("x-mine, authorization");
        assert_eq!(cors(&answer), [Some(LISTED), Some("true"), methods, names, Some("7200")]);
        assert_eq!(answer.field("Vary"), Some("Origin"));
        assert_eq!(answer.field("Content-Length"), None, "RFC 9110 §8.6");
    }
    // Fields that were not asked for are not spoken of.
    let answer = ask(&mut world, "OPTIONS", OPEN, &preflight(LISTED, "GET", ""));
    assert_eq!(cors(&answer), [Some(LISTED), Some("true"), methods, None, Some("7200")]);
    // Its session is as it was, and the request that follows may be read.
    assert_eq!(client.post(&mut world, "42[\"logout\"]"), (200, "ok".into()));
    let answer = ask(&mut world, "GET", OPEN, &format!("Origin: {LISTED}\r\nX-Mine: 1\r\n"));
    assert_eq!(cors(&answer)[..2], [Some(LISTED), Some("true")]);
    assert!(body(&answer).starts_with("0{"));
}

#[test]
fn where_all_pages_may_connect_no_cookies_are_sent() {
    let mut world = world(OriginPolicy::Any);
    let answer = ask(&mut world, "OPTIONS", OPEN, &preflight("https://c.com", "POST", "X-Mine"));
    let methods = Some("GET, POST, OPTIONS");
    assert_eq!(cors(&answer), [Some("*"), None, methods, Some("X-Mine"), Some("7200")]);
}

#[test]
fn page_that_may_not_connect_is_refused_and_noted() {
    for (mut world, origin) in
        [(listed(), "https://evil.com"), (world(OriginPolicy::default()), LISTED)]
    {
        let answer = ask(&mut world, "OPTIONS", OPEN, &preflight(origin, "POST", "X-Mine"));
        assert_eq!(answer.status, 403);
        assert!(body(&answer).contains("\"code\":4"), "{}", body(&answer));
        assert_eq!(cors(&answer), [None; 5]);
        assert_eq!(world.refused_origins.len(), 1, "the operator is told whom the list leaves out");
    }
    // Two origins are none.
    let fields = format!("Origin: {LISTED}\r\n{}", preflight(LISTED, "POST", ""));
    assert_eq!(ask(&mut listed(), "OPTIONS", OPEN, &fields).status, 403);
}

/// RFC 9110 §9.3.7: the server's own pages and programs get to know the methods.
#[test]
fn options_of_the_same_origin_are_no_preflight() {
    for fields in ["", "Origin: http://a\r\n", "Origin: http://a\r\nContent-Length: 0\r\n"] {
        let mut world = listed();
        let answer = ask(&mut world, "OPTIONS", OPEN, fields);
        assert_eq!(answer.status, 204);
        assert_eq!(answer.field("Allow"), Some("GET, POST, OPTIONS"), "{fields}");
        assert_eq!(cors(&answer), [None; 5]);
    }
    // From another origin, but not a preflight: it may be read, and nothing is allowed by it.
    let answer = ask(&mut listed(), "OPTIONS", OPEN, &format!("Origin: {LISTED}\r\n"));
    assert_eq!(cors(&answer), [Some(LISTED), Some("true"), None, None, None]);
}

/// Nothing that a client writes gets into the response but names.
#[test]
fn names_of_fields_are_repeated_only_as_such() {
    let mut world = listed();
    for (asked, said) in [
        ("x-a", Some("x-a")),
        (" x-a ,,\tX-B", Some("x-a, X-B")),
        ("x a, x-b", Some("x-b")),
        ("\"x\", (y)", None),
        ("x-\u{e9}", None),
        ("*", Some("*")),
        (",", None),
    ] {
        let answer = ask(&mut world, "OPTIONS", OPEN, &preflight(LISTED, "GET", asked));
        assert_eq!(answer.field("Access-Control-Allow-Headers"), said, "{asked}");
    }
}

/// What else a page may read (`origin_that_may_connect_may_read_too`) it may ask for in this way,
/// too: with `If-None-Match`, for one.
#[test]
fn rosters_and_files_have_preflights() {
    let mut world = listed();
    for path in ["/roster", "/roster/a", "/", "/headcount.js"] {
        let fields = preflight(LISTED, "GET", "if-none-match");
        let answer = ask(&mut world, "OPTIONS", path, &fields);
        assert_eq!(answer.status, 204);
        let expected = ["GET, HEAD, OPTIONS", "if-none-match", "7200"].map(Some);
        assert_eq!(cors(&answer)[2..], expected, "{path}");
        assert_eq!(cors(&answer)[0], Some(LISTED));
        let other = ask(&mut world, "OPTIONS", path, &preflight("https://evil.com", "GET", "x"));
        assert_eq!((other.status, cors(&other)), (204, [None; 5]), "{path}");
    }
}

/// A preflight is no session, and what comes after it is a request like any other.
#[test]
fn preflights_open_nothing() {
    let mut world = listed();
    for _ in 0..50 {
        ask(&mut world, "OPTIONS", OPEN, &preflight(LISTED, "GET", "x-mine"));
    }
    assert_eq!(world.hub.tally().sessions, 0);
    let other = engine::join(&mut world);
    engine::login(&mut world, other, "Ada");
    let answer = ask(&mut world, "PUT", OPEN, &format!("Origin: {LISTED}\r\n"));
    assert!(is_refused(&answer, 2), "another method is none of them");
}
