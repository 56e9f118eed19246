//! What is spoken on a WebSocket.

use crate::config::Config;
use crate::heartbeat::Pace;
use crate::outbox::Outbox;
use crate::socketio::{Client, Message, PING, Service, Terms};
use crate::time::Time;
use crate::ws::Opcode;

use super::socketio;
use super::websocket::{Replier, Step};

/// What a WebSocket is opened for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// Our events.
    Events,
    /// An echo.
    Echo,
    /// What there is for clients of Socket.IO.
    SocketIo(Service),
}

/// What is spoken on a WebSocket.
#[derive(Debug)]
pub(crate) enum Spoken {
    /// Our events.
    Events,
    /// Whatever the peer says, back to it.
    Echo,
    /// Our events in the packets of Socket.IO. In a box, so that other connections don't pay for
    /// it.
    SocketIo(Box<Client>),
}

impl Spoken {
    /// Takes a message, and answers what can be answered without knowing what it means.
    pub(super) fn receive<'a>(
        &mut self,
        message: Message<'a>,
        replier: &mut Replier<'_>,
        terms: &Terms<'_>,
        now: Time,
    ) -> Step<'a> {
        match (self, message) {
            (Spoken::Events, Message::Text(text)) => Step::Message(text.into(), None),
            (Spoken::Events, Message::Binary(_)) => Step::Binary,
            (Spoken::Echo, Message::Text(text)) => {
                replier.reply(Opcode::Text, text.as_bytes());
                Step::Handled
            }
            (Spoken::Echo, Message::Binary(bytes)) => {
                replier.reply(Opcode::Binary, bytes);
                Step::Handled
            }
            (Spoken::SocketIo(client), message) => {
                socketio::step(client.receive(message, terms, now), replier)
            }
        }
    }

    /// How a peer that speaks this is asked whether it is there.
    pub(super) fn pace(&self, generation: u32, config: &Config) -> Pace {
        let mut ping_interval_ms = config.limits.ping_interval_ms;
        // Up to 10 % may be added, and Socket.IO clients were told the longest that it takes.
        if matches!(self, Spoken::SocketIo(_)) {
            ping_interval_ms -= ping_interval_ms / 10;
        }
        Pace {
            ping_interval_ms,
            pong_timeout_ms: config.limits.pong_timeout_ms,
            seed: config.seed ^ u64::from(generation) << 32,
        }
    }

    /// Sends that question. A WebSocket's ping has `data`; Socket.IO's is a message, and has none.
    pub(super) fn ping(&self, data: [u8; 4], outbox: &mut Outbox) {
        match self {
            Spoken::Events | Spoken::Echo => outbox.reply(Opcode::Ping, &data),
            Spoken::SocketIo(_) => outbox.reply(Opcode::Text, PING),
        }
    }

    /// When the peer must have said more, besides an answer to a ping.
    pub(super) fn owed_by(&self) -> Time {
        match self {
            Spoken::SocketIo(client) => client.deadline(),
            Spoken::Events | Spoken::Echo => Time::NEVER,
        }
    }

    /// Bytes of memory held for it.
    pub(super) fn buffered_bytes(&self) -> usize {
        match self {
            Spoken::SocketIo(client) => client.buffered_bytes(),
            Spoken::Events | Spoken::Echo => 0,
        }
    }
}
