//! Socket.IO: between the client's state and frames, or payloads.
//!
//! The client says what is to be sent, and knows no frame; the outbox sends, and knows no
//! namespace.

use crate::api;
use crate::config::Config;
use crate::socketio::{Client, ClientError, Opening, Outcome, Outgoing};
use crate::socketio::{PacketLimits, Terms, Transport, payload};
use crate::time::Time;
use crate::ws::Opcode;

use super::cause::Cause;
use super::outbox::Outbox;
use super::step::Step;

/// A new client with the session of this number, and its open packet.
pub(super) fn open(
    session: u32,
    transport: Transport,
    config: &Config,
    now: Time,
) -> (Client, Outgoing) {
    let opening = Opening {
        ping_interval_ms: config.limits.ping_interval_ms,
        ping_timeout_ms: config.limits.pong_timeout_ms,
        message_bytes_max: config.limits.message_bytes_max,
        upgrades: transport == Transport::Polling,
    };
    Client::open(opening, session, transport, &terms(config), now)
}

pub(super) fn terms(config: &Config) -> Terms<'_> {
    let limits = &config.limits;
    Terms {
        packets: PacketLimits {
            attachments_max: limits.attachments_max,
            namespace_bytes_max: limits.namespace_bytes_max,
            json_depth_max: limits.json_depth_max,
        },
        connect_timeout_ms: limits.connect_timeout_ms,
        secret: &config.secret,
    }
}

pub(super) fn send(messages: &[Outgoing], transport: Transport, outbox: &mut Outbox) {
    for message in messages {
        match (transport, message) {
            (Transport::Polling, message) => payload::push(message, outbox.replies()),
            (Transport::WebSocket, Outgoing::Text(text)) => outbox.reply(Opcode::Text, text),
            (Transport::WebSocket, Outgoing::Binary(bytes)) => {
                outbox.reply(Opcode::Binary, bytes);
            }
        }
    }
}

/// What a connection makes of what came of a message.
pub(super) fn step(outcome: Result<Outcome<'_>, ClientError>, config: &Config) -> Step {
    match outcome {
        Ok(Outcome::Nothing) => Step::Handled,
        Ok(Outcome::Pong) => Step::PongReceived,
        Ok(Outcome::Connect { namespace, auth }) => {
            Step::Join(namespace.into(), auth.and_then(api::client_of_auth))
        }
        Ok(Outcome::Event(event)) => {
            let call = api::decode(&event.message, config.limits.data_depth_max);
            Step::Call(call, Some(event.address))
        }
        Ok(Outcome::Left(number)) => Step::Left(number),
        Ok(Outcome::Close) => Step::Ended,
        Err(error) => Step::Failed(Cause::SocketIo(error)),
    }
}
