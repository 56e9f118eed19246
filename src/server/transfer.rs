//! Bytes between the sockets and the hub.

use std::io;

use crate::config::Limits;
use crate::connection::ConnectionId;
use crate::hub::{AfterSend, Part};
use crate::time::Time;

use super::event_loop::Server;
use super::net::Net;

/// Connections on a list that are looked at in one turn. Those that have ended, followers with a
/// full socket, and followers that were told already with something else, cost a look and none of
/// the budget.
const LOOKS_PER_TURN: u32 = 4096;

/// No connection takes more than such a part of the budget at once.
const SHARES: usize = 4;

impl<N: Net> Server<N> {
    /// Reads from connections that have input, as many as a turn has room for.
    pub(super) fn read(&mut self, now: Time) {
        let mut budget = self.hub.config().limits.connections_per_turn;
        // Those that are put on the list meanwhile wait for the next turn.
        for _ in 0..self.ready.len().min(LOOKS_PER_TURN as usize) {
            if budget == 0 {
                return;
            }
            let Some(id) = self.ready.pop_front() else { return };
            if let Some(socket) = self.sockets.get_mut(id) {
                budget -= 1;
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

    /// Writes to connections that have something to send: what they are owed first, then what was
    /// left of earlier turns, then what is new in the rooms. Each of these has a budget, and what
    /// is beyond it waits for the next turn.
    pub(super) fn write(&mut self, now: Time) {
        let whole = Budget::of(&self.hub.config().limits);
        let (before, mut budget) = (self.unsent.len(), whole);
        // The turn has read from so many and found so many to be due; a stop is owed to all.
        budget.writes = u32::MAX;
        while let Some(id) = self.hub.next_touched() {
            self.write_guarded(id, false, &mut budget, now);
        }
        let mut budget = whole;
        for _ in 0..before {
            if budget.is_spent() {
                break;
            }
            let Some(id) = self.unsent.pop_front() else { break };
            if let Some(socket) = self.sockets.get_mut(id) {
                socket.is_unsent = false;
            }
            self.write_guarded(id, false, &mut budget, now);
        }
        let (mut budget, mut looks) = (whole, LOOKS_PER_TURN);
        while !budget.is_spent()
            && looks > 0
            && let Some(id) = self.hub.next_to_tell()
        {
            looks -= 1;
            self.write_guarded(id, true, &mut budget, now);
        }
    }

    // The path of every delivery: the call costs more than what it does.
    #[inline(always)]
    fn write_guarded(&mut self, id: ConnectionId, is_news: bool, budget: &mut Budget, now: Time) {
        self.guarded(id, Part::Output, now, |server| {
            server.write_connection(id, is_news, budget, now);
        });
    }

    /// Writes what one connection has to send, until its socket is full, its share of the budget is
    /// spent, or there is no more.
    fn write_connection(
        &mut self,
        id: ConnectionId,
        is_news: bool,
        budget: &mut Budget,
        now: Time,
    ) {
        let Some(socket) = self.sockets.get_mut(id) else {
            // A session on no socket: what it is told is a response.
            if let Some(request) = self.hub.carry(id, now) {
                self.write_connection(request, false, budget, now);
            }
            return;
        };
        // News has no deadline: a follower whose socket is full is written to when it has room.
        if is_news && !socket.is_writable {
            return;
        }
        let (left, mut is_settled) = (budget.bytes.saturating_sub(budget.share), true);
        while socket.is_writable && budget.bytes > left {
            let chunks = self.hub.transmit(id);
            if chunks.is_empty() {
                break;
            }
            budget.writes = budget.writes.saturating_sub(1);
            match self.net.write(&mut socket.stream, chunks.as_slice()) {
                Ok(length) => {
                    budget.bytes = budget.bytes.saturating_sub(length);
                    match self.hub.sent(id, length) {
                        AfterSend::More => is_settled = false,
                        AfterSend::Nothing if is_settled => return,
                        AfterSend::Nothing | AfterSend::Settle => break,
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
            socket.queue_unsent(id, &mut self.unsent);
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
    }
}

/// What may still be written in a turn, of one kind.
#[derive(Clone, Copy)]
struct Budget {
    bytes: usize,
    /// How many bytes one connection may take of that.
    share: usize,
    writes: u32,
}

impl Budget {
    fn of(limits: &Limits) -> Budget {
        let bytes = limits.send_bytes_per_turn as usize;
        let share = bytes.div_ceil(SHARES);
        Budget { bytes, share, writes: limits.connections_per_turn }
    }

    fn is_spent(&self) -> bool {
        self.bytes == 0 || self.writes == 0
    }
}
