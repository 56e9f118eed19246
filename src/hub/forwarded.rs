//! Whom a connection is counted under that a trusted proxy has made.
//!
//! One that comes from a trusted proxy is counted under nobody when it is accepted, since the proxy
//! says only with the request whose it is. A proxy may send requests of several clients over one
//! connection, and keeps it while none has one: so each request is counted as a new connection of
//! its client, until it is answered. If it opens a WebSocket, that is until the end.

use crate::addresses::AddressKey;
use crate::connection::{Connection, Phase};
use crate::http::{Forwarded, RequestError, RequestHead};
use crate::time::Time;

use super::context::Context;

impl Context {
    /// Counts a request that a trusted proxy hands on under its client, unless the client has too
    /// many connections, or opens them too fast.
    ///
    /// A list that is malformed is counted under the proxy that let it through, as if all who send
    /// such were one client: it is no way around the limits.
    pub(super) fn count_forwarded(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        now: Time,
    ) -> Result<(), RequestError> {
        let limits = self.address_limits();
        let Phase::Http(http) = connection.phase() else { return Ok(()) };
        let Some(proxy) = http.proxy else { return Ok(()) };
        let client = match self.config.trusted_proxies.forwarded(proxy, head) {
            Forwarded::Proxy => None,
            Forwarded::Client(address) | Forwarded::Malformed { by: address } => {
                Some(AddressKey::new(address))
            }
        };
        // The request before, if its response is not sent.
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
}
