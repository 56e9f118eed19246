//! The server without I/O: connections, and all that they act on.
//!
//! Its inputs are bytes, ids and time, its outputs are bytes and ids; so the same hub runs under
//! mio, under tests with virtual time, under a simulator and under a fuzzer. The driver owes it a
//! turn in this order, in which no phase calls back into an earlier one:
//!
//! ```text
//!   accepted*  →  received* / resume* / ended* / lost*  →  find_due, expire*, shed  →  commit
//!              →  for each next_touched, and as many of next_to_tell as a turn has room for:
//!                 (transmit, sent)* or lost, then settle_output, and perhaps half_closed
//!              →  reap*
//! ```
//!
//! Every input goes through [`Hub::with`], the one place that finds a connection, lets it act on
//! the [`Context`], and settles what follows. Whatever a connection does to others goes through the
//! rooms and is told by their next commit; nothing else crosses from one connection to another.

mod arrivals;
mod context;
mod counts;
mod files;
mod forwarded;
mod hosts;
mod input;
mod numbers;
mod output;
mod panics;
mod refused_origins;
mod requests;
mod settle;
mod socketio;
mod upkeep;

use std::collections::VecDeque;

use slab::Slab;

use crate::addresses::AddressKey;
use crate::assets::Assets;
use crate::config::Config;
use crate::connection::{Cause, Connection, ConnectionId, Listener, Phase};
use crate::deadlines::Deadlines;
use crate::time::Time;

use context::Context;
pub use files::routes;
pub use output::AfterWrite;
pub use panics::Part;
pub use refused_origins::RefusedOrigin;

/// The server without I/O.
#[derive(Debug)]
pub struct Hub {
    connections: Slab<Connection>,
    /// The generation of the connection that was accepted last.
    generation: u32,
    context: Context,
    agenda: Agenda,
    /// A buffer for the words that go before a list.
    lead: Vec<u8>,
}

/// What is to be done with connections, by their ids.
#[derive(Debug, Default)]
struct Agenda {
    deadlines: Deadlines,
    /// Places of the connections whose deadline has come, the last of them first.
    due: Vec<usize>,
    /// Connections in the order in which they were accepted, while they are pending.
    pending: VecDeque<ConnectionId>,
    /// Connections that may have something to send, in the order in which that came about.
    touched: VecDeque<ConnectionId>,
    /// Connections that have ended and are not reaped.
    closed: Vec<ConnectionId>,
    is_stopping: bool,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There are as many connections as there may be, or the server is stopping.
    Full,
    /// This address has too many, or opens them too fast.
    TooManyFromAddress,
}

/// A connection that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Its handle, good for nothing more.
    pub id: ConnectionId,
    /// Why it ended.
    pub cause: Cause,
    /// Where it came from, unless that is exempt.
    pub address: Option<AddressKey>,
}

impl Hub {
    /// A hub with no connections and an empty roster.
    pub fn new(config: Config, assets: Assets) -> Hub {
        Hub {
            connections: Slab::new(),
            generation: 0,
            context: Context::new(config, assets),
            agenda: Agenda::default(),
            lead: Vec::new(),
        }
    }

    /// What the hub was told when it was made.
    pub fn config(&self) -> &Config {
        &self.context.config
    }

    /// Sets the date that responses carry, an HTTP-date (RFC 9110 §5.6.7).
    pub fn set_date(&mut self, date: String) {
        self.context.date = date;
    }

    /// Serves other files from now on.
    pub fn set_assets(&mut self, assets: Assets) {
        self.context.assets = assets;
    }

    /// Connections that are not reaped.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Bytes of memory that connections hold beside themselves.
    pub fn buffered_bytes(&self) -> usize {
        self.context.counts.buffered_bytes
    }

    // The turn, in its order; it begins with those who arrive.

    /// Meets the deadlines that have come: pings, or ends connections.
    pub fn sweep(&mut self, now: Time) {
        self.find_due(now);
        while let Some(id) = self.next_due() {
            self.expire(id, now);
        }
        self.shed();
    }

    /// Commits what changed in the rooms, where that is due. Their followers then have something to
    /// send, and are given out by [`next_to_tell`](Self::next_to_tell).
    pub fn commit(&mut self, now: Time) {
        let Context { presence, config, codec, tally, .. } = &mut self.context;
        let mut encoder = context::encoder(codec, config);
        tally.commits += u64::from(presence.commit(&config.limits, &mut encoder, now));
    }

    /// Takes the next connection that may have something to send, besides what is new in rooms.
    pub fn next_touched(&mut self) -> Option<ConnectionId> {
        self.agenda.touched.pop_front()
    }

    /// Takes the next connection that is to be told of a commit, in a fair order. A driver that
    /// stops before there are no more goes on with them in its next turn.
    pub fn next_to_tell(&mut self) -> Option<ConnectionId> {
        let index = self.context.presence.next_to_tell()?;
        self.connections.get(index as usize).map(|connection| connection.id)
    }

    /// Whether connections are still to be told of a commit.
    pub fn is_telling(&self) -> bool {
        self.context.presence.is_telling()
    }

    /// Takes a connection that has ended, to close its socket. Its place is free from now on, so
    /// this is the last phase of the turn: no event of this turn can mean the place's next owner.
    pub fn reap(&mut self) -> Option<Reaped> {
        let Some(id) = self.agenda.closed.pop() else {
            self.check_tally();
            return None;
        };
        let mut connection = self.connections.remove(id.index());
        debug_assert!(connection.matches(id) && connection.subscriptions.is_empty());
        let &Phase::Closed(cause) = connection.phase() else {
            unreachable!("only a connection that has ended is to be reaped")
        };
        self.context.tally.closed[cause.place()] += 1;
        if connection.listener == Listener::Metrics {
            self.context.counts.for_metrics -= 1;
        }
        let address = connection.address;
        if let Some(key) = connection.take_counted() {
            self.context.addresses.disconnect(key);
        }
        Some(Reaped { id, cause, address })
    }

    /// Whether connections have ended that are not reaped.
    pub fn has_ended(&self) -> bool {
        !self.agenda.closed.is_empty()
    }

    /// When the next turn must be, if nothing happens before.
    pub fn next_wakeup(&self) -> Time {
        self.agenda.deadlines.next().min(self.context.presence.commit_due())
    }

    /// Stops: takes no new connections, closes all WebSockets with 1001, ends the others when they
    /// are answered.
    pub fn stop(&mut self, now: Time) {
        self.agenda.is_stopping = true;
        let ids: Vec<ConnectionId> = self.ids().collect();
        for id in ids {
            self.with(id, |connection, context| match connection.phase() {
                Phase::Http(_) => connection.drain(Cause::Stopping, Time::NEVER),
                _ => connection.close(Cause::Stopping, &context.config, now),
            });
            self.agenda.touched.push_back(id);
        }
    }

    /// All connections, by index.
    pub fn ids(&self) -> impl Iterator<Item = ConnectionId> {
        self.connections.iter().map(|(_, connection)| connection.id)
    }

    /// Whether `id` means a connection that has not ended.
    pub fn is_live(&self, id: ConnectionId) -> bool {
        self.live(id).is_some()
    }

    // One connection.

    /// Finds a connection, lets it act, and settles what follows from that. If `id` is that of a
    /// connection which is gone, nothing happens: its place may have another owner.
    fn with<T>(
        &mut self,
        id: ConnectionId,
        act: impl FnOnce(&mut Connection, &mut Context) -> T,
    ) -> Option<T> {
        let connection = self.connections.get_mut(id.index())?;
        if !connection.matches(id) {
            return None;
        }
        let outcome = act(connection, &mut self.context);
        settle::settle(connection, &mut self.context, &mut self.agenda);
        Some(outcome)
    }

    /// The connection that `id` means, if it has not ended.
    fn live(&self, id: ConnectionId) -> Option<&Connection> {
        let connection = self.connections.get(id.index())?;
        (connection.matches(id) && !connection.is_closed()).then_some(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After four thousand million connections the generations begin again.
    #[test]
    fn d3_generation_wraps_and_a_stale_id_is_still_nobody() {
        let mut hub = Hub::new(Config::default(), Assets::embedded());
        hub.generation = u32::MAX - 3;
        let mut before: Option<ConnectionId> = None;
        for _ in 0..8 {
            let id = hub.accepted([127, 0, 0, 1].into(), Time::ZERO).expect("there is room");
            assert_eq!(id.index(), 0);
            if let Some(stale) = before.replace(id) {
                hub.lost(stale);
                assert!(hub.wants_read(id) && !hub.wants_read(stale));
            }
            hub.lost(id);
            assert_eq!(hub.reap().map(|reaped| reaped.id), Some(id));
            assert!(hub.reap().is_none());
        }
        assert!(hub.generation < 8);
    }
}
