//! Where a connection stands: what its phase says.

use crate::presence::Leave;

use super::cause::Cause;
use super::http::Http;
use super::id::ConnectionId;
use super::phase::{Connection, Phase};
use super::protocol::Protocol;

impl Phase {
    /// What is spoken, where it is more than HTTP.
    pub(super) fn protocol(&self) -> Option<&Protocol> {
        match self {
            Phase::WebSocket(socket) => Some(&socket.protocol),
            Phase::Polling(polling) => Some(&polling.protocol),
            Phase::Http(_) | Phase::Waiting(_) | Phase::Draining(_) | Phase::Closed(_) => None,
        }
    }

    /// The same, to be changed.
    pub(super) fn protocol_mut(&mut self) -> Option<&mut Protocol> {
        match self {
            Phase::WebSocket(socket) => Some(&mut socket.protocol),
            Phase::Polling(polling) => Some(&mut polling.protocol),
            Phase::Http(_) | Phase::Waiting(_) | Phase::Draining(_) | Phase::Closed(_) => None,
        }
    }
}

impl Connection {
    /// Whether `id` means this connection, and not one that had its place before.
    pub(crate) fn matches(&self, id: ConnectionId) -> bool {
        self.id == id
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The connection as long as it speaks HTTP.
    pub(crate) fn http_mut(&mut self) -> Option<&mut Http> {
        match &mut self.phase {
            Phase::Http(http) => Some(http),
            _ => None,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// Whether it may be in rooms: it is a WebSocket or a session without one, and its end has not
    /// begun.
    pub(crate) fn takes_part(&self) -> bool {
        match &self.phase {
            Phase::Polling(_) => true,
            Phase::WebSocket(socket) => !socket.is_closing() && !self.is_at_eof,
            Phase::Http(_) | Phase::Waiting(_) | Phase::Draining(_) | Phase::Closed(_) => false,
        }
    }

    /// Why the connection is ending or has ended, if it is so.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match &self.phase {
            Phase::Http(_) | Phase::Waiting(_) | Phase::Polling(_) => None,
            Phase::WebSocket(socket) => socket.closing_for(),
            Phase::Draining(draining) => Some(draining.cause),
            Phase::Closed(cause) => Some(*cause),
        }
    }

    /// What becomes of those who are in rooms by it, now that it takes no part any more.
    pub(crate) fn leave(&self) -> Leave {
        // A peer that has said it sends no more, and closed nothing: its input may be held back.
        self.cause().map_or(Leave::Lost, Cause::leave)
    }

    /// The cause that counts now that there is this one.
    pub(super) fn cause_with(&self, cause: Cause) -> Cause {
        self.cause().map_or(cause, |first| first.then(cause))
    }
}
