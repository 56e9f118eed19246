//! `/metrics`: it is what Prometheus reads, says what was done, and is not for everyone.

use std::collections::{BTreeMap, BTreeSet};

use headcount::config::{Config, Limits};
use headcount::connection::{Cause, CauseKind, State};
use headcount::http::TrustedProxies;
use headcount::hub::Refusal;

use crate::engine::PATH;
use crate::wire::{self, Answer};
use crate::world::{Peer, World};

/// Samples by their name and labels, as they are written.
pub type Samples = BTreeMap<String, f64>;

/// Reads a text of version 0.0.4, and is strict: every family has its help, then its type, then all
/// of its samples, and there is none of either twice.
pub fn parse(text: &str) -> Samples {
    let mut samples = Samples::new();
    let mut families = BTreeSet::new();
    let (mut family, mut kind) = ("", "");
    assert!(text.ends_with('\n'));
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a name and words");
            assert!(words.ends_with('.') && !words.contains('\\'), "{line}");
            assert!(families.insert(name), "{name} is there twice");
            let declared = lines.next().and_then(|line| line.strip_prefix("# TYPE "));
            let declared = declared.and_then(|declared| declared.split_once(' '));
            assert_eq!(declared.map(|(of, _)| of), Some(name));
            (family, kind) = (name, declared.unwrap().1);
            check_name(family, kind);
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let suffix = name.strip_prefix(family).unwrap_or_else(|| panic!("{line} in {family}"));
        match kind {
            "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{line}"),
            _ => assert_eq!(suffix, "", "{line}"),
        }
        for pair in labels.strip_suffix('}').unwrap().split(',').filter(|pair| !pair.is_empty()) {
            let (label, quoted) = pair.split_once('=').expect("a value");
            assert!(label.bytes().all(|byte| byte.is_ascii_lowercase()), "{line}");
            let value = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            assert!(
                value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.+".contains(&byte))
            );
        }
        let value: f64 = value.parse().expect("a number");
        assert!(value >= 0.0, "{line}");
        assert_eq!(samples.insert(series.to_owned(), value), None, "{series} is there twice");
    }
    assert!(families.len() > 20);
    samples
}

/// What the conventions of Prometheus ask of names.
fn check_name(family: &str, kind: &str) {
    assert!(family.starts_with("headcount_"), "{family}");
    assert!(family.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{family}");
    assert_eq!(kind == "counter", family.ends_with("_total"), "{family}");
    assert!(["counter", "gauge", "histogram"].contains(&kind), "{family}");
    assert_eq!(family.contains("duration"), family.ends_with("_seconds"), "{family}");
}

fn ask(world: &mut World, peer: Peer, method: &str, fields: &str) -> Answer {
    let request = format!("{method} /metrics HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    world.send(peer, request.as_bytes());
    let inbox = world.inbox(peer);
    wire::take_answer(inbox, method == "HEAD").expect("there is an answer")
}

fn scrape(world: &mut World) -> Samples {
    let peer = world.connect();
    let answer = ask(world, peer, "GET", "");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let samples = parse(&String::from_utf8(answer.body).expect("text"));
    world.end(peer);
    samples
}

#[test]
fn metrics_say_what_was_done() {
    let mut world = World::new();
    let (ada, bob) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    world.pass_ms(100);
    world.login(bob, "Bob");
    world.pass_ms(100);
    world.reset(bob);
    world.pass_ms(100);
    world.hub.tally_mut().turns.add(300);
    world.hub.tally_mut().turns.add(2_000_000);
    let samples = scrape(&mut world);
    let expected = [
        ("connections{state=\"present\"}", 1.0),
        ("connections{state=\"http\"}", 1.0),
        ("connections_accepted_total", 3.0),
        ("connections_closed_total{cause=\"lost\"}", 1.0),
        ("names", 1.0),
        ("logins_total", 2.0),
        ("members_ended_total{cause=\"lost\"}", 1.0),
        ("commits_total", 3.0),
        ("deliveries_total", 2.0 + 2.0 + 2.0 + 1.0),
        ("http_responses_total{class=\"1xx\"}", 2.0),
        ("turn_duration_seconds_bucket{le=\"0.00025\"}", 0.0),
        ("turn_duration_seconds_bucket{le=\"0.0005\"}", 1.0),
        ("turn_duration_seconds_bucket{le=\"1\"}", 1.0),
        ("turn_duration_seconds_bucket{le=\"+Inf\"}", 2.0),
        ("turn_duration_seconds_count", 2.0),
        ("turn_duration_seconds_sum", 2.0003),
        ("turn_duration_longest_seconds", 2.0),
    ];
    for (name, value) in expected {
        assert_eq!(samples.get(&format!("headcount_{name}")), Some(&value), "{name}");
    }
    let sum = |start: &str| -> f64 {
        let of_name = samples.iter().filter(|(name, _)| name.starts_with(start));
        of_name.map(|(_, value)| value).sum()
    };
    let closed = sum("headcount_connections_closed_total");
    assert_eq!(
        samples["headcount_connections_accepted_total"] - closed,
        sum("headcount_connections{")
    );
}

#[test]
fn every_state_and_cause_is_there_from_the_start() {
    let samples = scrape(&mut World::new());
    let build = format!("headcount_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    assert_eq!(samples.get(&build), Some(&1.0));
    for (_, state) in State::OPEN {
        assert!(samples.contains_key(&format!("headcount_connections{{state=\"{state}\"}}")));
    }
    for (_, cause) in CauseKind::ALL {
        let name = format!("headcount_connections_closed_total{{cause=\"{cause}\"}}");
        assert_eq!(samples.get(&name), Some(&0.0), "{name}");
    }
}

#[test]
fn metrics_are_for_this_machine_and_not_through_a_proxy() {
    let mut world = World::new();
    for (address, fields, status) in [
        ("127.0.0.1", "", 200),
        ("127.9.9.9", "", 200),
        ("::1", "", 200),
        ("::ffff:127.0.0.1", "", 200),
        ("192.0.2.1", "", 404),
        ("::2", "", 404),
        ("2001:db8::1", "", 404),
        ("127.0.0.1", "X-Forwarded-For: 127.0.0.1\r\n", 404),
        ("127.0.0.1", "forwarded: for=127.0.0.1\r\n", 404),
        ("127.0.0.1", "X-Real-IP: 127.0.0.1\r\n", 404),
        ("127.0.0.1", "Via: 1.1 here\r\n", 404),
    ] {
        let peer = world.connect_from(address.parse().unwrap()).unwrap();
        assert_eq!(ask(&mut world, peer, "GET", fields).status, status, "{address} {fields}");
    }
}

#[test]
fn metrics_are_only_where_they_are_listened_for() {
    let metrics_listen = Some("192.0.2.9:9090".parse().unwrap());
    let config =
        Config { metrics_listen, hosts: vec!["example.com".parse().unwrap()], ..Config::default() };
    let mut world = World::with(config);
    let peer = world.connect();
    world.send(peer, b"GET /metrics HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(world.answer(peer).status, 404);

    let peer = world.connect_for_metrics("192.0.2.1".parse().unwrap()).unwrap();
    assert_eq!(ask(&mut world, peer, "GET", "X-Forwarded-For: 192.0.2.2\r\n").status, 200);
    for path in ["/", "/roster", "/ws", PATH] {
        world.send(peer, &wire::handshake(path, ""));
        assert_eq!(world.answer(peer).status, 404, "{path}");
    }
    // A probe has its room there too: a server that is full is not to be started again.
    world.send(peer, b"GET /healthz HTTP/1.1\r\nHost: 192.0.2.9:9090\r\n\r\n");
    assert_eq!(world.answer(peer).status, 200);
}

/// The limits are there for the many; who watches has to see the server when they are reached.
#[test]
fn metrics_are_there_when_the_server_is_full() {
    let limits = Limits {
        connections_max: 2,
        pending_max: 1,
        connections_per_address_max: 1,
        accepts_per_address_burst: 1,
        ..Limits::default()
    };
    let metrics_listen = Some("192.0.2.9:9090".parse().unwrap());
    let trusted_proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
    let config = Config { limits, metrics_listen, trusted_proxies, ..Config::default() };
    let mut world = World::with(config);
    let (watcher, pending) = (world.watch(), world.connect());
    assert_eq!(world.connect_from([127, 0, 0, 1].into()), Err(Refusal::Full));
    for address in ["192.0.2.1", "192.0.2.1", "192.0.2.1", "10.0.0.1", "10.0.0.1"] {
        let peer = world.connect_for_metrics(address.parse().unwrap()).unwrap();
        let fields = "X-Forwarded-For: 192.0.2.1\r\n";
        assert_eq!(ask(&mut world, peer, "GET", fields).status, 200, "{address}");
    }
    assert!(!world.is_closed(pending), "nor do they take the room of others");
    world.reset(watcher);
    assert!(world.connect_from("192.0.2.1".parse().unwrap()).is_ok());
    assert_eq!(world.cause(pending), Some(Cause::Displaced));
}

#[test]
fn metrics_connections_have_a_number_of_their_own() {
    let limits = Limits { metrics_connections_max: 2, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let watching = "192.0.2.1".parse().unwrap();
    let peers = [(); 2].map(|()| world.connect_for_metrics(watching).unwrap());
    assert_eq!(world.connect_for_metrics(watching), Err(Refusal::Full));
    world.connect();
    world.reset(peers[0]);
    assert!(world.connect_for_metrics(watching).is_ok());
}

#[test]
fn metrics_are_asked_for_with_get_or_head() {
    let mut world = World::new();
    let peer = world.connect();
    let whole = ask(&mut world, peer, "GET", "");
    let head = ask(&mut world, peer, "HEAD", "");
    assert_eq!((head.status, head.body.len()), (200, 0));
    let length: usize = head.field("content-length").unwrap().parse().unwrap();
    assert!(length.abs_diff(whole.body.len()) < 10, "{length}");
    assert_eq!(ask(&mut world, peer, "DELETE", "").status, 405);
}

/// A proxy on this machine says whom it asks for; the monitoring beside it asks for nobody.
#[test]
fn metrics_are_there_beside_a_trusted_proxy_and_not_through_it() {
    let trusted_proxies = TrustedProxies::new(vec!["127.0.0.1".parse().unwrap()]);
    let mut world = World::with(Config { trusted_proxies, ..Config::default() });
    for (field, status) in [("", 200), ("X-Forwarded-For: 192.0.2.1\r\n", 404)] {
        let peer = world.connect();
        let request = format!("GET /metrics HTTP/1.1\r\nHost: a\r\n{field}\r\n");
        world.send(peer, request.as_bytes());
        assert_eq!(world.answer(peer).status, status, "{field}");
    }
}
