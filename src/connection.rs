//! One client, from accept to close.
//!
//! ```text
//!            a request that opens a WebSocket
//!   +------+ ------------------------------> +-----------+
//!   | Http |                                 | WebSocket | ⟲ closing: our Close is sent,
//!   +------+                                 +-----------+            the peer's awaited
//!      | last answer, bad request, EOF             | Close from the peer, protocol error, EOF
//!      v                                           v
//!   +-------------------------------------------------+  all sent, half-closed, EOF seen
//!   |                    Draining                     | ------------------------> Closed
//!   +-------------------------------------------------+
//!      from each of them: reset, deadline → Closed
//! ```
//!
//! Draining is there so that the last words arrive: closing a socket with unread input makes the
//! kernel send RST, which can overtake them. So they are sent, the socket is half-closed, and what
//! still comes is thrown away until the peer has closed too.
//!
//! A connection knows what its peer said and when it is late. It does not know what the words mean
//! (`hub`), nor who else is there.

mod cause;
mod end;
mod http;
mod id;
mod rates;
mod socketio;
mod spoken;
mod stash;
mod state;
mod websocket;

use std::net::IpAddr;

use crate::addresses::AddressKey;
use crate::config::Config;
use crate::heartbeat::Heartbeat;
use crate::outbox::Outbox;
use crate::roster::NameId;
use crate::socketio::Service;
use crate::time::Time;
use crate::ws::DeflateParameters;

pub use cause::{Cause, Timeout};
use end::Draining;
use http::Http;
pub use id::ConnectionId;
use rates::Rates;
pub(crate) use spoken::Purpose;
use spoken::Spoken;
pub(crate) use stash::Stash;
pub use state::State;
use websocket::Liveness;
pub(crate) use websocket::{SHARED_WINDOW_BITS, Step, WebSocket};

/// What a connection is sent in its deflated form, of what everyone is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Deflated {
    #[default]
    Nothing,
    Log,
    Lists,
}

/// Where a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Where everyone does.
    Front,
    /// There too, but from this machine, where metrics may be seen.
    Local,
    /// Where there is nothing but metrics.
    Metrics,
}

/// One client.
#[derive(Debug)]
pub struct Connection {
    pub(crate) generation: u32,
    /// Where this connection comes from, unless that is exempt.
    pub(crate) address: Option<AddressKey>,
    /// Whether it is counted there.
    pub(crate) is_counted: bool,
    pub(crate) phase: Phase,
    pub(crate) outbox: Outbox,
    /// Input that is not used yet: the beginning of a request head, or all of it while answers
    /// wait to be sent.
    pub(crate) stash: Stash,
    /// The name that this connection goes by.
    pub(crate) name: Option<NameId>,
    rates: Option<Box<Rates>>,
    pub(crate) door: Door,
    /// Whether input is held back until answers are sent.
    pub(crate) is_paused: bool,
    /// Whether the peer has said that it will send no more.
    pub(crate) is_at_eof: bool,
    /// What the hub last counted this connection as, and holding how many bytes.
    pub(crate) counted_as: State,
    pub(crate) counted_bytes: usize,
    pub(crate) counted_deflated: Deflated,
}

/// Where a connection is in its life.
#[derive(Debug)]
pub(crate) enum Phase {
    Http(Http),
    WebSocket(WebSocket),
    Draining(Draining),
    Closed(Cause),
}

impl Connection {
    /// A connection that was just accepted.
    pub(crate) fn new(
        generation: u32,
        address: Option<AddressKey>,
        proxy: Option<IpAddr>,
        door: Door,
        config: &Config,
        now: Time,
    ) -> Connection {
        let deadline = now.after_ms(u64::from(config.limits.handshake_timeout_ms));
        Connection {
            generation,
            address,
            is_counted: address.is_some(),
            phase: Phase::Http(Http::new(proxy, deadline)),
            outbox: Outbox::default(),
            stash: Stash::default(),
            name: None,
            rates: None,
            door,
            is_paused: false,
            is_at_eof: false,
            counted_as: State::Gone,
            counted_bytes: 0,
            counted_deflated: Deflated::default(),
        }
    }

    /// The address that it is counted under, from now on no more.
    pub(crate) fn take_counted(&mut self) -> Option<AddressKey> {
        std::mem::take(&mut self.is_counted).then(|| self.address.take()).flatten()
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// The one next deadline.
    pub(crate) fn deadline(&self) -> Time {
        let phase = match &self.phase {
            // While an answer is on its way nothing new is asked.
            Phase::Http(_) if !self.outbox.is_empty() => Time::NEVER,
            Phase::Http(http) => http.deadline,
            Phase::WebSocket(socket) => match &socket.liveness {
                Liveness::Beating(heartbeat) => heartbeat.deadline().min(socket.spoken.owed_by()),
                Liveness::Closing(deadline) => *deadline,
            },
            Phase::Draining(draining) => draining.deadline,
            Phase::Closed(_) => return Time::NEVER,
        };
        phase.min(self.outbox.deadline())
    }

    /// Bytes of memory that this connection alone holds.
    pub(crate) fn buffered_bytes(&self) -> usize {
        let partial = match &self.phase {
            Phase::WebSocket(socket) => {
                socket.decoder.buffered_bytes() + socket.spoken.buffered_bytes()
            }
            _ => 0,
        };
        self.stash.capacity() + self.outbox.buffered_bytes() + partial
    }

    /// A request was answered and the connection is kept for another.
    pub(crate) fn await_request(&mut self, config: &Config, now: Time) {
        if let Phase::Http(http) = &mut self.phase {
            http.scanner = Default::default();
        }
        self.await_head(config, now);
    }

    fn await_head(&mut self, config: &Config, now: Time) {
        if let Phase::Http(http) = &mut self.phase {
            http.deadline = now.after_ms(u64::from(config.limits.handshake_timeout_ms));
        }
    }

    /// The opening handshake is done.
    pub(crate) fn upgrade(
        &mut self,
        purpose: Purpose,
        deflate: Option<DeflateParameters>,
        config: &Config,
        now: Time,
    ) {
        let spoken = match purpose {
            Purpose::Events => Spoken::Events,
            Purpose::Echo => Spoken::Echo,
            Purpose::SocketIo(service) => {
                let outbox = &mut self.outbox;
                Spoken::SocketIo(socketio::open(service, self.generation, config, outbox, now))
            }
        };
        let heartbeat = Heartbeat::new(spoken.pace(self.generation, config), now);
        let socket = WebSocket::new(heartbeat, spoken, deflate, config);
        match purpose {
            Purpose::Events => self.outbox.follow_log(socket.form()),
            Purpose::SocketIo(Service::Roster) => self.outbox.follow_latest(socket.form()),
            Purpose::Echo | Purpose::SocketIo(Service::Suite | Service::Echo) => {}
        }
        self.phase = Phase::WebSocket(socket);
    }

    /// The socket is full. The time for the next request begins when this answer is through, or
    /// thereabouts.
    pub(crate) fn blocked(&mut self, config: &Config, now: Time) {
        let limits = &config.limits;
        self.outbox.blocked(now, limits.send_timeout_ms, limits.send_bytes_per_second_min);
        self.await_head(config, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection that only watches is this and nothing on the heap, times a million.
    #[test]
    fn connection_is_small() {
        assert!(size_of::<Connection>() <= 192, "{}", size_of::<Connection>());
    }
}
