//! One client of Socket.IO: the state of its session, whatever transport that is on.
//!
//! ```text
//!            CONNECT                   event with attachments
//!   +------+ -------> +-----------+ --------------------------> +-------------+
//!   | New  |          | Connected | <-------------------------- | Attachments |
//!   +------+          +-----------+        the last of them     +-------------+
//!      not in time → closed                     not in time, or something else → closed
//! ```
//!
//! Connected it is in one namespace or several. It may leave them all and stay open: it then only
//! answers pings, until it joins one again.

use std::borrow::Cow;

use crate::api::{self, ApiError};
use crate::config::Secret;
use crate::presence::message::push_json;
use crate::time::Time;

use super::engine::{Engine, EnginePacket, Opening, pong};
use super::error::ClientError;
use super::message::{Address, Event, Message, Outcome, Outgoing};
use super::namespaces::Namespaces;
use super::packet::{Kind, MAIN, Packet, PacketLimits};
use super::sid::Sids;

/// By what way a session's messages come and go: one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP requests, of which one waits for what is to be said.
    Polling,
    /// A WebSocket.
    WebSocket,
}

/// What holds for all clients.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The bounds of a packet.
    pub packets: PacketLimits,
    /// How long a client may take to join the first of them, and to send attachments, in ms.
    pub connect_timeout_ms: u32,
    /// What makes the ids of sessions the server's own.
    pub secret: &'a Secret,
}

/// The state of a session.
#[derive(Debug)]
pub struct Client {
    /// The number of the session, which no other session has.
    session: u32,
    transport: Transport,
    engine: Engine,
    namespaces: Namespaces,
    awaited: Option<Box<Awaited>>,
}

/// What a client must send, and by when.
#[derive(Debug)]
struct Awaited {
    by: Time,
    /// If it is attachments: of what; otherwise it is CONNECT.
    binary: Option<Binary>,
}

/// A binary packet whose attachments are being collected.
#[derive(Debug)]
struct Binary {
    is_event: bool,
    address: Address,
    message: Box<str>,
    missing: u32,
}

impl Client {
    /// A client that the session of this number was opened for, and what it is told first.
    pub fn open(
        opening: Opening,
        session: u32,
        transport: Transport,
        engine: Engine,
        terms: &Terms<'_>,
        now: Time,
    ) -> (Client, Outgoing) {
        let by = now.after_ms(u64::from(terms.connect_timeout_ms));
        let awaited = Some(Box::new(Awaited { by, binary: None }));
        let namespaces = Namespaces::default();
        let client = Client { session, transport, engine, namespaces, awaited };
        let sid = client.sids(terms).sid(0);
        (client, Outgoing::Text(opening.encode(sid)))
    }

    /// By what way its messages come and go.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The version that it speaks.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Its session is on a WebSocket from now on.
    pub fn upgrade(&mut self) {
        self.transport = Transport::WebSocket;
    }

    /// When the client must have sent what it owes.
    pub fn deadline(&self) -> Time {
        self.awaited.as_ref().map_or(Time::NEVER, |awaited| awaited.by)
    }

    /// Bytes of memory held beside the struct.
    pub fn buffered_bytes(&self) -> usize {
        let binary = self.awaited.as_ref().and_then(|awaited| awaited.binary.as_ref());
        let collected = binary.map_or(0, |binary| binary.message.len());
        self.namespaces.buffered_bytes() + collected
    }

    /// Takes a message, and says what came of it. An error ends the session.
    pub fn receive<'a>(
        &mut self,
        message: Message<'a>,
        terms: &Terms<'_>,
        now: Time,
    ) -> Result<Outcome<'a>, ClientError> {
        match EnginePacket::decode(message, self.engine)? {
            EnginePacket::Close => Ok(Outcome::Close),
            EnginePacket::Pong => Ok(Outcome::Pong),
            EnginePacket::Ping(data) => Ok(Outcome::Reply(pong(data))),
            EnginePacket::Message(text) => self.receive_packet(text, terms, now),
            EnginePacket::Bytes => self.receive_attachment(),
        }
    }

    fn receive_packet<'a>(
        &mut self,
        text: &'a str,
        terms: &Terms<'_>,
        now: Time,
    ) -> Result<Outcome<'a>, ClientError> {
        if self.awaited.as_ref().is_some_and(|awaited| awaited.binary.is_some()) {
            return Err(ClientError::AttachmentDue);
        }
        let packet = Packet::decode(text, &terms.packets)?;
        let (namespace, query) = match (self.engine, packet.namespace.split_once('?')) {
            (Engine::V3, Some((namespace, query))) => (namespace, Some(query)),
            _ => (packet.namespace, None),
        };
        match packet.kind {
            Kind::Connect => {
                self.check_connect(namespace)?;
                return Ok(Outcome::Connect { namespace, auth: packet.payload, query });
            }
            Kind::ConnectError => return Err(ClientError::ServersOnly),
            _ => {}
        }
        let namespace = self.namespaces.number(namespace).ok_or(ClientError::NotConnected)?;
        if packet.kind == Kind::Disconnect {
            self.namespaces.leave(namespace);
            return Ok(Outcome::Left(namespace));
        }
        let address = Address { namespace, ack: packet.ack };
        let is_event = matches!(packet.kind, Kind::Event | Kind::BinaryEvent);
        let message = packet.payload.unwrap_or_default();
        if packet.attachments > 0 {
            let by = now.after_ms(u64::from(terms.connect_timeout_ms));
            let binary =
                Binary { is_event, address, message: message.into(), missing: packet.attachments };
            self.awaited = Some(Box::new(Awaited { by, binary: Some(binary) }));
            return Ok(Outcome::Nothing);
        }
        // Nothing here asks for an acknowledgement, so every one is unknown and ignored.
        if !is_event {
            return Ok(Outcome::Nothing);
        }
        Ok(Outcome::Event(Event { message: message.into(), address }))
    }

    /// Takes an attachment. Its bytes are not kept: no event of ours has a use for them.
    fn receive_attachment<'a>(&mut self) -> Result<Outcome<'a>, ClientError> {
        let awaited = self.awaited.as_mut().and_then(|awaited| awaited.binary.as_mut());
        let binary = awaited.ok_or(ClientError::AttachmentUnasked)?;
        binary.missing -= 1;
        if binary.missing > 0 {
            return Ok(Outcome::Nothing);
        }
        let Some(binary) = self.awaited.take().and_then(|awaited| awaited.binary) else {
            unreachable!("it was there a moment ago")
        };
        if !binary.is_event {
            return Ok(Outcome::Nothing);
        }
        let message = Cow::Owned(binary.message.into());
        Ok(Outcome::Event(Event { message, address: binary.address }))
    }

    fn check_connect(&self, namespace: &str) -> Result<(), ClientError> {
        match self.namespaces.number(namespace) {
            Some(_) => Err(ClientError::ConnectedTwice),
            None => Ok(()),
        }
    }

    /// Joins a namespace that the client [asked for](Outcome::Connect), or is in without that
    /// ([`Engine::V3`]): its number, and what the client is told.
    pub fn join(&mut self, namespace: &str, terms: &Terms<'_>) -> (u32, Outgoing) {
        self.awaited = None;
        let number = self.namespaces.join(namespace);
        let sid = || format!("{{\"sid\":\"{}\"}}", self.sids(terms).sid(number));
        let payload = (self.engine == Engine::V4).then(sid);
        let (kind, attachments, ack, payload) = (Kind::Connect, 0, None, payload.as_deref());
        let reply = Outgoing::packet(&Packet { kind, attachments, namespace, ack, payload });
        (number, reply)
    }

    fn sids<'a>(&self, terms: &Terms<'a>) -> Sids<'a> {
        Sids { secret: terms.secret, session: self.session }
    }

    /// What a client is told that may not join a namespace.
    pub fn refuse(&self, namespace: &str, message: &str) -> Outgoing {
        let (before, after): (&[u8], &[u8]) = match self.engine {
            Engine::V3 => (b"", b""),
            Engine::V4 => (b"{\"message\":", b"}"),
        };
        let mut payload = before.to_vec();
        push_json(message, &mut payload);
        payload.extend_from_slice(after);
        let payload = str::from_utf8(&payload).ok();
        let kind = Kind::ConnectError;
        Outgoing::packet(&Packet { kind, attachments: 0, namespace, ack: None, payload })
    }

    /// What is sent in reply to an event once it is handled or refused: an event of ours if that
    /// says something, and the acknowledgement if that was asked for.
    pub fn reply(
        &self,
        address: Address,
        event: Option<&[u8]>,
        error: Option<ApiError>,
    ) -> Vec<Outgoing> {
        let packet = |kind, ack, payload: &[u8]| {
            let payload = str::from_utf8(payload).ok();
            debug_assert!(payload.is_some(), "JSON is text");
            let namespace = self.namespaces.name(address.namespace);
            Outgoing::packet(&Packet { kind, attachments: 0, namespace, ack, payload })
        };
        let mut reason = Vec::new();
        match error {
            None => reason.extend_from_slice(b"null"),
            Some(error) => api::push_error(error, &mut reason),
        }
        let event = event.map(|event| packet(Kind::Event, None, event));
        let ack =
            address.ack.map(|_| packet(Kind::Ack, address.ack, &[b"[", &*reason, b"]"].concat()));
        event.into_iter().chain(ack).collect()
    }

    /// The words that go before an event in the namespace of this number.
    pub fn event_prefix(&self, namespace: u32) -> [&str; 3] {
        match self.namespaces.name(namespace) {
            MAIN => ["42", "", ""],
            name => ["42", name, ","],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beside the session, a client that only watches is this, times a hundred thousand.
    #[test]
    fn client_is_small() {
        assert!(size_of::<Client>() <= 40, "{}", size_of::<Client>());
    }
}
