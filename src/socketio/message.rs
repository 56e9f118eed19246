//! What comes from a client and what goes to it, whatever the transport.

use std::borrow::Cow;

use super::packet::Packet;

/// A message from a client, as its transport has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// A message to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// Text: an Engine.IO packet, in UTF-8.
    Text(Vec<u8>),
    /// Bytes.
    Binary(Vec<u8>),
}

/// Where within a session a reply goes. It is good until the client says something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The number of the namespace.
    pub namespace: u32,
    /// The number of the acknowledgement that was asked for.
    pub ack: Option<u64>,
}

/// An event that a client sent.
#[derive(Debug)]
pub struct Event<'a> {
    /// `[event, argument…]` in JSON, as it was sent.
    pub message: Cow<'a, str>,
    /// Where it came from.
    pub address: Address,
}

/// What came of a message.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// Nothing that concerns anyone.
    Nothing,
    /// The client is there.
    Pong,
    /// The client is to be sent this, and that is all.
    Reply(Outgoing),
    /// The client ends the session.
    Close,
    /// The client wants to [join](super::Client::join) a namespace in which it is not.
    Connect {
        /// The namespace.
        namespace: &'a str,
        /// What the client said of itself, in JSON.
        auth: Option<&'a str>,
        /// The same as the query of a URL, which it is up to Engine.IO v3.
        query: Option<&'a str>,
    },
    /// The client left the namespace of this number, and perhaps there is none that it is in.
    Left(u32),
    /// This is to be done, and [replied to](super::Client::reply).
    Event(Event<'a>),
}

impl Outgoing {
    /// A Socket.IO packet in an Engine.IO message.
    pub fn packet(packet: &Packet<'_>) -> Outgoing {
        let mut text = vec![b'4'];
        packet.encode(&mut text);
        Outgoing::Text(text)
    }
}
