//! Probes of load balancers and orchestrators: they know an address and no name, ask in odd ways,
//! and ask often.

use headcount::config::{Config, Limits};
use headcount::connection::Cause;

use crate::wire;
use crate::world::World;

/// A server that has a name.
fn world() -> World {
    World::with(Config { hosts: vec!["example.com".parse().unwrap()], ..Config::default() })
}

/// What the first answer to `raw` is.
fn ask(world: &mut World, raw: &str) -> wire::Answer {
    let peer = world.connect();
    world.send(peer, raw.as_bytes());
    let answer = wire::take_answer(world.inbox(peer), raw.starts_with("HEAD"));
    answer.unwrap_or_else(|| panic!("no answer to {raw:?}"))
}

#[test]
fn probe_is_answered_whatever_host_it_asks() {
    for (probe, status) in [
        // kubelet, Docker, a load balancer of a cloud: the address that the probe connects to.
        ("GET /healthz HTTP/1.1\r\nHost: 10.1.2.3:3000\r\nUser-Agent: kube-probe/1.34", 200),
        ("GET /healthz HTTP/1.1\r\nHost: 10.0.0.9\r\nUser-Agent: ELB-HealthChecker/2.0", 200),
        ("GET /healthz HTTP/1.1\r\nHost: [fd00::7]:3000\r\nUser-Agent: GoogleHC/1.0", 200),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close", 200),
        ("GET /healthz HTTP/1.1\r\nHost: *\r\nAccept: */*", 200),
        ("GET /healthz?ready=1&x HTTP/1.1\r\nHost: 10.1.2.3", 200),
        ("HEAD /healthz HTTP/1.1\r\nHost: 10.1.2.3", 200),
        ("GET http://10.1.2.3:3000/healthz HTTP/1.1\r\nHost: 10.1.2.3:3000", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nUser-Agent: \u{fc}\u{fffd}()<>", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nOrigin: http://evil.com", 200),
        // HAProxy: `option httpchk` alone, and with a path; a version without Host.
        ("OPTIONS / HTTP/1.0", 204),
        ("OPTIONS * HTTP/1.0", 204),
        ("OPTIONS * HTTP/1.1\r\nHost: 10.1.2.3", 204),
        ("OPTIONS /healthz HTTP/1.0", 204),
        ("GET /healthz HTTP/1.0", 200),
        ("HEAD /healthz HTTP/1.0\r\nUser-Agent: x", 200),
        // What tells more than that the server is there is for its own names.
        ("GET / HTTP/1.1\r\nHost: 10.1.2.3", 421),
        ("GET / HTTP/1.0", 421),
        ("GET /healthz/ HTTP/1.1\r\nHost: 10.1.2.3", 421),
        ("GET /roster HTTP/1.1\r\nHost: 10.1.2.3", 421),
        ("POST /healthz HTTP/1.1\r\nHost: 10.1.2.3", 421),
        ("OPTIONS /roster HTTP/1.1\r\nHost: 10.1.2.3", 421),
        // Malformed stays malformed.
        ("GET /healthz HTTP/1.1", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a/b", 400),
    ] {
        let mut world = world();
        let answer = ask(&mut world, &format!("{probe}\r\n\r\n"));
        assert_eq!(answer.status, status, "{probe}");
        let is_silent = probe.starts_with("HEAD") || status == 204;
        assert_eq!(status < 400 && answer.body != b"ok\n", is_silent && status < 400, "{probe}");
        if status == 204 {
            assert_eq!(answer.field("Allow"), Some("GET, HEAD, OPTIONS"));
            assert_eq!(answer.field("Content-Length"), None, "RFC 9110 §8.6");
        }
    }
}

/// A probe of TCP is no failure of anybody, and so not in the log: see [`Cause`] in the journal.
#[test]
fn connection_that_says_nothing_and_goes_ends_well() {
    let mut world = world();
    let peer = world.connect();
    world.end(peer);
    assert_eq!(world.cause(peer), Some(Cause::Ended));
    let peer = world.connect();
    world.reset(peer);
    assert_eq!(world.cause(peer), Some(Cause::Lost));
}

/// A server that is full, or refuses an address, is not dead: at --metrics-listen probes have room.
#[test]
fn probe_at_the_door_of_metrics_is_answered_when_the_server_is_full() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let metrics_listen = Some("192.0.2.9:9090".parse().unwrap());
    let mut world = World::with(Config { limits, metrics_listen, ..Config::default() });
    world.watch();
    let peer = world.connect_for_metrics("192.0.2.1".parse().unwrap()).unwrap();
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404),
    ] {
        world.send(peer, request.as_bytes());
        assert_eq!(world.answer(peer).status, status, "{request}");
    }
}
