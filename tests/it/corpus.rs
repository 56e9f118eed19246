//! The fuzz targets without a fuzzer: every file of their corpora, and random inputs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::wire;
use headcount_support::fuzz::grammar::{
    Change, change_body, change_deflated_frames, change_frames, change_head, change_packet,
};
use headcount_support::fuzz::{ALLOWED, TARGETS, Target, Xorshift, differences};

/// Says which input it was, should the target panic.
struct Running<'a> {
    name: &'a str,
    input: &'a [u8],
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} with {}", self.name, self.input.escape_ascii());
        }
    }
}

fn run(name: &str, target: Target, input: &[u8]) {
    let _running = Running { name, input };
    target(input);
}

/// The corpus of `target`, in the order of its names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).expect("each target has a corpus");
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let named = |file: &std::path::PathBuf| (file.display().to_string(), fs::read(file).unwrap());
    files.iter().map(named).collect()
}

#[test]
fn corpus_holds() {
    for (_, target, corpora) in TARGETS {
        for (file, input) in corpora.iter().flat_map(|name| corpus(name)) {
            run(&file, target, &input);
        }
    }
}

/// What is in git of the corpora.
#[test]
fn corpora_are_small() {
    let names: BTreeSet<&str> = TARGETS.iter().flat_map(|target| target.2).copied().collect();
    let bytes: usize = names.into_iter().flat_map(corpus).map(|(_, input)| input.len()).sum();
    assert!(bytes <= 2 << 20, "{bytes} bytes");
}

/// Two files of the corpus, cut and put together at random, with some bytes changed.
fn mutated(corpus: &[(String, Vec<u8>)], random: &mut Xorshift) -> Vec<u8> {
    let mut input = Vec::new();
    for _ in 0..2 {
        let (_, file) = &corpus[random.below(corpus.len())];
        let (start, end) = (random.below(file.len() + 1), random.below(file.len() + 1));
        input.extend_from_slice(&file[start.min(end)..start.max(end)]);
    }
    for _ in 0..random.below(4) {
        if !input.is_empty() {
            let at = random.below(input.len());
            input[at] ^= 1 << random.below(8);
        }
    }
    input.truncate(512);
    input
}

fn random_bytes(random: &mut Xorshift) -> Vec<u8> {
    (0..random.below(100)).map(|_| random.below(256) as u8).collect()
}

/// Frames that are good one by one, mostly, and follow each other as it happens.
pub fn random_frames(random: &mut Xorshift) -> Vec<u8> {
    const FIRSTS: &[u8] = b"\x00\x01\x02\x80\x81\x82\x88\x89\x8a";
    const TEXTS: [&[u8]; 6] = [b"", b"a", b"\xf0\x9f", b"\xa6\x80", b"\xed\xa0", b"[\"logout\"]"];
    let mut bytes = Vec::new();
    for _ in 0..=random.below(6) {
        let first = match random.below(20) {
            0 => random.below(256) as u8,
            _ => FIRSTS[random.below(FIRSTS.len())],
        };
        let payload = match random.below(8) {
            0 => vec![b'a'; random.below(300)],
            1..5 if first == 0x88 => (990 + random.below(30) as u16).to_be_bytes().to_vec(),
            _ => TEXTS[random.below(TEXTS.len())].to_vec(),
        };
        bytes.extend(wire::frame(first, &payload));
    }
    bytes
}

/// What a few clients do in a few rooms, mostly in an order that has a meaning.
fn random_operations(random: &mut Xorshift) -> Vec<u8> {
    // A letter and what its arguments are: c: a client, r: a room, n: a small number.
    const OPERATIONS: [&str; 24] = [
        "o", "O", "wn", "lcn", "qc", "acrnn", "acrnn", "acrnn", "bcrn", "bcrn", "fcr", "Ecrn",
        "Ecrn", "vcrn", "vcrn", "Xcr", "jc", "z", "+", "tn", "kc", "ncn", "uc", "dcn",
    ];
    let mut script = vec![random.below(256) as u8];
    script.extend(b"oow1");
    for _ in 0..random.below(50) {
        for what in OPERATIONS[random.below(OPERATIONS.len())].bytes() {
            script.push(match what {
                b'c' => b'0' + random.below(4) as u8,
                // Some in which it is, and with an id.
                b'r' => b'0' + (random.below(3) + 8 * random.below(2) + 16 * random.below(3)) as u8,
                b'n' => b'0' + random.below(16) as u8,
                letter => letter,
            });
        }
    }
    script
}

/// The pieces of a packet of Socket.IO, mostly in an order that has a meaning.
fn random_packet(random: &mut Xorshift) -> Vec<u8> {
    const HEADS: [&str; 10] = ["0", "1", "2", "3", "4", "51-", "62-", "/x,", "12", ""];
    const PAYLOADS: [&str; 16] = [
        "[",
        "[",
        "]",
        "]",
        "{",
        "}",
        "\"a\"",
        "\"connect\"",
        "\"a\":",
        ",",
        ",",
        "-1.5e3",
        "null",
        "\"\\ud800\"",
        " ",
        "",
    ];
    let heads = (0..1 + random.below(3)).map(|_| HEADS[random.below(HEADS.len())]);
    let mut text: String = heads.collect::<Vec<_>>().concat();
    text.extend((0..random.below(12)).map(|_| PAYLOADS[random.below(PAYLOADS.len())]));
    text.into_bytes()
}

/// The pieces of a chunked body, mostly in an order that has a meaning.
fn random_body(random: &mut Xorshift) -> Vec<u8> {
    const PIECES: [&str; 24] = [
        "\r\n",
        "\r\n",
        "\r\n",
        "0\r\n",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        "2\r\nhi\r\n",
        "A",
        "0",
        "00",
        "5",
        ";",
        "a",
        "=",
        "\"",
        "\\",
        " ",
        "\t",
        ":",
        "X: y\r\n",
        ";a=b\r\n",
        ";a=\"b\"\r\n",
        "\n",
        "\r",
    ];
    let most = [5, 20, 100][random.below(3)];
    let mut body = format!("{most} chunked\n");
    body.extend((0..1 + random.below(12)).map(|_| PIECES[random.below(PIECES.len())]));
    body.into_bytes()
}

/// Runs the target with inputs of which some are made by `generate`, and the others are mutants.
fn check_random(target: &str, count: usize, generate: fn(&mut Xorshift) -> Vec<u8>) {
    let (name, run_target, corpora) = TARGETS.into_iter().find(|it| it.0 == target).unwrap();
    let corpus: Vec<_> = corpora.iter().flat_map(|name| corpus(name)).collect();
    let mut random = Xorshift::new(0x5EED);
    for index in 0..count {
        let input = match index % 4 {
            0 => generate(&mut random),
            _ => mutated(&corpus, &mut random),
        };
        run(name, run_target, &input);
    }
}

#[test]
fn random_request_heads_hold() {
    check_random("head_thorough", 10_000, random_bytes);
}

#[test]
fn random_bodies_hold() {
    check_random("body_thorough", 20_000, random_body);
}

#[test]
fn random_fields_hold() {
    check_random("fields", 20_000, random_bytes);
}

#[test]
fn random_messages_of_other_nodes_hold() {
    check_random("redis", 5_000, random_bytes);
}

#[test]
fn random_frames_hold() {
    check_random("frame_thorough", 20_000, random_frames);
}

#[test]
fn random_frames_are_what_another_decoder_says() {
    check_random("other_decoder", 20_000, random_frames);
}

/// A file that is named after a difference from tungstenite shows this one, and the others show
/// none. So what is the same by now has to leave the list.
#[test]
fn every_allowed_difference_occurs() {
    let mut examples: BTreeSet<&str> = ALLOWED.iter().map(|allowed| allowed.example).collect();
    for (file, input) in corpus("other_decoder") {
        let name = file.rsplit('/').next().unwrap();
        let expected = examples.take(name).into_iter().collect();
        assert_eq!(differences(&input), expected, "{file}");
    }
    assert_eq!(examples, BTreeSet::new(), "these have no file");
}

#[test]
fn random_connections_hold() {
    check_random("connection", 5_000, random_bytes);
}

#[test]
fn random_operations_hold() {
    check_random("hub", 8_000, random_operations);
}

#[test]
fn random_packets_hold() {
    check_random("packet_thorough", 50_000, random_packet);
}

/// Runs a fast target with what a grammar makes of its corpus, change after change.
fn check_changed(target: &str, count: usize, change: Change) {
    let (name, run_target, corpora) = TARGETS.into_iter().find(|it| it.0 == target).unwrap();
    let corpus: Vec<_> = corpora.iter().flat_map(|name| corpus(name)).collect();
    let mut random = Xorshift::new(0x5EED);
    let mut input = Vec::new();
    for index in 0..count {
        if index % 8 == 0 {
            input.clone_from(&corpus[random.below(corpus.len())].1);
        }
        change(&mut input, &mut random);
        run(name, run_target, &input);
    }
}

#[test]
fn changed_frames_hold() {
    check_changed("frame", 100_000, change_frames);
    check_changed("frame_deflate", 30_000, change_deflated_frames);
    check_changed("frame_thorough", 2_000, change_deflated_frames);
}

#[test]
fn changed_heads_hold() {
    check_changed("head", 50_000, change_head);
    check_changed("head_thorough", 2_000, change_head);
}

#[test]
fn changed_bodies_hold() {
    check_changed("body", 50_000, change_body);
    check_changed("body_thorough", 2_000, change_body);
}

#[test]
fn changed_packets_hold() {
    check_changed("packet", 50_000, change_packet);
}
