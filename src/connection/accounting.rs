//! What the hub counts of a connection: its state, its memory, its place under an address.

use crate::addresses::AddressKey;

use super::http::Http;
use super::phase::{Connection, Phase};
use super::protocol::Protocol;
use super::state::State;

impl Connection {
    /// What the connection is to others.
    pub(crate) fn state(&self) -> State {
        let protocol = match &self.phase {
            Phase::Waiting(_) => return State::Carrying,
            Phase::Http(_) if self.carried().is_some() => return State::Carrying,
            Phase::Http(_) => return State::Http,
            Phase::Draining(_) => return State::Draining,
            Phase::Closed(_) => return State::Gone,
            Phase::WebSocket(socket) => &socket.protocol,
            Phase::Polling(polling) => &polling.protocol,
        };
        match protocol {
            _ if !self.takes_part() => State::Closing,
            _ if self.subscriptions.iter().any(|one| one.member.is_some()) => State::Present,
            Protocol::Echo => State::Echo,
            Protocol::Upgrading(..) => State::Unjoined,
            Protocol::SocketIo(_) if self.subscriptions.is_empty() => State::Unjoined,
            Protocol::Native | Protocol::SocketIo(_) => State::Watching,
        }
    }

    /// The address that it is counted under, from now on no more.
    pub(crate) fn take_counted(&mut self) -> Option<AddressKey> {
        std::mem::take(&mut self.is_counted).then(|| self.address.take()).flatten()
    }

    /// Whether this is a connection of a trusted proxy on which no request is under way.
    pub(crate) fn is_idle_of_proxy(&self) -> bool {
        matches!(self.phase, Phase::Http(Http { proxy: Some(_), .. })) && self.outbox.is_empty()
    }

    /// Bytes of memory that this connection alone holds.
    pub(crate) fn buffered_bytes(&self) -> usize {
        let partial = match &self.phase {
            Phase::WebSocket(socket) => socket.buffered_bytes(),
            Phase::Polling(polling) => polling.protocol.buffered_bytes(),
            Phase::Http(http) => http.buffered_bytes(),
            Phase::Waiting(_) | Phase::Draining(_) | Phase::Closed(_) => 0,
        };
        let subscriptions = self.subscriptions.buffered_bytes();
        self.stash.capacity() + self.outbox.buffered_bytes() + subscriptions + partial
    }
}
