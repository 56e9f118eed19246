//! A connection whose peer speaks Socket.IO on its WebSocket: between the client's state and
//! frames.
//!
//! The client says what is to be sent and what it was told, and knows no frame; the outbox sends,
//! and knows no namespace.

use crate::api::{self, ApiError};
use crate::broadcast::BroadcastLog;
use crate::config::Config;
use crate::latest::{Latest, Led};
use crate::outbox::{Begun, Chunks, Outbox};
use crate::socketio::{
    Address, Client, ClientError, Opening, Outcome, Outgoing, PacketLimits, Service, Sids, Terms,
};
use crate::time::Time;
use crate::ws::Opcode;

use super::spoken::Spoken;
use super::websocket::Replier;
use super::{Cause, Connection, Phase, Step};

/// A client that a WebSocket was opened for, and its first words.
pub(super) fn open(
    service: Service,
    generation: u32,
    config: &Config,
    outbox: &mut Outbox,
    now: Time,
) -> Box<Client> {
    let opening = Opening {
        ping_interval_ms: config.limits.ping_interval_ms,
        ping_timeout_ms: config.limits.pong_timeout_ms,
        message_bytes_max: config.limits.message_bytes_max,
    };
    let (client, first) = Client::open(service, opening, &terms(config, generation), now);
    send(&[first], outbox);
    Box::new(client)
}

pub(super) fn terms(config: &Config, generation: u32) -> Terms<'_> {
    let limits = &config.limits;
    Terms {
        packets: PacketLimits {
            attachments_max: limits.attachments_max,
            namespace_bytes_max: limits.namespace_bytes_max,
            json_depth_max: limits.json_depth_max,
        },
        namespaces_max: limits.namespaces_max,
        connect_timeout_ms: limits.connect_timeout_ms,
        sids: Sids { secret: &config.secret, session: generation },
    }
}

fn send(messages: &[Outgoing], outbox: &mut Outbox) {
    for message in messages {
        let (opcode, payload) = parts(message);
        outbox.reply(opcode, payload);
    }
}

fn parts(message: &Outgoing) -> (Opcode, &[u8]) {
    match message {
        Outgoing::Text(text) => (Opcode::Text, text),
        Outgoing::Binary(bytes) => (Opcode::Binary, bytes),
    }
}

/// What a connection makes of what came of a message.
pub(super) fn step<'a>(
    outcome: Result<Outcome<'a>, ClientError>,
    replier: &mut Replier<'_>,
) -> Step<'a> {
    match outcome {
        Ok(Outcome::Nothing) => Step::Handled,
        Ok(Outcome::Pong) => Step::Answered,
        Ok(Outcome::Replies(replies)) => {
            for (opcode, payload) in replies.iter().map(parts) {
                replier.reply(opcode, payload);
            }
            Step::Handled
        }
        Ok(Outcome::Event(event)) => Step::Message(event.message, Some(event.address)),
        Ok(Outcome::Left) => Step::Left,
        Ok(Outcome::Close) => Step::Ended,
        Err(error) => Step::Failed(Cause::SocketIo(error)),
    }
}

impl Connection {
    /// Tells the peer what came of a message.
    pub(crate) fn answer(&mut self, address: Option<Address>, outcome: Result<(), ApiError>) {
        match (self.client(), address, outcome) {
            (Some(client), Some(address), outcome) => {
                let answer = client.answer(address, outcome);
                send(&answer, &mut self.outbox);
            }
            (_, _, Err(error)) => self.outbox.reply(Opcode::Text, &api::error(error)),
            (_, _, Ok(())) => {}
        }
    }

    /// Whether the connection follows what is newest, and was told something older.
    pub(crate) fn awaits_latest(&self, log: &BroadcastLog) -> bool {
        let next = self.client().and_then(Client::next_list);
        self.outbox.latest_form().is_some() && next.is_some_and(|(next, _)| log.is_behind(next))
    }

    /// What to send next. If the connection awaits it, `latest` is as of the last commit of `log`.
    pub(crate) fn transmit<'a>(
        &'a self,
        log: &'a BroadcastLog,
        latest: &'a mut Latest,
    ) -> Chunks<'a> {
        let latest = self.awaited(log, latest);
        self.outbox.transmit(log, latest)
    }

    /// The first `bytes` of what [`transmit`](Self::transmit) gave are sent, and nothing has
    /// changed since. Says what of it everyone is told.
    pub(crate) fn sent(&mut self, log: &BroadcastLog, latest: &mut Latest, bytes: usize) -> Begun {
        let latest = self.awaited(log, latest);
        let is_awaited = latest.is_some();
        let begun = self.outbox.sent(log, latest, bytes);
        if let Phase::WebSocket(socket) = &mut self.phase
            && let Spoken::SocketIo(client) = &mut socket.spoken
            && is_awaited
            && begun.frames > 0
        {
            client.told(log.upcoming());
        }
        begun
    }

    /// Whether the connection has anything to send.
    pub(crate) fn wants_write(&self, log: &BroadcastLog) -> bool {
        self.outbox.wants_write(log) || self.awaits_latest(log)
    }

    fn awaited<'l>(&self, log: &BroadcastLog, latest: &'l mut Latest) -> Option<Led<'l>> {
        if !self.awaits_latest(log) {
            return None;
        }
        debug_assert!(latest.is_of(log.last()), "it was to be put before");
        let (_, prefix) = self.client()?.next_list()?;
        Some(latest.frame(prefix, self.outbox.latest_form()?))
    }

    fn client(&self) -> Option<&Client> {
        match &self.phase {
            Phase::WebSocket(socket) => match &socket.spoken {
                Spoken::SocketIo(client) => Some(client),
                Spoken::Events | Spoken::Echo => None,
            },
            Phase::Http(_) | Phase::Draining(_) | Phase::Closed(_) => None,
        }
    }
}
