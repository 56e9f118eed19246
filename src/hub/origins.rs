//! Which pages may connect, and read responses: the policy of `--allow-origin`.

use crate::config::OriginPolicy;
use crate::connection::Connection;
use crate::http::{RequestHead, ResponseHead, Sharing, is_own_origin};

use super::context::Context;
use super::refused_origin::RefusedOrigin;
use super::table::Hub;

impl Hub {
    /// Takes the origins that were refused in this turn. There is at most one for each connection,
    /// as that ends with it.
    pub fn take_refused_origins(&mut self) -> Vec<RefusedOrigin> {
        std::mem::take(&mut self.context.refused_origins)
    }
}

impl Context {
    /// RFC 6455 §10.2. A client that is no browser need not say where it comes from.
    pub(super) fn allows_origin(&self, head: &RequestHead<'_>) -> bool {
        let Ok(origin) = head.single("origin") else { return false };
        let (Some(origin), OriginPolicy::Listed(listed)) = (origin, &self.config.origins) else {
            return true;
        };
        is_own_origin(origin, head.host) || listed.iter().any(|other| other.matches(origin))
    }

    /// Remembers an origin that is not allowed, until the driver takes it.
    pub(super) fn note_refused_origin(&mut self, from: &Connection, head: &RequestHead<'_>) {
        let field = head.single("origin").ok().flatten().unwrap_or(b"more than one");
        self.refused_origins.push(RefusedOrigin::new(field, from.address));
    }

    /// Lets the pages that may connect read the response too, wherever they are from (Fetch,
    /// "CORS protocol"): they may import the client module, for one.
    pub(super) fn share(&self, response: ResponseHead, head: &RequestHead<'_>) -> ResponseHead {
        self.sharing(head).add_to(response)
    }

    /// Which pages may read the response to a request.
    pub(super) fn sharing(&self, head: &RequestHead<'_>) -> Sharing {
        let listed = match &self.config.origins {
            OriginPolicy::Any => return Sharing::Anybody,
            OriginPolicy::Listed(listed) if listed.is_empty() => return Sharing::Nobody,
            OriginPolicy::Listed(listed) => listed,
        };
        let origin = head.single("origin").ok().flatten();
        let is_listed = |origin: &&[u8]| listed.iter().any(|listed| listed.matches(origin));
        // The request's own: a list may have patterns, and the field takes none but `*`.
        let own = origin.filter(is_listed).and_then(|origin| str::from_utf8(origin).ok());
        Sharing::Some(own.map(Box::from))
    }
}
