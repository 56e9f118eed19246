//! What a wait has told: noted, to be done in its phase of the turn.

use signal_hook::consts::{SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};
use tracing::info;

use crate::connection::ConnectionId;
use crate::time::Time;

use super::event_loop::Server;
use super::net::{Event, Net, Readiness};

impl<N: Net> Server<N> {
    /// Notes what the wait has told; the number of the signal that ends the server at once, if one
    /// came.
    pub(super) fn note_events(&mut self, now: Time) -> Option<i32> {
        let events = std::mem::take(&mut self.events);
        let mut interrupted = None;
        for &event in &events {
            match event {
                Event::Signal(signal) => interrupted = interrupted.or(self.signalled(signal, now)),
                Event::Listener(number) => {
                    let mut listeners = self.listeners.iter_mut();
                    if let Some(listener) = listeners.find(|listener| listener.number == number) {
                        listener.is_ready = true;
                    }
                }
                Event::Connection(id, readiness) => self.note_readiness(id, readiness),
            }
        }
        self.events = events;
        interrupted
    }

    /// Does what a signal asks for, and gives it back if that is to end at once.
    fn signalled(&mut self, signal: i32, now: Time) -> Option<i32> {
        match signal {
            // Other servers open their log files again, or start their successor.
            SIGUSR1 | SIGUSR2 => {
                info!(signal, "signal ignored: there is no log file to reopen");
                return None;
            }
            // A terminal that goes away may say so before or after another signal, and the kernel
            // repeats itself every second: neither is in a hurry.
            SIGHUP | SIGXCPU => {}
            // SIGTERM, SIGINT, SIGQUIT: the first stops the server in order, the second at once.
            _ if std::mem::replace(&mut self.is_told_to_stop, true) => return Some(signal),
            _ => {}
        }
        if self.stop_at.is_none() {
            info!(signal, connections = self.hub.len(), "stopping");
            self.stop(now);
        }
        None
    }

    fn note_readiness(&mut self, id: ConnectionId, readiness: Readiness) {
        if self.link.as_mut().is_some_and(|link| link.note_readiness(id, readiness)) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(id) else {
            self.hub.tally_mut().stale_events += 1;
            return;
        };
        if readiness.is_readable {
            socket.is_readable = true;
            socket.is_read_closed |= readiness.is_read_closed;
            socket.queue(id, &mut self.ready);
        }
        if readiness.is_writable && !socket.is_writable {
            socket.is_writable = true;
            socket.queue_unsent(id, &mut self.unsent);
        }
    }

    fn stop(&mut self, now: Time) {
        self.listeners.clear();
        self.net.stop_listening();
        if let Some(saver) = &mut self.saver {
            saver.end();
        }
        self.hub.stop(now);
        let timeout = u64::from(self.hub.config().limits.shutdown_timeout_ms);
        self.stop_at = Some(now.after_ms(timeout));
    }
}
