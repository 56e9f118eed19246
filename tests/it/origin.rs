//! Whose pages may connect, and under which names the server can be reached
//! (docs/evidence/threats.md C8 and C9), both checked where it counts: through the upgrade (A14).

use headcount::config::{Config, OriginPolicy};

use crate::handshake::{LINE, check_handshake, handshake, with_echo};
use crate::http::exchange;
use crate::wire;
use crate::world::World;

/// A host, other lines, and the status.
const ORIGINS: &[(&str, &str, u16)] = &[
    ("app.com", "", 101),
    ("app.com", "Origin: http://app.com", 101),
    ("app.com", "Origin: https://app.com", 101),
    ("APP.com", "Origin: http://app.com", 101),
    ("app.com:80", "Origin: http://app.com", 101),
    ("app.com", "Origin: http://app.com:80", 101),
    ("app.com:443", "Origin: https://app.com", 101),
    ("app.com:3000", "Origin: http://app.com:3000", 101),
    ("[::1]:3000", "Origin: http://[::1]:3000", 101),
    ("xn--mnchen-3ya.de", "Origin: https://xn--mnchen-3ya.de", 101),
    ("app.com", "Origin: http://evil.com", 403),
    ("app.com", "Origin: http://app.com.evil.com", 403),
    ("app.com", "Origin: http://evilapp.com", 403),
    ("app.com", "Origin: http://evil.app.com", 403),
    ("app.com", "Origin: http://app.co", 403),
    ("app.com", "Origin: http://app.comm", 403),
    ("app.com", "Origin: http://app-com", 403),
    ("app.com", "Origin: http://app.com.", 403),
    ("app.com.", "Origin: http://app.com", 403),
    ("app.com", "Origin: http://app.com:3000", 403),
    ("app.com:3000", "Origin: http://app.com", 403),
    ("app.com:3000", "Origin: http://app.com:3001", 403),
    ("app.com:80", "Origin: https://app.com", 403),
    ("app.com:443", "Origin: http://app.com", 403),
    ("app.com", "Origin: HTTP://app.com", 403),
    ("app.com", "Origin: http://APP.com", 403),
    ("app.com", "Origin: http://xn--pp-yia.com", 403),
    ("app.com", "Origin: http://\u{430}pp.com", 403),
    ("xn--mnchen-3ya.de", "Origin: https://m\u{fc}nchen.de", 403),
    ("app.com", "Origin: null", 403),
    ("null", "Origin: null", 403),
    ("app.com", "Origin:", 403),
    ("app.com", "Origin: *", 403),
    ("app.com", "Origin: app.com", 403),
    ("app.com", "Origin: //app.com", 403),
    ("app.com", "Origin: http:app.com", 403),
    ("app.com", "Origin: ftp://app.com", 403),
    ("app.com", "Origin: file://", 403),
    ("app.com", "Origin: chrome-extension://app.com", 403),
    ("app.com", "Origin: javascript://app.com", 403),
    // Nobody's page, but a client that names the WebSocket itself.
    ("app.com", "Origin: ws://app.com", 101),
    ("app.com", "Origin: wss://app.com", 101),
    ("app.com:3000", "Origin: ws://app.com:3000", 101),
    ("app.com:80", "Origin: ws://app.com", 101),
    ("app.com", "Origin: wss://app.com:443", 101),
    ("App.com", "Origin: WSS://aPP.com", 101),
    ("[::1]:3000", "Origin: ws://[::1]:3000", 101),
    ("app.com", "Origin: ws://evil.com", 403),
    ("app.com", "Origin: ws://app.com:3000", 403),
    ("app.com", "Origin: ws://app.com.evil.com", 403),
    ("app.com", "Origin: ws://app.com@evil.com", 403),
    ("app.com", "Origin: ws://app.com/", 403),
    ("app.com", "Origin: ws://app.com http://app.com", 403),
    ("app.com:443", "Origin: ws://app.com", 403),
    ("app.com", "Origin: http://app.com/", 403),
    ("app.com", "Origin: http://app.com#http://evil.com", 403),
    ("app.com", "Origin: http://app.com@evil.com", 403),
    ("app.com", "Origin: http://evil.com@app.com", 403),
    ("app.com", "Origin: http://app.com http://app.com", 403),
    ("app.com", "Origin: http://evil.com, http://app.com", 403),
    ("app.com", "Origin: http://app.com\r\nOrigin: http://app.com", 403),
    ("app.com", "Origin: http://app.com\r\nOrigin: http://evil.com", 403),
    // Nobody is believed what the host is, nor who has asked.
    ("app.com", "Origin: http://evil.com\r\nX-Forwarded-Host: evil.com", 403),
    ("app.com", "Origin: http://evil.com\r\nForwarded: host=evil.com", 403),
    ("app.com", "Origin: http://evil.com\r\nReferer: http://app.com/", 403),
    ("app.com", "Origin: http://evil.com\r\nSec-Fetch-Site: same-origin", 403),
    ("app.com", "Sec-WebSocket-Origin: http://evil.com", 101),
];

/// C8: a page may connect to the host that it is from, whatever the host is called. Compared are
/// name and port, whole; scheme and host of an origin are in lower case (RFC 6454 §4).
#[test]
fn page_of_another_origin_may_not_connect() {
    for (host, origin, status) in ORIGINS {
        let host = format!("Host: {host}\r\n{origin}");
        let raw = handshake(LINE, "Host", host.trim_end().as_bytes());
        check_handshake(&with_echo(), "6455 §10.2", &raw, *status);
    }
    // The host of an absolute target is the host (RFC 9112 §3.2.2).
    for (origin, status) in [("http://app.com", 101), ("http://evil.com", 403)] {
        let lines = format!("Host: evil.com\r\nOrigin: {origin}");
        let raw = handshake(b"GET http://app.com/echo HTTP/1.1", "Host", lines.as_bytes());
        check_handshake(&with_echo(), "6455 §10.2", &raw, status);
    }
    // Whose page asks is checked first: a stranger learns nothing else.
    for (name, lines) in [("Key", &b"Origin: http://e"[..]), ("Upgrade", b"Origin: http://e")] {
        check_handshake(&with_echo(), "6455 §10.2", &handshake(LINE, name, lines), 403);
    }
}

/// `--allow-origin`, also through the upgrade (A14).
#[test]
fn listed_origins_may_connect_too() {
    let listed = ["https://b.com", "http://c.com:8080"].map(|origin| origin.parse().unwrap());
    let origins = OriginPolicy::Listed(listed.to_vec());
    let config = Config { origins, ..with_echo() };
    for (origin, status) in [
        ("http://localhost:3000", 101),
        ("https://b.com", 101),
        ("http://c.com:8080", 101),
        ("http://b.com", 403),
        ("https://b.com:8080", 403),
        ("https://b.com.evil.com", 403),
        ("https://a.b.com", 403),
        ("https://B.com", 403),
        ("http://c.com", 403),
        ("http://c.com:808", 403),
        ("https://b.com, http://c.com:8080", 403),
        ("null", 403),
    ] {
        let raw = handshake(LINE, "", format!("Origin: {origin}").as_bytes());
        check_handshake(&config, "6455 §10.2 listed", &raw, status);
    }
    let config = Config { origins: OriginPolicy::Any, ..with_echo() };
    for origin in ["null", "https://evil.com", "*", ""] {
        let raw = handshake(LINE, "", format!("Origin: {origin}").as_bytes());
        check_handshake(&config, "6455 §10.2 any", &raw, 101);
    }
}

pub fn list(origins: &[&str]) -> OriginPolicy {
    OriginPolicy::Listed(origins.iter().map(|origin| origin.parse().unwrap()).collect())
}

/// The driver gets each refused origin once, by whatever protocol, and no other.
#[test]
fn refused_origin_is_handed_to_the_log() {
    let mut world = World::with(Config { origins: list(&["https://b.com"]), ..with_echo() });
    let engine = "/socket.io/?EIO=4&transport=websocket";
    for path in ["/ws", "/echo", engine] {
        for (origin, shown) in [
            ("Origin: https://evil.com\r\n", Some("https://evil.com")),
            ("Origin: ws://evil.com\r\n", Some("ws://evil.com")),
            ("Origin: http://a\" address=\"1\r\n", Some("http://a\\\" address=\\\"1")),
            ("Origin: https://b.com\r\n", None),
            ("", None),
        ] {
            let peer = world.connect();
            world.send(peer, &wire::handshake(path, origin));
            let status = if shown.is_some() { 403 } else { 101 };
            assert_eq!(world.answer(peer).status, status, "{path} {origin}");
            world.pass_ms(10);
            let refused: Vec<String> =
                world.refused_origins.drain(..).map(|refused| refused.to_string()).collect();
            assert_eq!(refused, Vec::from_iter(shown), "{path} {origin}");
        }
    }
    // A page that only reads is not refused, it is not shared with.
    let peer = world.connect();
    world.send(peer, b"GET /roster HTTP/1.1\r\nHost: a\r\nOrigin: https://evil.com\r\n\r\n");
    assert_eq!(world.answer(peer).status, 200);
    assert!(world.refused_origins.is_empty());
}

/// The page of an origin that may connect may read files and the roster too, the client module for
/// one (Fetch, "CORS protocol"): by its name, so that a cache must not hand it to another.
#[test]
fn origin_that_may_connect_may_read_too() {
    let listed = list(&["https://b.com"]);
    let below = list(&["https://*.b.com"]);
    let apps = list(&["null", "capacitor://localhost"]);
    for (origins, origin, allowed, varies) in [
        (OriginPolicy::default(), "https://b.com", None, false),
        (listed.clone(), "https://b.com", Some("https://b.com"), true),
        (listed, "https://evil.com", None, true),
        (OriginPolicy::Any, "https://evil.com", Some("*"), false),
        (below.clone(), "https://a.b.com", Some("https://a.b.com"), true),
        (below.clone(), "https://b.com", None, true),
        (below, "https://a.b.com.evil.com", None, true),
        (apps.clone(), "null", Some("null"), true),
        (apps.clone(), "capacitor://localhost", Some("capacitor://localhost"), true),
        (apps, "ionic://localhost", None, true),
    ] {
        let mut world = World::with(Config { origins, ..Config::default() });
        for path in ["/", "/style.css", "/roster"] {
            let raw = format!("GET {path} HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n\r\n");
            let (mut bytes, _) = exchange(&mut world, [raw.as_bytes()]);
            let answer = wire::take_answer(&mut bytes, false).unwrap();
            assert_eq!(answer.field("Access-Control-Allow-Origin"), allowed, "{path}, {origin}");
            let vary = answer.field("Vary").unwrap_or_default();
            assert_eq!(vary.contains("Origin"), varies, "{path}, {origin}: {vary}");
        }
    }
}

/// C9, `--allow-host`: a name that resolves to this server and was made up elsewhere is refused
/// (RFC 9110 §7.4), for a page as for a WebSocket.
#[test]
fn host_that_is_not_listed_is_misdirected() {
    let hosts = ["app.com", "[::1]", "127.0.0.1"].map(|host| host.parse().unwrap()).to_vec();
    let mut world = World::with(Config { hosts, ..with_echo() });
    for (host, is_listed) in [
        ("app.com", true),
        ("APP.COM", true),
        ("app.com:3000", true),
        ("[::1]", true),
        ("[::1]:3000", true),
        ("127.0.0.1:80", true),
        ("evil.com", false),
        ("app.com.evil.com", false),
        ("evil.app.com", false),
        ("evilapp.com", false),
        ("app.com.", true),
        ("app.com.:3000", true),
        ("app.com:", true),
        ("app.com..", false),
        ("app.co", false),
        ("[::2]", false),
        ("127.0.0.1.evil.com", false),
        ("localhost", false),
    ] {
        let routes =
            [("/", 200), ("/roster", 200), ("/nothing", 404), ("/ws", 101), ("/echo", 101)];
        for (path, status) in routes {
            for (target, field) in [(path.to_owned(), host), (format!("http://{host}{path}"), "a")]
            {
                let line = format!("GET {target} HTTP/1.1");
                let raw = handshake(line.as_bytes(), "Host", format!("Host: {field}").as_bytes());
                let (mut bytes, is_ended) = exchange(&mut world, [&raw[..], b"GET / HTTP/1.1\r\n"]);
                let answer = wire::take_answer(&mut bytes, false).unwrap();
                let expected = if is_listed { status } else { 421 };
                assert_eq!(answer.status, expected, "{target}, {field}");
                assert!(is_listed || is_ended && bytes.is_empty(), "{target}, {field}");
            }
        }
    }
    // A request of HTTP/1.0 that names no host is for none of them.
    let (mut bytes, _) = exchange(&mut world, [&b"GET / HTTP/1.0\r\n\r\n"[..]]);
    assert_eq!(wire::take_answer(&mut bytes, false).unwrap().status, 421);
}
