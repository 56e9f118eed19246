//! Bytes between the sockets and the hub.

use std::io;

use crate::connection::ConnectionId;
use crate::hub::{AfterSend, Part};
use crate::time::Time;

use super::event_loop::Server;
use super::net::Net;

impl<N: Net> Server<N> {
    /// Reads from connections that have input, as many as a turn has room for.
    pub(super) fn read(&mut self, now: Time) {
        let budget = self.hub.config().limits.connections_per_turn as usize;
        // Those that are put on the list meanwhile wait for the next turn.
        for _ in 0..self.ready.len().min(budget) {
            let Some(id) = self.ready.pop_front() else { return };
            if let Some(socket) = self.sockets.get_mut(id) {
                socket.is_queued = false;
                self.guarded(id, Part::Input, now, |server| server.read_connection(id, now));
            }
        }
    }

    fn read_connection(&mut self, id: ConnectionId, now: Time) {
        if self.hub.is_resumable(id) {
            self.hub.resume(id, now);
        }
        let Some(socket) = self.sockets.get_mut(id) else { return };
        let mut budget = self.buffer.len();
        while socket.is_readable && budget > 0 && self.hub.wants_read(id) {
            let buffer = &mut self.buffer[..budget];
            match self.net.read(&mut socket.stream, buffer) {
                Ok(0) => {
                    socket.is_readable = false;
                    self.hub.ended(id, now);
                }
                Ok(length) => {
                    // A short read has emptied the socket. What comes later makes a new event, but
                    // an end of input that has come already does not.
                    socket.is_readable = length == buffer.len() || socket.is_read_closed;
                    budget -= length;
                    self.hub.received(id, &mut self.buffer[..length], now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.is_readable = false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    socket.is_readable = false;
                    self.hub.lost(id);
                }
            }
        }
        if socket.is_readable && self.hub.wants_read(id) {
            socket.queue(id, &mut self.ready);
        }
    }

    /// Writes to connections that have something to send: what they are owed first, then the rest
    /// of what did not fit into their sockets, then what is new in the rooms. Each of the last two
    /// has a budget, and what is beyond it waits for the next turn.
    pub(super) fn write(&mut self, now: Time) {
        let limits = &self.hub.config().limits;
        let (bytes, connections) = (limits.send_bytes_per_turn, limits.connections_per_turn);
        let mut budget = bytes as usize;
        let before = self.unsent.len();
        // There are no more of these than the turn has accepted, read from and found to be due.
        while let Some(id) = self.hub.next_touched() {
            self.write_guarded(id, &mut budget, now);
        }
        for _ in 0..before {
            if budget == 0 {
                break;
            }
            let Some(id) = self.unsent.pop_front() else { break };
            self.write_guarded(id, &mut budget, now);
        }
        let (mut budget, mut told) = (bytes as usize, 0);
        while told < connections
            && budget > 0
            && let Some(id) = self.hub.next_to_tell()
        {
            // One that is full, or was told already with something else, costs the turn nothing.
            told += u32::from(self.write_guarded(id, &mut budget, now));
        }
    }

    fn write_guarded(&mut self, id: ConnectionId, budget: &mut usize, now: Time) -> bool {
        let mut has_tried = true;
        self.guarded(id, Part::Output, now, |server| {
            has_tried = server.write_connection(id, budget, now);
        });
        has_tried
    }

    /// Writes what one connection has to send, until its socket is full, the budget is spent, or
    /// there is no more. Says whether there was anything to write.
    fn write_connection(&mut self, id: ConnectionId, budget: &mut usize, now: Time) -> bool {
        let Some(socket) = self.sockets.get_mut(id) else { return false };
        let mut has_tried = false;
        while socket.is_writable && *budget > 0 {
            let chunks = self.hub.transmit(id);
            if chunks.is_empty() {
                break;
            }
            has_tried = true;
            match self.net.write(&mut socket.stream, chunks.as_slice()) {
                Ok(length) => {
                    *budget = budget.saturating_sub(length);
                    match self.hub.sent(id, length) {
                        AfterSend::More => {}
                        AfterSend::Settle => break,
                        AfterSend::Nothing => return true,
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.is_writable = false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    socket.is_writable = false;
                    self.hub.lost(id);
                }
            }
        }
        let after = self.hub.settle_output(id, !socket.is_writable, now);
        if after.wants_write && socket.is_writable {
            self.unsent.push_back(id);
        }
        if after.half_closes {
            match self.net.shutdown(&mut socket.stream) {
                Ok(()) => self.hub.half_closed(id, now),
                Err(_) => self.hub.lost(id),
            }
        }
        // With the replies gone there may be room for input that was held back, here or there.
        if after.resumes || after.takes_input && socket.is_readable {
            socket.queue(id, &mut self.ready);
        }
        has_tried
    }
}
