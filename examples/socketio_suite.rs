//! The server that the official conformance suites of Engine.IO v4 and Socket.IO v5 want to talk
//! to: an echo at `/engine.io/`, and at `/socket.io/` an application of two namespaces.
//!
//! ```sh
//! cargo run --example socketio_suite -- --listen 127.0.0.1:3000
//! ```
//!
//! It shows how the parts of headcount are put together without its loop: each connection has a
//! thread, which blocks.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use headcount::config::Secret;
use headcount::http::{FieldStorage, HeadLimits, HeadScanner, RequestHead, ResponseHead};
use headcount::socketio::handshake;
use headcount::socketio::{Client, Engine, EnginePacket, Message, Opening, Outgoing, PING};
use headcount::socketio::{PacketLimits, Sids, Terms, Transport};
use headcount::time::Time;
use headcount::ws::handshake::{Wishes, accept};
use headcount::ws::{Decoder, Event, Inflation, MessageLimits, Opcode, frame};

use headcount_support::suite::{Next, Session};

/// What the suites count on.
const OPENING: Opening = Opening {
    ping_interval_ms: 300,
    ping_timeout_ms: 200,
    message_bytes_max: 1_000_000,
    upgrades: false,
};
const CONNECT_TIMEOUT_MS: u32 = 1_000;

/// A client of theirs hands two messages that come together to a test at once, and the tests listen
/// for one at a time.
const BETWEEN_MESSAGES: Duration = Duration::from_millis(2);

const HEAD: HeadLimits =
    HeadLimits { head_bytes_max: 8_000, fields_max: 64, target_bytes_max: 4_000 };
const MESSAGES: MessageLimits =
    MessageLimits { message_bytes_max: 1_000_000, frame_bytes_max: 1_000_000, fragments_max: 64 };

/// The server that the conformance suites of Engine.IO and Socket.IO talk to.
#[derive(Parser)]
struct Cli {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(Cli::parse().listen)?;
    let mut out = std::io::stdout();
    writeln!(out, "headcount listening on http://{}", listener.local_addr()?)?;
    out.flush()?;
    for (number, stream) in listener.incoming().enumerate() {
        let stream = stream?;
        thread::spawn(move || {
            // A peer that goes away in the middle is none of the others' business.
            let _ = serve(stream, number as u32);
        });
    }
    Ok(())
}

/// Serves one connection to its end.
fn serve(mut stream: TcpStream, number: u32) -> Result<(), Box<dyn Error>> {
    stream.set_nodelay(true)?;
    let mut input = Vec::new();
    let length = loop {
        if let Some(length) = HeadScanner::default().scan(&input, &HEAD)? {
            break length;
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            bytes => input.extend_from_slice(&buffer[..bytes]),
        }
    };
    let mut storage = FieldStorage::default();
    let head = RequestHead::decode(&input[..length], &HEAD, &mut storage)?;
    let is_echo = head.path == "/engine.io/";
    if let Err(refusal) = handshake::ask(&head, true, false, |_, _| None) {
        let body = refusal.encode();
        let response = ResponseHead::new(refusal.status(), "Mon, 23 Nov 2026 12:00:00 GMT");
        stream.write_all(&response.content_length(body.len()).finish())?;
        return Ok(stream.write_all(&body)?);
    }
    let wishes = Wishes { subprotocol: None, deflates: false, allows_takeover: false };
    let mut reply = Vec::new();
    accept(&head, wishes, &mut reply)?;
    stream.write_all(&reply)?;
    let input = input.split_off(length);
    Socket::new(stream, number, is_echo).run(input)
}

/// A WebSocket, and what is spoken on it.
struct Socket {
    stream: TcpStream,
    number: u32,
    /// The application, unless it is the echo.
    session: Option<Session>,
    started: Instant,
    ping_at: Time,
    pong_by: Time,
}

impl Socket {
    fn new(stream: TcpStream, number: u32, is_echo: bool) -> Socket {
        let ping_at = Time::from_ms(u64::from(OPENING.ping_interval_ms));
        let (started, pong_by) = (Instant::now(), Time::NEVER);
        let session = (!is_echo).then_some(());
        let secret = Secret::default();
        let (by, engine) = (Transport::WebSocket, Engine::V4);
        let (client, _) = Client::open(OPENING, number, by, engine, &terms(&secret), Time::ZERO);
        let session = session.map(|()| Session::new(client));
        Socket { stream, number, session, started, ping_at, pong_by }
    }

    fn now(&self) -> Time {
        Time::from_ms(self.started.elapsed().as_millis() as u64)
    }

    fn send(&mut self, opcode: Opcode, payload: &[u8]) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        frame::encode(opcode, payload, &mut bytes);
        self.stream.write_all(&bytes)?;
        thread::sleep(BETWEEN_MESSAGES);
        Ok(())
    }

    fn run(mut self, mut input: Vec<u8>) -> Result<(), Box<dyn Error>> {
        let secret = Secret::default();
        let terms = terms(&secret);
        let sid = Sids { secret: &secret, session: self.number }.sid(0);
        self.send(Opcode::Text, &OPENING.encode(sid))?;
        let mut decoder = Decoder::default();
        loop {
            let (used, event) = decoder.decode(&mut input, &MESSAGES, Inflation::None)?;
            let code = match event {
                Some(event) => self.handle(event, &terms)?,
                None => None,
            };
            let is_waiting = used == 0;
            input.drain(..used);
            if let Some(code) = code {
                return Ok(self.send(Opcode::Close, &u16::to_be_bytes(code))?);
            }
            if is_waiting && !self.wait(&mut input)? {
                return Ok(());
            }
        }
    }

    /// Handles an event; the code to close with, if that is the end.
    fn handle(
        &mut self,
        event: Event<'_>,
        terms: &Terms<'_>,
    ) -> Result<Option<u16>, Box<dyn Error>> {
        let message = match event {
            Event::Text("3") => {
                self.pong_by = Time::NEVER;
                return Ok(None);
            }
            Event::Text(text) => Message::Text(text),
            Event::Binary(bytes) => Message::Binary(bytes),
            Event::Close(_) => return Ok(Some(1000)),
            Event::Ping(_) | Event::Pong(_) => return Ok(None),
        };
        let now = self.now();
        let Some(session) = &mut self.session else {
            match (EnginePacket::decode(message, Engine::V4), message) {
                (Ok(EnginePacket::Bytes), Message::Binary(bytes)) => {
                    self.send(Opcode::Binary, bytes)?;
                }
                (Ok(EnginePacket::Message(_)), Message::Text(text)) => {
                    self.send(Opcode::Text, text.as_bytes())?;
                }
                (Ok(EnginePacket::Close), _) => return Ok(Some(1000)),
                (Ok(_), _) => {}
                (Err(_), _) => return Ok(Some(1007)),
            }
            return Ok(None);
        };
        let replies = match session.receive(message, terms, now) {
            Ok(Next::Replies(replies)) => replies,
            Ok(Next::Close) => return Ok(Some(1000)),
            Err(error) => return Ok(Some(error.close_code().as_u16())),
        };
        for reply in replies {
            match reply {
                Outgoing::Text(text) => self.send(Opcode::Text, &text)?,
                Outgoing::Binary(bytes) => self.send(Opcode::Binary, &bytes)?,
            }
        }
        Ok(None)
    }

    /// Waits for more input, and pings meanwhile. Says whether the session goes on.
    fn wait(&mut self, input: &mut Vec<u8>) -> Result<bool, Box<dyn Error>> {
        let owed = self.session.as_ref().map_or(Time::NEVER, Session::deadline);
        let now = self.now();
        if now >= owed || now >= self.pong_by {
            return Ok(false);
        }
        if now >= self.ping_at {
            self.ping_at = now.after_ms(u64::from(OPENING.ping_interval_ms));
            self.pong_by = now.after_ms(u64::from(OPENING.ping_timeout_ms));
            self.send(Opcode::Text, PING)?;
        }
        let next = owed.min(self.pong_by).min(self.ping_at).ms_since(now).max(1);
        self.stream.set_read_timeout(Some(Duration::from_millis(next)))?;
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => Ok(false),
            Ok(bytes) => {
                input.extend_from_slice(&buffer[..bytes]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(true)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn terms(secret: &Secret) -> Terms<'_> {
    Terms {
        packets: PacketLimits { attachments_max: 10, namespace_bytes_max: 128, json_depth_max: 32 },
        connect_timeout_ms: CONNECT_TIMEOUT_MS,
        secret,
    }
}
