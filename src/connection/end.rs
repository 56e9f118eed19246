//! How a connection ends: the closing handshake, the last words, and what happens when they are not
//! heard in time.

use crate::config::Config;
use crate::heartbeat::Beat;
use crate::outbox::Outbox;
use crate::time::Time;
use crate::ws::{CloseCode, Opcode};

use super::websocket::{Liveness, WebSocket};
use super::{Cause, Connection, Phase, Stash, Timeout};

/// A connection that says its last words.
#[derive(Debug)]
pub(crate) struct Draining {
    pub(super) deadline: Time,
    cause: Cause,
    discarded_bytes: usize,
    is_half_closed: bool,
}

impl Connection {
    /// Why the connection is ending or has ended, if it is so.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match &self.phase {
            Phase::Http(_) => None,
            Phase::WebSocket(socket) => socket.closing_for(),
            Phase::Draining(draining) => Some(draining.cause),
            Phase::Closed(cause) => Some(*cause),
        }
    }

    /// The cause that counts now that there is this one.
    fn cause_with(&self, cause: Cause) -> Cause {
        self.cause().map_or(cause, |first| first.then(cause))
    }

    /// Starts the closing handshake (RFC 6455 §7.1.2): sends Close and awaits the peer's.
    pub(crate) fn close(&mut self, cause: Cause, config: &Config, now: Time) {
        if let Phase::WebSocket(socket) = &mut self.phase
            && !socket.is_closing()
        {
            let timeout_ms = u64::from(config.limits.close_timeout_ms);
            socket.await_close(cause, now.after_ms(timeout_ms));
            self.outbox.reply(Opcode::Close, &cause.close_code().as_u16().to_be_bytes());
            self.outbox.unfollow();
        }
    }

    /// Fails the WebSocket connection (RFC 6455 §7.1.7): its peer is not listened to any more.
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
        self.finish_close(code, Cause::Closed, config, now);
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

    /// Sends what is to be sent and reads no more. Without a deadline there is only that of the
    /// outbox, until the socket is half-closed.
    pub(crate) fn drain(&mut self, cause: Cause, deadline: Time) {
        let cause = self.cause_with(cause);
        self.outbox.unfollow();
        self.stash = Stash::default();
        self.is_paused = false;
        let draining = Draining { deadline, cause, discarded_bytes: 0, is_half_closed: false };
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
                self.phase = Phase::Closed(draining.cause);
            }
        }
    }

    /// All that was to be sent is sent: whether the socket is to be shut down for writing.
    pub(crate) fn flushed(&mut self) -> bool {
        let Phase::Draining(Draining { is_half_closed: false, cause, .. }) = self.phase else {
            return false;
        };
        if self.is_at_eof {
            self.phase = Phase::Closed(cause);
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
            Phase::Http(_) | Phase::WebSocket(_) => self.drain(Cause::Ended, Time::NEVER),
            Phase::Draining(draining) if draining.is_half_closed => {
                self.phase = Phase::Closed(draining.cause);
            }
            Phase::Draining(_) | Phase::Closed(_) => {}
        }
    }

    /// Ends at once: nothing more is sent.
    pub(crate) fn end(&mut self, cause: Cause) {
        self.phase = Phase::Closed(self.cause_with(cause));
    }

    /// Gives back all memory that an ended connection holds.
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
        if self.outbox.deadline() <= now {
            return self.end(Cause::TimedOut(Timeout::Send));
        }
        match &mut self.phase {
            // A connection that was kept for another request, of which nothing came.
            Phase::Http(http) if http.requests > 0 && self.stash.is_empty() => {
                self.end(Cause::Answered);
            }
            Phase::Http(_) => self.end(Cause::TimedOut(Timeout::Handshake)),
            Phase::WebSocket(WebSocket {
                liveness: Liveness::Beating(heartbeat), spoken, ..
            }) => {
                if spoken.owed_by() <= now {
                    return self.close(Cause::TimedOut(Timeout::Connect), config, now);
                }
                let pace = spoken.pace(self.generation, config);
                // A peer that is slowly taking what it was sent has another deadline for that: its
                // pong waits. Our ping does not, since a client may count on it (Engine.IO).
                if self.outbox.deadline() < Time::NEVER && heartbeat.awaits_pong() {
                    return heartbeat.put_off(pace, now);
                }
                match heartbeat.beat(pace, now) {
                    Beat::Ping(data) => spoken.ping(data, &mut self.outbox),
                    Beat::Lost => self.end(Cause::TimedOut(Timeout::Pong)),
                }
            }
            Phase::WebSocket(_) | Phase::Draining(_) => self.end(Cause::TimedOut(Timeout::Close)),
            Phase::Closed(_) => {}
        }
    }
}
