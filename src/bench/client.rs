//! One client: its connection, from the opening handshake on, and its view of its room.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use headcount::ws::{Opcode, handshake};
use mio::net::TcpStream;
use socket2::SockRef;

use super::frame::{self, Frame};
use super::oracle::Oracle;
use super::socket;
use super::url::Url;
use super::view::{Kind, Standing, View};

/// The key of all opening handshakes: 16 bytes in base64 (RFC 6455 §4.1). Nothing rests on it.
const KEY: &str = "aGVhZGNvdW50IGJlbmNoIQ==";

/// The subprotocol of clients that say hello.
const SUBPROTOCOL: &str = "headcount.v2";

/// The status with which a page says that it is left (RFC 6455 §7.4.1).
const GOING_AWAY: u16 = 1001;

/// The longest answer to a handshake, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// One client.
#[derive(Debug, Default)]
pub(crate) struct Client {
    connection: Option<Connection>,
    /// What it knows of its room.
    pub(crate) view: View,
    /// Whether it is to have a name.
    pub(crate) is_named: bool,
    /// How often it has set data.
    pub(crate) sets: u64,
    /// Whether it wants to know only how many are there.
    pub(crate) is_counting: bool,
    /// Whether it never reads.
    pub(crate) is_stuck: bool,
    /// Whether it says who it is, and can come back with its copy.
    pub(crate) says_hello: bool,
    /// Since when it is away, and since when it is back, if it was.
    pub(crate) away_since: Option<Instant>,
    pub(crate) back_since: Option<Instant>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    state: State,
    /// The beginning of an answer or a frame.
    inbox: Vec<u8>,
    /// What the socket did not take.
    unsent: Vec<u8>,
    says_hello: bool,
}

/// How a connection ends that its client comes back from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// The page is loaded again, and closes it.
    Reload,
    /// The network is lost: nothing is sent any more.
    Cut,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Handshaking,
    Open,
}

/// What became of a connection.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Nothing that others need to know.
    Nothing,
    /// The WebSocket is open.
    Opened,
    /// The connection could not be made.
    Failed(io::Error),
    /// The answer to the handshake is none that opens a WebSocket.
    Refused(String),
    /// The connection is over.
    Lost(String),
}

impl Client {
    /// Of a room on a node, and not connected.
    pub(crate) fn of(room: usize, node: usize) -> Client {
        Client { view: View { node, ..View::of(room) }, ..Client::default() }
    }

    /// Begins to connect. `index` tells the source address if the server is on this machine.
    pub(crate) fn connect(&mut self, url: &Url, index: usize) -> io::Result<&mut TcpStream> {
        let stream = socket::connect(url.address(), index)?;
        let state = State::Connecting;
        if !matches!(self.view.standing, Standing::Returning(_)) {
            let kind = if self.is_counting { Kind::CountAsked } else { Kind::Changes };
            let View { room, node, observes, .. } = self.view;
            self.view = View { kind, node, observes, ..View::of(room) };
        }
        let says_hello = self.says_hello;
        let (inbox, unsent) = (Vec::new(), Vec::new());
        let connection =
            self.connection.insert(Connection { stream, state, inbox, unsent, says_hello });
        Ok(&mut connection.stream)
    }

    /// Ends the connection.
    pub(crate) fn leave(&mut self, how: Leaving) {
        match how {
            Leaving::Reload => {
                self.send_frame(Opcode::Close, &GOING_AWAY.to_be_bytes());
            }
            Leaving::Cut => {
                if let Some(connection) = &self.connection {
                    // Reset and not ended in order. Where that fails it ends in order.
                    let _ = SockRef::from(&connection.stream).set_linger(Some(Duration::ZERO));
                }
            }
        }
        self.drop_connection();
    }

    /// Drops the connection.
    pub(crate) fn drop_connection(&mut self) {
        self.connection = None;
    }

    pub(crate) fn is_open(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.state == State::Open)
    }

    /// The socket can be written to: sends the handshake, or what was left.
    pub(crate) fn writable(&mut self, url: &Url, oracle: &Oracle) -> Outcome {
        let Some(connection) = &mut self.connection else { return Outcome::Nothing };
        if connection.state == State::Connecting {
            match connection.stream.take_error().and_then(|error| error.map_or(Ok(()), Err)) {
                Ok(()) if connection.stream.peer_addr().is_err() => return Outcome::Nothing,
                Ok(()) => {}
                Err(error) => return Outcome::Failed(error),
            }
            connection.state = State::Handshaking;
            let path = oracle.path(self.view.room);
            let subprotocol = match connection.says_hello {
                true => format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"),
                false => String::new(),
            };
            let request = format!(
                "GET {}{path} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
                 Sec-WebSocket-Version: 13\r\n{subprotocol}\r\n",
                url.prefix, url.authority
            );
            connection.unsent.extend_from_slice(request.as_bytes());
        }
        connection.flush().map_or_else(|error| lost(&error), |()| Outcome::Nothing)
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, payload: &[u8]) -> Outcome {
        self.send_frame(Opcode::Text, payload)
    }

    fn send_frame(&mut self, opcode: Opcode, payload: &[u8]) -> Outcome {
        let Some(connection) = &mut self.connection else { return Outcome::Nothing };
        frame::encode(opcode, payload, &mut connection.unsent);
        connection.flush().map_or_else(|error| lost(&error), |()| Outcome::Nothing)
    }

    /// Reads until there is no more, and tells the oracle what came.
    pub(crate) fn readable(&mut self, buffer: &mut [u8], oracle: &mut Oracle) -> Outcome {
        let was_open = self.is_open();
        let outcome = self.read(buffer, oracle);
        // Opened and lost in one go: nobody was told that it was open.
        if let (Outcome::Lost(_), Some(connection)) = (&outcome, &mut self.connection)
            && !was_open
        {
            connection.state = State::Handshaking;
        }
        outcome
    }

    fn read(&mut self, buffer: &mut [u8], oracle: &mut Oracle) -> Outcome {
        let Some(connection) = &mut self.connection else { return Outcome::Nothing };
        if connection.state == State::Connecting || self.is_stuck && connection.state == State::Open
        {
            return Outcome::Nothing;
        }
        let mut outcome = Outcome::Nothing;
        loop {
            let length = match connection.stream.read(buffer) {
                Ok(0) => return Outcome::Lost("the server ended the connection".into()),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return outcome,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return lost(&error),
            };
            oracle.received(length, &self.view);
            match connection.take(&buffer[..length], &mut self.view, oracle) {
                Ok(false) => {}
                Ok(true) => outcome = Outcome::Opened,
                Err(end) => return end,
            }
            if length < buffer.len() || self.is_stuck && connection.state == State::Open {
                return outcome;
            }
        }
    }
}

impl Connection {
    /// Takes in bytes, and says whether the WebSocket has just been opened.
    fn take(
        &mut self,
        bytes: &[u8],
        view: &mut View,
        oracle: &mut Oracle,
    ) -> Result<bool, Outcome> {
        // Most of the time a frame lies whole in what was read, and is not copied.
        let mut inbox = std::mem::take(&mut self.inbox);
        let is_copied = !inbox.is_empty();
        if is_copied {
            inbox.extend_from_slice(bytes);
        }
        let input = if is_copied { &inbox[..] } else { bytes };
        let mut used = 0;
        let has_opened = self.state == State::Handshaking && {
            match self.read_answer(input).map_err(Outcome::Refused)? {
                Some(length) => used = length,
                None => {
                    self.inbox = input.to_vec();
                    return Ok(false);
                }
            }
            self.state = State::Open;
            true
        };
        let wrong = |why: &str| Outcome::Lost(why.into());
        while let Some((length, frame)) = frame::decode(&input[used..]).map_err(wrong)? {
            used += length;
            self.handle(&frame, view, oracle)?;
        }
        self.flush().map_err(|error| lost(&error))?;
        if is_copied {
            inbox.drain(..used);
            self.inbox = if inbox.is_empty() { Vec::new() } else { inbox };
        } else {
            self.inbox = bytes[used..].to_vec();
        }
        Ok(has_opened)
    }

    /// The length of the answer to the handshake, once it is whole.
    fn read_answer(&self, input: &[u8]) -> Result<Option<usize>, String> {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut answer = httparse::Response::new(&mut fields);
        let length = match answer.parse(input).map_err(|_| "the answer is no HTTP/1.1")? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial if input.len() > ANSWER_BYTES_MAX => {
                return Err("the answer to the handshake has no end".into());
            }
            httparse::Status::Partial => return Ok(None),
        };
        if answer.code != Some(101) {
            let (code, reason) = (answer.code.unwrap_or(0), answer.reason.unwrap_or(""));
            return Err(format!("the handshake is answered {code} {reason}"));
        }
        // RFC 6455 §4.1: a client checks that it was understood.
        let field = |name: &str| {
            let field = answer.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
            field.map(|field| field.value)
        };
        if field("sec-websocket-accept") != Some(&handshake::accept_key(KEY.as_bytes())) {
            return Err("the 101 does not accept this handshake".into());
        }
        let subprotocol = self.says_hello.then_some(SUBPROTOCOL.as_bytes());
        if field("sec-websocket-protocol") != subprotocol {
            return Err(format!("the 101 does not answer whether it speaks {SUBPROTOCOL}"));
        }
        Ok(Some(length))
    }

    fn handle(
        &mut self,
        frame: &Frame<'_>,
        view: &mut View,
        oracle: &mut Oracle,
    ) -> Result<(), Outcome> {
        match frame.opcode {
            opcode if opcode == Opcode::Text as u8 => {
                if let Some(next) = oracle.message(frame.payload, view) {
                    frame::encode(Opcode::Text, next, &mut self.unsent);
                }
            }
            opcode if opcode == Opcode::Ping as u8 => {
                frame::encode(Opcode::Pong, frame.payload, &mut self.unsent);
            }
            opcode if opcode == Opcode::Close as u8 => {
                let code =
                    frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                return Err(Outcome::Lost(format!("the server closed with {code}")));
            }
            opcode => return Err(Outcome::Lost(format!("a frame with the opcode {opcode} came"))),
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.state != State::Connecting && !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(length) if length == self.unsent.len() => self.unsent = Vec::new(),
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn lost(error: &io::Error) -> Outcome {
    Outcome::Lost(error.to_string())
}
