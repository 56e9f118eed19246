//! Connections: accepted, or turned away.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;

use crate::tally::AcceptError;
use crate::time::Time;

use super::event_loop::Server;
use super::net::Net;

/// How long accepting rests when there are no file descriptors, in ms.
const ACCEPT_PAUSE_MS: u64 = 100;

impl<N: Net> Server<N> {
    /// Accepts what waits, up to a number a turn.
    pub(super) fn accept(&mut self, now: Time) {
        if now < self.accept_at {
            return;
        }
        // Each address comes first in its turn, so that one that is flooded does not starve others.
        let is_shared = self.listeners.len() > 1;
        self.listeners.rotate_left(usize::from(is_shared));
        let mut budget = self.hub.config().limits.accepts_per_turn;
        for index in 0..self.listeners.len() {
            while budget > 0 && self.listeners[index].is_ready {
                budget -= 1;
                let number = self.listeners[index].number;
                match self.net.accept(number) {
                    Ok((stream, peer)) => self.welcome(stream, peer, number, now),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.listeners[index].is_ready = false;
                    }
                    Err(error) => {
                        let error = AcceptError::of(&error);
                        self.hub.tally_mut().accept_errors[error as usize] += 1;
                        self.journal.not_accepted(error, now);
                        // Out of descriptors or memory: the connection waits in the kernel's queue,
                        // and nobody will tell us again that it does.
                        if error.is_shortage() {
                            self.accept_at = now.after_ms(ACCEPT_PAUSE_MS);
                            return;
                        }
                        // The peer gave up before it was accepted; the next one may be fine.
                    }
                }
            }
        }
    }

    fn welcome(&mut self, mut stream: N::Stream, peer: SocketAddr, listener: usize, now: Time) {
        let accepted = match listener < self.front_listeners {
            true => self.hub.accepted(peer.ip(), now),
            false => self.hub.accepted_for_metrics(peer.ip(), now),
        };
        let id = match accepted {
            Ok(id) => id,
            Err(refusal) => {
                self.journal.refused(refusal, peer.ip(), now);
                self.send_off(stream, &self.hub.refusal(refusal), now);
                return;
            }
        };
        if self.net.register(&mut stream, id).is_err() {
            self.hub.lost(id);
        }
        self.sockets.insert(id, stream);
    }

    /// Says the last words to a connection that is refused, and keeps it until they are read.
    fn send_off(&mut self, mut stream: N::Stream, words: &[u8], now: Time) {
        // A new socket's buffer takes this much; if it does not, so be it.
        let _ = self.net.write(&mut stream, &[words]);
        let _ = self.net.shutdown(&mut stream);
        if let Some(oldest) = self.leaving.push(stream, now) {
            self.net.close(oldest);
        }
    }
}

impl AcceptError {
    fn of(error: &io::Error) -> AcceptError {
        match Errno::from_io_error(error) {
            Some(Errno::MFILE) => AcceptError::Emfile,
            Some(Errno::NFILE) => AcceptError::Enfile,
            Some(Errno::NOBUFS) => AcceptError::Enobufs,
            Some(Errno::NOMEM) => AcceptError::Enomem,
            Some(Errno::CONNABORTED) => AcceptError::Econnaborted,
            _ => AcceptError::Other,
        }
    }
}
