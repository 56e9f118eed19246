//! The codec beside tungstenite's, fastwebsockets', web-socket's and sockudo-ws', in one process.
//! `lib.rs` says how each is driven, and what is and is not measured.
//!
//! ```sh
//! cargo bench -p headcount-peers --profile peers
//! cargo run -p headcount-peers
//! ```
//!
//! The second command prints what the first has measured as tables.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use headcount::ws::mask::MaskKey;
use headcount_peers::{
    Decode, Encode, Fastwebsockets, FastwebsocketsEncoder, Headcount, HeadcountEncoder, ROUNDS,
    ROWS, ROWS_OF_SIZES, Sockudo, SockudoEncoder, Tungstenite, TungsteniteEncoder, Websocket,
    WebsocketEncoder, Wire, masked_frames, shifted,
};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// All benches, several times over: a machine that is busy for a while with something else then
/// spoils one round and not one library.
fn rounds(c: &mut Criterion) {
    for round in 1..=ROUNDS {
        decode(c, round);
        encode(c, round);
        unmask(c, round);
    }
}

fn decode(c: &mut Criterion, round: usize) {
    let id = |library| BenchmarkId::new(library, round);
    for row in &ROWS {
        let text = row.text();
        let burst = masked_frames(&text, row.messages);
        let mut group = c.benchmark_group(format!("decode {}", row.name));
        group.throughput(Throughput::Bytes(text.len() as u64));
        decode_by(&mut group, id("headcount"), &text, &burst, Headcount::new);
        decode_by(&mut group, id("tungstenite"), &text, &burst, Tungstenite::new);
        decode_by(&mut group, id("fastwebsockets"), &text, &burst, Fastwebsockets::new);
        decode_by(&mut group, id("web-socket"), &text, &burst, Websocket::new);
        decode_by(&mut group, id("sockudo-ws"), &text, &burst, Sockudo::new);
        group.finish();
    }
}

fn decode_by<Peer: Decode>(
    group: &mut Group<'_>,
    id: BenchmarkId,
    text: &str,
    burst: &[u8],
    peer: impl Fn(Wire) -> Peer,
) {
    let mut shifts = shifts();
    group.bench_function(id, |b| {
        let mut peer = peer(Wire::new(shifted(burst, shifts.next().unwrap_or_default())));
        peer.decode(|decoded| assert_eq!(decoded, text.as_bytes()));
        b.iter(|| peer.decode(|text| _ = black_box(text)));
    });
}

fn encode(c: &mut Criterion, round: usize) {
    let id = |library| BenchmarkId::new(library, round);
    for row in &ROWS[..ROWS_OF_SIZES] {
        let text = row.text();
        let mut group = c.benchmark_group(format!("encode {}", row.name));
        group.throughput(Throughput::Bytes(text.len() as u64));
        encode_by::<HeadcountEncoder>(&mut group, id("headcount"), &text);
        encode_by::<TungsteniteEncoder>(&mut group, id("tungstenite"), &text);
        encode_by::<FastwebsocketsEncoder>(&mut group, id("fastwebsockets"), &text);
        encode_by::<WebsocketEncoder>(&mut group, id("web-socket"), &text);
        encode_by::<SockudoEncoder>(&mut group, id("sockudo-ws"), &text);
        group.finish();
    }
}

fn encode_by<Peer: Encode + Default>(group: &mut Group<'_>, id: BenchmarkId, text: &str) {
    let masked = masked_frames(text, 1);
    let header = masked.len() - 4 - text.len();
    let mut shifts = shifts();
    group.bench_function(id, |b| {
        let text = shifted(text.as_bytes(), shifts.next().unwrap_or_default());
        let mut peer = Peer::default();
        peer.encode(&text, |frame| {
            assert_eq!([frame[0], frame[1]], [masked[0], masked[1] & 0x7F]);
            assert_eq!(frame[2..header], masked[2..header]);
            assert_eq!(frame[header..], text);
        });
        b.iter(|| peer.encode(black_box(&text), |frame| _ = black_box(frame)));
    });
}

fn unmask(c: &mut Criterion, round: usize) {
    let id = |library| BenchmarkId::new(library, round);
    for row in &ROWS[..ROWS_OF_SIZES] {
        let text = row.text();
        let mut group = c.benchmark_group(format!("unmask {}", row.name));
        group.throughput(Throughput::Bytes(text.len() as u64));
        let mut shifts = shifts();
        group.bench_function(id("memcpy"), |b| {
            let mut frame = masked_frames(&text, 1);
            let header = frame.len() - text.len();
            let payload = &mut frame[header..];
            let source = shifted(text.as_bytes(), shifts.next().unwrap_or_default());
            b.iter(|| black_box(&mut *payload).copy_from_slice(black_box(&source)));
            assert_eq!(*payload, source);
        });
        unmask_by(&mut group, id("headcount"), &text, |payload, key| {
            MaskKey::new(key).apply(payload)
        });
        unmask_by(&mut group, id("fastwebsockets"), &text, fastwebsockets::unmask);
        unmask_by(&mut group, id("sockudo-ws"), &text, sockudo_ws::mask::apply_mask);
        group.finish();
    }
}

fn unmask_by(
    group: &mut Group<'_>,
    id: BenchmarkId,
    text: &str,
    unmask: impl Fn(&mut [u8], [u8; 4]),
) {
    group.bench_function(id, |b| {
        let mut frame = masked_frames(text, 1);
        let header = frame.len() - text.len();
        let (header, payload) = frame.split_at_mut(header);
        let key = *header.last_chunk().expect("a header ends with the key");
        unmask(payload, key);
        assert_eq!(payload, text.as_bytes());
        b.iter(|| unmask(black_box(payload), black_box(key)));
    });
}

/// Where in its page the source of each sample's copies begins, in bytes.
fn shifts() -> impl Iterator<Item = usize> {
    (0..4096).step_by(16).cycle().step_by(13)
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    targets = rounds
}
criterion_main!(benches);
