//! Bytes between the sockets and the hub.

use std::io;

use crate::connection::ConnectionId;
use crate::hub::Part;
use crate::time::Time;

use super::Server;
use super::net::Net;

/// Bytes written to one connection in one turn, before the others have theirs.
const WRITE_BYTES_PER_TURN: usize = 256 * 1024;

impl<N: Net> Server<N> {
    /// Reads from every connection that has input.
    pub(super) fn read(&mut self, now: Time) {
        for id in std::mem::take(&mut self.ready) {
            if let Some(socket) = self.sockets.get_mut(id) {
                socket.is_queued = false;
                self.guarded(id, Part::Input, now, |server| server.read_connection(id, now));
            }
        }
    }

    fn read_connection(&mut self, id: ConnectionId, now: Time) {
        if self.hub.is_resumable(id) {
            self.hub.received(id, &mut [], now);
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

    /// Writes to every connection that may have something to send.
    pub(super) fn write(&mut self, committed: bool, now: Time) {
        let touched = self.hub.take_touched();
        let unsent = std::mem::take(&mut self.unsent);
        for &id in touched.iter().chain(&unsent) {
            self.guarded(id, Part::Output, now, |server| server.flush(id, now));
        }
        if committed {
            for index in 0..self.sockets.places() {
                if let Some(id) = self.sockets.at(index) {
                    self.guarded(id, Part::Output, now, |server| server.flush(id, now));
                }
            }
        }
        self.hub.return_touched(touched);
    }

    /// Writes what one connection has to send, until the socket is full or there is no more.
    fn flush(&mut self, id: ConnectionId, now: Time) {
        let Some(socket) = self.sockets.get_mut(id) else { return };
        let mut budget = WRITE_BYTES_PER_TURN;
        while socket.is_writable {
            let chunks = self.hub.transmit(id);
            if chunks.is_empty() {
                break;
            }
            if budget == 0 {
                self.unsent.push(id);
                break;
            }
            match self.net.write(&mut socket.stream, chunks.as_slice()) {
                Ok(length) => {
                    budget = budget.saturating_sub(length);
                    self.hub.sent(id, length);
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
        if !socket.is_writable && self.hub.wants_write(id) {
            self.hub.blocked(id, now);
        }
        if !self.hub.wants_write(id) && self.hub.flushed(id) {
            match self.net.shutdown(&mut socket.stream) {
                Ok(()) => self.hub.half_closed(id, now),
                Err(_) => self.hub.lost(id),
            }
        }
        // With the answers gone there may be room for input that was held back, here or there.
        if self.hub.is_resumable(id) || socket.is_readable && self.hub.wants_read(id) {
            socket.queue(id, &mut self.ready);
        }
    }
}
