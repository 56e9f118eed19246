//! What came of frames, in memory that is used again for the next input.

use std::fmt;

use headcount::ws::{CloseCode, Event, ProtocolError};

/// What a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Binary,
    Ping,
    Pong,
    Close(Option<u16>),
}

/// Why a decoder refuses what follows.
#[derive(Clone, Copy, Debug)]
pub enum Failure {
    /// One of this server's errors.
    Ours(ProtocolError),
    /// The close code that another codec has for it.
    Code(u16),
}

impl Failure {
    fn code(self) -> u16 {
        match self {
            Failure::Ours(error) => error.close_code().as_u16(),
            Failure::Code(code) => code,
        }
    }
}

impl PartialEq for Failure {
    fn eq(&self, other: &Failure) -> bool {
        match (self, other) {
            (Failure::Ours(one), Failure::Ours(other)) => one == other,
            _ => self.code() == other.code(),
        }
    }
}

/// The events of an input and what is wrong with what follows them.
#[derive(Default, PartialEq)]
pub struct Outcome {
    pub(super) bytes: Vec<u8>,
    /// What each is, and where its payload ends in `bytes`.
    pub(super) events: Vec<(Kind, usize)>,
    pub(super) failure: Option<Failure>,
}

impl Outcome {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.events.clear();
        self.failure = None;
    }

    /// One more event.
    pub fn push(&mut self, kind: Kind, payload: &[u8]) {
        self.bytes.extend_from_slice(payload);
        self.events.push((kind, self.bytes.len()));
    }

    /// One more event of this server's decoder. A reason to close is not part of it.
    pub fn push_event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Text(text) => self.push(Kind::Text, text.as_bytes()),
            Event::Binary(bytes) => self.push(Kind::Binary, bytes),
            Event::Ping(data) => self.push(Kind::Ping, data),
            Event::Pong(data) => self.push(Kind::Pong, data),
            Event::Close(code) => self.push(Kind::Close(code.map(CloseCode::as_u16)), b""),
        }
    }

    /// The kinds of its events, in order.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.events.iter().map(|(kind, _)| *kind)
    }

    /// Why it ends, if it does.
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// Whether all of this is in `other` too, which may have more.
    pub fn is_start_of(&self, other: &Outcome) -> bool {
        other.events.starts_with(&self.events) && other.bytes.starts_with(&self.bytes)
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut start = 0;
        for (kind, end) in &self.events {
            write!(f, "{kind:?} \"{}\", ", self.bytes[start..*end].escape_ascii())?;
            start = *end;
        }
        write!(f, "{:?}", self.failure)
    }
}
