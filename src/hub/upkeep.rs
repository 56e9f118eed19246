//! What is done for connections that say nothing: deadlines are met, and room is made.

use crate::connection::{Cause, ConnectionId, State};
use crate::time::Time;

use super::table::Hub;

impl Hub {
    /// Looks for the connections whose deadline has come. Each is then to be [met](Hub::expire),
    /// and the connections that hold too much are [cut off](Hub::shed).
    pub fn find_due(&mut self, now: Time) {
        let max = self.context.config.limits.deadlines_per_turn as usize;
        self.agenda.deadlines.sweep(now, max, &mut self.agenda.due);
        self.agenda.due.reverse();
    }

    /// Takes the next connection that was found.
    pub fn next_due(&mut self) -> Option<ConnectionId> {
        while let Some(index) = self.agenda.due.pop() {
            if let Some(connection) = self.connections.get(index) {
                return Some(connection.id);
            }
        }
        None
    }

    /// The deadline of connection `id` has come, or had come before it was put off.
    pub fn expire(&mut self, id: ConnectionId, now: Time) {
        self.with(id, |connection, context| {
            // While it moves to a WebSocket it is not asked, neither here nor there.
            if context.sessions.is_upgrading(connection.id.generation) {
                connection.put_off_ping(now);
            }
            connection.expire(&context.config, now);
        });
        self.agenda.touched.push_back(id);
    }

    /// The deadline of connection `id` has come, and is to be found again in the next turn.
    pub fn stays_due(&mut self, id: ConnectionId) {
        // Settling sets it again.
        self.with(id, |_, _| ());
    }

    /// Makes room among the connections that have not become WebSockets.
    pub(super) fn drop_oldest_pending(&mut self) {
        let max = self.context.config.limits.pending_max;
        while self.context.counts.pending > max
            && let Some(id) = self.agenda.pending.pop_front()
        {
            if self.is_pending(id) {
                self.with(id, |connection, _| connection.end(Cause::Displaced));
            }
        }
        // Those that are not pending any more are dropped when they are half of the list.
        if self.agenda.pending.len() > 2 * self.context.counts.pending as usize + 16 {
            let mut pending = std::mem::take(&mut self.agenda.pending);
            pending.retain(|&id| self.is_pending(id));
            self.agenda.pending = pending;
        }
    }

    fn is_pending(&self, id: ConnectionId) -> bool {
        self.live(id).is_some_and(|connection| connection.state() == State::Http)
    }

    /// Cuts off the connections that hold the most, while all together hold too much.
    pub fn shed(&mut self) {
        let max = (self.context.config.limits.buffered_mebibytes_max as usize) << 20;
        while self.context.counts.buffered_bytes > max {
            let live = self.connections.iter().filter(|(_, connection)| !connection.is_closed());
            let largest = live.max_by_key(|(_, connection)| connection.counted_bytes);
            let Some(id) = largest.map(|(_, connection)| connection.id) else { return };
            self.with(id, |connection, _| connection.end(Cause::Shed));
        }
    }
}
