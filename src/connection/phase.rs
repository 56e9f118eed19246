//! A connection: its phases, and every transition between them.
//!
//! | phase | what is read | what is written | ends |
//! |---|---|---|---|
//! | `Http` | request heads | responses | [`open`], or the last response: [`drain`] |
//! | ... [`await_body`] | a request body | 100 | it is complete: the response to the request |
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
//!   +------+                                 +-----------+            the peer's awaited
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
//! A phase that leads to the end carries its [`Cause`]. What follows from a transition for others
//! (the rooms are left, the counts change) is derived by the hub when the connection has acted.
//!
//! [`open`]: Connection::open
//! [`await_body`]: Http::await_body
//! [`peer_ended`]: Connection::peer_ended
//! [`drain`]: Connection::drain
//! [`close`]: Connection::close
//! [`fail`]: Connection::fail
//! [`written`]: Connection::written
//! [`half_closed`]: Connection::half_closed

use std::net::IpAddr;

use crate::addresses::AddressKey;
use crate::api;
use crate::config::Config;
use crate::presence::{Leave, RoomId};
use crate::time::Time;
use crate::ws::{CloseCode, DeflateParameters, Opcode};

use super::cause::Cause;
use super::http::Http;
use super::id::ConnectionId;
use super::identity::Identity;
use super::listener::Listener;
use super::outbox::Outbox;
use super::protocol::Protocol;
use super::rates::Rates;
use super::stash::Stash;
use super::state::State;
use super::subscriptions::Subscriptions;
use super::websocket::WebSocket;

/// When the server stops, clients come back after a random time up to this, in ms. Another one is
/// to take them all.
const RETRY_MS: u32 = 5_000;

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
    WebSocket(WebSocket),
    Draining(Draining),
    Closed(Cause),
}

/// A connection that says its last words.
#[derive(Debug)]
pub(crate) struct Draining {
    pub(super) deadline: Time,
    cause: Cause,
    discarded_bytes: usize,
    is_half_closed: bool,
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

    /// Whether it may be in rooms: it is a WebSocket, and its end has not begun.
    pub(crate) fn takes_part(&self) -> bool {
        matches!(&self.phase, Phase::WebSocket(socket) if !socket.is_closing()) && !self.is_at_eof
    }

    /// Why the connection is ending or has ended, if it is so.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match &self.phase {
            Phase::Http(_) => None,
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
    fn cause_with(&self, cause: Cause) -> Cause {
        self.cause().map_or(cause, |first| first.then(cause))
    }

    // Http →

    /// A request was answered and the connection is kept for another.
    pub(crate) fn await_request(&mut self, config: &Config, now: Time) {
        if let Phase::Http(http) = &mut self.phase {
            http.scanner = Default::default();
            http.await_head(config, now);
        }
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
    }

    // WebSocket →

    /// Starts the closing handshake (RFC 6455 §7.1.2): sends Close and awaits the peer's.
    pub(crate) fn close(&mut self, cause: Cause, config: &Config, now: Time) {
        let has_greeted = matches!(self.identity.as_deref(), Some(Identity::Known(_)));
        if let Phase::WebSocket(socket) = &mut self.phase
            && !socket.is_closing()
        {
            let timeout_ms = u64::from(config.limits.close_timeout_ms);
            socket.await_close(cause, now.after_ms(timeout_ms));
            if cause == Cause::Stopping && has_greeted && socket.protocol.is_native() {
                self.outbox.reply(Opcode::Text, &api::bye(RETRY_MS));
            }
            self.outbox.reply(Opcode::Close, &cause.close_code().as_u16().to_be_bytes());
        }
    }

    /// Fails the WebSocket connection (RFC 6455 §7.1.7): nothing more of its peer is read.
    pub(crate) fn fail(&mut self, cause: Cause, config: &Config, now: Time) {
        self.finish_close(Some(cause.close_code()), cause, config, now);
    }

    /// Answers the peer's Close frame with its code, if it had one.
    pub(crate) fn acknowledge_close(
        &mut self,
        code: Option<CloseCode>,
        config: &Config,
        now: Time,
    ) {
        let cause = match code {
            Some(CloseCode::LOGOUT) => Cause::LoggedOut,
            _ => Cause::Closed,
        };
        self.finish_close(code, cause, config, now);
    }

    /// Sends Close, unless that is done, and drains.
    fn finish_close(&mut self, code: Option<CloseCode>, cause: Cause, config: &Config, now: Time) {
        if matches!(&self.phase, Phase::WebSocket(socket) if !socket.is_closing()) {
            match code {
                Some(code) => self.outbox.reply(Opcode::Close, &code.as_u16().to_be_bytes()),
                // RFC 6455 §5.5.1: an empty Close frame is answered with an empty one.
                None => self.outbox.reply(Opcode::Close, b""),
            }
        }
        self.drain(cause, now.after_ms(u64::from(config.limits.close_timeout_ms)));
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
            Phase::Http(_) | Phase::WebSocket(_) => self.drain(Cause::Ended, Time::NEVER),
            Phase::Draining(draining) if draining.is_half_closed => {
                self.phase = Phase::Closed(draining.cause);
            }
            Phase::Draining(_) | Phase::Closed(_) => {}
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
