//! What is spoken on a WebSocket. Each protocol decodes its messages here and encodes its replies.

use crate::api::{self, ApiError, Call, Done, Wanted};
use crate::config::Config;
use crate::heartbeat::{Pace, Pings};
use crate::presence::{Form, Summary, View};
use crate::socketio::{Address, Client, ClientError, Engine, Message, Outgoing, PacketError};
use crate::socketio::{PING, PROBE, PROBED, Transport, UPGRADE};
use crate::time::Time;
use crate::ws::Opcode;

use super::cause::Cause;
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
    /// The same, but the session is still elsewhere. It must be here by this time.
    Upgrading(Time, Upgrade),
}

/// How far a session has come on its way to a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upgrade {
    /// The WebSocket is open.
    Open,
    /// The client has tried it.
    Probed,
    /// The client is told nothing elsewhere any more, and everything here.
    Done,
}

/// What came of a request, and to whom that is said.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// What it asks to be called by, in JSON.
    pub(crate) id: Option<&'a str>,
    /// The room that it named.
    pub(crate) room: Option<&'a str>,
    /// From where in a session of Socket.IO it came.
    pub(crate) address: Option<Address>,
    /// That it was done, or why it was not.
    pub(crate) outcome: Result<Done, ApiError>,
}

impl Protocol {
    /// Socket.IO, on connection `id`. The open packet waits in its outbox.
    pub(crate) fn socket_io(
        id: ConnectionId,
        (transport, engine): (Transport, Engine),
        outbox: &mut Outbox,
        config: &Config,
        now: Time,
    ) -> Protocol {
        let (client, opening) = socketio::open(id.generation, transport, engine, config, now);
        socketio::send(&[opening], &client, outbox);
        Protocol::SocketIo(Box::new(client))
    }

    /// A session that is to move here.
    pub(crate) fn upgrading(config: &Config, now: Time) -> Protocol {
        let by = now.after_ms(u64::from(config.limits.polling.upgrade_timeout_ms));
        Protocol::Upgrading(by, Upgrade::Open)
    }

    /// The session is on a WebSocket from now on.
    pub(super) fn upgrade(&mut self) {
        if let Protocol::SocketIo(client) = self {
            client.upgrade();
        }
    }

    /// Decodes a message, and replies where that needs no knowledge of what it means.
    pub(super) fn receive(
        &mut self,
        message: Message<'_>,
        replier: &mut Replier<'_>,
        config: &Config,
        now: Time,
    ) -> Step {
        match (self, message) {
            (Protocol::Native, Message::Text(text)) => {
                Step::Call(api::decode(text, config.limits.data_depth_max), None)
            }
            (Protocol::Native, Message::Binary(_)) => Step::Call(Call::INVALID, None),
            (Protocol::Echo, Message::Text(text)) => {
                replier.reply(Opcode::Text, text.as_bytes());
                Step::Handled
            }
            (Protocol::Echo, Message::Binary(bytes)) => {
                replier.reply(Opcode::Binary, bytes);
                Step::Handled
            }
            (Protocol::SocketIo(client), message) => {
                socketio::step(client, message, replier.outbox, config, now)
            }
            (Protocol::Upgrading(_, upgrade @ Upgrade::Open), Message::Text(PROBE)) => {
                *upgrade = Upgrade::Probed;
                replier.reply(Opcode::Text, PROBED);
                Step::Probed
            }
            (Protocol::Upgrading(_, upgrade @ Upgrade::Probed), Message::Text(UPGRADE)) => {
                *upgrade = Upgrade::Done;
                Step::Upgraded
            }
            (Protocol::Upgrading(..), _) => {
                Step::Failed(Cause::SocketIo(ClientError::Packet(PacketError::UnknownType)))
            }
        }
    }

    /// Decodes a packet of a session on no socket.
    pub(super) fn receive_packet(
        &mut self,
        message: Message<'_>,
        outbox: &mut Outbox,
        config: &Config,
        now: Time,
    ) -> Step {
        let Protocol::SocketIo(client) = self else {
            unreachable!("nothing else is spoken by polling")
        };
        socketio::step(client, message, outbox, config, now)
    }

    /// Replies to a request: what came of it.
    pub(super) fn reply(&self, answer: &Answer<'_>, outbox: &mut Outbox) {
        let event = match (&answer.outcome, answer.id) {
            (Err(error), id) => Some(api::error(*error, id, answer.room)),
            (Ok(Done::Hello), _) | (Ok(_), None) => None,
            (Ok(done), Some(id)) => Some(api::ok(id, done)),
        };
        match (self, answer.address) {
            (Protocol::SocketIo(client), Some(address)) => {
                let error = answer.outcome.as_ref().err().copied();
                let messages = client.reply(address, event.as_deref(), error);
                socketio::send(&messages, client, outbox);
            }
            _ => {
                if let Some(event) = event {
                    outbox.reply(Opcode::Text, &event);
                }
            }
        }
    }

    /// Lets the peer into a namespace, or tells it why not.
    pub(super) fn join(
        &mut self,
        namespace: &str,
        allowed: Result<(), ApiError>,
        config: &Config,
        outbox: &mut Outbox,
    ) -> Option<u32> {
        let Protocol::SocketIo(client) = self else { return None };
        let (number, reply) = match allowed {
            Ok(()) => {
                let (number, reply) = client.join(namespace, &socketio::terms(config));
                (Some(number), reply)
            }
            Err(error) => (None, client.refuse(namespace, &error.to_string())),
        };
        socketio::send(&[reply], client, outbox);
        number
    }

    /// The version that is spoken with a client of Socket.IO.
    pub(super) fn engine(&self) -> Engine {
        match self {
            Protocol::SocketIo(client) => client.engine(),
            Protocol::Native | Protocol::Echo | Protocol::Upgrading(..) => Engine::default(),
        }
    }

    pub(super) fn is_native(&self) -> bool {
        matches!(self, Protocol::Native)
    }

    /// The view that a peer which speaks this means by a word, if it is one for it; without a word,
    /// that which it has at first.
    pub(crate) fn view(&self, wanted: Option<Wanted>, form: Form) -> Option<View> {
        let is_native = self.is_native();
        match wanted {
            None if is_native => Some(View::changes(form)),
            None => Some(View::newest(Summary::Names, form)),
            Some(Wanted::Changes) => is_native.then(|| View::changes(form)),
            Some(Wanted::Names) => (!is_native).then(|| View::newest(Summary::Names, form)),
            Some(Wanted::Presence) => (!is_native).then(|| View::newest(Summary::Presence, form)),
            Some(Wanted::Count) => Some(View::newest(Summary::Count, form)),
            Some(Wanted::Nothing) => Some(View::Nothing),
        }
    }

    /// How a peer that speaks this is asked whether it is there.
    pub(super) fn pace(&self, generation: u32, config: &Config) -> Pace {
        let mut ping_interval_ms = config.limits.ping_interval_ms;
        let pings = match self.engine() {
            Engine::V3 => Pings::Peers,
            Engine::V4 => Pings::Ours,
        };
        // Up to 10 % may be added, and Socket.IO clients were told the longest that it takes.
        if pings == Pings::Ours && matches!(self, Protocol::SocketIo(_)) {
            ping_interval_ms -= ping_interval_ms / 10;
        }
        Pace {
            pings,
            ping_interval_ms,
            pong_timeout_ms: config.limits.pong_timeout_ms,
            seed: config.seed ^ u64::from(generation) << 32,
        }
    }

    /// Sends that question. A WebSocket's ping has `data`; Socket.IO's is a message, and has none.
    /// v3 has none that a server may send, but a WebSocket has one below it.
    pub(super) fn ping(&self, data: [u8; 4], outbox: &mut Outbox) {
        match self {
            Protocol::Native | Protocol::Echo | Protocol::Upgrading(..) => {
                outbox.reply(Opcode::Ping, &data);
            }
            Protocol::SocketIo(client) => match (client.engine(), client.transport()) {
                (Engine::V4, _) => {
                    socketio::send(&[Outgoing::Text(PING.to_vec())], client, outbox);
                }
                (Engine::V3, Transport::WebSocket) => outbox.reply(Opcode::Ping, &data),
                (Engine::V3, Transport::Polling) => {}
            },
        }
    }

    /// Whether the peer can be asked whether it is there.
    pub(super) fn has_ping(&self) -> bool {
        let Protocol::SocketIo(client) = self else { return true };
        (client.engine(), client.transport()) != (Engine::V3, Transport::Polling)
    }

    /// When the peer must have said more, besides the pong for a ping.
    pub(super) fn owed_by(&self) -> Time {
        match self {
            Protocol::SocketIo(client) => client.deadline(),
            Protocol::Upgrading(by, _) => *by,
            Protocol::Native | Protocol::Echo => Time::NEVER,
        }
    }

    /// The words that go before a list in one namespace.
    pub(super) fn list_prefix(&self, namespace: u32) -> [&str; 3] {
        match self {
            Protocol::SocketIo(client) => client.event_prefix(namespace),
            Protocol::Native | Protocol::Echo | Protocol::Upgrading(..) => [""; 3],
        }
    }

    /// Bytes of memory held for it.
    pub(super) fn buffered_bytes(&self) -> usize {
        match self {
            Protocol::SocketIo(client) => client.buffered_bytes(),
            Protocol::Native | Protocol::Echo | Protocol::Upgrading(..) => 0,
        }
    }
}
