//! Who may connect: every policy holds for a WebSocket as for a page (A14, C8, C9, C14).

use headcount::config::{Config, Limits, OriginPolicy};
use headcount::hub::Refusal;

use super::generous;
use crate::engine::PATH;
use crate::handshake::{LINE, check_handshake, handshake, with_echo};
use crate::http::exchange;
use crate::wire::{self, Told};
use crate::world::World;

const SERVICES: [&str; 3] = ["/ws", "/echo", PATH];

/// A handshake at `path` with other `lines` in it, and what it is answered with; and whether the
/// frames that followed it were looked at.
fn ask(config: &Config, path: &str, host: &str, lines: &str) -> (u16, bool) {
    let mut world = World::with(config.clone());
    let request = format!("GET {path} HTTP/1.1");
    let fields = format!("Host: {host}\r\n{lines}");
    let raw = handshake(request.as_bytes(), "Host", fields.trim_end().as_bytes());
    let (mut bytes, is_ended) = exchange(&mut world, [&raw[..], &wire::frame(0x89, b"secret")]);
    let answer = wire::take_answer(&mut bytes, false).expect("an answer");
    assert!(world.hub.is_empty());
    let has_pong = bytes.windows(6).any(|window| window == b"secret");
    let is_page = matches!(answer.status, 200 | 404);
    let is_over = is_ended && bytes.is_empty();
    assert!(answer.status == 101 || is_page || is_over, "{path} {fields}");
    (answer.status, has_pong)
}

#[test]
fn a14_policies_hold_through_the_upgrade() {
    let config = Config { hosts: vec!["app.com".parse().unwrap()], ..with_echo() };
    let long = format!("/ws?{}", "x".repeat(8192));
    let many = "X: y\r\n".repeat(100);
    let body = "Content-Length: 5\r\n";
    for path in SERVICES {
        assert_eq!(ask(&config, path, "app.com", ""), (101, true), "{path}");
        assert_eq!(ask(&config, path, "app.com", "Origin: http://app.com"), (101, true));
        for (host, lines, status) in [
            ("app.com", "Origin: http://evil.com", 403),
            ("app.com", "Origin: null", 403),
            ("evil.com", "", 421),
            ("evil.com", "Origin: http://evil.com", 421),
            ("app.com", &many, 431),
            ("app.com", body, 400),
            ("app.com", "Transfer-Encoding: chunked", 400),
            ("app.com", "Expect: x", 417),
        ] {
            assert_eq!(ask(&config, path, host, lines), (status, false), "{path} {lines}");
        }
    }
    for (path, status) in [("/wss", 404), ("/ws/", 404), ("//ws", 404), (&long, 414)] {
        assert_eq!(ask(&config, path, "app.com", ""), (status, false), "{path}");
    }
    // Without --echo there is no such service, with an upgrade or without.
    let without = Config { echo: false, ..config };
    assert_eq!(ask(&without, "/echo", "app.com", ""), (404, false));
}

/// Rates are counted from the first byte after the handshake, and connections before it.
#[test]
fn a14_rates_hold_through_the_upgrade() {
    let stranger = [192, 0, 2, 7].into();
    for path in [SERVICES[0], SERVICES[2]] {
        let limits = Limits { accepts_per_address_burst: 50, ..Limits::default() };
        let mut world = World::with(Config { limits, ..Config::default() });
        for _ in 0..50 {
            let peer = world.connect_from(stranger).unwrap();
            world.send(peer, &wire::handshake(path, ""));
            assert_eq!(world.answer(peer).status, 101);
        }
        assert_eq!(world.connect_from(stranger), Err(Refusal::TooManyFromAddress));

        let mut world = World::new();
        let peer = world.connect();
        let flood = wire::frame(0x8A, b"").repeat(21);
        world.send(peer, &[wire::handshake(path, ""), flood].concat());
        assert_eq!(world.answer(peer).status, 101);
        assert_eq!(world.told(peer).last(), Some(&Told::Close(Some(1008))), "{path}");
    }
}

/// A host, and the origin of a page that asks it for a WebSocket.
const ALLOWED: [(&str, &str); 4] = [
    ("app.com", "http://app.com"),
    ("app.com", "https://app.com"),
    ("app.com:3000", "http://app.com:3000"),
    ("APP.com", "http://app.com"),
];

const REFUSED: [(&str, &str); 24] = [
    ("app.com", "http://evil.com"),
    ("app.com", "http://app.com.evil.com"),
    ("app.com", "http://evilapp.com"),
    ("app.com", "http://evil.app.com"),
    ("app.com", "null"),
    ("null", "null"),
    ("app.com", "http://app.com http://evil.com"),
    ("app.com", "http://app.com, http://evil.com"),
    ("app.com", "http://evil.com\r\nOrigin: http://app.com"),
    ("app.com", "http://app.com\r\nOrigin: http://app.com"),
    ("app.com", "http://app.com:8080"),
    ("app.com:8080", "http://app.com:80"),
    ("app.com:80", "https://app.com"),
    ("app.com", "ftp://app.com"),
    ("app.com", "HTTP://APP.COM"),
    ("app.com", "http://APP.com"),
    ("app.com", "http://app.com."),
    ("app.com.", "http://app.com"),
    ("app.com", "http://xn--pp-yia.com"),
    ("app.com", "http://\u{430}pp.com"),
    ("app.com", "http://app.com@evil.com"),
    ("app.com", "http://app.com#.evil.com"),
    ("app.com", "*"),
    ("app.com", ""),
];

#[test]
fn c8_page_of_another_origin_may_not_connect() {
    for path in SERVICES {
        let config = with_echo();
        for (host, origin) in ALLOWED {
            assert_eq!(ask(&config, path, host, &format!("Origin: {origin}")).0, 101, "{origin}");
        }
        for (host, origin) in REFUSED {
            let (status, is_served) = ask(&config, path, host, &format!("Origin: {origin}"));
            // Socket.IO has an answer of its own for an Origin that is malformed.
            let is_refused = status == 403 || status == 400 && path == SERVICES[2];
            assert!(is_refused && !is_served, "{path} {origin}: {status}");
        }
        // Who is no browser need not say where it is from.
        assert_eq!(ask(&config, path, "app.com", "").0, 101);
        let listed = OriginPolicy::Listed(vec!["https://b.com".parse().unwrap()]);
        let config = Config { origins: listed, ..config };
        for (origin, status) in [
            ("https://b.com", 101),
            ("https://b.com.evil.com", 403),
            ("https://evilb.com", 403),
            ("http://b.com", 403),
            ("https://b.com:8443", 403),
        ] {
            let found = ask(&config, path, "app.com", &format!("Origin: {origin}")).0;
            assert_eq!(found, status, "{path} {origin}");
        }
    }
}

#[test]
fn c9_host_that_is_not_listed_is_refused() {
    let config = Config {
        hosts: ["app.com", "[::1]"].map(|host| host.parse().unwrap()).into(),
        ..with_echo()
    };
    let pages = ["/", "/roster", "/nothing", "/healthz/"];
    for path in SERVICES.into_iter().chain(pages) {
        for (host, is_listed) in [
            ("app.com", true),
            ("App.Com:3000", true),
            ("[::1]:3000", true),
            ("evil.com", false),
            ("app.com.evil.com", false),
            ("evil-app.com", false),
            ("127.0.0.1", false),
            ("localhost", false),
            ("app.com.", true),
            ("[::2]", false),
        ] {
            let (status, _) = ask(&config, path, host, "");
            assert_eq!(status == 421, !is_listed, "{path} at {host}: {status}");
        }
    }
}

/// Who sets a field is not believed where it comes from: limits count the peer of the socket.
#[test]
fn c14_forged_forwarding_fields_are_ignored() {
    let stranger = [192, 0, 2, 7].into();
    let mut world = World::with(Config {
        limits: Limits { connections_per_address_max: 100, ..generous().limits },
        ..Config::default()
    });
    for index in 0..100 {
        let peer = world.connect_from(stranger).unwrap();
        let fields = format!(
            "X-Forwarded-For: 198.51.100.{index}\r\nForwarded: for=198.51.100.{index}\r\n\
             X-Real-IP: 127.0.0.1\r\nTrue-Client-IP: 127.0.0.1\r\nCF-Connecting-IP: ::1\r\n"
        );
        world.send(peer, &wire::handshake("/ws", &fields));
        assert_eq!(world.answer(peer).status, 101);
    }
    assert_eq!(world.connect_from(stranger), Err(Refusal::TooManyFromAddress));
    // Nor does a forged one use up what somebody else has.
    assert!(world.connect_from([198, 51, 100, 7].into()).is_ok());
    // The others of a proxy's words change nothing either.
    let lines = "X-Forwarded-Host: evil.com\r\nX-Forwarded-Proto: https\r\nOrigin: http://evil.com";
    check_handshake(&with_echo(), "C14", &handshake(LINE, "", lines.as_bytes()), 403);
}
