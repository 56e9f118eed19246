//! permessage-deflate (RFC 7692) through the whole server.

use flate2::{Compress, Compression as Level, Decompress, FlushCompress, FlushDecompress};
use headcount::config::{Compression, Config, Limits};

use crate::wire::{self, Told};
use crate::world::{Peer, World};

const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

fn world(compression: Compression) -> World {
    World::with(Config { echo: true, compression, ..Config::default() })
}

/// Opens a WebSocket with these offers, and returns what was agreed.
fn open(world: &mut World, path: &str, fields: &str) -> (Peer, Option<String>) {
    let peer = world.connect();
    world.send(peer, &wire::handshake(path, fields));
    let answer = world.answer(peer);
    assert_eq!(answer.status, 101);
    (peer, answer.field("sec-websocket-extensions").map(str::to_owned))
}

/// A client's compressor with a window of its own (§7.2.1).
fn deflate(context: &mut Compress, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1024);
    context.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    out
}

fn fresh(text: &[u8]) -> Vec<u8> {
    deflate(&mut Compress::new(Level::best(), false), text)
}

/// A client's inflater (§7.2.2).
fn inflate(context: &mut Decompress, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 << 20);
    let whole = [message, &[0, 0, 0xFF, 0xFF]].concat();
    context.decompress_vec(&whole, &mut out, FlushDecompress::Sync).unwrap();
    out
}

/// Takes one frame, and says whether it was compressed; its payload is then what it inflates to.
fn take(world: &mut World, peer: Peer, context: &mut Decompress) -> (bool, Told) {
    let is_compressed = world.inbox(peer)[0] & 0x40 != 0;
    if !is_compressed {
        return (false, world.told(peer).remove(0));
    }
    world.inbox(peer)[0] ^= 0x43; // A binary frame without RSV1.
    let Told::Binary(payload) = world.told(peer).remove(0) else { panic!("it was text") };
    (true, Told::Text(String::from_utf8(inflate(context, &payload)).unwrap()))
}

#[test]
fn compression_is_agreed_on_if_the_server_wants_it() {
    let kept = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    for (compression, expected) in [
        (Compression::Off, None),
        (Compression::On, Some(kept)),
        (Compression::Takeover, Some("permessage-deflate")),
    ] {
        let mut world = world(compression);
        assert_eq!(open(&mut world, "/ws", OFFER).1.as_deref(), expected);
        assert_eq!(open(&mut world, "/ws", "").1, None);
        // RFC 6455 §9.1: a field outside the grammar fails the handshake.
        let peer = world.connect();
        let malformed = "Sec-WebSocket-Extensions: permessage-deflate; =\r\n";
        world.send(peer, &wire::handshake("/ws", malformed));
        assert_eq!(world.answer(peer).status, 400);
        assert!(world.is_half_closed(peer));
    }
}

/// Text that nothing in it predicts.
fn noise(length: usize, seed: u64) -> String {
    let mut state = seed;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + (state >> 33) as u8 % 95)
    };
    (0..length).map(next).collect()
}

/// §7.2.1: the server refers back no further than the window that it agreed to. What is said twice
/// is sent once only if the window reaches over it.
#[test]
fn window_that_was_agreed_on_is_kept_to() {
    for bits in 9..=15 {
        let mut world = world(Compression::On);
        let offer = format!("{}; server_max_window_bits={bits}\r\n", OFFER.trim_end());
        let (peer, agreed) = open(&mut world, "/echo", &offer);
        assert!(agreed.unwrap().contains(&format!("; server_max_window_bits={bits}")));
        for reach in 9..=15 {
            // A little less than the window of so many bits, as zlib looks ahead 262 bytes.
            let half = noise((1 << reach) - 300, reach);
            world.send(peer, &wire::text(&half));
            let single = world.inbox(peer).len();
            world.inbox(peer).clear();
            world.send(peer, &wire::text(&half.repeat(2)));
            let double = world.inbox(peer).len();
            world.inbox(peer).clear();
            // Shorter messages are not compressed at all.
            if half.len() >= 1024 {
                assert_eq!(double * 3 < single * 4, reach <= bits, "{reach} with {bits}");
            }
        }
    }
}

/// §7.2.1: without takeover the same message is the same bytes again, with it it is short.
#[test]
fn window_starts_empty_where_that_was_agreed() {
    for (fields, takes_over) in [("", true), ("; server_no_context_takeover", false)] {
        let mut world = world(Compression::Takeover);
        let offer = format!("{}{fields}\r\n", OFFER.trim_end());
        let (peer, _) = open(&mut world, "/echo", &offer);
        let message = wire::text(&noise(5_000, 1));
        let mut sizes = [0; 2];
        for size in &mut sizes {
            world.send(peer, &message);
            *size = world.inbox(peer).len();
            world.inbox(peer).clear();
        }
        assert_eq!(sizes[1] * 10 < sizes[0], takes_over, "{sizes:?}");
    }
}

/// §7.1.2.2: a client that says nothing of its window has one of 32 KiB.
#[test]
fn client_may_use_the_largest_window() {
    let mut world = world(Compression::On);
    let (peer, _) = open(&mut world, "/echo", OFFER);
    let half = noise(32_000, 1);
    let message = fresh(half.repeat(2).as_bytes());
    assert!(message.len() < half.len(), "it refers back 32,000 bytes");
    world.send(peer, &wire::frame(0xC1, &message));
    let told = take(&mut world, peer, &mut Decompress::new(false));
    assert_eq!(told, (true, Told::Text(half.repeat(2))));
}

/// RFC 6455 §9.1: several fields are one list.
#[test]
fn offer_may_stand_in_a_second_field() {
    let mut world = world(Compression::On);
    let fields = format!("Sec-WebSocket-Extensions: x-other\r\n{OFFER}");
    assert!(open(&mut world, "/ws", &fields).1.is_some());
}

/// §6: a message keeps its type.
#[test]
fn binary_message_stays_binary() {
    let mut world = world(Compression::On);
    let (peer, _) = open(&mut world, "/echo", OFFER);
    world.send(peer, &wire::frame(0xC2, &fresh(&[0xFF; 2_000])));
    assert_eq!(world.inbox(peer)[0], 0xC2);
}

#[test]
fn compressed_messages_are_echoed_however_they_are_cut() {
    let text = "Grüße, 世界! ".repeat(200);
    let message = fresh(text.as_bytes());
    let (first, second) = message.split_at(message.len() / 2);
    let cases: [Vec<u8>; 3] = [
        wire::frame(0xC1, &message),
        [wire::frame(0x41, first), wire::frame(0x89, b"?"), wire::frame(0x80, second)].concat(),
        [wire::frame(0x41, b""), wire::frame(0x00, &message), wire::frame(0x80, b"")].concat(),
    ];
    for (index, frames) in cases.into_iter().enumerate() {
        for size in [1, 7, frames.len()] {
            let mut world = world(Compression::On);
            let (peer, _) = open(&mut world, "/echo", OFFER);
            for piece in frames.chunks(size) {
                world.send(peer, piece);
            }
            if index == 1 {
                let pong: Vec<u8> = world.inbox(peer).drain(..3).collect();
                assert_eq!(pong, b"\x8a\x01?", "a control frame between is never compressed");
            }
            let told = take(&mut world, peer, &mut Decompress::new(false));
            assert_eq!(told, (true, Told::Text(text.clone())));
            assert_eq!(world.hub.buffered_bytes(), 0);
        }
    }
}

#[test]
fn short_messages_are_not_compressed() {
    let mut world = world(Compression::On);
    let (peer, _) = open(&mut world, "/echo", OFFER);
    world.send(peer, &wire::frame(0xC1, &fresh(b"short")));
    assert_eq!(world.told(peer), [Told::Text("short".into())]);
}

#[test]
fn windows_are_kept_if_that_was_agreed() {
    let mut world = world(Compression::Takeover);
    let (peer, agreed) = open(&mut world, "/echo", OFFER);
    assert_eq!(agreed.as_deref(), Some("permessage-deflate"));
    let (mut compress, mut decompress) =
        (Compress::new(Level::best(), false), Decompress::new(false));
    let text: String =
        (0..400).map(|index| format!("{} ", index * index * 7919 % 10_007)).collect();
    let mut sizes = Vec::new();
    for _ in 0..3 {
        world.send(peer, &wire::frame(0xC1, &deflate(&mut compress, text.as_bytes())));
        sizes.push(world.inbox(peer).len());
        let told = take(&mut world, peer, &mut decompress);
        assert_eq!(told, (true, Told::Text(text.clone())));
    }
    assert!(sizes[1] * 10 < sizes[0], "the second refers to the first: {sizes:?}");
}

/// §6, §7.2: what is wrong with compression is failed with the code that fits.
#[test]
fn misuse_is_failed() {
    let bomb = fresh(&vec![b' '; 10 << 20]);
    for (what, offer, frames, code) in [
        ("RSV1 without an agreement", "", wire::frame(0xC1, &fresh(b"x")), 1002),
        ("RSV1 on a Ping", OFFER, wire::frame(0xC9, b""), 1002),
        ("RSV1 on a Close", OFFER, wire::frame(0xC8, b""), 1002),
        (
            "RSV1 on a continuation",
            OFFER,
            [wire::frame(0x41, &fresh(b"x")), wire::frame(0xC0, b"")].concat(),
            1002,
        ),
        ("RSV2", OFFER, wire::frame(0xA1, &fresh(b"x")), 1002),
        ("RSV3 with RSV1", OFFER, wire::frame(0xD1, &fresh(b"x")), 1002),
        ("garbage", OFFER, wire::frame(0xC1, &[0xFF; 10]), 1007),
        ("nothing", OFFER, wire::frame(0xC1, b""), 1007),
        ("half of it", OFFER, wire::frame(0xC1, &fresh(&[b'x'; 99])[..3]), 1007),
        ("no text", OFFER, wire::frame(0xC1, &fresh(b"\xff")), 1007),
        ("a bomb", OFFER, wire::frame(0xC1, &bomb), 1009),
    ] {
        let mut world = world(Compression::On);
        let (peer, _) = open(&mut world, "/ws", offer);
        world.told(peer);
        world.send(peer, &frames);
        assert_eq!(world.told(peer), [Told::Close(Some(code))], "{what}");
    }
}

/// The limit is on what a message inflates to, for the roster and for the echo.
#[test]
fn limit_is_on_the_inflated_message() {
    let limits = Limits { message_bytes_max: 2_000, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let (peer, _) = open(&mut world, "/ws", OFFER);
    world.told(peer);
    world.send(peer, &wire::frame(0xC1, &fresh(&[b' '; 2_000])));
    assert!(matches!(&world.told(peer)[..], [Told::Text(_)]), "refused, but read");
    world.send(peer, &wire::frame(0xC1, &fresh(&[b' '; 2_001])));
    assert_eq!(world.told(peer), [Told::Close(Some(1009))]);
}

/// Everyone who takes it gets the same compressed bytes; the others get them plain.
#[test]
fn roster_is_compressed_for_those_who_take_it() {
    let mut world = world(Compression::On);
    for index in 0..200 {
        let peer = world.open("/ws");
        world.login(peer, &format!("somebody {index:03}"));
    }
    world.pass_ms(100);
    let small = format!("{}; server_max_window_bits=9\r\n", OFFER.trim_end());
    let (deflated, twin) = (open(&mut world, "/ws", OFFER).0, open(&mut world, "/ws", OFFER).0);
    let (plain, narrow) = (open(&mut world, "/ws", "").0, open(&mut world, "/ws", &small).0);
    let bytes = world.inbox(deflated).clone();
    assert_eq!(&bytes, world.inbox(twin));
    assert!(bytes.len() * 4 < world.inbox(plain).len(), "{} bytes", bytes.len());
    let (is_compressed, told) = take(&mut world, deflated, &mut Decompress::new(false));
    assert!(is_compressed);
    assert_eq!([told], world.told(plain)[..]);
    assert!(matches!(&world.told(narrow)[..], [Told::Text(_)]), "with a small window: as it is");

    // A change is short, and goes to all of them as it is.
    let peer = world.watch();
    world.login(peer, "Ada");
    let change = world.told(plain);
    assert_eq!(change.len(), 1);
    assert_eq!(world.told(deflated), change);
}
