//! Many people behind one address: a class, an office, a container network. And one who floods.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use headcount::config::{Config, Limits};
use headcount::http::TrustedProxies;
use headcount::hub::Refusal;

use crate::program::Program;
use crate::wire;
use crate::world::{Peer, World};

const SCHOOL: &str = "192.0.2.7";

/// A browser has six connections to a host, and one for each WebSocket.
const PAGE_CONNECTIONS: usize = 7;

/// Opens the page as a browser does, all of its connections at once: its WebSocket.
fn open_page(world: &mut World, from: IpAddr) -> Peer {
    let peers: Vec<Peer> =
        (0..PAGE_CONNECTIONS).map(|_| world.connect_from(from).expect("it is let in")).collect();
    let files = ["/", "/style.css", "/page.js", "/headcount.js", "/favicon.svg", "/roster"];
    for (&peer, path) in peers.iter().zip(files) {
        world.send(peer, format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        assert_eq!(world.answer(peer).status, 200, "{path}");
    }
    let socket = peers[PAGE_CONNECTIONS - 1];
    world.send(socket, &wire::handshake("/ws", ""));
    assert_eq!(world.answer(socket).status, 101);
    socket
}

/// With the limits that nobody has set, for an address of IPv4 and for a network of IPv6.
#[test]
fn class_of_sixty_behind_one_address_gets_in_at_once_and_stays() {
    for from in [SCHOOL, "2001:db8::7"] {
        let mut world = World::new();
        let from = from.parse().unwrap();
        let mut sockets: Vec<Peer> = (0..60).map(|_| open_page(&mut world, from)).collect();
        // The teacher tells them to load the page again.
        world.pass_ms(15_000);
        sockets.drain(..).for_each(|socket| world.reset(socket));
        sockets.extend((0..60).map(|_| open_page(&mut world, from)));
        for _ in 0..120 {
            world.pass_ms(30_000);
            for &socket in &sockets {
                for told in world.told(socket) {
                    if let wire::Told::Ping(data) = told {
                        world.send_quietly(socket, &wire::frame(0x8A, &data));
                    }
                }
                assert!(!world.is_closed(socket));
            }
        }
        assert_eq!(world.hub.len(), 60);
        assert_eq!(world.hub.tally().refused_address, 0);
    }
}

/// The same class behind a proxy that is trusted, where each request is counted.
#[test]
fn class_of_sixty_behind_a_proxy_is_let_in() {
    let trusted_proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let mut world = World::with(Config { trusted_proxies, ..Config::default() });
    let field = format!("X-Forwarded-For: {SCHOOL}\r\n");
    for _ in 0..60 {
        let peer = world.connect_from([10, 0, 0, 1].into()).unwrap();
        for path in ["/", "/style.css", "/page.js", "/headcount.js", "/favicon.svg", "/roster"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n{field}\r\n");
            world.send(peer, request.as_bytes());
            assert_eq!(world.answer(peer).status, 200, "{path}");
        }
        world.send(peer, &wire::handshake("/ws", &field));
        assert_eq!(world.answer(peer).status, 101);
    }
}

#[test]
fn flood_of_one_address_is_stopped_and_others_come_in() {
    let mut world = World::new();
    let (flooder, other): (IpAddr, IpAddr) = (SCHOOL.parse().unwrap(), [192, 0, 2, 8].into());
    let mut taken = 0;
    for _ in 0..100 {
        for _ in 0..100 {
            // Each is dropped at once, so that nothing but the rate holds it back.
            if let Ok(peer) = world.connect_from(flooder) {
                taken += 1;
                world.reset(peer);
            }
        }
        open_page(&mut world, other);
        world.pass_ms(100);
        if taken % 7 == 0 {
            assert!(world.hub.len() < 1_000);
        }
    }
    assert!((1_900..=2_000).contains(&taken), "{taken} of 10,000 in 10 s");
    // Nor does it keep more than its share.
    let mut world = World::new();
    let taken = (0..10_000).filter(|_| world.connect_from(flooder).is_ok()).count();
    assert_eq!(taken, 1_000);
    open_page(&mut world, other);
}

/// What a browser and a program need to come back by themselves, and a person to wait.
#[track_caller]
fn check_busy(answer: &wire::Answer, status: u16) -> u32 {
    assert_eq!((answer.status, answer.field("Connection")), (status, Some("close")));
    let seconds = answer.field("Retry-After").expect("when to come back");
    assert_eq!(answer.field("Refresh"), Some(seconds));
    assert_eq!(answer.field("Cache-Control"), Some("no-store"));
    assert_eq!(answer.field("Content-Type"), Some("text/plain; charset=utf-8"));
    let words = String::from_utf8(answer.body.clone()).unwrap();
    assert!(words.contains(&format!("Try again in {seconds} seconds")), "{words}");
    seconds.parse().unwrap()
}

#[test]
fn client_that_is_refused_is_told_when_to_come_back() {
    let limits = Limits { accepts_per_address_burst: 1, ..Limits::default() };
    let trusted_proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let mut world = World::with(Config { limits, trusted_proxies, ..Config::default() });
    let from = SCHOOL.parse().unwrap();
    world.connect_from(from).unwrap();
    let mut seconds = BTreeSet::new();
    for _ in 0..50 {
        assert_eq!(world.connect_from(from), Err(Refusal::TooManyFromAddress));
        let mut bytes = world.hub.refusal(Refusal::TooManyFromAddress);
        let answer = wire::take_answer(&mut bytes, false).unwrap();
        assert!(bytes.is_empty());
        seconds.insert(check_busy(&answer, 429));
    }
    assert_eq!(seconds, (3..=10).collect(), "they do not come back together");
    let mut bytes = world.hub.refusal(Refusal::Full);
    check_busy(&wire::take_answer(&mut bytes, false).unwrap(), 503);

    // The same through a proxy, and without content to HEAD.
    let peer = world.connect_from([10, 0, 0, 1].into()).unwrap();
    world.send(peer, b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n");
    assert_eq!(world.answer(peer).status, 200);
    for method in ["GET", "HEAD"] {
        let peer = world.connect_from([10, 0, 0, 1].into()).unwrap();
        let request =
            format!("{method} / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n");
        world.send(peer, request.as_bytes());
        let answer = wire::take_answer(world.inbox(peer), method == "HEAD").unwrap();
        assert_eq!(answer.body.is_empty(), method == "HEAD");
        assert!(answer.field("Retry-After").is_some() && answer.field("Refresh").is_some());
        assert!(world.inbox(peer).is_empty() && world.is_half_closed(peer));
    }
}

/// The request is on its way when its connection is refused: no RST overtakes the answer, and none
/// meets a client that is still writing.
#[cfg(target_os = "linux")]
#[test]
fn refusal_is_read_by_a_client_that_takes_its_time() {
    let program = Program::start(&["--connections-max", "1"]);
    let base = program.open_files();
    let mut watcher = program.watch();
    watcher.heard();
    for _ in 0..20 {
        let mut client = program.connect();
        thread::sleep(Duration::from_millis(10));
        for part in ["GET / HTTP/1.1\r\n", "Host: a\r\n", "\r\n"] {
            client.send(part.as_bytes());
            thread::sleep(Duration::from_millis(2));
        }
        check_busy(&client.answer(), 503);
        assert!(!client.read(), "the end, and no reset");
    }
    program.wait_for_open_files(base + 1);
}
