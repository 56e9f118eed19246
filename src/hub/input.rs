//! What connections receive: bytes, the end of them, or the end of the connection.

use crate::connection::{Cause, Connection, ConnectionId, Phase, Stash, Step};
use crate::presence::Leave;
use crate::time::Time;

use super::context::Context;
use super::table::Hub;

impl Hub {
    /// Bytes came from the peer of connection `id`. They are changed in place (unmasked).
    pub fn received(&mut self, id: ConnectionId, bytes: &mut [u8], now: Time) {
        self.with(id, |connection, context| context.receive(connection, bytes, now));
        self.agenda.touched.push_back(id);
    }

    /// There may be room now for the replies to input that was held back.
    pub fn resume(&mut self, id: ConnectionId, now: Time) {
        self.received(id, &mut [], now);
    }

    /// The peer of connection `id` has said that it sends no more.
    pub fn ended(&mut self, id: ConnectionId, now: Time) {
        self.with(id, |connection, context| {
            connection.peer_ended();
            context.receive(connection, &mut [], now);
        });
        self.agenda.touched.push_back(id);
    }

    /// Connection `id` is lost.
    pub fn lost(&mut self, id: ConnectionId) {
        self.with(id, |connection, _| connection.end(Cause::Lost));
    }
}

impl Context {
    /// Uses what a connection has received, together with what it had not used before.
    pub(super) fn receive(&mut self, connection: &mut Connection, bytes: &mut [u8], now: Time) {
        self.tally.bytes_in += bytes.len() as u64;
        if !connection.may_send(bytes.len(), &self.config, now) {
            connection.fail(Cause::TooFast, &self.config, now);
        }
        // Most input is used where it lies; only what is left of it is copied.
        let mut stash = connection.stash.take();
        if stash.is_empty() {
            let used = self.consume(connection, bytes, now);
            stash = bytes[used..].to_vec();
        } else {
            stash.extend_from_slice(bytes);
            let used = self.consume(connection, &mut stash, now);
            stash.drain(..used);
        }
        connection.stash = Stash::of(stash);
        connection.input_used();
    }

    /// Uses as much of `input` as it can, and says how much that was. What is left is the beginning
    /// of a request head, or waits until there is room for replies.
    fn consume(&mut self, connection: &mut Connection, input: &mut [u8], now: Time) -> usize {
        let reply_bytes_max = self.config.limits.reply_bytes_max as usize;
        let mut used = 0;
        loop {
            let rest = &mut input[used..];
            let is_full = connection.outbox.is_full(reply_bytes_max) || connection.is_waiting();
            connection.is_paused = false;
            match connection.phase() {
                Phase::Polling(_) => unreachable!("a session on no socket has no bytes"),
                // A request behind one that waits is kept, as far as its head may go.
                Phase::Waiting(_) => {
                    let head_bytes_max = self.config.limits.head_bytes_max as usize;
                    connection.is_paused = rest.len() >= head_bytes_max;
                    return used;
                }
                Phase::Draining(_) | Phase::Closed(_) => {
                    connection.discard(rest.len(), &self.config);
                    return input.len();
                }
                Phase::Http(_) | Phase::WebSocket(_) if is_full => {
                    connection.is_paused = true;
                    return used;
                }
                Phase::Http(http) if http.awaits_body() => {
                    used += self.consume_body(connection, rest, now);
                    if used == input.len() {
                        return used;
                    }
                }
                Phase::Http(_) => match self.consume_request(connection, rest, now) {
                    Some(bytes) => used += bytes,
                    None => return used,
                },
                Phase::WebSocket(_) => match self.consume_message(connection, rest, now) {
                    Some(bytes) => used += bytes,
                    None => return input.len(),
                },
            }
        }
    }

    /// Takes the next thing that a WebSocket sent, and says how many bytes it had; `None` if there
    /// is no more.
    fn consume_message(
        &mut self,
        connection: &mut Connection,
        input: &mut [u8],
        now: Time,
    ) -> Option<usize> {
        let (used, step) = connection.step(input, &mut self.codec, &self.config, now);
        if matches!(step, Step::NeedsInput) {
            return None;
        }
        self.take_step(connection, step, now);
        Some(used)
    }

    /// Does what came of something that a client sent.
    pub(super) fn take_step(&mut self, connection: &mut Connection, step: Step, now: Time) {
        match step {
            Step::NeedsInput | Step::Handled => {}
            Step::PongReceived => self.heard_of(connection),
            Step::Call(call, address) => self.answer(connection, call, address, now),
            Step::Join(namespace, client) => {
                self.be(connection, client);
                self.join(connection, &namespace, now);
            }
            Step::Left(number) => {
                self.exit(connection, |one| one.namespace == number, Leave::Logout);
            }
            Step::Ended => connection.close(Cause::Closed, &self.config, now),
            Step::Closed(code) => connection.acknowledge_close(code, &self.config, now),
            Step::Failed(cause) => connection.fail(cause, &self.config, now),
            Step::Probed => {
                if let Some(session) = connection.carried() {
                    self.sessions.probed(session, connection.id);
                }
            }
            Step::Upgraded => {
                if let Some(session) = connection.carried() {
                    self.sessions.upgraded(session, connection.id);
                }
            }
        }
    }
}
