//! Connections that arrive: taken, or turned away.

use std::net::IpAddr;

use crate::connection::{Connection, ConnectionId, Door};
use crate::http::{Response, Status};
use crate::time::Time;

use super::{Hub, Refusal};

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
        let status = match refusal {
            Refusal::Full => Status::ServiceUnavailable,
            Refusal::TooManyFromAddress => Status::TooManyRequests,
        };
        Response::new(status, &self.date).content_length(0).field("Connection", "close").finish()
    }
}
