//! The transcripts in `docs/protocol.md` and the README are run against the hub in virtual time, so
//! that they say what the server does.
//!
//! A block that is fenced as `transcript` begins with a server that nobody has connected to:
//!
//! ```text
//! Ada → ["login","Ada"]      a client says this; its WebSocket is opened by its first line
//! Ada ← ["roster",{…}]       it is sent exactly this next
//! Ada → Ping 7069            so for Ping, Pong, Binary and Close, with payloads in hexadecimal
//! Ada ← 2 × ["pong",{…}]     so many times
//! … 25 s                     this passes (ms, s or min)
//! ```
//!
//! The name of a client may be left out. When a block ends, nothing else was sent to anyone. In a
//! block whose first line to the server is a request line, all lines are of HTTP: `←` has the
//! status line, and fields and content that the response has among others.

use std::collections::BTreeMap;

use headcount::config::Config;

use crate::wire::{self, Told};
use crate::world::{Peer, World};

const PAGE: &str = include_str!("../../docs/protocol.md");
const README: &str = include_str!("../../README.md");

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq)]
enum Line<'a> {
    Passes(u64),
    Says(&'a str, &'a str),
    Gets(&'a str, &'a str),
}

fn line(text: &str) -> Line<'_> {
    if let Some(time) = text.strip_prefix("… ") {
        let (count, unit) = time.split_once(' ').expect("a number and a unit");
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "min" => 60_000,
            _ => panic!("what is {unit}?"),
        };
        return Line::Passes(count.parse::<u64>().expect("a number") * unit_ms);
    }
    let arrow = text.find(['→', '←']).unwrap_or_else(|| panic!("a line has an arrow: {text}"));
    let (name, rest) = text.split_at(arrow);
    let what = rest[3..].trim();
    if rest.starts_with('→') {
        Line::Says(name.trim(), what)
    } else {
        Line::Gets(name.trim(), what)
    }
}

/// The transcripts of a page, each with the number of its first line.
fn transcripts(page: &'static str) -> Vec<(usize, Vec<Line<'static>>)> {
    let mut transcripts = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, text)) = lines.next() {
        if text == "```transcript" {
            let block = lines.by_ref().map(|(_, text)| text).take_while(|text| *text != "```");
            transcripts.push((number + 2, block.map(line).collect()));
        }
    }
    transcripts
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> = hexadecimal.bytes().collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// `3 × …` as the number and the rest.
fn repeated(what: &str) -> (usize, &str) {
    match what.split_once(" × ") {
        Some((count, what)) => (count.parse().expect("a number"), what),
        None => (1, what),
    }
}

/// What a client sends.
fn frame(what: &str) -> Vec<u8> {
    let (opcode, rest) = what.split_once(' ').unwrap_or((what, ""));
    match opcode {
        "Ping" => wire::frame(0x89, &bytes(rest)),
        "Pong" => wire::frame(0x8A, &bytes(rest)),
        "Binary" => wire::frame(0x82, &bytes(rest)),
        "Close" => wire::close(rest.parse().expect("a close code")),
        _ => wire::text(what),
    }
}

/// What a client is sent.
fn told(what: &str) -> Told {
    let (opcode, rest) = what.split_once(' ').unwrap_or((what, ""));
    match opcode {
        "Ping" => Told::Ping(bytes(rest)),
        "Pong" => Told::Pong(bytes(rest)),
        "Close" => Told::Close(Some(rest.parse().expect("a close code"))),
        _ => Told::Text(what.to_owned()),
    }
}

/// A run of a transcript on WebSockets.
struct Run {
    world: World,
    peers: BTreeMap<&'static str, (Peer, Vec<Told>)>,
}

impl Run {
    fn peer(&mut self, name: &'static str, says: &str) -> &mut (Peer, Vec<Told>) {
        let world = &mut self.world;
        self.peers.entry(name).or_insert_with(|| {
            let peer = match says.starts_with("[\"hello\"") {
                true => world.offer("/ws", "headcount.v2"),
                false => world.open("/ws"),
            };
            (peer, Vec::new())
        })
    }

    fn run(mut self, number: usize, lines: &[Line<'static>]) {
        for (line, number) in lines.iter().zip(number..) {
            match *line {
                Line::Passes(ms) => self.world.pass_ms(ms),
                Line::Says(name, what) => {
                    let (peer, (count, what)) = (self.peer(name, what).0, repeated(what));
                    (0..count).for_each(|_| self.world.send(peer, &frame(what)));
                }
                Line::Gets(name, what) => {
                    let (count, what) = repeated(what);
                    for _ in 0..count {
                        let next = self.next(name);
                        assert_eq!(next.as_ref(), Some(&told(what)), "line {number} of the page");
                    }
                }
            }
        }
        let names: Vec<&str> = self.peers.keys().copied().collect();
        for name in names {
            assert_eq!(self.next(name), None, "{name} was sent more before line {number}");
        }
    }

    /// The next thing that a client was sent.
    fn next(&mut self, name: &'static str) -> Option<Told> {
        let peer = self.peer(name, "").0;
        let new = self.world.told(peer);
        let waiting = &mut self.peer(name, "").1;
        waiting.extend(new);
        (!waiting.is_empty()).then(|| waiting.remove(0))
    }
}

/// Runs a transcript of HTTP: requests, each with what its response must have.
fn run_http(number: usize, lines: &[Line<'_>]) {
    let mut world = World::new();
    let peer = world.connect();
    let mut rest = lines;
    while !rest.is_empty() {
        let said = rest.iter().take_while(|line| matches!(line, Line::Says(..))).count();
        assert!(said > 0, "a response without a request: line {number} of the page");
        let (request, after) = rest.split_at(said);
        let got = after.iter().take_while(|line| matches!(line, Line::Gets(..))).count();
        let (response, after) = after.split_at(got);
        rest = after;
        let texts = |lines: &[Line<'_>]| -> Vec<String> {
            let text = |line: &Line<'_>| match line {
                Line::Says(_, text) | Line::Gets(_, text) => (*text).to_owned(),
                Line::Passes(_) => panic!("no time passes here: line {number} of the page"),
            };
            lines.iter().map(text).collect()
        };
        let request = texts(request).join("\r\n");
        world.send(peer, format!("{request}\r\n\r\n").as_bytes());
        let bytes = String::from_utf8_lossy(world.inbox(peer)).into_owned();
        let is_upgrade = bytes.starts_with("HTTP/1.1 101");
        for (place, line) in texts(response).iter().enumerate() {
            let is_there = match place {
                0 => bytes.starts_with(&format!("{line}\r\n")),
                _ => {
                    bytes.contains(&format!("\r\n{line}\r\n"))
                        || bytes.ends_with(&format!("{line}\n"))
                }
            };
            let is_content = !is_upgrade && bytes.ends_with(&format!("\r\n\r\n{line}"));
            assert!(is_there || is_content, "line {number} of the page: no {line} in {bytes}");
        }
        world.inbox(peer).clear();
    }
}

#[test]
fn protocol_page_says_what_the_server_does() {
    let (page, readme) = (transcripts(PAGE), transcripts(README));
    assert!(page.len() > 10 && readme.len() == 1, "they are found");
    for (number, lines) in page.into_iter().chain(readme) {
        let is_request =
            |line: &Line<'_>| matches!(line, Line::Says(_, text) if text.starts_with("GET "));
        match lines.iter().any(is_request) {
            true => run_http(number, &lines),
            false => Run { world: World::holding(Config::default()), peers: BTreeMap::new() }
                .run(number, &lines),
        }
    }
}

#[test]
fn protocol_page_has_every_error_code_and_every_close_code() {
    let codes = "name_empty name_too_long name_invalid name_missing rate_limited message_invalid \
                 event_unknown room_invalid room_not_entered room_forbidden room_full \
                 rooms_too_many data_invalid data_too_large hello_missing hello_unexpected \
                 client_invalid client_in_use at_invalid";
    let sources = include_str!("../../src/api/error.rs");
    for code in codes.split(' ') {
        assert!(PAGE.contains(&format!("| `{code}` |")), "{code} has no row");
    }
    let of_codes = sources.split("fn code(").nth(1).and_then(|rest| rest.split("\n    }\n").next());
    let in_sources = of_codes.expect("the function").matches('"').count() / 2;
    assert_eq!(in_sources, codes.split(' ').count(), "the list above is complete");
    let close = include_str!("../../src/ws/close.rs");
    for code in close.split("CloseCode = CloseCode(").skip(1).map(|rest| &rest[..4]) {
        assert!(PAGE.contains(&format!("| {code} |")), "{code} has no row");
    }
}
