//! Connections that end in every state, in every way: nothing of them is kept.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use memchr::memmem;
use rustix::process::Signal;

use crate::crowd::{Crowd, half_close, read_away};
use crate::program::{Program, names, reset};
use crate::shown;
use crate::wire;

/// Clients in each cell of the matrix.
const CLIENTS: usize = 10;

/// Timeouts that a test can wait for, and no rates.
const FLAGS: [&str; 14] = [
    "--echo",
    "--handshake-timeout-ms=1000",
    "--ping-interval-ms=1000",
    "--pong-timeout-ms=1000",
    "--connect-timeout-ms=1000",
    "--close-timeout-ms=1000",
    "--send-timeout-ms=1000",
    "--send-bytes-per-second-min=10000000",
    "--shutdown-timeout-ms=1000",
    "--messages-per-second=1000000",
    "--messages-burst=1000000",
    "--control-frames-burst=1000000",
    "--bytes-per-second=1000000000",
    "--name-changes-per-minute=1000000",
];

const LOGIN: &str = r#"["login","Ada"]"#;
const LOGIN_PACKET: &str = r#"42["login","Ada"]"#;

/// What a client has said, which puts its connection into some state.
struct State {
    name: &'static str,
    /// The request with which protocols are switched, if they are.
    upgrade: Option<Vec<u8>>,
    said: Vec<u8>,
}

/// How connections end.
const CAUSES: [&str; 6] = ["RST", "FIN", "half-close", "garbage", "silence", "SIGTERM"];

fn states() -> Vec<State> {
    let page = b"GET /page.js HTTP/1.1\r\nHost: localhost:3000\r\n\r\n";
    let half_upgrade = b"GET /ws HTTP/1.1\r\nHost: localhost:3000\r\nUpgrade: websocket\r\n\r\n";
    let http = |name, said: &[u8]| State { name, upgrade: None, said: said.into() };
    let upgraded = |name, path: &str, extra: &str, said: &[u8]| State {
        name,
        upgrade: Some(wire::handshake(path, extra)),
        said: said.into(),
    };
    let ws = |name, said: &[u8]| upgraded(name, "/ws", "", said);
    let socketio = |name, said: &[&str]| {
        let said: Vec<u8> = said.iter().flat_map(|packet| wire::text(packet)).collect();
        upgraded(name, "/socket.io/?EIO=4&transport=websocket", "", &said)
    };
    let deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let attachment = r#"451-["x",{"_placeholder":true,"num":0}]"#;
    let login = wire::text(LOGIN);
    let then = |more: &[u8]| [&login[..], more].concat();
    vec![
        http("accepted", b""),
        http("in a request head", b"GET / HT"),
        http("between requests", page),
        http("answers unread", &page.repeat(99)),
        http("request refused", b"no request\r\n\r\n"),
        http("upgrade refused", half_upgrade),
        ws("watching", b""),
        ws("present", &login),
        ws("in a frame's header", &then(&login[..1])),
        ws("in a frame's payload", &then(&login[..9])),
        ws("in a fragmented message", &then(&wire::frame(0x01, b"[\"log"))),
        ws("replies unread", &then(&wire::text("[]").repeat(20_000))),
        ws("closing, by the client", &wire::close(1000)),
        ws("closing, by the server", &wire::frame(0xF1, b"")),
        upgraded("compressed", "/ws", deflate, &login),
        upgraded("echoes unread", "/echo", "", &wire::frame(0x82, &[0; 400_000])),
        socketio("Socket.IO, opened", &[]),
        socketio("Socket.IO, joined", &["40"]),
        socketio("Socket.IO, present", &["40", LOGIN_PACKET]),
        socketio("Socket.IO, attachments to come", &["40", attachment]),
    ]
}

impl State {
    /// How many names the roster has of clients in this state: they all have the same.
    fn names(&self) -> usize {
        let says = |message: &str| memmem::find(&self.said, &wire::text(message)).is_some();
        usize::from(says(LOGIN) || says(LOGIN_PACKET))
    }

    /// Brings clients into this state, ends them, and waits until nothing is left of them.
    fn check(&self, cause: &str) {
        let mut program = Program::start(&FLAGS);
        let (address, base) = (program.addresses[0], program.open_files());
        let mut crowd = match &self.upgrade {
            Some(request) => Crowd::upgrade(address, CLIENTS, request),
            None => Crowd::connect(address, CLIENTS, b""),
        };
        for mut stream in &crowd.streams {
            stream.set_nonblocking(true).unwrap();
            // The server may read less than all of it, which is a state too.
            let _ = stream.write(&self.said);
        }
        thread::sleep(Duration::from_millis(100));
        assert_eq!(program.open_files(), base + CLIENTS, "{}", self.name);
        assert_eq!(names(address), self.names(), "{}", self.name);
        match cause {
            "RST" => crowd.streams.drain(..).for_each(reset),
            "FIN" => crowd.streams.clear(),
            "half-close" => crowd.streams.iter().for_each(half_close),
            "garbage" => crowd.send(&[0xFF; 1000]),
            "silence" => {}
            "SIGTERM" => program.signal(Signal::TERM),
            _ => unreachable!("it is one of CAUSES"),
        }
        match cause {
            "SIGTERM" => assert_eq!(program.exit_code(), Some(0), "{}", self.name),
            _ => drop(program.wait_for_base(base)),
        }
        let is_closed = |stream: &TcpStream| read_away(stream).is_none();
        assert!(crowd.streams.iter().all(is_closed), "{} ended by {cause}", self.name);
    }
}

#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d9_nothing_is_kept_whatever_state_a_connection_ends_in() {
    let states = states();
    for cause in CAUSES {
        thread::scope(|scope| {
            for state in &states {
                scope.spawn(move || state.check(cause));
            }
        });
    }
    shown(
        "D9",
        &format!(
            "{} states × {} causes ({}), {CLIENTS} clients each: descriptors, slots and names back",
            states.len(),
            CAUSES.len(),
            CAUSES.join(", ")
        ),
    );
}
