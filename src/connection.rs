//! One connection, from accept to close. It dies with its socket.
//!
//! What it is at any time, and every way from one phase to the next, stands in [`phase`]. A
//! connection knows what its peer sent and when that peer is late. It knows neither what the words
//! mean (`hub`) nor who else is there (`presence`).
//!
//! - [`phase`]: HTTP, WebSocket, draining, closed, and what leads from each to the next
//! - [`http`], [`websocket`]: what a phase needs to read its input
//! - [`protocol`]: what is spoken on a WebSocket; [`socketio`]: one of these
//! - [`subscriptions`]: the rooms that it follows; [`delivery`]: what is sent of them
//! - [`outbox`]: what has to be sent first; [`rates`]: how much a peer may say
//! - [`state`]: what it is to everyone else

mod cause;
mod chunks;
mod delivery;
mod half;
mod http;
mod id;
mod outbox;
mod phase;
mod protocol;
mod rates;
mod socketio;
mod stash;
mod state;
mod subscriptions;
mod websocket;

use std::net::IpAddr;

use crate::addresses::AddressKey;
use crate::config::Config;
use crate::time::Time;

pub use cause::{Cause, Timeout};
pub use chunks::{CHUNKS_MAX, Chunks};
pub(crate) use http::Http;
pub use id::ConnectionId;
use outbox::Outbox;
pub(crate) use phase::Phase;
pub(crate) use protocol::Protocol;
use rates::Rates;
pub(crate) use stash::Stash;
pub use state::State;
pub(crate) use subscriptions::{Subscription, Subscriptions};
pub(crate) use websocket::Step;

/// Which listener a connection came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// One for clients.
    Public,
    /// One for clients, but from this machine, where metrics may be seen.
    Local,
    /// The one for metrics.
    Metrics,
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) listener: Listener,
    /// Where it comes from, unless that is exempt.
    pub(crate) address: Option<AddressKey>,
    /// Whether it is counted there.
    pub(crate) is_counted: bool,
    phase: Phase,
    pub(crate) outbox: Outbox,
    pub(crate) subscriptions: Subscriptions,
    /// Input that is not used yet: the beginning of a request head, or all of it while replies
    /// wait to be sent.
    pub(crate) stash: Stash,
    rates: Option<Box<Rates>>,
    /// Whether input is held back until replies are sent.
    pub(crate) is_paused: bool,
    /// Whether the peer has said that it will send no more.
    pub(crate) is_at_eof: bool,
    /// What the hub last counted this connection as, and holding how many bytes.
    pub(crate) counted_as: State,
    pub(crate) counted_bytes: usize,
}

impl Connection {
    /// A connection that was just accepted.
    pub(crate) fn new(
        id: ConnectionId,
        address: Option<AddressKey>,
        proxy: Option<IpAddr>,
        listener: Listener,
        config: &Config,
        now: Time,
    ) -> Connection {
        let deadline = now.after_ms(u64::from(config.limits.handshake_timeout_ms));
        Connection {
            id,
            listener,
            address,
            is_counted: address.is_some(),
            phase: Phase::Http(Http::new(proxy, deadline)),
            outbox: Outbox::default(),
            subscriptions: Subscriptions::default(),
            stash: Stash::default(),
            rates: None,
            is_paused: false,
            is_at_eof: false,
            counted_as: State::Gone,
            counted_bytes: 0,
        }
    }

    /// Whether `id` means this connection, and not one that had its place before.
    pub(crate) fn matches(&self, id: ConnectionId) -> bool {
        self.id == id
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
            _ => 0,
        };
        let subscriptions = self.subscriptions.buffered_bytes();
        self.stash.capacity() + self.outbox.buffered_bytes() + subscriptions + partial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection that only watches is this and nothing on the heap, times a million.
    #[test]
    fn connection_is_small() {
        assert!(size_of::<Connection>() <= 184, "{}", size_of::<Connection>());
    }
}
