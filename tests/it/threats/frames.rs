//! Frames and messages: lengths, limits, fragments, pings (A1–A5, A7–A10).

use std::time::Duration;

use allocation_counter::measure;
use clap::{CommandFactory, Parser};
use headcount::config::{Config, Limits};
use headcount::ws::{Decoder, Inflater, Inflation, MessageLimits};

use super::{Bare, cpu, generous, takes_less};
use crate::corpus::random_frames;
use crate::engine::PATH;
use crate::wire::{self, Told};
use crate::world::World;
use headcount_support::fuzz::Xorshift;

/// A header of a masked frame with a 64-bit length.
fn header(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xFF][..], &length.to_be_bytes(), b"key."].concat()
}

/// The limits as a command line.
#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    limits: Limits,
}

/// The limits with one of them set, if it may have this value.
fn with(flag: &str, value: u32) -> Option<Limits> {
    let flags = Flags::try_parse_from(["headcount".to_owned(), format!("--{flag}={value}")]);
    flags.ok().map(|flags| flags.limits)
}

/// What `bytes`, cut at `cut`, are answered with, and what that costs.
fn cost(path: &str, before: &[u8], bytes: &[u8], cut: usize) -> (Vec<Told>, u64, Duration) {
    let mut server = Bare::with(generous());
    let id = server.open(path, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    server.send(id, before);
    server.take(id);
    let mut time = Duration::ZERO;
    let memory = measure(|| {
        time = cpu(|| {
            server.send(id, &bytes[..cut]);
            server.send(id, &bytes[cut..]);
        });
    });
    (wire::take_frames(&mut server.take(id)), memory.bytes_max, time)
}

#[test]
fn a1_length_that_overflows_is_refused_on_its_header() {
    let top = 1 << 63;
    for (path, max) in [("/ws", 16 << 10), ("/echo", 64 << 20)] {
        let lengths = [top - 1, top, u64::MAX, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, max + 1];
        let starts = [(0x81, vec![]), (0x82, vec![]), (0x80, wire::frame(0x01, b"a"))];
        for (first, before) in starts {
            for length in lengths {
                let code = if length >= top { 1002 } else { 1009 };
                if length < 1 << 16 {
                    continue; // It has a shorter form, which comes below.
                }
                let bytes = header(first, length);
                for cut in 0..=bytes.len() {
                    let case = format!("{path} {first:#x} {length} cut at {cut}");
                    let (told, memory, _) = cost(path, &before, &bytes, cut);
                    assert_eq!(told, [Told::Close(Some(code))], "{case}");
                    assert!(memory <= 1024, "{memory} bytes: {case}");
                    let run = || cost(path, &before, &bytes, cut).2;
                    takes_less(Duration::from_millis(1), &case, run);
                }
            }
        }
    }
    // What is deflated may be an eighth longer than what it becomes, and no more.
    for length in [top - 1, u64::MAX / 8 * 7, 1 << 27] {
        let (told, memory, _) = cost("/echo", b"", &header(0xC2, length), 0);
        let code = if length >= top { 1002 } else { 1009 };
        assert_eq!((told, memory <= 1024), (vec![Told::Close(Some(code))], true), "{length}");
    }
}

#[test]
fn a1_length_at_the_limit_is_exact() {
    for (length, is_refused) in [(16_383_u16, false), (16_384, false), (16_385, true)] {
        let bytes = [&[0x82, 0xFE][..], &length.to_be_bytes(), b"key."].concat();
        for cut in 0..=bytes.len() {
            let (told, memory, _) = cost("/ws", b"", &bytes, cut);
            let expected: &[Told] = if is_refused { &[Told::Close(Some(1009))] } else { &[] };
            assert_eq!(told, expected, "{length} cut at {cut}");
            assert!(memory <= 1024, "{memory} bytes for {length}");
        }
    }
}

#[test]
fn a2_memory_grows_with_what_is_received_and_not_with_what_is_declared() {
    for (path, frame) in [
        ("/ws", b"\x82\xfe\x40\x00key.x".to_vec()),
        ("/echo", [header(0x82, 64 << 20), b"x".to_vec()].concat()),
        ("/echo", [wire::frame(0x02, b""), header(0x80, 64 << 20), b"x".to_vec()].concat()),
    ] {
        let mut server = Bare::with(generous());
        let peers: Vec<_> = (0..10_000).map(|_| server.open(path, "")).collect();
        let memory = measure(|| {
            for &id in &peers {
                server.hub.received(id, &mut frame.clone(), server.now);
                server.forget_lists();
            }
        });
        let each = memory.bytes_max / 10_000;
        assert!(each <= 512, "{each} bytes for one byte on {path}");
        assert!(server.hub.buffered_bytes() <= 10_000 * 64);
    }
}

/// Without any configuration there is a limit; and none can be given as 0.
#[test]
fn a3_limit_is_there_by_default_and_is_never_zero() {
    let mut world = World::new();
    let peer = world.watch();
    world.send(peer, &wire::frame(0x81, &[b' '; 16 * 1024 + 1]));
    assert_eq!(world.told(peer), [Told::Close(Some(1009))]);

    let command = Flags::command();
    let flags: Vec<_> = command.get_arguments().filter_map(|flag| flag.get_long()).collect();
    assert!(flags.len() > 40, "{flags:?}");
    for flag in flags.into_iter().filter(|flag| *flag != "help") {
        for none in ["0", "-1", "", "none", "4294967296"] {
            let arguments = ["headcount".to_owned(), format!("--{flag}={none}")];
            let error = Flags::try_parse_from(arguments).expect_err(flag).to_string();
            assert!(error.contains("invalid value"), "{flag}: {error}");
        }
    }
}

#[test]
fn a4_message_of_endless_fragments_is_refused_when_it_passes_the_limit() {
    let mut config = generous();
    config.limits.fragments_max = u32::MAX;
    for first in [0x01, 0x02, 0x41] {
        let mut server = Bare::with(config.clone());
        let id = server.open("/ws", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        server.send(id, &wire::frame(first, b"x"));
        // What is deflated may be an eighth and 64 bytes longer than what it becomes.
        let most = if first == 0x41 { 16 * 1024 / 8 * 9 + 64 } else { 16 * 1024 };
        for sum in 2..=most {
            server.send(id, &wire::frame(0x00, b"x"));
            assert_eq!(server.take(id), b"", "{sum} bytes");
        }
        server.send(id, &wire::frame(0x00, b"x"));
        assert_eq!(wire::take_frames(&mut server.take(id)), [Told::Close(Some(1009))]);
        assert_eq!(server.hub.buffered_bytes(), 0);
    }
}

#[test]
fn a5_fragments_are_counted_even_if_empty() {
    for payload in [&b""[..], b"x"] {
        for (path, fragments_max) in [("/ws", 64), ("/echo", 131_072)] {
            let mut server = Bare::with(generous());
            let id = server.open(path, "");
            let mut closed_at = None;
            let fragment = wire::frame(0x00, payload);
            let memory = measure(|| {
                server.send(id, &wire::frame(0x01, payload));
                for fragments in 2..=1_000_000 {
                    server.send(id, &fragment);
                    server.forget_lists();
                    if server.hub.wants_write(id) && closed_at.is_none() {
                        closed_at = Some(fragments);
                        assert_eq!(server.flush(id), 4, "a Close");
                        assert_eq!(server.hub.buffered_bytes(), 0);
                    }
                }
            });
            assert_eq!(closed_at, Some(fragments_max + 1), "{path}");
            // A buffer doubles, and the old half is there until the new one is.
            let most = 3 * payload.len() as u64 * fragments_max + 4096;
            assert!(memory.bytes_max <= most, "{} bytes on {path}", memory.bytes_max);
            assert_eq!(server.turn(), 1, "what it went on with was too much: it is cut off");
        }
    }
}

/// Pongs wait in one buffer of 64 KiB. When it is full nothing more is read, so there is no ping
/// to answer; and who takes nothing is cut off after ten seconds, and what the pongs may take.
#[test]
fn a7_pings_of_a_peer_that_does_not_read_are_bounded() {
    let ping = wire::frame(0x89, &[7; 125]);
    let mut server = Bare::with(generous());
    let id = server.open("/echo", "");
    let memory = measure(|| {
        for _ in 0..1_000_000 {
            if server.hub.wants_read(id) {
                server.send(id, &ping);
                server.forget_lists();
            }
        }
    });
    assert!(memory.bytes_max <= 4 * 64 * 1024, "{} bytes", memory.bytes_max);
    assert!(server.hub.buffered_bytes() <= 2 * 64 * 1024);
    server.hub.settle_output(id, true, server.now);
    // 64 KiB at the lowest rate that is allowed are four seconds more.
    server.now = server.now.after_ms(14_200);
    assert_eq!(server.turn(), 1, "it is gone");
    assert_eq!(server.hub.buffered_bytes(), 0);

    // On the roster, pings have a rate.
    let mut world = World::new();
    let peer = world.watch();
    world.set_room(peer, 0);
    for _ in 0..1_000 {
        world.send_quietly(peer, &ping);
    }
    assert!(world.hub.buffered_bytes() <= 8 * 1024, "{}", world.hub.buffered_bytes());
    world.set_room(peer, usize::MAX);
    world.turn();
    let told = world.told(peer);
    assert_eq!(told.last(), Some(&Told::Close(Some(1008))));
    assert_eq!(told.len(), 21, "twenty pongs and a Close");
    world.pass_ms(10_000);
    assert!(world.is_closed(peer));
}

#[test]
fn a8_frame_that_is_not_masked_is_refused() {
    for path in ["/ws", "/echo", PATH] {
        for first in [0x01, 0x02, 0x81, 0x82, 0x88, 0x89, 0x8A] {
            for length in [0, 1, 125, 126, 127] {
                let mut world = World::with_echo();
                let peer = world.open(path);
                world.told(peer);
                world.send(peer, &[first, length]);
                assert_eq!(world.told(peer), [Told::Close(Some(1002))], "{path} {first:#x}");
            }
        }
    }
}

/// Every limit at its smallest and at its largest: nothing panics, nothing is read out of bounds
/// (the code is safe Rust throughout, which `tidy` and `forbid(unsafe_code)` see to).
#[test]
fn a9_every_limit_holds_at_its_smallest_and_its_largest() {
    let values = [1, 2, 125, 126, 65_535, 65_536, u64::from(u32::MAX), u64::MAX];
    let mut random = Xorshift::new(9);
    let inputs: Vec<Vec<u8>> = (0..60).map(|_| random_frames(&mut random)).collect();
    let mut inflater = Inflater::default();
    for frame_bytes_max in values {
        for message_bytes_max in values {
            for fragments_max in [1, 2, u32::MAX] {
                let limits = MessageLimits { frame_bytes_max, message_bytes_max, fragments_max };
                for (index, input) in inputs.iter().enumerate() {
                    let inflates = index % 2 == 0;
                    decode_all(input, &limits, inflates.then_some(&mut inflater));
                }
            }
        }
    }
}

fn decode_all(input: &[u8], limits: &MessageLimits, mut inflater: Option<&mut Inflater>) {
    let mut decoder = Decoder::default();
    for piece in input.chunks(5) {
        let mut piece = piece.to_vec();
        let mut rest = &mut piece[..];
        loop {
            let inflation = inflater.as_deref_mut().map_or(Inflation::None, Inflation::Fresh);
            match decoder.decode(rest, limits, inflation) {
                Ok((used, Some(_))) => rest = &mut rest[used..],
                Ok((_, None)) => break,
                Err(_) => return,
            }
        }
        assert!(decoder.buffered_bytes() <= 2 * input.len() + 16);
    }
}

/// The same for all limits that are flags, through the whole hub.
#[test]
fn a9_every_flag_holds_at_its_smallest_and_its_largest() {
    let script: Vec<u8> = [
        wire::handshake("/ws", "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
        wire::text(r#"["login","Ada"]"#),
        wire::frame(0x89, b"?"),
        wire::frame(0x01, b"[\"log"),
        wire::frame(0x80, b"out\"]"),
        wire::frame(0x82, &[7; 300]),
        wire::close(1000),
    ]
    .concat();
    let command = Flags::command();
    for flag in command.get_arguments().filter_map(|flag| flag.get_long()) {
        let smallest = (1..=1_000).find(|&value| with(flag, value).is_some()).expect(flag);
        // Whatever is between the two is allowed too, so the largest is found bit by bit.
        let largest = (0..32).rev().map(|bit| 1 << bit).fold(smallest, |most: u32, step| {
            most.checked_add(step).filter(|&more| with(flag, more).is_some()).unwrap_or(most)
        });
        for value in [smallest, largest] {
            for size in [1, 7, script.len()] {
                let limits = with(flag, value).expect("it was just allowed");
                let mut world = World::with(Config { limits, echo: true, ..Config::default() });
                let (Ok(watcher), Ok(peer)) = (
                    world.connect_from([127, 0, 0, 1].into()),
                    world.connect_from([127, 0, 0, 1].into()),
                ) else {
                    continue;
                };
                for piece in script.chunks(size) {
                    world.send(peer, piece);
                }
                world.pass_ms(60_000);
                world.end(watcher);
                world.pass_ms(200_000);
                assert!(world.hub.buffered_bytes() == 0, "--{flag}={value}: something is kept");
            }
        }
    }
}

#[test]
fn a10_pong_and_close_have_the_bytes_that_they_must_have_and_no_others() {
    let mut random = Xorshift::new(10);
    for length in 0..=125_usize {
        let mut server = Bare::with(generous());
        let id = server.open("/echo", "");
        // Something else was in the buffers before.
        server.send(id, &wire::frame(0x82, &[0xAA; 200]));
        server.take(id);
        let data: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        server.send(id, &wire::frame(0x89, &data));
        let expected = [&[0x8A, length as u8][..], &data].concat();
        assert_eq!(server.take(id), expected);
        let reason = &vec![b'r'; length.saturating_sub(2)];
        server.send(id, &wire::frame(0x88, &[&[0x03, 0xE9], &reason[..]].concat()));
        assert_eq!(server.take(id), [0x88, 2, 0x03, 0xE9], "the code, and nothing of the reason");
    }
    let mut server = Bare::with(generous());
    let id = server.open("/echo", "");
    server.send(id, &wire::frame(0x88, b""));
    assert_eq!(server.take(id), [0x88, 0]);
}
