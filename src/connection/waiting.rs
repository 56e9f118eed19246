//! A connection whose request waits for what a session has to say.

use crate::http::Sharing;

use super::http::Http;
use super::phase::{Connection, Phase};
use super::protocol::{Protocol, Upgrade};

/// A request that waits for its session, with what must be known of it for the response.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(super) http: Http,
    /// Whether the client wants the connection kept.
    pub(super) keeps_alive: bool,
    /// Which pages may read the response.
    pub(super) sharing: Sharing,
}

impl Connection {
    /// Whether its request waits for a session.
    pub(crate) fn awaits_answer(&self) -> bool {
        matches!(self.phase(), Phase::Waiting(_))
    }

    /// Whether it has a request of a session, or is a WebSocket to which one may move.
    pub(crate) fn is_carrying(&self) -> bool {
        match self.phase() {
            Phase::Waiting(_) => true,
            Phase::Http(http) => http.body.is_some(),
            Phase::WebSocket(socket) => {
                self.takes_part() && matches!(socket.protocol, Protocol::Upgrading(..))
            }
            _ => false,
        }
    }

    /// Whether it is a WebSocket that waits for its session to come.
    pub(crate) fn has_upgraded(&self) -> bool {
        let protocol = match self.phase() {
            Phase::WebSocket(socket) => &socket.protocol,
            _ => return false,
        };
        matches!(protocol, Protocol::Upgrading(_, Upgrade::Done))
    }
}
