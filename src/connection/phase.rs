//! A connection: its phases, and every transition between them.
//!
//! | phase | what is read | what is written | ends |
//! |---|---|---|---|
//! | `Http` | request heads | responses | [`open`], or the last response: [`drain`] |
//! | ... [`await_body`] | a request body | 100 | it is complete: the response to the request |
//! | `Waiting` | and kept | nothing | a session of long-polling has [`answered`] |
//! | `Polling` | what such requests have | in their responses | [`end`], [`hand_over`] |
//! | `WebSocket` | messages | replies, what rooms say | [`close`], [`fail`], the peer's Close |
//! | ... closing | control frames | pongs | the peer's Close, or its time is up |
//! | ... [`peer_ended`] | what it sent before | replies | all of that is used |
//! | `Draining` | and thrown away | what is left | [`written`], [`half_closed`], end of input |
//! | `Closed` | nothing | nothing | the hub takes it out of its table |
//!
//! ```text
//!            a request that opens a WebSocket
//!   +------+ ------------------------------> +-----------+
//!   | Http |                                 | WebSocket | ⟲ closing: our Close is sent,
//!   +------+ <---------+                     +-----------+            the peer's awaited
//!      |  |   request   | Waiting  ^  answer       |
//!      |  +-------------+----------+               |
//!      | last response, bad request, EOF           | Close from the peer, protocol error, EOF
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
//! A session of long-polling is a connection without a socket: it lives from one request to the
//! next, is in rooms, has deadlines and an outbox, and begins and ends in `Polling`. What it says
//! and is told goes over connections that speak HTTP, unless it moves to a WebSocket.
//!
//! A phase that leads to the end carries its [`Cause`]. What follows from a transition for others
//! (the rooms are left, the counts change) is derived by the hub when the connection has acted.
//!
//! [`open`]: Connection::open
//! [`await_body`]: Http::await_body
//! [`answered`]: Connection::answered
//! [`end`]: Connection::end
//! [`hand_over`]: Connection::hand_over
//! [`peer_ended`]: Connection::peer_ended
//! [`drain`]: Connection::drain
//! [`close`]: Connection::close
//! [`fail`]: Connection::fail
//! [`written`]: Connection::written
//! [`half_closed`]: Connection::half_closed

use std::net::IpAddr;

use crate::addresses::AddressKey;
use crate::config::Config;
use crate::http::Sharing;
use crate::presence::RoomId;
use crate::socketio::Engine;
use crate::time::Time;
use crate::ws::DeflateParameters;

use super::cause::Cause;
use super::http::Http;
use super::id::ConnectionId;
use super::identity::Identity;
use super::listener::Listener;
use super::outbox::Outbox;
use super::polling::{HandedOver, Polling};
use super::protocol::Protocol;
use super::rates::Rates;
use super::stash::Stash;
use super::state::State;
use super::subscriptions::Subscriptions;
use super::waiting::Waiting;
use super::websocket::WebSocket;

/// One connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) id: ConnectionId,
    pub(crate) listener: Listener,
    /// Where it comes from, unless that is exempt.
    pub(crate) address: Option<AddressKey>,
    /// Whether it is counted there.
    pub(crate) is_counted: bool,
    pub(super) phase: Phase,
    pub(crate) outbox: Outbox,
    pub(crate) subscriptions: Subscriptions,
    /// The room of its URL, as long as it is there.
    pub(crate) home: Option<RoomId>,
    /// Input that is not used yet: the beginning of a request head, or all of it while replies
    /// wait to be sent.
    pub(crate) stash: Stash,
    pub(super) rates: Option<Box<Rates>>,
    pub(super) identity: Option<Box<Identity>>,
    /// Whether input is held back until replies are sent.
    pub(crate) is_paused: bool,
    /// Whether the peer has said that it will send no more.
    pub(super) is_at_eof: bool,
    /// What the hub last counted this connection as, and holding how many bytes.
    pub(crate) counted_as: State,
    pub(crate) counted_bytes: u32,
}

/// Where a connection is in its life.
#[derive(Debug)]
pub(crate) enum Phase {
    Http(Http),
    Waiting(Box<Waiting>),
    WebSocket(WebSocket),
    Polling(Polling),
    Draining(Draining),
    Closed(Cause),
}

/// A connection that says its last words.
#[derive(Debug)]
pub(crate) struct Draining {
    pub(super) deadline: Time,
    pub(super) cause: Cause,
    discarded_bytes: usize,
    is_half_closed: bool,
}

impl Connection {
    /// A session of long-polling, opened by a client at `address`.
    pub(crate) fn session(
        id: ConnectionId,
        address: Option<AddressKey>,
        engine: Engine,
        config: &Config,
        now: Time,
    ) -> Connection {
        let mut outbox = Outbox::default();
        let polling = Polling::new(id, engine, &mut outbox, config, now);
        let session = Connection::in_phase(Phase::Polling(polling), id, Listener::Session, address);
        Connection { outbox, ..session }
    }

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
        Connection::in_phase(Phase::Http(Http::new(proxy, deadline)), id, listener, address)
    }

    fn in_phase(
        phase: Phase,
        id: ConnectionId,
        listener: Listener,
        address: Option<AddressKey>,
    ) -> Connection {
        Connection {
            id,
            listener,
            address,
            is_counted: address.is_some(),
            phase,
            outbox: Outbox::default(),
            subscriptions: Subscriptions::default(),
            home: None,
            stash: Stash::default(),
            rates: None,
            identity: None,
            is_paused: false,
            is_at_eof: false,
            counted_as: State::Gone,
            counted_bytes: 0,
        }
    }

    // Http →

    /// A request was answered and the connection is kept for another.
    pub(crate) fn await_request(&mut self, config: &Config, now: Time) {
        if let Phase::Http(http) = &mut self.phase {
            http.scanner = Default::default();
            http.await_head(config, now);
        }
    }

    /// The request that was decoded last waits for something, as what a session has to say.
    pub(crate) fn await_answer(&mut self, keeps_alive: bool, sharing: Sharing) {
        self.phase = match self.take_phase() {
            Phase::Http(http) => Phase::Waiting(Box::new(Waiting { http, keeps_alive, sharing })),
            other => other,
        };
    }

    /// The session has answered: what is to be known of the request for the response.
    pub(crate) fn answered(&mut self) -> Option<(bool, Sharing)> {
        let (phase, request) = match self.take_phase() {
            Phase::Waiting(waiting) => {
                let Waiting { http, keeps_alive, sharing } = *waiting;
                (Phase::Http(http), Some((keeps_alive, sharing)))
            }
            other => (other, None),
        };
        self.phase = phase;
        request
    }

    /// Takes the phase, to put another in its place at once.
    fn take_phase(&mut self) -> Phase {
        std::mem::replace(&mut self.phase, Phase::Closed(Cause::Upgraded))
    }

    /// The opening handshake is done: from now on `protocol` is spoken.
    pub(crate) fn open(
        &mut self,
        protocol: Protocol,
        deflate: Option<DeflateParameters>,
        config: &Config,
        now: Time,
    ) {
        let socket = WebSocket::new(protocol, deflate, self.id.generation, config, now);
        self.phase = Phase::WebSocket(socket);
        // It has had requests of a session perhaps.
        self.forget_identity();
    }

    // Polling →

    /// The session goes on with a WebSocket: what it is, for [`take_over`](Self::take_over).
    pub(crate) fn hand_over(&mut self) -> Option<HandedOver> {
        let polling = match self.take_phase() {
            Phase::Polling(polling) => polling,
            other => {
                self.phase = other;
                return None;
            }
        };
        self.phase = Phase::Closed(Cause::Upgraded);
        Some(HandedOver {
            polling,
            packets: self.outbox.take_replies(),
            subscriptions: std::mem::take(&mut self.subscriptions),
            home: self.home.take(),
            rates: self.rates.take(),
            identity: self.identity.take(),
        })
    }

    // Http, WebSocket → Draining

    /// Sends what is to be sent and reads no more. Without a deadline there is only that of the
    /// outbox, until the socket is half-closed.
    pub(crate) fn drain(&mut self, cause: Cause, deadline: Time) {
        let cause = self.cause_with(cause);
        self.stash = Stash::default();
        self.is_paused = false;
        let draining = Draining { deadline, cause, discarded_bytes: 0, is_half_closed: false };
        self.phase = Phase::Draining(draining);
    }

    /// The peer has said that it will send no more. It is in no room from now on, and what it sent
    /// before is still answered.
    pub(crate) fn peer_ended(&mut self) {
        self.is_at_eof = true;
    }

    /// All input is used. If there will be no more, that is the end.
    pub(crate) fn input_used(&mut self) {
        if !self.is_at_eof || self.is_paused {
            return;
        }
        match &self.phase {
            Phase::Http(_) | Phase::Waiting(_) | Phase::WebSocket(_) => {
                self.drain(Cause::Ended, Time::NEVER);
            }
            Phase::Draining(draining) if draining.is_half_closed => {
                self.phase = Phase::Closed(draining.cause);
            }
            Phase::Polling(_) | Phase::Draining(_) | Phase::Closed(_) => {}
        }
    }

    // Draining →

    /// Throws away input of a connection that is draining. What comes before the last words are
    /// sent does not count: they are what the waiting is for.
    pub(crate) fn discard(&mut self, bytes: usize, config: &Config) {
        if let Phase::Draining(draining) = &mut self.phase
            && draining.is_half_closed
        {
            draining.discarded_bytes += bytes;
            if draining.discarded_bytes > config.limits.drain_bytes_max as usize {
                self.phase = Phase::Closed(draining.cause);
            }
        }
    }

    /// Nothing is left to be written. A peer that has ended already needs no more of us.
    pub(crate) fn written(&mut self) {
        if let Phase::Draining(Draining { is_half_closed: false, cause, .. }) = self.phase
            && self.is_at_eof
        {
            self.phase = Phase::Closed(cause);
        }
    }

    /// Whether the socket is to be shut down for writing, now that nothing is left to be written.
    pub(crate) fn awaits_half_close(&self) -> bool {
        matches!(self.phase, Phase::Draining(Draining { is_half_closed: false, .. }))
    }

    /// The socket was shut down for writing.
    pub(crate) fn half_closed(&mut self, config: &Config, now: Time) {
        if let Phase::Draining(draining) = &mut self.phase {
            draining.is_half_closed = true;
            let timeout = now.after_ms(u64::from(config.limits.close_timeout_ms));
            draining.deadline = draining.deadline.min(timeout);
        }
    }

    // Any → Closed

    /// Ends at once: nothing more is sent.
    pub(crate) fn end(&mut self, cause: Cause) {
        self.phase = Phase::Closed(self.cause_with(cause));
    }

    /// Gives back all memory that an ended connection holds.
    pub(crate) fn release(&mut self) {
        debug_assert!(self.is_closed() && self.subscriptions.is_empty());
        self.outbox = Outbox::default();
        self.subscriptions = Subscriptions::default();
        self.stash = Stash::default();
        self.rates = None;
        self.identity = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection that only watches is this and nothing on the heap, times a million.
    #[test]
    fn connection_is_small() {
        assert!(size_of::<Connection>() <= 200, "{}", size_of::<Connection>());
    }
}
