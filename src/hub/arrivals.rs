//! Connections that arrive: taken, or turned away.

use std::net::IpAddr;
use std::ops::Range;

use crate::connection::{Connection, ConnectionId, Door};
use crate::http::Status;
use crate::time::Time;

use super::requests::Answer;
use super::{Hub, Refusal};

/// When a client that is refused may come back, in seconds. Clients that are refused together are
/// told different times, or they would be refused together again.
const RETRY_AFTER_SECONDS: Range<u64> = 3..11;

impl Hub {
    /// A connection came from `address`.
    pub fn accepted(&mut self, address: IpAddr, now: Time) -> Result<ConnectionId, Refusal> {
        let is_local = address.to_canonical().is_loopback();
        let sees_metrics = is_local && self.config.metrics_listen.is_none();
        self.accept(address, if sees_metrics { Door::Local } else { Door::Front }, now)
    }

    /// A connection came from `address`, to where there is nothing but metrics.
    pub fn accepted_for_metrics(
        &mut self,
        address: IpAddr,
        now: Time,
    ) -> Result<ConnectionId, Refusal> {
        self.accept(address, Door::Metrics, now)
    }

    fn accept(&mut self, address: IpAddr, door: Door, now: Time) -> Result<ConnectionId, Refusal> {
        if self.is_stopping || self.is_full(door) {
            self.tally.refused_full += 1;
            return Err(Refusal::Full);
        }
        let (key, proxy) = self.party(address, door);
        let address_limits = self.address_limits();
        if key.is_some_and(|key| !self.addresses.connect(key, address_limits, now)) {
            self.tally.refused_address += 1;
            return Err(Refusal::TooManyFromAddress);
        }
        self.generation = self.generation.wrapping_add(1);
        self.tally.accepted += 1;
        let connection = Connection::new(self.generation, key, proxy, door, &self.config, now);
        let index = self.connections.insert(connection) as u32;
        let id = ConnectionId { index, generation: self.generation };
        if door == Door::Metrics {
            self.counts.for_metrics += 1;
        } else {
            self.pending.push_back(id);
        }
        self.settle(id);
        self.drop_oldest_pending();
        Ok(id)
    }

    /// Whether there is no room for one more at `door`. Who watches the server has room of his own:
    /// a server that is full is what he has to see.
    fn is_full(&self, door: Door) -> bool {
        let (limits, for_metrics) = (&self.config.limits, self.counts.for_metrics);
        match door {
            Door::Metrics => for_metrics >= limits.metrics_connections_max,
            Door::Front | Door::Local => {
                self.connections.len() - for_metrics as usize >= limits.connections_max as usize
            }
        }
    }

    /// What a connection that is not taken is told.
    pub fn refusal(&self, refusal: Refusal) -> Vec<u8> {
        let Answer { response, body, .. } = self.busy(refusal);
        [&response.field("Connection", "close").finish()[..], &body[..]].concat()
    }

    /// The answer to a client that comes at a bad time. Programs and the client modules come back
    /// after `Retry-After` (RFC 9110 §10.2.3). A browser that was to show a page reads that of
    /// neither status, and comes back by `Refresh` (HTML, "shared declarative refresh steps").
    pub(super) fn busy(&self, refusal: Refusal) -> Answer {
        let (status, reason) = match refusal {
            Refusal::Full => (Status::ServiceUnavailable, "The server has no room at the moment"),
            Refusal::TooManyFromAddress => (
                Status::TooManyRequests,
                "Too many connections come from your network, or come too fast",
            ),
        };
        let tally = &self.tally;
        let refused = tally.refused_full + tally.refused_address + tally.refused_forwarded;
        let Range { start, end } = RETRY_AFTER_SECONDS;
        let seconds = (start + refused % (end - start)).to_string();
        let line =
            format!("{reason}. Try again in {seconds} seconds; a browser does so by itself.");
        let mut answer = self.last_words(status, &line);
        answer.response = answer.response.field("Retry-After", &seconds).field("Refresh", &seconds);
        answer
    }
}
