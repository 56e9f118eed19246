//! What is spoken on a WebSocket. Each protocol decodes its messages here and encodes its replies.

use crate::api::{self, ApiError};
use crate::config::Config;
use crate::heartbeat::Pace;
use crate::presence::{Form, View};
use crate::socketio::{Address, Client, Message, PING};
use crate::time::Time;
use crate::ws::Opcode;

use super::id::ConnectionId;
use super::outbox::Outbox;
use super::replier::Replier;
use super::socketio;
use super::step::Step;

/// What is spoken on a WebSocket.
#[derive(Debug)]
pub(crate) enum Protocol {
    /// Our events.
    Native,
    /// Whatever the peer says, back to it.
    Echo,
    /// Our events in the packets of Socket.IO. In a box: other connections don't pay for it.
    SocketIo(Box<Client>),
}

impl Protocol {
    /// Socket.IO, on connection `id`. The open packet waits in its outbox.
    pub(crate) fn socket_io(
        id: ConnectionId,
        outbox: &mut Outbox,
        config: &Config,
        now: Time,
    ) -> Protocol {
        Protocol::SocketIo(Box::new(socketio::open(id.generation, config, outbox, now)))
    }

    /// Decodes a message, and replies where that needs no knowledge of what it means.
    pub(super) fn receive(
        &mut self,
        message: Message<'_>,
        replier: &mut Replier<'_>,
        generation: u32,
        config: &Config,
        now: Time,
    ) -> Step {
        match (self, message) {
            (Protocol::Native, Message::Text(text)) => Step::Request(api::decode(text), None),
            (Protocol::Native, Message::Binary(_)) => {
                Step::Request(Err(ApiError::MessageInvalid), None)
            }
            (Protocol::Echo, Message::Text(text)) => {
                replier.reply(Opcode::Text, text.as_bytes());
                Step::Handled
            }
            (Protocol::Echo, Message::Binary(bytes)) => {
                replier.reply(Opcode::Binary, bytes);
                Step::Handled
            }
            (Protocol::SocketIo(client), message) => {
                let terms = socketio::terms(config, generation);
                socketio::step(client.receive(message, &terms, now), client, &terms, replier)
            }
        }
    }

    /// Replies to a request: what came of it.
    pub(super) fn reply(
        &self,
        address: Option<Address>,
        outcome: Result<(), ApiError>,
        outbox: &mut Outbox,
    ) {
        match (self, address, outcome) {
            (Protocol::SocketIo(client), Some(address), outcome) => {
                socketio::send(&client.reply(address, outcome), outbox);
            }
            (_, _, Err(error)) => outbox.reply(Opcode::Text, &api::error(error)),
            (_, _, Ok(())) => {}
        }
    }

    /// What a peer that speaks this is told of a room from the beginning, if it is told anything.
    pub(crate) fn first_view(&self, form: Form) -> Option<View> {
        matches!(self, Protocol::Native).then(|| View::changes(form))
    }

    /// How a peer that speaks this is asked whether it is there.
    pub(super) fn pace(&self, generation: u32, config: &Config) -> Pace {
        let mut ping_interval_ms = config.limits.ping_interval_ms;
        // Up to 10 % may be added, and Socket.IO clients were told the longest that it takes.
        if matches!(self, Protocol::SocketIo(_)) {
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
            Protocol::Native | Protocol::Echo => outbox.reply(Opcode::Ping, &data),
            Protocol::SocketIo(_) => outbox.reply(Opcode::Text, PING),
        }
    }

    /// When the peer must have said more, besides the pong for a ping.
    pub(super) fn owed_by(&self) -> Time {
        match self {
            Protocol::SocketIo(client) => client.deadline(),
            Protocol::Native | Protocol::Echo => Time::NEVER,
        }
    }

    /// The words that go before a list in one namespace.
    pub(super) fn list_prefix(&self, namespace: u32) -> [&str; 3] {
        match self {
            Protocol::SocketIo(client) => client.event_prefix(namespace),
            Protocol::Native | Protocol::Echo => [""; 3],
        }
    }

    /// Bytes of memory held for it.
    pub(super) fn buffered_bytes(&self) -> usize {
        match self {
            Protocol::SocketIo(client) => client.buffered_bytes(),
            Protocol::Native | Protocol::Echo => 0,
        }
    }
}
