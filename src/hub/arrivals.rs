//! Connections that arrive: taken, or turned away.

use std::net::IpAddr;

use crate::addresses::AddressKey;
use crate::connection::{Connection, ConnectionId, Listener};
use crate::time::Time;

use super::refusal::Refusal;
use super::table::Hub;

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
        // Its place may have had another owner, whose events can still be on their way: the
        // generation tells the two apart.
        self.generation = self.generation.wrapping_add(1);
        self.context.tally.accepted += 1;
        let entry = self.connections.vacant_entry();
        let id = ConnectionId::new(entry.key(), self.generation);
        let config = &self.context.config;
        entry.insert(Connection::new(id, client, proxy, listener, config, now));
        if listener == Listener::Metrics {
            self.context.counts.for_metrics += 1;
        }
        // Nothing has happened to it, but it is not counted yet, and has a deadline from now on.
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
            Listener::Public | Listener::Local | Listener::Session => {
                self.len() - for_metrics as usize >= limits.connections_max as usize
            }
        }
    }
}
