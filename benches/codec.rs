//! What one request and one message cost, without a hub around them.
//!
//! `cargo bench --bench codec`; `cargo test --benches` runs each once and checks its result.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use headcount::http::{FieldStorage, HeadLimits, HeadScanner, RequestHead};
use headcount::ws::frame::{self, Header, HeaderContext};
use headcount::ws::handshake::{self, Wishes};
use headcount::ws::mask::MaskKey;
use headcount::ws::{Decoder, Deflater, Event, Inflater, Inflation, MessageLimits, Opcode};

/// What Chrome sends to open a WebSocket.
const HANDSHAKE: &[u8] = b"GET /ws HTTP/1.1\r\n\
    Host: localhost:3000\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) \
    Chrome/142.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: http://localhost:3000\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9\r\n\
    Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
    Sec-WebSocket-Protocol: headcount.v1\r\n\
    \r\n";

const HEAD_LIMITS: HeadLimits =
    HeadLimits { head_bytes_max: 8 * 1024, fields_max: 64, target_bytes_max: 1024 };

const MESSAGE_LIMITS: MessageLimits =
    MessageLimits { frame_bytes_max: 64 << 20, message_bytes_max: 64 << 20, fragments_max: 64 };

const WISHES: Wishes<'_> =
    Wishes { subprotocol: Some("headcount.v1"), deflates: true, allows_takeover: false };

/// The length of a login, the longest short one, and three more.
const SIZES: [usize; 5] = [16, 125, 1 << 10, 16 << 10, 1 << 20];

/// A key that turns letters into ASCII and back. Unmasking is in place, so the same bytes are used
/// over and over; with this key they are text every time, and no copy blurs the measurement.
const KEY: [u8; 4] = [1, 2, 3, 4];

fn name(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

fn letters(size: usize) -> Vec<u8> {
    (b'a'..=b'x').cycle().take(size).collect()
}

fn request_head(c: &mut Criterion) {
    let mut group = c.benchmark_group("request_head");
    group.throughput(Throughput::Bytes(HANDSHAKE.len() as u64));
    group.bench_function("scan", |b| {
        b.iter(|| {
            let length = HeadScanner::default().scan(black_box(HANDSHAKE), &HEAD_LIMITS);
            assert_eq!(length, Ok(Some(HANDSHAKE.len())));
        });
    });
    group.bench_function("scan, decode", |b| {
        b.iter(|| {
            let length = HeadScanner::default().scan(black_box(HANDSHAKE), &HEAD_LIMITS);
            let length = length.ok().flatten().expect("it is whole");
            let mut storage = FieldStorage::default();
            let head = RequestHead::decode(&HANDSHAKE[..length], &HEAD_LIMITS, &mut storage);
            assert_eq!(head.expect("it is good").path, "/ws");
        });
    });
    group.bench_function("scan, decode, accept", |b| {
        let mut answer = Vec::with_capacity(256);
        b.iter(|| {
            let length = HeadScanner::default().scan(black_box(HANDSHAKE), &HEAD_LIMITS);
            let length = length.ok().flatten().expect("it is whole");
            let mut storage = FieldStorage::default();
            let head = RequestHead::decode(&HANDSHAKE[..length], &HEAD_LIMITS, &mut storage);
            answer.clear();
            handshake::accept(&head.expect("it is good"), WISHES, &mut answer)
                .expect("it opens a WebSocket");
            assert!(answer.starts_with(b"HTTP/1.1 101 "));
        });
    });
    group.finish();
    c.bench_function("accept_key", |b| {
        b.iter(|| {
            let accept = handshake::accept_key(black_box(b"dGhlIHNhbXBsZSBub25jZQ=="));
            assert_eq!(&accept, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        });
    });
}

fn frame_header(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame_header");
    for (header, length) in [
        (&b"\x81\x90\x01\x02\x03\x04"[..], 16),
        (b"\x81\xfe\x04\x00\x01\x02\x03\x04", 1 << 10),
        (b"\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00\x01\x02\x03\x04", 1 << 20),
    ] {
        group.bench_function(format!("{} bytes", header.len()), |b| {
            b.iter(|| {
                let decoded = Header::decode(black_box(header), HeaderContext::default());
                let (decoded, bytes) = decoded.ok().flatten().expect("it is whole");
                assert_eq!((decoded.length, bytes), (length, header.len()));
            });
        });
    }
    group.finish();
}

/// Beside the copy of as many bytes, which is the best that memory can do. Both write to where a
/// payload lies in a read buffer: behind its header, and so on no boundary.
fn unmask(c: &mut Criterion) {
    for size in SIZES {
        let header = masked_text(size).len() - size;
        let mut group = c.benchmark_group("unmask");
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("apply", name(size)), |b| {
            let mut buffer = letters(header + size);
            let plain = buffer[header..].to_vec();
            let mut rounds = 0_u64;
            b.iter(|| {
                MaskKey::new(black_box(KEY)).apply(black_box(&mut buffer[header..]));
                rounds += 1;
            });
            assert_eq!(buffer[header..] == plain, rounds.is_multiple_of(2));
        });
        group.bench_function(BenchmarkId::new("memcpy", name(size)), |b| {
            let plain = letters(4096 + size);
            let mut buffer = vec![0; header + size];
            // Half a page apart: between places that are a little more than a multiple of 4 KiB
            // apart, a copy can take twenty times as long.
            let half_a_page_off = buffer[header..].as_ptr().addr() + 2048;
            let shift = half_a_page_off.wrapping_sub(plain.as_ptr().addr()) % 4096;
            let plain = &plain[shift..shift + size];
            b.iter(|| black_box(&mut buffer[header..]).copy_from_slice(black_box(plain)));
            assert_eq!(&buffer[header..], plain);
        });
        group.finish();
    }
}

/// What checks the text of a whole message, and std's, which is as fast only where it is short.
fn utf8(c: &mut Criterion) {
    let mixed = "[\"login\",\"Zoë Ångström 谁\"] ";
    for (kind, repeated) in
        [("ASCII", "abcdefghijklmnop"), ("mixed", mixed), ("Chinese", "谁在这里")]
    {
        let mut group = c.benchmark_group(format!("utf8/{kind}"));
        for size in SIZES {
            let mut text: String = repeated.chars().cycle().take(size).collect();
            text.truncate(text.floor_char_boundary(size));
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new("simdutf8", name(size)), |b| {
                b.iter(|| assert!(simdutf8::basic::from_utf8(black_box(text.as_bytes())).is_ok()));
            });
            group.bench_function(BenchmarkId::new("std", name(size)), |b| {
                b.iter(|| assert!(std::str::from_utf8(black_box(text.as_bytes())).is_ok()));
            });
        }
        group.finish();
    }
}

fn masked_text(size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(Opcode::Text, &letters(size), &mut bytes);
    let header = bytes.len() - size;
    bytes[1] |= 0x80;
    MaskKey::new(KEY).apply(&mut bytes[header..]);
    bytes.splice(header..header, KEY);
    bytes
}

fn message(c: &mut Criterion) {
    for size in SIZES {
        let mut group = c.benchmark_group("message");
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("decode", name(size)), |b| {
            let mut bytes = masked_text(size);
            let mut decoder = Decoder::default();
            b.iter(|| {
                let decoded =
                    decoder.decode(black_box(&mut bytes), &MESSAGE_LIMITS, Inflation::None);
                let Ok((used, Some(Event::Text(text)))) = decoded else { panic!("{decoded:?}") };
                assert_eq!(text.len(), size);
                used
            });
            assert_eq!(decoder.buffered_bytes(), 0, "a whole message is lent from the input");
        });
        group.bench_function(BenchmarkId::new("encode", name(size)), |b| {
            let payload = letters(size);
            let mut bytes = Vec::with_capacity(size + 10);
            b.iter(|| {
                bytes.clear();
                frame::encode(Opcode::Text, black_box(&payload), &mut bytes);
                assert!(bytes.len() > size);
            });
            assert!(bytes.ends_with(&payload));
        });
        group.finish();
    }
}

/// The roster of 1,000 as one message, compressed once for all who take it so; and as a client that
/// sent it would have it inflated.
fn deflate(c: &mut Criterion) {
    let names: Vec<String> = (0..1_000).map(|index| format!("\"somebody {index:06}\"")).collect();
    let roster = format!("[\"roster\",{{\"seq\":1,\"names\":[{}]}}]", names.join(","));
    let mut group = c.benchmark_group("deflate");
    group.throughput(Throughput::Bytes(roster.len() as u64));
    let mut deflater = Deflater::new(6);
    let mut deflated = Vec::new();
    deflater.deflate(roster.as_bytes(), 15, &mut deflated);
    group.bench_function("roster of 1,000", |b| {
        let mut again = Vec::new();
        b.iter(|| {
            again.clear();
            deflater.deflate(black_box(roster.as_bytes()), 15, &mut again);
            assert_eq!(again.len(), deflated.len());
        });
    });
    group.bench_function("roster of 1,000, inflated", |b| {
        let mut inflater = Inflater::default();
        b.iter(|| {
            let inflated = inflater.inflate(black_box(&deflated), false, 1 << 20);
            assert_eq!(inflated.map(<[u8]>::len), Ok(roster.len()));
        });
    });
    group.finish();
}

criterion_group!(benches, request_head, frame_header, unmask, utf8, message, deflate);
criterion_main!(benches);
