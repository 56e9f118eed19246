//! What peers can use up (D10, D16–D18): tables, time of a turn, hashes, dependencies.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use allocation_counter::measure;
use headcount::config::{Config, Limits};
use headcount::presence::{Encoder, Leave, Presence, Update, View};
use headcount::time::Time;
use headcount::ws::Deflater;

use super::{Bare, cpu, generous, grows_at_most, takes_less};
use crate::engine::{OFFER, PATH};
use crate::tidy;
use crate::wire;

/// 100,000 addresses come and go: what is remembered of them does not grow with their number, and
/// is next to nothing when they are gone.
#[test]
fn d10_table_of_addresses_is_bounded_and_shrinks() {
    let mut server = Bare::with(Config::default());
    let visit = |server: &mut Bare, number: u32| {
        let address = match number % 2 {
            0 => IpAddr::from((0x0A00_0000 + number).to_be_bytes()),
            _ => Ipv6Addr::from((0x2001_0DB8 << 96 | u128::from(number) << 64) + 1).into(),
        };
        let id = server.hub.accepted(address, server.now).expect("each address is new");
        server.hub.lost(id);
        assert_eq!(server.turn(), 1);
    };
    // Once for what the hub keeps whoever comes.
    (0..2_000).for_each(|number| visit(&mut server, number));
    server.now = Time::from_ms(100_000);
    let memory = measure(|| {
        for number in 0..100_000 {
            visit(&mut server, number);
            server.now = server.now.after_ms(1);
        }
    });
    assert!(memory.bytes_max <= 256 * 1024, "{} bytes at most", memory.bytes_max);
    assert!(memory.bytes_current <= 128 * 1024, "{} bytes at the end", memory.bytes_current);
}

/// The worst that one turn can be given: 64 KiB from one peer, of whatever costs most.
#[test]
fn d16_no_input_of_a_turn_takes_a_hundred_milliseconds() {
    let full = |unit: &[u8]| unit.repeat((64 << 10) / unit.len());
    let deep = format!("42[\"x\",{}{}]", "[".repeat(8_000), "]".repeat(8_000));
    let cases: [(&str, Vec<u8>); 12] = [
        ("", full(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("", full(b"GET /roster HTTP/1.1\r\nHost: a\r\n\r\n")),
        ("", full(b"\r\n")),
        ("", full(b"X")),
        ("/ws", full(&wire::text(r#"["login","Ada"]"#))),
        ("/ws", full(&wire::text(&"[".repeat(16 << 10)))),
        ("/ws", full(&wire::frame(0x89, b""))),
        ("/ws", full(&wire::frame(0xC1, &[0, 0, 0, 0xFF, 0xFF].repeat(3_000)))),
        ("/ws", full(&wire::frame(0x01, b""))),
        ("/echo", full(&wire::frame(0x82, b""))),
        (PATH, full(&wire::text(&deep))),
        (PATH, full(&wire::text("42[\"login\",\"Ada\"]"))),
    ];
    for (path, input) in cases {
        let start = input[..20].escape_ascii();
        takes_less(Duration::from_millis(100), &format!("{start} on {path}"), || {
            let mut server = Bare::with(generous());
            let id = if path.is_empty() { server.accept() } else { server.open(path, OFFER) };
            if path == PATH {
                server.send(id, &wire::text("40"));
            }
            let mut input = input.clone();
            cpu(|| {
                server.hub.received(id, &mut input, server.now);
                server.turn();
                server.flush(id);
            })
        });
    }
}

/// Names are kept in order and not by hash.
#[test]
fn d17_crafted_names_are_linear_work() {
    // Alike at the start, so that a comparison goes far; and in an order that favours nobody.
    let name = |index: usize| format!("{:032}", index * 7_919 % 100_003);
    let time = |count: usize| {
        let names: Vec<String> = (0..count).map(name).collect();
        let (mut presence, limits) = (Presence::new(0), Limits::default());
        let (room, _) = presence.enter("", 0, &View::Nothing, &limits).unwrap();
        let mut deflater = Deflater::new(1);
        let mut encoder = Encoder { deflater: &mut deflater, deflate_bytes_min: usize::MAX };
        cpu(|| {
            let login =
                |name: &String| presence.login(room, None, (name, Update::default()), &limits);
            let ids: Vec<_> = names.iter().map(login).collect();
            presence.commit(&limits, &mut encoder, Time::ZERO);
            ids.into_iter().for_each(|id| presence.release(id.unwrap(), Leave::Logout, &limits));
            presence.commit(&limits, &mut encoder, Time::from_ms(1_000));
        })
    };
    // More memory is slower memory; but what is quadratic takes 64 times as long.
    grows_at_most(40, (12_500, 100_000), "names", time);
}

/// Addresses are found by std's hash, which has a key of its own; no other hash is used.
#[test]
fn d17_no_map_has_a_hash_without_a_key() {
    for (path, source) in tidy::sources() {
        let source = source.to_ascii_lowercase();
        for word in ["fxhash", "ahash", "hashbrown", "with_hasher", "buildhasherdefault"] {
            assert!(!source.contains(word), "{path} names {word}");
        }
    }
}

/// A package of `Cargo.lock`: its name, its version and what it needs.
type Package = (String, Vec<u32>, Vec<String>);

fn locked() -> Vec<Package> {
    let value = |line: &str| line.split('"').nth(1).unwrap_or_default().to_owned();
    let package = |block: &str| {
        let field = |name: &str| {
            let line = block.lines().find(|line| line.starts_with(&format!("{name} = \"")));
            line.map(value).unwrap_or_default()
        };
        let version = field("version");
        let numbers = version.split(['.', '-', '+']).map_while(|part| part.parse().ok());
        let needs = block.lines().filter(|line| line.starts_with(" \"")).map(value);
        let needs = needs.map(|need| need.split(' ').next().unwrap_or_default().to_owned());
        (field("name"), numbers.collect(), needs.collect())
    };
    include_str!("../../../Cargo.lock").split("[[package]]\n").skip(1).map(package).collect()
}

/// What the program is made of has a budget, and holes that its parts are known to have had are
/// in none of them. Whether there are new ones is looked up before a release, not here.
#[test]
fn d18_dependencies_are_few_and_past_their_known_holes() {
    let packages = locked();
    let manifest = include_str!("../../../Cargo.toml");
    let own = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let mut open: Vec<String> =
        own.lines().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect();
    let mut all = BTreeSet::new();
    while let Some(name) = open.pop() {
        if all.insert(name.clone()) {
            let found = packages.iter().filter(|(other, ..)| *other == name);
            open.extend(found.flat_map(|(.., needs)| needs.clone()));
        }
    }
    assert!((40..=150).contains(&all.len()), "{} packages: {all:?}", all.len());
    for (name, version, _) in &packages {
        let least: &[u32] = match name.as_str() {
            "mio" => &[0, 8, 11],         // RUSTSEC-2024-0019
            "slab" => &[0, 4, 11],        // CVE-2025-55159
            "zlib-rs" => &[0, 4, 1],      // RUSTSEC-2024-0401
            "tungstenite" => &[0, 20, 1], // CVE-2023-43669
            _ => continue,
        };
        assert!(version.as_slice() >= least, "{name} {version:?}");
    }
    for name in ["http", "hyper", "tokio", "openssl", "libz-sys"] {
        assert!(!all.contains(name), "{name}");
    }
}
