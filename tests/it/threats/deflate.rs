//! Compression (B1–B6): bombs, offers, misuse, and what it costs those who are idle.

use std::time::Duration;

use allocation_counter::measure;
use flate2::{Compress, Compression as Level, FlushCompress};
use headcount::config::{Compression, Config};
use headcount::ws::Inflater;

use super::{Bare, cpu, generous, grows_at_most, takes_less};
use crate::engine::{OFFER, PATH};
use crate::handshake::{LINE, handshake, with_echo};
use crate::http::exchange;
use crate::wire::{self, Told};
use crate::world::World;
use headcount_support::fuzz::Xorshift;

/// Every path on which something is inflated, and the limit there: bodies and a backplane, which
/// other servers inflate too, there are none.
const INFLATES: [(&str, usize); 3] = [("/ws", 16 << 10), (PATH, 16 << 10), ("/echo", 64 << 20)];

/// `text` as a compressed message.
fn deflated(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1024);
    Compress::new(Level::best(), false).compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
    out.truncate(out.len() - 4);
    out
}

/// So many bytes of which one in `ratio` or so is not predictable.
fn text(bytes: usize, ratio: usize) -> Vec<u8> {
    let mut random = Xorshift::new(1);
    let mut text: Vec<u8> = (0..bytes / ratio).map(|_| random.below(256) as u8).collect();
    text.resize(bytes, b' ');
    text
}

/// A message in this many frames.
fn in_fragments(message: &[u8], count: usize) -> Vec<u8> {
    let pieces: Vec<&[u8]> = message.chunks(message.len().div_ceil(count)).collect();
    let last = pieces.len() - 1;
    let frame = |(index, piece): (usize, &&[u8])| {
        let first = if index == 0 { 0x42 } else { 0 } | if index == last { 0x80 } else { 0 };
        wire::frame(first, piece)
    };
    pieces.iter().enumerate().flat_map(frame).collect()
}

#[test]
fn b1_bomb_is_closed_with_1009_before_it_is_inflated() {
    for (ratio, bytes) in [(10, 150_000), (100, 1_500_000), (1_029, 16 << 20)] {
        let bomb = deflated(&text(bytes, if ratio > 1_000 { bytes } else { ratio }));
        assert!(bytes / bomb.len() >= ratio * 8 / 10, "{} bytes of {bytes}", bomb.len());
        for fragments in [1, 63] {
            let frames = in_fragments(&bomb, fragments);
            takes_less(Duration::from_millis(5), &format!("{ratio}:1"), || {
                let mut server = Bare::with(generous());
                // What serves all connections is there by then.
                let warm = server.open("/ws", OFFER);
                server.send(warm, &wire::frame(0xC1, &deflated(b"[]")));
                let id = server.open("/ws", OFFER);
                let mut input = frames.clone();
                let mut time = Duration::ZERO;
                let memory = measure(|| {
                    time = cpu(|| server.hub.received(id, &mut input, server.now));
                });
                assert_eq!(wire::take_frames(&mut server.take(id)), [Told::Close(Some(1009))]);
                // What came is kept until it is whole, and may be an eighth longer than the limit.
                let kept = if fragments == 1 { 0 } else { 2 * (16 << 10) };
                let most = (16 << 10) + (32 << 10) + kept;
                assert!(memory.bytes_max <= most, "{} bytes at {ratio}:1", memory.bytes_max);
                assert!(server.hub.buffered_bytes() < 1024);
                time
            });
        }
    }
}

/// 64 KiB that stand for 64 MiB, where that much is allowed: one byte more and it is closed.
#[test]
fn b1_bomb_is_measured_by_what_it_becomes() {
    for (beyond, closes) in [(0, false), (1, true)] {
        let bomb = deflated(&vec![b' '; (64 << 20) + beyond]);
        assert!(bomb.len() < 70_000);
        let mut server = Bare::with(generous());
        let id = server.open("/echo", OFFER);
        server.send(id, &in_fragments(&bomb, 100));
        let sent = server.take(id);
        assert_eq!(sent == [0x88, 2, 0x03, 0xF1], closes, "{} bytes", sent.len());
    }
}

/// Checks what comes of an offer. `None`: no extension; a text: what the agreement ends with.
fn check_offer(world: &mut World, offer: &str, expected: Option<&str>) {
    let line = format!("Sec-WebSocket-Extensions: {offer}");
    let (mut bytes, _) = exchange(world, [&handshake(LINE, "", line.as_bytes())[..]]);
    let answer = wire::take_answer(&mut bytes, false).expect(offer);
    assert_eq!(answer.status, 101, "{offer}");
    let agreed = answer.field("Sec-WebSocket-Extensions");
    match expected {
        None => assert_eq!(agreed, None, "{offer}"),
        Some(parameter) => {
            let agreed = agreed.expect(offer);
            assert!(agreed.starts_with("permessage-deflate"), "{agreed}");
            assert!(agreed.ends_with(parameter), "{agreed}");
        }
    }
}

#[test]
fn b2_offers_with_odd_parameters_are_declined() {
    let mut world = World::with(with_echo());
    let mut check = |offer: &str, expected: Option<&str>| check_offer(&mut world, offer, expected);
    for side in ["server", "client"] {
        let window = format!("{side}_max_window_bits");
        for bits in (0..=300_u32).chain([65_535, 65_536, u32::MAX]) {
            let parameter = format!("{window}={bits}");
            let expected = (9..=15).contains(&bits).then_some(parameter.as_str());
            check(&format!("permessage-deflate; {parameter}"), expected);
        }
        for value in ["08", "09", "015", "+9", "-9", "1e1", "0xA", "x", "15.0", "\"8\"", "\"16\""] {
            check(&format!("permessage-deflate; {window}={value}"), None);
        }
        // RFC 6455 §9.1: quoted, a value is the same value.
        check(&format!("permessage-deflate; {window}=\"10\""), Some(&format!("{window}=10")));
        check(&format!("permessage-deflate; {window}=10; {window}=10"), None);
        check(&format!("permessage-deflate; {window}=10; {window}=11"), None);
        check(&format!("permessage-deflate; {side}_no_context_takeover=1"), None);
        let twice = format!("{side}_no_context_takeover; {side}_no_context_takeover");
        check(&format!("permessage-deflate; {twice}"), None);
    }
    for parameter in
        ["server_max_window_bits", "unknown", "unknown=1", "constructor", "__proto__=1", "x=\"y\""]
    {
        check(&format!("permessage-deflate; {parameter}"), None);
    }
    check("permessage-deflate; client_max_window_bits", Some(""));
    check("permessage-deflate; unknown, permessage-deflate", Some(""));
    check("permessage-deflat", None);
    check("x-webkit-deflate-frame", None);
}

#[test]
fn b3_extension_and_protocol_fields_are_read_in_linear_time() {
    let mut config = generous();
    config.limits.head_bytes_max = 1 << 16;
    let time = |field: &str, unit: &str, bytes: usize| {
        let value = unit.repeat(bytes / unit.len());
        let mut raw = wire::handshake("/ws", &format!("{field}: x{value}\r\n"));
        let mut server = Bare::with(config.clone());
        let id = server.accept();
        cpu(|| server.hub.received(id, &mut raw, server.now))
    };
    for field in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"] {
        for unit in [
            "a;b=\"\\\"\\\"",
            ";b=\"\\\\\"",
            " ",
            ",",
            ", ",
            ";",
            "\"",
            "\\",
            ", constructor",
            ", __proto__",
            "; __proto__=1",
            ", permessage-deflate; server_max_window_bits=8",
        ] {
            let case = format!("{field} {unit}");
            grows_at_most(10, (1024, 8192), &case, |bytes| time(field, unit, bytes));
        }
    }
}

#[test]
fn b4_rsv1_where_it_means_nothing_is_refused() {
    let start = wire::frame(0x41, &deflated(b"one"));
    for (case, offer, frames) in [
        ("not agreed on", "", wire::frame(0xC1, &deflated(b"one"))),
        ("a continuation", OFFER, [start.clone(), wire::frame(0x40, b"")].concat()),
        ("the last continuation", OFFER, [start, wire::frame(0xC0, b"")].concat()),
        ("a Close", OFFER, wire::frame(0xC8, b"")),
        ("a Ping", OFFER, wire::frame(0xC9, b"")),
        ("a Pong", OFFER, wire::frame(0xCA, b"")),
        ("a continuation of nothing", OFFER, wire::frame(0xC0, b"")),
        ("with RSV2", OFFER, wire::frame(0xE1, b"")),
        ("with RSV3", OFFER, wire::frame(0xD1, b"")),
    ] {
        for (path, _) in INFLATES {
            let mut server = Bare::with(generous());
            let id = server.open(path, offer);
            server.send(id, &frames);
            let told = wire::take_frames(&mut server.take(id));
            assert_eq!(told, [Told::Close(Some(1002))], "{case} on {path}");
        }
    }
}

/// A stream of nothing but empty blocks is as much work as it has bytes; and no input makes the
/// inflater's stack grow.
#[test]
fn b4_flood_of_empty_blocks_is_linear_work_and_needs_no_stack() {
    let flood = |bytes: usize| [[0, 0, 0, 0xFF, 0xFF].repeat(bytes / 5), vec![0]].concat();
    let time = |bytes: usize| {
        let mut message = wire::frame(0xC2, &flood(bytes));
        let mut server = Bare::with(generous());
        let id = server.open("/echo", OFFER);
        let time = cpu(|| server.hub.received(id, &mut message, server.now));
        assert_eq!(server.take(id), [0x82, 0], "nothing, many times over");
        time
    };
    grows_at_most(16, (8 << 10, 64 << 10), "a flood", time);
    takes_less(Duration::from_millis(50), "64 KiB", || time(64 << 10));

    let work = move || {
        let mut random = Xorshift::new(4);
        let mut inflater = Inflater::default();
        assert!(inflater.inflate(&flood(1 << 20), false, 100).is_ok());
        for _ in 0..2_000 {
            let noise: Vec<u8> = (0..200).map(|_| random.below(256) as u8).collect();
            let _ = inflater.inflate(&noise, false, 10_000);
        }
    };
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap();
    thread.join().expect("128 KiB of stack are enough, and 8 MiB are there");
}

#[test]
fn b5_idle_compressed_connection_costs_no_more_than_an_uncompressed_one() {
    let memory = |offer: &str, path: &str| {
        let mut server = None;
        let memory = measure(|| {
            let mut bare = Bare::with(generous());
            for _ in 0..10_000 {
                let id = bare.open(path, offer);
                // Each has said something once, and been answered.
                bare.send(id, &wire::frame(0x89, b"hello"));
                bare.take(id);
            }
            bare.turn();
            server = Some(bare);
        });
        drop(server);
        memory.bytes_current
    };
    for (path, _) in INFLATES {
        let (with, without) = (memory(OFFER, path), memory("", path));
        let each = (with - without) / 10_000;
        assert!(each <= 64, "{each} bytes more on {path}");
        assert!(without / 10_000 <= 4 * 1024, "{} bytes on {path}", without / 10_000);
    }
}

/// As much as is allowed, and one byte more, of what a message becomes: on every path that
/// inflates, and however compression was agreed on.
#[test]
fn b6_limit_on_what_is_inflated_holds_on_every_path() {
    for compression in [Compression::On, Compression::Takeover] {
        for (path, limit) in INFLATES {
            for (length, closes) in [(limit, false), (limit + 1, true)] {
                let mut server = Bare::with(Config { compression, ..generous() });
                let id = server.open(path, OFFER);
                server.send(id, &wire::frame(0xC2, &deflated(&vec![b' '; length])));
                let is_too_big = server.take(id).ends_with(&[0x88, 2, 0x03, 0xF1]);
                assert_eq!(is_too_big, closes, "{length} on {path}, {compression:?}");
            }
        }
    }
}
