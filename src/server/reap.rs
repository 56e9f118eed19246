//! The end of a turn: sockets of connections that have ended are closed.

use crate::time::Time;

use super::event_loop::Server;
use super::net::Net;

impl<N: Net> Server<N> {
    /// Lets go of connections that have ended, and of their sockets.
    pub(super) fn reap(&mut self, now: Time) {
        for refused in self.hub.take_refused_origins() {
            self.journal.origin_refused(&refused, now);
        }
        for _ in 0..self.hub.config().limits.connections_per_turn {
            let Some(reaped) = self.hub.reap() else { break };
            self.journal.closed(&reaped, now);
            if let Some(stream) = self.sockets.remove(reaped.id) {
                self.net.close(stream);
            }
        }
        self.close_leaving(now);
    }

    /// Connections that were refused and are not closed yet.
    pub fn leaving(&self) -> usize {
        self.leaving.len()
    }

    /// Closes those whose time is over.
    fn close_leaving(&mut self, now: Time) {
        while let Some(stream) = self.leaving.pop(now) {
            self.net.close(stream);
        }
    }

    /// In a debug build, at the end of each turn: every connection with output or input waits for
    /// an event, or is on a list that is tried again.
    pub(super) fn check_nothing_is_forgotten(&self) {
        if cfg!(debug_assertions) {
            for id in self.hub.ids() {
                let socket = self.sockets.get(id).expect("a connection has a socket");
                debug_assert_eq!(socket.is_unsent, self.unsent.contains(&id));
                let waits = !socket.is_writable || socket.is_unsent;
                let is_served = waits || self.hub.is_to_be_told(id);
                assert!(is_served || !self.hub.wants_write(id), "a connection was not written to");
                let is_read = !socket.is_readable || socket.is_queued;
                assert!(is_read || !self.hub.wants_read(id), "a connection was not read from");
                let goes_on = socket.is_queued || !self.hub.is_resumable(id);
                assert!(goes_on, "input that was held back is not gone on with");
            }
        }
    }
}
