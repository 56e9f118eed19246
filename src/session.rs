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
//! A session knows what its peer said and when it is late. It does not know what the words mean
//! (`hub`), nor who else is there.

mod http;
mod id;
mod rates;
mod socketio;
mod spoken;
mod stash;
mod websocket;

use std::net::IpAddr;

use crate::addresses::AddressKey;
use crate::config::Config;
use crate::heartbeat::{Beat, Heartbeat};
use crate::outbox::Outbox;
use crate::roster::NameId;
use crate::socketio::Service;
use crate::time::Time;
use crate::ws::{CloseCode, DeflateParameters, Opcode};

use http::Http;
pub use id::SessionId;
use rates::Rates;
pub(crate) use spoken::Purpose;
use spoken::Spoken;
pub(crate) use stash::Stash;
use websocket::Liveness;
pub(crate) use websocket::{SHARED_WINDOW_BITS, Step, WebSocket};

/// What a session is to everyone else, derived from its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It speaks HTTP and may still become a WebSocket.
    Pending,
    /// It follows the roster without a name on it.
    Watching,
    /// It follows the roster and is on it.
    Present,
    /// None of these: it echoes, or it is ending.
    Aside,
    /// It has ended.
    Gone,
}

/// What a session is sent in its deflated form, of what everyone is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Deflated {
    #[default]
    Nothing,
    Log,
    Lists,
}

/// One client.
#[derive(Debug)]
pub struct Session {
    pub(crate) generation: u32,
    /// The address that this session is counted under.
    pub(crate) address: Option<AddressKey>,
    pub(crate) phase: Phase,
    pub(crate) outbox: Outbox,
    /// Input that is not used yet: the beginning of a request head, or all of it while answers
    /// wait to be sent.
    pub(crate) stash: Stash,
    /// The name that this session goes by.
    pub(crate) name: Option<NameId>,
    rates: Option<Box<Rates>>,
    /// Whether input is held back until answers are sent.
    pub(crate) is_paused: bool,
    /// Whether the peer has said that it will send no more.
    pub(crate) is_at_eof: bool,
    /// What the hub last counted this session as, and holding how many bytes.
    pub(crate) counted_as: Role,
    pub(crate) counted_bytes: usize,
    pub(crate) counted_deflated: Deflated,
}

/// Where a session is in its life.
#[derive(Debug)]
pub(crate) enum Phase {
    Http(Http),
    WebSocket(WebSocket),
    Draining(Draining),
    Closed,
}

/// A connection that says its last words.
#[derive(Debug)]
pub(crate) struct Draining {
    deadline: Time,
    discarded_bytes: usize,
    is_half_closed: bool,
}

impl Session {
    /// A connection that was just accepted.
    pub(crate) fn new(
        generation: u32,
        address: Option<AddressKey>,
        proxy: Option<IpAddr>,
        config: &Config,
        now: Time,
    ) -> Session {
        let deadline = now.after_ms(u64::from(config.limits.handshake_timeout_ms));
        Session {
            generation,
            address,
            phase: Phase::Http(Http::new(proxy, deadline)),
            outbox: Outbox::default(),
            stash: Stash::default(),
            name: None,
            rates: None,
            is_paused: false,
            is_at_eof: false,
            counted_as: Role::Aside,
            counted_bytes: 0,
            counted_deflated: Deflated::default(),
        }
    }

    /// What the session is to others.
    pub(crate) fn role(&self) -> Role {
        match &self.phase {
            Phase::Http(_) => Role::Pending,
            Phase::WebSocket(socket) if socket.takes_part() && !self.is_at_eof => {
                if self.name.is_some() { Role::Present } else { Role::Watching }
            }
            Phase::WebSocket(_) | Phase::Draining(_) => Role::Aside,
            Phase::Closed => Role::Gone,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
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
            Phase::Closed => return Time::NEVER,
        };
        phase.min(self.outbox.deadline())
    }

    /// Bytes of memory that this session alone holds.
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

    /// Starts the closing handshake (RFC 6455 §7.1.2): sends Close and awaits the peer's.
    pub(crate) fn close(&mut self, code: CloseCode, config: &Config, now: Time) {
        if let Phase::WebSocket(socket) = &mut self.phase
            && !socket.is_closing()
        {
            let timeout_ms = u64::from(config.limits.close_timeout_ms);
            socket.liveness = Liveness::Closing(now.after_ms(timeout_ms));
            self.outbox.reply(Opcode::Close, &code.as_u16().to_be_bytes());
            self.outbox.unfollow();
        }
    }

    /// Ends a WebSocket whose peer has sent its Close frame, or will not be listened to any more:
    /// sends Close, unless that is done, and drains.
    pub(crate) fn finish_close(&mut self, code: Option<CloseCode>, config: &Config, now: Time) {
        if matches!(&self.phase, Phase::WebSocket(socket) if !socket.is_closing()) {
            match code {
                Some(code) => self.outbox.reply(Opcode::Close, &code.as_u16().to_be_bytes()),
                // RFC 6455 §5.5.1: an empty Close frame is answered with an empty one.
                None => self.outbox.reply(Opcode::Close, b""),
            }
        }
        self.drain(now.after_ms(u64::from(config.limits.close_timeout_ms)));
    }

    /// Sends what is to be sent and reads no more. Without a deadline there is only that of the
    /// outbox, until the socket is half-closed.
    pub(crate) fn drain(&mut self, deadline: Time) {
        self.outbox.unfollow();
        self.stash = Stash::default();
        self.is_paused = false;
        let draining = Draining { deadline, discarded_bytes: 0, is_half_closed: false };
        self.phase = Phase::Draining(draining);
    }

    /// Throws away input of a connection that is draining. What comes before the last words are
    /// sent does not count: they are what the waiting is for.
    pub(crate) fn discard(&mut self, bytes: usize, config: &Config) {
        if let Phase::Draining(draining) = &mut self.phase
            && draining.is_half_closed
        {
            draining.discarded_bytes += bytes;
            if draining.discarded_bytes > config.limits.drain_bytes_max as usize {
                self.phase = Phase::Closed;
            }
        }
    }

    /// All that was to be sent is sent: whether the socket is to be shut down for writing.
    pub(crate) fn flushed(&mut self) -> bool {
        let Phase::Draining(Draining { is_half_closed: false, .. }) = self.phase else {
            return false;
        };
        if self.is_at_eof {
            self.phase = Phase::Closed;
        }
        !self.is_at_eof
    }

    /// The socket was shut down for writing.
    pub(crate) fn half_closed(&mut self, config: &Config, now: Time) {
        if let Phase::Draining(draining) = &mut self.phase {
            draining.is_half_closed = true;
            let timeout = now.after_ms(u64::from(config.limits.close_timeout_ms));
            draining.deadline = draining.deadline.min(timeout);
        }
    }

    /// The peer will send no more. What it sent before is still answered.
    pub(crate) fn end_of_input(&mut self) {
        match &self.phase {
            Phase::Http(_) | Phase::WebSocket(_) => self.drain(Time::NEVER),
            Phase::Draining(draining) if draining.is_half_closed => self.phase = Phase::Closed,
            Phase::Draining(_) | Phase::Closed => {}
        }
    }

    /// Gives back all memory that an ended session holds.
    pub(crate) fn release(&mut self) {
        debug_assert!(self.is_closed());
        self.outbox = Outbox::default();
        self.stash = Stash::default();
        self.rates = None;
    }

    /// The socket is full. The time for the next request begins when this answer is through, or
    /// thereabouts.
    pub(crate) fn blocked(&mut self, config: &Config, now: Time) {
        let limits = &config.limits;
        self.outbox.blocked(now, limits.send_timeout_ms, limits.send_bytes_per_second_min);
        self.await_head(config, now);
    }

    /// A deadline has come: pings, or gives up.
    pub(crate) fn expire(&mut self, config: &Config, now: Time) {
        if now < self.deadline() {
            return;
        }
        match &mut self.phase {
            Phase::WebSocket(WebSocket {
                liveness: Liveness::Beating(heartbeat), spoken, ..
            }) if now < self.outbox.deadline() => {
                if spoken.owed_by() <= now {
                    return self.close(CloseCode::POLICY_VIOLATION, config, now);
                }
                let pace = spoken.pace(self.generation, config);
                // A peer that is slowly taking what it was sent has another deadline for that: its
                // pong waits. Our ping does not, since a client may count on it (Engine.IO).
                if self.outbox.deadline() < Time::NEVER && heartbeat.awaits_pong() {
                    return heartbeat.put_off(pace, now);
                }
                match heartbeat.beat(pace, now) {
                    Beat::Ping(data) => spoken.ping(data, &mut self.outbox),
                    Beat::Lost => self.phase = Phase::Closed,
                }
            }
            _ => self.phase = Phase::Closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session that only watches is this and nothing on the heap, times a million.
    #[test]
    fn session_is_small() {
        assert!(size_of::<Session>() <= 192, "{}", size_of::<Session>());
    }
}
