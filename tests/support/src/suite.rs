//! The application that the official conformance suites of Socket.IO talk to.
//!
//! The namespaces are `/` and `/custom`. A client that joins one is sent `auth` with what it gave
//! to join; on `/` the event `message` is answered with `message-back`, and `message-with-ack` with
//! its acknowledgement: the same arguments, byte for byte, and the same attachments.

use headcount::socketio::{
    Client, ClientError, Event, Kind, MAIN, Message, Outcome, Outgoing, Packet, Terms,
};
use headcount::time::Time;
use serde_json::value::RawValue;

/// One client of the application.
pub struct Session {
    client: Client,
    /// Attachments of the packet that is being collected.
    attachments: Vec<Vec<u8>>,
}

/// What became of a message.
pub enum Next {
    /// This is sent, and the session goes on.
    Replies(Vec<Outgoing>),
    /// The client has ended the session.
    Close,
}

impl Session {
    pub fn new(client: Client) -> Session {
        Session { client, attachments: Vec::new() }
    }

    /// When the client must have sent what it owes.
    pub fn deadline(&self) -> Time {
        self.client.deadline()
    }

    /// Takes a message. An error ends the session.
    pub fn receive(
        &mut self,
        message: Message<'_>,
        terms: &Terms<'_>,
        now: Time,
    ) -> Result<Next, ClientError> {
        if let Message::Binary(bytes) = message {
            self.attachments.push(bytes.to_vec());
        }
        Ok(Next::Replies(match self.client.receive(message, terms, now)? {
            Outcome::Close => return Ok(Next::Close),
            Outcome::Reply(reply) => vec![reply],
            Outcome::Nothing | Outcome::Pong | Outcome::Left(_) => Vec::new(),
            Outcome::Connect { namespace, auth, .. } => self.connect(namespace, auth, terms),
            Outcome::Event(event) => {
                let attachments = std::mem::take(&mut self.attachments);
                let prefix = self.client.event_prefix(event.address.namespace);
                answer(if prefix[1].is_empty() { MAIN } else { prefix[1] }, &event, attachments)
            }
        }))
    }

    fn connect(&mut self, namespace: &str, auth: Option<&str>, terms: &Terms<'_>) -> Vec<Outgoing> {
        let packet = |kind, payload: &str| {
            let (attachments, ack, payload) = (0, None, Some(payload));
            Outgoing::packet(&Packet { kind, attachments, namespace, ack, payload })
        };
        if !matches!(namespace, MAIN | "/custom") {
            return vec![self.client.refuse(namespace, "Invalid namespace")];
        }
        let (_, reply) = self.client.join(namespace, terms);
        vec![reply, packet(Kind::Event, &format!("[\"auth\",{}]", auth.unwrap_or("{}")))]
    }
}

/// What an event is answered with.
fn answer(namespace: &str, event: &Event<'_>, attachments: Vec<Vec<u8>>) -> Vec<Outgoing> {
    let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(&event.message) else {
        return Vec::new();
    };
    let Some((name, arguments)) = parts.split_first() else { return Vec::new() };
    let arguments: Vec<&str> = arguments.iter().map(|argument| argument.get()).collect();
    let (kinds, ack, payload) = match (name.get(), event.address.ack) {
        ("\"message\"", _) if namespace == MAIN => {
            let parts = [&["\"message-back\""], &arguments[..]].concat();
            ([Kind::Event, Kind::BinaryEvent], None, parts.join(","))
        }
        ("\"message-with-ack\"", ack @ Some(_)) if namespace == MAIN => {
            ([Kind::Ack, Kind::BinaryAck], ack, arguments.join(","))
        }
        _ => return Vec::new(),
    };
    let kind = kinds[usize::from(!attachments.is_empty())];
    let payload = format!("[{payload}]");
    let count = attachments.len() as u32;
    let packet = Packet { kind, attachments: count, namespace, ack, payload: Some(&payload) };
    let first = Outgoing::packet(&packet);
    std::iter::once(first).chain(attachments.into_iter().map(Outgoing::Binary)).collect()
}
