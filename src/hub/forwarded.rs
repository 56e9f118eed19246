//! Whom a connection is counted under that a trusted proxy has made.
//!
//! One that comes from a trusted proxy is counted under nobody when it is accepted, since the proxy
//! says only with the request whose it is. A proxy may send requests of several clients over one
//! connection, and keeps it while none has one: so each request is counted as a new connection of
//! its client, until it is answered. If it opens a WebSocket, that is until the end.

use std::net::IpAddr;

use crate::addresses::{AddressKey, AddressLimits};
use crate::connection::{ConnectionId, Door, Phase};
use crate::http::{Forwarded, RequestError, RequestHead};
use crate::time::Time;

use super::{Hub, find};

impl Hub {
    /// Counts a request that a trusted proxy hands on under its client, unless the client has too
    /// many connections, or opens them too fast.
    ///
    /// A list that is malformed is counted under the proxy that let it through, as if all who send
    /// such were one client: it is no way around the limits.
    pub(super) fn count_forwarded(
        &mut self,
        id: ConnectionId,
        head: &RequestHead<'_>,
        now: Time,
    ) -> Result<(), RequestError> {
        let limits = self.address_limits();
        let Some(connection) = find(&mut self.connections, id) else { return Ok(()) };
        let Phase::Http(http) = &connection.phase else { return Ok(()) };
        let Some(proxy) = http.proxy else { return Ok(()) };
        let client = match self.config.trusted_proxies.forwarded(proxy, head) {
            Forwarded::Proxy => None,
            Forwarded::Client(address) | Forwarded::Malformed { by: address } => {
                Some(AddressKey::new(address))
            }
        };
        // The request before, if its answer is not sent.
        if let Some(before) = connection.take_counted() {
            self.addresses.disconnect(before);
        }
        connection.address = client;
        let Some(client) = client else { return Ok(()) };
        connection.is_counted = self.addresses.connect(client, limits, now);
        if connection.is_counted {
            return Ok(());
        }
        self.tally.refused_forwarded += 1;
        Err(RequestError::TooManyFromAddress)
    }

    pub(super) fn address_limits(&self) -> AddressLimits {
        let limits = &self.config.limits;
        AddressLimits { open_max: limits.connections_per_address_max, rate: limits.address_rate() }
    }

    /// What a new connection from `address` is counted under so far, and the trusted proxy that it
    /// is from.
    pub(super) fn party(
        &self,
        address: IpAddr,
        door: Door,
    ) -> (Option<AddressKey>, Option<IpAddr>) {
        if door == Door::Metrics {
            return (None, None);
        }
        if self.config.trusted_proxies.contains(address) {
            return (None, Some(address));
        }
        // Behind loopback is this machine: a test, a benchmark.
        let is_counted = !address.to_canonical().is_loopback();
        (is_counted.then(|| AddressKey::new(address)), None)
    }
}
