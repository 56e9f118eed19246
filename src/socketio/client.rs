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
use crate::broadcast::Seq;
use crate::time::Time;

use super::engine::{EnginePacket, Opening};
use super::error::ClientError;
use super::message::{Address, Event, Message, Outcome, Outgoing};
use super::namespaces::Namespaces;
use super::packet::{Kind, MAIN, Packet, PacketLimits};
use super::sid::Sids;
use super::suite;

/// What a client has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The roster, in every namespace that it asks for.
    Roster,
    /// The application of the conformance suites.
    Suite,
    /// Its own messages, back, in Engine.IO packets without the layer above.
    Echo,
}

/// What holds for all clients, and the ids of this one.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The bounds of a packet.
    pub packets: PacketLimits,
    /// The namespaces that a client may be in at once.
    pub namespaces_max: u32,
    /// How long a client may take to join the first of them, and to send attachments, in ms.
    pub connect_timeout_ms: u32,
    /// The session's ids.
    pub sids: Sids<'a>,
}

/// The state of a session.
#[derive(Debug)]
pub struct Client {
    service: Service,
    /// How often it has joined a namespace: each time has an id.
    connects: u32,
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
    attachments: Vec<Box<[u8]>>,
}

impl Client {
    /// A client that a session was opened for, and what it is told first.
    pub fn open(
        service: Service,
        opening: Opening,
        terms: &Terms<'_>,
        now: Time,
    ) -> (Client, Outgoing) {
        let by = now.after_ms(u64::from(terms.connect_timeout_ms));
        let awaited = (service != Service::Echo).then(|| Box::new(Awaited { by, binary: None }));
        let client = Client { service, connects: 0, namespaces: Namespaces::default(), awaited };
        (client, Outgoing::Text(opening.encode(terms.sids.sid(0))))
    }

    /// When the client must have sent what it owes.
    pub fn deadline(&self) -> Time {
        self.awaited.as_ref().map_or(Time::NEVER, |awaited| awaited.by)
    }

    /// Whether the client follows the roster, and can be on it.
    pub fn takes_part(&self) -> bool {
        self.service == Service::Roster && self.namespaces.len() > 0
    }

    /// Bytes of memory held beside the struct.
    pub fn buffered_bytes(&self) -> usize {
        let binary = self.awaited.as_ref().and_then(|awaited| awaited.binary.as_ref());
        let collected = binary.map_or(0, |binary| {
            let attached = binary.attachments.iter().map(|bytes| bytes.len()).sum::<usize>();
            binary.message.len() + attached
        });
        self.namespaces.buffered_bytes() + collected
    }

    /// Takes a message, and says what came of it. An error ends the session.
    pub fn receive<'a>(
        &mut self,
        message: Message<'a>,
        terms: &Terms<'_>,
        now: Time,
    ) -> Result<Outcome<'a>, ClientError> {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(bytes) if self.service == Service::Echo => {
                return Ok(Outcome::Replies(vec![Outgoing::Binary(bytes.to_vec())]));
            }
            Message::Binary(bytes) => return self.receive_attachment(bytes),
        };
        match EnginePacket::decode(text)? {
            EnginePacket::Close => Ok(Outcome::Close),
            EnginePacket::Pong => Ok(Outcome::Pong),
            EnginePacket::Message(_) if self.service == Service::Echo => {
                Ok(Outcome::Replies(vec![Outgoing::Text(text.into())]))
            }
            EnginePacket::Message(text) => self.receive_packet(text, terms, now),
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
        match packet.kind {
            Kind::Connect => return self.connect(&packet, terms),
            Kind::ConnectError => return Err(ClientError::ServersOnly),
            _ => {}
        }
        let place = self.namespaces.place(packet.namespace).ok_or(ClientError::NotConnected)?;
        if packet.kind == Kind::Disconnect {
            self.namespaces.leave(place);
            return Ok(Outcome::Left);
        }
        let address = Address { place, ack: packet.ack };
        let is_event = matches!(packet.kind, Kind::Event | Kind::BinaryEvent);
        let message = packet.payload.unwrap_or_default();
        if packet.attachments > 0 {
            let by = now.after_ms(u64::from(terms.connect_timeout_ms));
            let binary = Binary {
                is_event,
                address,
                message: message.into(),
                missing: packet.attachments,
                attachments: Vec::new(),
            };
            self.awaited = Some(Box::new(Awaited { by, binary: Some(binary) }));
            return Ok(Outcome::Nothing);
        }
        // Nothing here asks for an acknowledgement, so every one is unknown and ignored.
        if !is_event {
            return Ok(Outcome::Nothing);
        }
        Ok(self.occur(Event { message: message.into(), address, attachments: Vec::new() }))
    }

    fn receive_attachment<'a>(&mut self, bytes: &[u8]) -> Result<Outcome<'a>, ClientError> {
        let awaited = self.awaited.as_mut().and_then(|awaited| awaited.binary.as_mut());
        let binary = awaited.ok_or(ClientError::AttachmentUnasked)?;
        // The roster has no event that takes bytes.
        if self.service == Service::Suite {
            binary.attachments.push(bytes.into());
        }
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
        let Binary { message, address, attachments, .. } = binary;
        Ok(self.occur(Event { message: Cow::Owned(message.into()), address, attachments }))
    }

    fn occur<'a>(&self, event: Event<'a>) -> Outcome<'a> {
        match self.service {
            Service::Suite => {
                let namespace = self.namespaces.name(event.address.place);
                Outcome::Replies(suite::answer(namespace, &event))
            }
            Service::Roster | Service::Echo => Outcome::Event(event),
        }
    }

    fn connect(
        &mut self,
        packet: &Packet<'_>,
        terms: &Terms<'_>,
    ) -> Result<Outcome<'static>, ClientError> {
        let namespace = packet.namespace;
        let reply = |kind, payload: &str| {
            let (attachments, ack, payload) = (0, None, Some(payload));
            Outgoing::packet(&Packet { kind, attachments, namespace, ack, payload })
        };
        if self.service == Service::Suite && !suite::has_namespace(namespace) {
            let refusal = reply(Kind::ConnectError, suite::INVALID_NAMESPACE);
            return Ok(Outcome::Replies(vec![refusal]));
        }
        if self.namespaces.place(namespace).is_some() {
            return Err(ClientError::ConnectedTwice);
        }
        if self.namespaces.len() >= terms.namespaces_max as usize {
            return Err(ClientError::TooManyNamespaces);
        }
        self.namespaces.join(namespace);
        self.awaited = None;
        self.connects = self.connects.wrapping_add(1);
        let sid = terms.sids.sid(self.connects);
        let mut replies = vec![reply(Kind::Connect, &format!("{{\"sid\":\"{sid}\"}}"))];
        if self.service == Service::Suite {
            replies.push(suite::welcome(namespace, packet.payload));
        }
        Ok(Outcome::Replies(replies))
    }

    /// What an event is answered with once it is obeyed or refused: an `error` event if it is
    /// refused, and the acknowledgement if that was asked for.
    pub fn answer(&self, address: Address, outcome: Result<(), ApiError>) -> Vec<Outgoing> {
        let packet = |kind, ack, payload: &[u8]| {
            let payload = str::from_utf8(payload).ok();
            debug_assert!(payload.is_some(), "JSON is text");
            let namespace = self.namespaces.name(address.place);
            Outgoing::packet(&Packet { kind, attachments: 0, namespace, ack, payload })
        };
        let mut reason = Vec::new();
        match outcome {
            Ok(()) => reason.extend_from_slice(b"null"),
            Err(error) => api::push_error(error, &mut reason),
        }
        let event = outcome.err().map(|error| packet(Kind::Event, None, &api::error(error)));
        let ack =
            address.ack.map(|_| packet(Kind::Ack, address.ack, &[b"[", &*reason, b"]"].concat()));
        event.into_iter().chain(ack).collect()
    }

    /// The list that the client needs first, and the words that go before it: where it is furthest
    /// behind; `None` if it is nowhere.
    pub fn next_list(&self) -> Option<(Seq, [&str; 3])> {
        let (next, place) = self.namespaces.furthest_behind()?;
        let prefix = match self.namespaces.name(place) {
            MAIN => ["42", "", ""],
            name => ["42", name, ","],
        };
        Some((next, prefix))
    }

    /// That list is being sent; `next` is the one after it.
    pub fn told(&mut self, next: Seq) {
        if let Some((_, place)) = self.namespaces.furthest_behind() {
            self.namespaces.told(place, next);
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
