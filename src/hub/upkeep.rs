//! What depends on the state of connections, and is brought up to date when that has changed.

use crate::broadcast::Form;
use crate::connection::{Cause, ConnectionId, Deflated, Door, State};
use crate::time::Time;

use super::{Hub, find, is};

/// What all connections are together.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Sessions in each state, by its number.
    open: [u32; State::OPEN.len()],
    /// Sessions where there is nothing but metrics.
    pub(super) for_metrics: u32,
    /// Sessions that speak HTTP, without those.
    pending: u32,
    pub(super) buffered_bytes: usize,
    /// Sessions that take the log in its deflated form.
    pub(super) deflated_log: u32,
    /// Sessions that take full lists in their deflated form.
    pub(super) deflated_lists: u32,
}

impl Hub {
    /// Brings everything that depends on a connection's state up to date with it. Called after each
    /// input and the one place that does this: no way to end forgets the name.
    pub(super) fn settle(&mut self, id: ConnectionId) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        if connection.is_closed() {
            connection.release();
        }
        self.deadlines.set(id.index(), connection.deadline());
        if connection.is_idle_of_proxy()
            && let Some(client) = connection.take_counted()
        {
            self.addresses.disconnect(client);
        }

        let bytes = connection.buffered_bytes();
        self.counts.buffered_bytes -= connection.counted_bytes;
        self.counts.buffered_bytes += bytes;
        connection.counted_bytes = bytes;

        let deflated = match (connection.outbox.log_form(), connection.outbox.latest_form()) {
            (Some(Form::Deflated), _) => Deflated::Log,
            (_, Some(Form::Deflated)) => Deflated::Lists,
            _ => Deflated::Nothing,
        };
        self.counts.deflates(connection.counted_deflated, -1);
        self.counts.deflates(deflated, 1);
        connection.counted_deflated = deflated;

        let (before, after) = (connection.counted_as, connection.state());
        connection.counted_as = after;
        let is_limited = connection.door != Door::Metrics;
        if !after.takes_part()
            && let Some(name) = connection.name.take()
        {
            self.roster.leave(name);
            self.tally.logouts += 1;
        }
        if before == after {
            return;
        }
        self.counts.change(before, -1);
        self.counts.change(after, 1);
        if is_limited {
            self.counts.pending -= u32::from(before == State::Http);
            self.counts.pending += u32::from(after == State::Http);
        }
        if after == State::Gone {
            self.closed.push(id);
        }
    }

    /// Looks for the connections whose deadline has come. The parts of [`sweep`](Hub::sweep) are
    /// for a driver that does something around each of them.
    pub fn find_due(&mut self, now: Time) {
        let max = self.config.limits.deadlines_per_turn as usize;
        self.deadlines.sweep(now, max, &mut self.due);
        self.due.reverse();
    }

    /// Takes the next connection that was found.
    pub fn next_due(&mut self) -> Option<ConnectionId> {
        while let Some(index) = self.due.pop() {
            if let Some(connection) = self.connections.get(index) {
                return Some(ConnectionId::new(index, connection.generation));
            }
        }
        None
    }

    /// The deadline of connection `id` has come, or had come before it was put off.
    pub fn expire(&mut self, id: ConnectionId, now: Time) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        connection.expire(&self.config, now);
        self.settle(id);
        self.touched.push(id);
    }

    /// Makes room among the connections that have not become WebSockets.
    pub(super) fn drop_oldest_pending(&mut self) {
        let max = self.config.limits.pending_max;
        while self.counts.pending > max
            && let Some(id) = self.pending.pop_front()
        {
            if let Some(connection) = find(&mut self.connections, id)
                && connection.state() == State::Http
            {
                connection.end(Cause::Displaced);
                self.settle(id);
            }
        }
        // Those that are not pending any more are dropped when they are half of the list.
        if self.pending.len() > 2 * self.counts.pending as usize + 16 {
            let connections = &self.connections;
            self.pending.retain(|id| {
                connections.get(id.index()).is_some_and(|connection| {
                    is(connection, *id) && connection.state() == State::Http
                })
            });
        }
    }

    /// Cuts off the connections that hold the most, while all together hold too much.
    pub fn shed(&mut self) {
        let max = (self.config.limits.buffered_mebibytes_max as usize) << 20;
        while self.counts.buffered_bytes > max {
            let largest = self
                .connections
                .iter()
                .filter(|(_, connection)| !connection.is_closed())
                .max_by_key(|(_, connection)| connection.counted_bytes);
            let Some((index, connection)) = largest else { return };
            let id = ConnectionId::new(index, connection.generation);
            if let Some(connection) = find(&mut self.connections, id) {
                connection.end(Cause::Shed);
            }
            self.settle(id);
        }
    }
}

impl Counts {
    /// Sessions in this state.
    pub(super) fn open(&self, state: State) -> u32 {
        self.open.get(state as usize).copied().unwrap_or_default()
    }

    /// One that has ended is in no count.
    fn change(&mut self, state: State, by: i32) {
        if let Some(count) = self.open.get_mut(state as usize) {
            *count = count.saturating_add_signed(by);
        }
    }

    fn deflates(&mut self, deflated: Deflated, by: i32) {
        let count = match deflated {
            Deflated::Log => &mut self.deflated_log,
            Deflated::Lists => &mut self.deflated_lists,
            Deflated::Nothing => return,
        };
        *count = count.saturating_add_signed(by);
    }
}
