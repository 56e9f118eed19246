//! Connections that arrive: taken, or turned away.

use std::net::IpAddr;
use std::ops::Range;

use crate::addresses::AddressKey;
use crate::connection::{Connection, ConnectionId, Listener};
use crate::http::Status;
use crate::time::Time;

use super::context::Context;
use super::requests::Answer;
use super::{Hub, Refusal};

/// When a client that is refused may come back, in seconds. Clients that are refused together are
/// told different times, or they would be refused together again.
const RETRY_AFTER_SECONDS: Range<u64> = 3..11;

impl Hub {
    /// A connection came from `address`.
    pub fn accepted(&mut self, address: IpAddr, now: Time) -> Result<ConnectionId, Refusal> {
        let is_local = address.to_canonical().is_loopback();
        let sees_metrics = is_local && self.context.config.metrics_listen.is_none();
        self.accept(address, if sees_metrics { Listener::Local } else { Listener::Public }, now)
    }

    /// A connection came from `address`, to where there is nothing but metrics.
    pub fn accepted_for_metrics(
        &mut self,
        address: IpAddr,
        now: Time,
    ) -> Result<ConnectionId, Refusal> {
        self.accept(address, Listener::Metrics, now)
    }

    fn accept(
        &mut self,
        address: IpAddr,
        listener: Listener,
        now: Time,
    ) -> Result<ConnectionId, Refusal> {
        if self.agenda.is_stopping || self.is_full(listener) {
            self.context.tally.refused_full += 1;
            return Err(Refusal::Full);
        }
        let (client, proxy) = self.client_key(address, listener);
        let limits = self.context.address_limits();
        if client.is_some_and(|client| !self.context.addresses.connect(client, limits, now)) {
            self.context.tally.refused_address += 1;
            return Err(Refusal::TooManyFromAddress);
        }
        self.generation = self.generation.wrapping_add(1);
        self.context.tally.accepted += 1;
        let entry = self.connections.vacant_entry();
        let id = ConnectionId::new(entry.key(), self.generation);
        let config = &self.context.config;
        entry.insert(Connection::new(id, client, proxy, listener, config, now));
        if listener == Listener::Metrics {
            self.context.counts.for_metrics += 1;
        } else {
            self.agenda.pending.push_back(id);
        }
        self.with(id, |_, _| ());
        self.drop_oldest_pending();
        Ok(id)
    }

    /// What a new connection from `address` is counted under so far, and the trusted proxy that it
    /// is from.
    fn client_key(
        &self,
        address: IpAddr,
        listener: Listener,
    ) -> (Option<AddressKey>, Option<IpAddr>) {
        if listener == Listener::Metrics {
            return (None, None);
        }
        // A proxy says only with the request whose it is.
        if self.context.config.trusted_proxies.contains(address) {
            return (None, Some(address));
        }
        // Behind loopback is this machine: a test, a benchmark.
        let is_counted = !address.to_canonical().is_loopback();
        (is_counted.then(|| AddressKey::new(address)), None)
    }

    /// Whether there is no room for one more at `listener`. Metrics have room of their own: a
    /// server that is full is what they have to show.
    fn is_full(&self, listener: Listener) -> bool {
        let limits = &self.context.config.limits;
        let for_metrics = self.context.counts.for_metrics;
        match listener {
            Listener::Metrics => for_metrics >= limits.metrics_connections_max,
            Listener::Public | Listener::Local => {
                self.connections.len() - for_metrics as usize >= limits.connections_max as usize
            }
        }
    }

    /// What a connection that is not taken is told.
    pub fn refusal(&self, refusal: Refusal) -> Vec<u8> {
        let Answer { response, body, .. } = self.context.busy(refusal);
        [&response.field("Connection", "close").finish()[..], &body[..]].concat()
    }
}

impl Context {
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
