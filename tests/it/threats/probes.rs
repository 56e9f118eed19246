//! Requests that servers have read in two ways (C4, C5): the classes of Http11Probe under its ids,
//! and those that the HTTP Garden has found in servers, as raw bytes in `probes.txt`.
//!
//! A line there has an id, the status of the answer and the request, with the escapes of Rust and
//! `{x*3}` for `xxx`. What is answered 200 or 404 is unambiguous and keeps the connection; whatever
//! else there is ends it, and what follows is never looked at.

use allocation_counter::measure;
use headcount::config::Config;

use super::Bare;
use crate::http::{NEXT, exchange};
use crate::wire;
use crate::world::World;

struct Probe {
    id: &'static str,
    status: u16,
    request: Vec<u8>,
}

fn probes() -> Vec<Probe> {
    let probe = |line: &'static str| {
        let [id, status, request] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("a line has three parts: {line}")
        };
        Probe { id, status: status.parse().expect(id), request: unescaped(request) }
    };
    include_str!("probes.txt").lines().map(probe).collect()
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (taken, piece) = match first {
            '{' => {
                let (inside, _) = rest[1..].split_once('}').expect("a brace is closed");
                let (what, times) = inside.rsplit_once('*').expect("how often");
                (inside.len() + 2, unescaped(what).repeat(times.parse().expect("a number")))
            }
            '\\' => match rest.as_bytes()[1] {
                b'r' => (2, b"\r".to_vec()),
                b'n' => (2, b"\n".to_vec()),
                b't' => (2, b"\t".to_vec()),
                b'0' => (2, b"\0".to_vec()),
                b'\\' => (2, b"\\".to_vec()),
                b'x' => (4, vec![u8::from_str_radix(&rest[2..4], 16).expect("two digits")]),
                other => panic!("an escape that there is not: {other}"),
            },
            _ => (first.len_utf8(), first.to_string().into_bytes()),
        };
        bytes.extend(piece);
        rest = &rest[taken..];
    }
    bytes
}

#[test]
fn c4_request_that_could_be_read_in_two_ways_is_refused() {
    let probes = probes();
    assert!(probes.len() > 250);
    let mut wrong = Vec::new();
    for Probe { id, status, request } in &probes {
        let mut world = World::new();
        let stream = [request, NEXT].concat();
        let whole = exchange(&mut world, [&stream[..]]);
        let (mut bytes, is_ended) = whole.clone();
        let answer = wire::take_answer(&mut bytes, request.starts_with(b"HEAD")).expect(id);
        let is_kept =
            matches!(answer.status, 200 | 204 | 404) && answer.field("Connection").is_none();
        let next = wire::take_answer(&mut bytes, false).map(|next| next.body);
        let is_right = answer.status == *status
            && is_ended != is_kept
            && next == is_kept.then(|| b"ok\n".to_vec())
            && bytes.is_empty();
        let sizes = if stream.len() < 4_096 { [1, 3, 16] } else { [997, 4_096, 16_384] };
        let mut cut = sizes.iter().map(|size| exchange(&mut world, stream.chunks(*size)));
        if !is_right || !cut.all(|outcome| outcome == whole) || !world.hub.is_empty() {
            wrong.push(format!("{id}: {}", answer.status));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// What can be said of the table without the server: nothing passes that has a body.
#[test]
fn c4_table_lets_nothing_pass_that_has_a_body() {
    for Probe { id, status, request } in probes() {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let has_body = text.contains("transfer-encoding") || text.contains("content-length");
        let has_none = ["content-length: 0\r", "content-length: 00\r"];
        if has_body && !has_none.iter().any(|none| text.contains(none)) {
            assert!(matches!(status, 400 | 413), "{id}: {status}");
        }
    }
}

/// A length that overflows is none that is computed with: what is no number is 400, what is one is
/// a body, which is 413. Neither waits, nor allocates.
#[test]
fn c5_lengths_of_bodies_and_chunks_can_not_overflow() {
    let (nines, zeros) = ("9".repeat(4_000), "0".repeat(4_000));
    let lengths = [
        ("9223372036854775807", 413),
        ("9223372036854775808", 413),
        ("18446744073709551615", 413),
        ("18446744073709551616", 413),
        ("99999999999999999999", 413),
        (&nines, 413),
        ("+5", 400),
        ("-0", 400),
        ("0x5", 400),
        ("5 5", 400),
        ("", 400),
        ("0\r\nContent-Length: 0", 400),
        ("5\r\nContent-Length: 6", 400),
    ]
    .map(|(value, status)| (format!("Content-Length: {value}\r\n\r\nhello"), status));
    let chunks = [
        "8000000000000000",
        "10000000000000000",
        "ffffffffffffffff",
        "99999999999999999999",
        &zeros,
        "+5",
        "-0",
        "0x5",
        "5 5",
        "",
    ]
    .map(|size| (format!("Transfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n"), 400));
    for (lines, status) in lengths.into_iter().chain(chunks) {
        for method in ["GET", "POST"] {
            let mut server = Bare::with(Config::default());
            let id = server.accept();
            let raw = format!("{method} /healthz HTTP/1.1\r\nHost: a\r\n{lines}");
            let memory = measure(|| server.send(id, raw.as_bytes()));
            let answer = wire::take_answer(&mut server.take(id), false).expect("at once");
            let found = (answer.status, answer.field("Connection"));
            assert_eq!(found, (status, Some("close")), "{raw}");
            let most = 16 * 1024 + raw.len() as u64;
            assert!(memory.bytes_max <= most, "{} bytes: {raw}", memory.bytes_max);
        }
    }
}
