//! Which hosts requests may be for, and requests that are for the server whatever its name.

use crate::http::{HostPattern, Method, RequestHead, ResponseHead, Status};

use super::context::Context;
use super::response::Response;

/// The methods of everything that opens no WebSocket or session.
pub(super) const METHODS: &str = "GET, HEAD, OPTIONS";

impl Context {
    /// Whether a request is for a host that this server was told it has, or was told nothing; or
    /// needs not be.
    pub(super) fn serves_host(&self, head: &RequestHead<'_>) -> bool {
        let (hosts, host) = (&self.config.hosts, head.host);
        let is_listed = |known: &HostPattern| known.matches(host);
        hosts.is_empty() || is_probe(head) || hosts.iter().any(is_listed)
    }

    /// RFC 9110 §9.3.7. To many a check of health the status is all: HAProxy asks like this unless
    /// told otherwise.
    pub(super) fn options_response(&self, head: &RequestHead<'_>, methods: &str) -> Response {
        // §8.6: a 204 has no Content-Length.
        let response = ResponseHead::new(Status::NoContent, &self.date).field("Allow", methods);
        let response = self.sharing(head).add_preflight_to(response, head, methods);
        Response { head: response, body: Default::default(), connection: None }
    }
}

/// Whether it is asked only if the server is there. Probes know its address and not its name, and
/// a page that got here under a name of its own (DNS rebinding) learns nothing from that.
fn is_probe(head: &RequestHead<'_>) -> bool {
    match head.method {
        Method::Get | Method::Head => matches!(&*head.path, "/healthz" | "/readyz"),
        Method::Options => matches!(&*head.path, "/" | "*" | "/healthz" | "/readyz"),
        Method::Post | Method::Connect | Method::Other => false,
    }
}
