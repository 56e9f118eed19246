//! Requests that servers have read in two ways (C4, C5): the classes of Http11Probe under its ids,
//! and those that the HTTP Garden has found in servers, as raw bytes in `probes.txt`.
//!
//! A line there has an id, the status of the answer and the request, with the escapes of Rust and
//! `{x*3}` for `xxx`. What is understood is unambiguous and keeps the connection, or has a second
//! status: that of what follows it, where that is no request. Whatever else there is ends it, and
//! what follows is never looked at.

use allocation_counter::measure;
use headcount::config::Config;
use headcount::http::BodyLength;
use headcount_support::fuzz::body_end;

use super::Bare;
use crate::http::{NEXT, exchange};
use crate::wire;
use crate::world::World;

struct Probe {
    id: &'static str,
    /// Of the answer, and of the next one if it is not 200.
    statuses: Vec<u16>,
    request: Vec<u8>,
}

fn probes() -> Vec<Probe> {
    let probe = |line: &'static str| {
        let [id, status, request] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("a line has three parts: {line}")
        };
        let statuses = status.split(',').map(|status| status.parse().expect(id)).collect();
        Probe { id, statuses, request: unescaped(request) }
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
    for Probe { id, statuses, request } in &probes {
        let mut world = World::new();
        let stream = [request, NEXT].concat();
        let whole = exchange(&mut world, [&stream[..]]);
        let (mut bytes, is_ended) = whole.clone();
        let mut found = Vec::new();
        let mut is_kept = true;
        for _ in statuses {
            let Some(answer) = wire::take_answer(&mut bytes, request.starts_with(b"HEAD")) else {
                break;
            };
            is_kept = matches!(answer.status, 200 | 204 | 404 | 405)
                && answer.field("Connection").is_none();
            found.push(answer.status);
        }
        let next = wire::take_answer(&mut bytes, false).map(|next| next.body);
        let is_right = found == *statuses
            && is_ended != is_kept
            && next == is_kept.then(|| b"ok\n".to_vec())
            && bytes.is_empty();
        let sizes = if stream.len() < 4_096 { [1, 3, 16] } else { [997, 4_096, 16_384] };
        let mut cut = sizes.iter().map(|size| exchange(&mut world, stream.chunks(*size)));
        if !is_right || !cut.all(|outcome| outcome == whole) || !world.hub.is_empty() {
            wrong.push(format!("{id}: {found:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

/// What can be said of the table without the server: what passes with a body has one length that is
/// said once, and a slow decoder finds its end where the request ends.
#[test]
fn c4_table_lets_nothing_pass_whose_body_could_end_in_two_places() {
    let mut passed = 0;
    for Probe { id, statuses, request } in probes() {
        let end = request.windows(4).position(|four| four == b"\r\n\r\n");
        let head =
            String::from_utf8_lossy(&request[..end.unwrap_or_default()]).to_ascii_lowercase();
        let values = |name: &str| -> Vec<&str> {
            let fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
            fields.filter(|field| field.0.trim() == name).map(|field| field.1.trim()).collect()
        };
        let (lengths, codings) = (values("content-length"), values("transfer-encoding"));
        let is_understood = matches!(statuses[0], 200 | 204 | 404 | 405);
        if !is_understood || lengths.is_empty() && codings.is_empty() {
            continue;
        }
        let length = match (&lengths[..], &codings[..]) {
            ([length], []) => BodyLength::Known(length.parse().expect(id)),
            ([], ["chunked"]) => BodyLength::Chunked,
            _ => panic!("{id} passes"),
        };
        let body = &request[end.expect(id) + 4..];
        // What has a second status says where the request ends: before the X, or after what
        // follows.
        match statuses.len() {
            1 => assert_eq!(body_end(length, 65_536, body), Ok(Some(body.len())), "{id}"),
            _ => assert_ne!(body_end(length, 65_536, body), Ok(Some(body.len())), "{id}"),
        }
        passed += 1;
    }
    assert!(passed > 30, "{passed}");
}

/// A length that overflows is none that is computed with: what does not fit 64 bits is 400 as what
/// is no number, and what is over the limit is 413 at once. Neither waits, nor allocates.
#[test]
fn c5_lengths_of_bodies_and_chunks_can_not_overflow() {
    let (nines, zeros) = ("9".repeat(4_000), "0".repeat(4_000));
    let lengths = [
        ("9223372036854775807", 413),
        ("9223372036854775808", 413),
        ("18446744073709551615", 413),
        ("18446744073709551616", 400),
        ("99999999999999999999", 400),
        (&nines, 400),
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
        ("8000000000000000", 413),
        ("10000000000000000", 400),
        ("ffffffffffffffff", 413),
        ("99999999999999999999", 400),
        (&zeros, 400),
        ("+5", 400),
        ("-0", 400),
        ("0x5", 400),
        ("5 5", 400),
        ("", 400),
    ]
    .map(|(size, status)| {
        (format!("Transfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n"), status)
    });
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
