//! What viewers and operators see (F1, F6, F7). That no name runs as a script is shown in a real
//! Chromium, by `tests/suites/browser`; here is what the page and the server say of it.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::engine::PATH;
use crate::program::Program;
use crate::wire;
use crate::world::{Peer, World};

#[test]
fn f1_page_makes_no_markup_of_text_and_may_run_no_script_of_others() {
    let mut world = World::new();
    let peer = world.connect();
    world.send(peer, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = world.answer(peer);
    let policy = answer.field("Content-Security-Policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    for word in ["unsafe", "*", "http", "blob:", "nonce"] {
        assert!(!policy.contains(word), "{policy}");
    }
    assert_eq!(answer.field("X-Content-Type-Options"), Some("nosniff"));
    let page = String::from_utf8(answer.body).unwrap();
    for word in ["<script>", " onload=", " onclick=", "javascript:"] {
        assert!(!page.contains(word), "the page has {word}");
    }
    assert_eq!(page.matches("<script").count(), 1, "the one that the policy has the hash of");
    for script in ["/page.js", "/words.js", "/headcount.js", "/socket.io.js"] {
        world.send(peer, format!("GET {script} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        let source = String::from_utf8(world.answer(peer).body).unwrap();
        for sink in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "setAttribute(\"on",
            "createContextualFragment",
            "setHTML",
        ] {
            assert!(!source.contains(sink), "{script} has {sink}");
        }
    }
}

/// Whatever is in names and requests, what the process prints is lines of its own, without control
/// characters, and few of them.
#[test]
fn f6_nothing_that_a_peer_sends_forges_or_floods_the_log() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.stderr(Stdio::piped());
    let mut program = Program::start_by(command, &["--log-level", "debug"]);
    let mut stderr = program.child.stderr.take().expect("piped");
    let started = Instant::now();
    let forged = "\r\nlevel=ERROR forged\u{1b}[31m\u{9b}31m\0";
    for round in 0..300 {
        let mut client = program.connect();
        match round % 5 {
            0 => client.send(format!("GET /{forged} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()),
            1 => client.send(format!("GET / HTTP/1.1\r\nHost: {forged}\r\n\r\n").as_bytes()),
            2 => client.send(format!("{forged} / HTTP/1.1\r\nUser-Agent: {forged}").as_bytes()),
            // The one thing that is shown: without line ends and NUL, which are no part of a field.
            3 => {
                let origin = "http://a\" cause=forged\tlevel=ERROR \u{9b}\u{202e}".repeat(8);
                client.send(&wire::handshake("/ws", &format!("Origin: {origin}\r\n")));
                assert_eq!(client.answer().status, 403);
            }
            _ => {
                client.send(&wire::handshake("/ws", "User-Agent: \u{9b}forged\r\n"));
                assert_eq!(client.answer().status, 101);
                client.login(forged);
                client.send(&wire::frame(0x8B, forged.as_bytes()));
                while client.read() {}
            }
        }
    }
    drop(program);
    let took = started.elapsed() + Duration::from_secs(1);
    let mut log = Vec::new();
    stderr.read_to_end(&mut log).unwrap();
    let log = String::from_utf8(log).expect("UTF-8");
    assert!(
        log.contains("refused: 400") && log.contains("protocol_error"),
        "there is a log: {log}"
    );
    let is_plain = |c: char| c == '\n' || !c.is_control();
    assert!(log.chars().all(is_plain), "{}", log.escape_debug());
    assert!(log.lines().all(|line| !line.starts_with("level=ERROR forged")), "{log}");
    let origins: Vec<&str> = log.lines().filter(|line| line.contains("origin refused")).collect();
    assert!(!origins.is_empty(), "{log}");
    for line in origins {
        assert!(line.is_ascii() && line.len() < 700, "{line}");
        let quoted = line.split_once("origin=\"http://a").map(|(_, rest)| rest);
        assert!(
            quoted.is_some_and(|rest| rest.starts_with(r#"\\\" cause=forged\\tlevel"#)),
            "{line}"
        );
    }
    // Ten a second for each of ten causes.
    let most = took.as_secs_f64() * 10.0 * 10.0;
    assert!((log.lines().count() as f64) <= most, "{} lines in {took:?}", log.lines().count());
}

/// What a client with this secret sends, in pieces. Each puts it wherever a client can put
/// something that is not a name.
fn life(index: usize, marker: &str) -> Vec<Vec<u8>> {
    let fields = format!(
        "Cookie: {marker}\r\nUser-Agent: {marker}\r\nX-Forwarded-For: {marker}\r\n\
         Sec-WebSocket-Protocol: headcount.v1, {marker}\r\n"
    );
    let ask = |path: &str| {
        format!("GET {path}?{marker} HTTP/1.1\r\nHost: {marker}\r\n{fields}\r\n").into_bytes()
    };
    let name = format!("Client {index}");
    match index % 4 {
        0 => vec![ask("/roster"), ask(&format!("/{marker}")), ask("/"), ask("/ws")],
        1 => vec![
            wire::handshake(&format!("/ws?{marker}"), &fields),
            wire::login(&name),
            wire::frame(0x89, marker.as_bytes()),
            wire::text(&json!(["login", name, marker]).to_string()),
            wire::text(marker),
            wire::frame(0x82, marker.as_bytes()),
            wire::frame(0x88, &[&[3, 0xE8], marker.as_bytes()].concat()),
        ],
        2 => vec![
            wire::handshake("/echo", &fields),
            wire::text(&marker.repeat(100)),
            wire::frame(0x01, marker.as_bytes()),
            wire::frame(0x89, marker.as_bytes()),
            wire::frame(0x80, marker.as_bytes()),
        ],
        _ => vec![
            wire::handshake(PATH, &fields),
            wire::text(&format!("40{{\"token\":\"{marker}\"}}")),
            wire::text(&format!("421[\"login\",\"{name}\",\"{marker}\"]")),
            wire::text(&format!("422[\"{marker}\"]")),
            wire::text(&format!("40/{marker},")),
        ],
    }
}

/// No byte of one client's secret is in what anybody else is sent.
#[test]
fn f7_what_one_client_says_in_private_is_never_told_to_another() {
    let mut world = World::with_echo();
    let peers: Vec<Peer> = (0..60).map(|_| world.connect()).collect();
    let mut seen: Vec<Vec<u8>> = vec![Vec::new(); peers.len()];
    let lives: Vec<Vec<Vec<u8>>> =
        (0..peers.len()).map(|index| life(index, &format!("secret-{index:03}-marker"))).collect();
    for step in 0..7 {
        for (life, &peer) in lives.iter().zip(&peers) {
            if let Some(bytes) = life.get(step)
                && !world.is_half_closed(peer)
            {
                world.send(peer, bytes);
            }
        }
        world.pass_ms(100);
        for (seen, &peer) in seen.iter_mut().zip(&peers) {
            seen.append(world.inbox(peer));
        }
    }
    let mut found = 0;
    for (index, seen) in seen.iter().enumerate() {
        assert!(!seen.is_empty(), "{index}");
        let text = String::from_utf8_lossy(seen);
        for (at, start) in text.match_indices("secret-") {
            let number = &text[at + start.len()..][..3];
            assert_eq!(number, format!("{index:03}"), "client {index} was sent another's");
            found += 1;
        }
    }
    assert!(found > 100, "each echo hears itself, so the search does find something");
}
