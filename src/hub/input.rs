//! What connections are sent: bytes, the end of them, or the end of the connection.

use crate::api::{self, ApiError, Request};
use crate::config::{Application, BUG};
use crate::connection::{Cause, ConnectionId, Phase, Stash, Step};
use crate::names::{self, NameLimits};
use crate::socketio::Address;
use crate::time::Time;
use crate::ws::Opcode;

use super::{Hub, find};

impl Hub {
    /// Bytes came from the peer of connection `id`. They are changed in place (unmasked).
    ///
    /// With no bytes it goes on with input that was held back, if there is room for its answers.
    pub fn received(&mut self, id: ConnectionId, bytes: &mut [u8], now: Time) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        self.tally.bytes_in += bytes.len() as u64;
        if !connection.may_send(bytes.len(), &self.config, now) {
            connection.fail(Cause::TooFast, &self.config, now);
        }
        let mut stash = connection.stash.take();
        if stash.is_empty() {
            let used = self.consume(id, bytes, now);
            stash = bytes[used..].to_vec();
        } else {
            stash.extend_from_slice(bytes);
            let used = self.consume(id, &mut stash, now);
            stash.drain(..used);
        }
        let Some(connection) = find(&mut self.connections, id) else { return };
        connection.stash = Stash::of(stash);
        if connection.is_at_eof && !connection.is_paused {
            connection.end_of_input();
        }
        self.touched.push(id);
        self.settle(id);
    }

    /// The peer of connection `id` has said that it sends no more.
    pub fn ended(&mut self, id: ConnectionId, now: Time) {
        if let Some(connection) = find(&mut self.connections, id) {
            connection.is_at_eof = true;
        }
        self.received(id, &mut [], now);
    }

    /// Connection `id` is lost.
    pub fn lost(&mut self, id: ConnectionId) {
        if let Some(connection) = find(&mut self.connections, id) {
            connection.end(Cause::Lost);
        }
        self.settle(id);
    }

    /// Uses as much of `input` as it can, and says how much that was. What is left is the beginning
    /// of a request head, or waits until there is room for answers.
    fn consume(&mut self, id: ConnectionId, input: &mut [u8], now: Time) -> usize {
        let reply_bytes_max = self.config.limits.reply_bytes_max as usize;
        let mut used = 0;
        loop {
            let Some(connection) = find(&mut self.connections, id) else { return input.len() };
            let rest = &mut input[used..];
            let is_full = connection.outbox.is_full(reply_bytes_max);
            connection.is_paused = false;
            match connection.phase {
                Phase::Draining(_) | Phase::Closed(_) => {
                    connection.discard(rest.len(), &self.config);
                    return input.len();
                }
                Phase::Http(_) | Phase::WebSocket(_) if is_full => {
                    connection.is_paused = true;
                    return used;
                }
                Phase::Http(_) => match self.consume_request(id, rest, now) {
                    Some(bytes) => used += bytes,
                    None => return used,
                },
                Phase::WebSocket(_) => match self.consume_message(id, rest, now) {
                    Some(bytes) => used += bytes,
                    None => return input.len(),
                },
            }
        }
    }

    /// Takes the next thing that a WebSocket sent, and says how many bytes it had; `None` if there
    /// is no more.
    fn consume_message(&mut self, id: ConnectionId, input: &mut [u8], now: Time) -> Option<usize> {
        let connection = find(&mut self.connections, id)?;
        let (used, step) = connection.step(input, &mut self.codec, &self.config, now);
        match step {
            Step::NeedsInput => return None,
            Step::Handled | Step::Answered => {}
            Step::Message(message, address) => {
                let request = api::decode(&message);
                let outcome = request.and_then(|request| self.obey(id, request, now));
                self.tell(id, address, outcome);
            }
            Step::Binary => self.tell(id, None, Err(ApiError::MessageInvalid)),
            Step::Left => self.settle(id),
            Step::Ended => connection.close(Cause::Closed, &self.config, now),
            Step::Closed(code) => connection.acknowledge_close(code, &self.config, now),
            Step::Failed(cause) => connection.fail(cause, &self.config, now),
        }
        Some(used)
    }

    /// Does what a client asks for.
    fn obey(&mut self, id: ConnectionId, request: Request, now: Time) -> Result<(), ApiError> {
        let limits = &self.config.limits;
        let name_limits = NameLimits {
            chars_max: limits.name_chars_max as usize,
            bytes_max: limits.name_bytes_max as usize,
        };
        let name = match request {
            Request::Login(name) => {
                Some(names::canonical(&name, name_limits).map_err(ApiError::Name)?)
            }
            Request::Logout => None,
            Request::Ping => {
                self.pong(id);
                return Ok(());
            }
        };
        let is_bug = name.as_deref() == Some(BUG);
        assert!(!is_bug || self.config.application != Application::Faulty, "this is the bug");
        let Some(connection) = find(&mut self.connections, id) else { return Ok(()) };
        if connection.name.map(|id| self.roster.name(id)) == name.as_deref() {
            return Ok(());
        }
        // To leave is always allowed; it costs a change to come back.
        if name.is_some() && !connection.may_change_name(&self.config, now) {
            return Err(ApiError::RateLimited);
        }
        let name = name.map(|name| self.roster.join(&name));
        let before = std::mem::replace(&mut connection.name, name);
        match (before, name) {
            (None, Some(_)) => self.tally.logins += 1,
            (Some(_), Some(_)) => self.tally.renames += 1,
            (Some(_), None) => self.tally.logouts += 1,
            (None, None) => {}
        }
        if let Some(before) = before {
            self.roster.leave(before);
        }
        // The role may have changed, and more input may follow before the next settling.
        self.settle(id);
        Ok(())
    }

    /// Answers a ping. Replies are sent before what is in the log, so by the time that the client
    /// reads this it has been told of exactly that commit, however slowly it reads. A client of
    /// Socket.IO follows no log: its ack is the answer.
    fn pong(&mut self, id: ConnectionId) {
        if let Some(connection) = find(&mut self.connections, id)
            && let Some(cursor) = connection.outbox.cursor()
        {
            connection.outbox.reply(Opcode::Text, &api::pong(cursor.told()));
        }
    }

    fn tell(&mut self, id: ConnectionId, to: Option<Address>, outcome: Result<(), ApiError>) {
        if let Some(connection) = find(&mut self.connections, id) {
            connection.answer(to, outcome);
        }
    }
}
