//! Socket.IO: between the client's state and frames, or payloads.
//!
//! The client says what is to be sent, and knows no frame; the outbox sends, and knows no
//! namespace.

use crate::api;
use crate::config::Config;
use crate::socketio::handshake::client_of;
use crate::socketio::{Client, Engine, Message, Opening, Outcome, Outgoing};
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
    engine: Engine,
    config: &Config,
    now: Time,
) -> (Client, Outgoing) {
    let opening = Opening {
        ping_interval_ms: config.limits.ping_interval_ms,
        ping_timeout_ms: config.limits.pong_timeout_ms,
        message_bytes_max: config.limits.message_bytes_max,
        upgrades: transport == Transport::Polling,
    };
    Client::open(opening, session, transport, engine, &terms(config), now)
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

pub(super) fn send(messages: &[Outgoing], client: &Client, outbox: &mut Outbox) {
    for message in messages {
        match (client.transport(), message) {
            (Transport::Polling, message) => {
                payload::push(message, client.engine(), outbox.replies());
            }
            (Transport::WebSocket, Outgoing::Text(text)) => outbox.reply(Opcode::Text, text),
            (Transport::WebSocket, Outgoing::Binary(bytes)) => {
                outbox.reply(Opcode::Binary, &client.engine().bytes(bytes));
            }
        }
    }
}

/// Takes a message of a client, and says what comes of it for the connection.
pub(super) fn step(
    client: &mut Client,
    message: Message<'_>,
    outbox: &mut Outbox,
    config: &Config,
    now: Time,
) -> Step {
    match client.receive(message, &terms(config), now) {
        Ok(Outcome::Nothing) => Step::Handled,
        Ok(Outcome::Reply(message)) => {
            send(&[message], client, outbox);
            Step::Handled
        }
        Ok(Outcome::Pong) => Step::PongReceived,
        Ok(Outcome::Connect { namespace, auth, query }) => {
            let client = auth.and_then(api::client_of_auth).or(query.and_then(client_of));
            Step::Join(namespace.into(), client)
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
