//! The server without I/O: connections, roster, broadcast log, deadlines.
//!
//! Its inputs are bytes, ids and time, its outputs are bytes and ids; so the same hub runs under
//! mio, under tests with virtual time, under a simulator and under a fuzzer. The driver owes it a
//! turn in this order, in which no phase calls back into an earlier one:
//!
//! ```text
//!   accepted*  →  received* / ended* / lost*  →  sweep  →  commit
//!              →  (transmit, sent / blocked)* and half_closed, told  →  reap
//! ```
//!
//! Whatever a connection's input does to others goes through the roster and is told by the next
//! commit; nothing else crosses from one connection to another.

mod arrivals;
mod forwarded;
mod input;
mod mishap;
mod numbers;
mod output;
mod refused_origins;
mod requests;
mod socketio;
mod upkeep;

use std::collections::VecDeque;

use slab::Slab;

use crate::addresses::{AddressKey, Addresses};
use crate::api;
use crate::assets::Assets;
use crate::broadcast::{BroadcastLog, Seq, Shared};
use crate::config::Config;
use crate::connection::{Cause, Connection, ConnectionId, Door, Phase};
use crate::deadlines::Deadlines;
use crate::latest::Latest;
use crate::roster::Roster;
use crate::tally::Tally;
use crate::time::Time;
use crate::ws::{Codec, Deflater, Inflater};

pub use mishap::Part;
pub use refused_origins::RefusedOrigin;
use upkeep::Counts;

/// The server without I/O.
#[derive(Debug)]
pub struct Hub {
    config: Config,
    assets: Assets,
    /// The value of the `Date` field.
    date: String,
    connections: Slab<Connection>,
    /// The generation of the connection that was accepted last.
    generation: u32,
    addresses: Addresses,
    roster: Roster,
    log: BroadcastLog,
    latest: Latest,
    codec: Codec,
    committed_at: Time,
    /// There is no commit before this.
    commit_from: Time,
    /// Whether the latest commit told of more than one client.
    is_commit_shared: bool,
    /// The body of `GET /roster`, and what it was made from.
    document: Option<(Seq, u32, Shared)>,
    deadlines: Deadlines,
    counts: Counts,
    tally: Tally,
    /// Sessions in the order in which they were accepted, while they are pending.
    pending: VecDeque<ConnectionId>,
    /// Sessions that may have something to send, in the order in which that came about.
    touched: Vec<ConnectionId>,
    /// Sessions that have ended and are not reaped.
    closed: Vec<ConnectionId>,
    /// Of this turn, for the log.
    refused_origins: Vec<RefusedOrigin>,
    /// Places of the connections whose deadline has come, the last of them first.
    due: Vec<usize>,
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
        let deflater = Deflater::new(config.limits.deflate_level);
        Hub {
            config,
            assets,
            date: String::new(),
            connections: Slab::new(),
            generation: 0,
            addresses: Addresses::default(),
            roster: Roster::default(),
            log: BroadcastLog::new(),
            latest: Latest::default(),
            codec: Codec { inflater: Inflater::default(), deflater },
            committed_at: Time::ZERO,
            commit_from: Time::ZERO,
            is_commit_shared: false,
            document: None,
            deadlines: Deadlines::default(),
            counts: Counts::default(),
            tally: Tally::default(),
            pending: VecDeque::new(),
            touched: Vec::new(),
            closed: Vec::new(),
            refused_origins: Vec::new(),
            due: Vec::new(),
            is_stopping: false,
        }
    }

    /// What the hub was told when it was made.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Sets the date that answers carry, an HTTP-date (RFC 9110 §5.6.7).
    pub fn set_date(&mut self, date: String) {
        self.date = date;
    }

    /// Serves other files from now on.
    pub fn set_assets(&mut self, assets: Assets) {
        self.assets = assets;
    }

    /// Sessions that are not reaped.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    /// Whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Bytes of memory that connections hold beside themselves.
    pub fn buffered_bytes(&self) -> usize {
        self.counts.buffered_bytes
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

    /// Tells everyone what changed on the roster, if a commit is due. Whoever follows the roster
    /// then has something to send: the driver tries them all.
    pub fn commit(&mut self, now: Time) -> bool {
        if now < self.commit_due() {
            return false;
        }
        let Some(change) = self.roster.commit() else { return false };
        self.tally.commits += 1;
        self.committed_at = now;
        self.commit_from = now.after_ms(u64::from(self.config.limits.commit_interval_ms));
        self.is_commit_shared = change.joined.len().max(change.left.len()) > 1;
        let message = api::change(self.log.upcoming(), &change);
        // A connection that is further behind than this is served with fewer bytes by a checkpoint.
        let floor = self.config.limits.log_bytes_min as usize;
        let frame = self.frame_for_all(&message);
        self.log.append(frame, floor.max(self.roster.committed_bytes()));
        true
    }

    /// The commit of this turn was written to everyone, and now it is `now`.
    ///
    /// If it was of several clients, changes come faster than they are told, and the next commit
    /// waits as long as this one took: so telling everyone has half of the time at most, reading
    /// and accepting have the other half, and more changes share a frame. If it was of one, nothing
    /// was gained by waiting for it, and nothing is by waiting for the next.
    pub fn told(&mut self, now: Time) {
        if !self.is_commit_shared {
            return;
        }
        let took_ms = now.ms_since(self.committed_at);
        let pause_ms = took_ms.min(u64::from(self.config.limits.commit_pause_ms_max));
        self.commit_from = self.commit_from.max(now.after_ms(pause_ms));
    }

    /// Takes the connections that may have something to send, besides those a commit is for.
    pub fn take_touched(&mut self) -> Vec<ConnectionId> {
        std::mem::take(&mut self.touched)
    }

    /// Gives the emptied list back, to be filled again.
    pub fn return_touched(&mut self, mut list: Vec<ConnectionId>) {
        list.clear();
        list.append(&mut self.touched);
        self.touched = list;
    }

    /// Takes a connection that has ended, to close its socket. Its place is free from now on, so
    /// this is the last phase of the turn: no event of this turn can mean the place's next owner.
    pub fn reap(&mut self) -> Option<Reaped> {
        let Some(id) = self.closed.pop() else {
            self.check_tally();
            return None;
        };
        let mut connection = self.connections.remove(id.index());
        debug_assert!(is(&connection, id) && connection.name.is_none());
        let Phase::Closed(cause) = connection.phase else {
            unreachable!("only a connection that has ended is to be reaped")
        };
        self.tally.closed[cause.place()] += 1;
        if connection.door == Door::Metrics {
            self.counts.for_metrics -= 1;
        }
        let address = connection.address;
        if let Some(key) = connection.take_counted() {
            self.addresses.disconnect(key);
        }
        Some(Reaped { id, cause, address })
    }

    /// When the next turn must be, if nothing happens before.
    pub fn next_wakeup(&self) -> Time {
        self.deadlines.next().min(self.commit_due())
    }

    /// Stops: takes no new connections, closes all WebSockets with 1001, ends the others when they
    /// are answered.
    pub fn stop(&mut self, now: Time) {
        self.is_stopping = true;
        let ids: Vec<ConnectionId> = self.ids().collect();
        for id in ids {
            let Some(connection) = find(&mut self.connections, id) else { continue };
            match connection.phase {
                Phase::Http(_) => connection.drain(Cause::Stopping, Time::NEVER),
                _ => connection.close(Cause::Stopping, &self.config, now),
            }
            self.settle(id);
            self.touched.push(id);
        }
    }

    // What is so.

    /// All connections, by index.
    pub fn ids(&self) -> impl Iterator<Item = ConnectionId> {
        let id = |(index, connection): (usize, &Connection)| {
            ConnectionId::new(index, connection.generation)
        };
        self.connections.iter().map(id)
    }

    fn commit_due(&self) -> Time {
        if self.roster.is_touched() { self.commit_from } else { Time::NEVER }
    }
}

fn is(connection: &Connection, id: ConnectionId) -> bool {
    connection.generation == id.generation
}

/// The connection that `id` means, if it is still there: one in its place with another generation
/// is somebody else.
fn find(connections: &mut Slab<Connection>, id: ConnectionId) -> Option<&mut Connection> {
    connections.get_mut(id.index()).filter(|connection| is(connection, id))
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
