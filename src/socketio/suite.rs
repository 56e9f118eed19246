//! The application that the official conformance suites of Socket.IO talk to.
//!
//! The namespaces are `/` and `/custom`. Who joins one is sent `auth` with what it gave to join;
//! on `/` the event `message` is answered with `message-back`, and `message-with-ack` with its
//! acknowledgement: the same arguments, byte for byte, and the same attachments.

use super::json;
use super::message::{Event, Outgoing};
use super::packet::{Kind, MAIN, Packet};

/// What a client is told that asks for another namespace.
pub(super) const INVALID_NAMESPACE: &str = r#"{"message":"Invalid namespace"}"#;

pub(super) fn has_namespace(namespace: &str) -> bool {
    matches!(namespace, MAIN | "/custom")
}

/// The event `auth`.
pub(super) fn welcome(namespace: &str, payload: Option<&str>) -> Outgoing {
    let payload = format!("[\"auth\",{}]", payload.unwrap_or("{}"));
    Outgoing::packet(&Packet {
        kind: Kind::Event,
        attachments: 0,
        namespace,
        ack: None,
        payload: Some(&payload),
    })
}

/// What an event is answered with.
pub(super) fn answer(namespace: &str, event: &Event<'_>) -> Vec<Outgoing> {
    let Some((name, arguments)) = json::split_first(&event.message) else { return Vec::new() };
    let is = |string| namespace == MAIN && json::is_string(name, string);
    let has_attachments = !event.attachments.is_empty();
    let (kind, ack, payload) = match event.address.ack {
        _ if is("message") => {
            let kind = if has_attachments { Kind::BinaryEvent } else { Kind::Event };
            (kind, None, format!("[\"message-back\"{arguments}]"))
        }
        ack @ Some(_) if is("message-with-ack") => {
            let kind = if has_attachments { Kind::BinaryAck } else { Kind::Ack };
            let arguments = arguments.strip_prefix(',').unwrap_or(arguments);
            (kind, ack, format!("[{arguments}]"))
        }
        _ => return Vec::new(),
    };
    let attachments = event.attachments.len() as u32;
    let packet = Packet { kind, attachments, namespace, ack, payload: Some(&payload) };
    let attached = event.attachments.iter().map(|bytes| Outgoing::Binary(bytes.to_vec()));
    std::iter::once(Outgoing::packet(&packet)).chain(attached).collect()
}
