//! How a session ends: the closing handshake, the last words, and what happens when they are not
//! heard in time.

use crate::config::Config;
use crate::heartbeat::Beat;
use crate::outbox::Outbox;
use crate::time::Time;
use crate::ws::{CloseCode, Opcode};

use super::websocket::{Liveness, WebSocket};
use super::{Phase, Session, Stash};

/// A connection that says its last words.
#[derive(Debug)]
pub(crate) struct Draining {
    pub(super) deadline: Time,
    discarded_bytes: usize,
    is_half_closed: bool,
}

impl Session {
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
