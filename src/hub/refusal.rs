//! Connections and requests that are refused for want of room, and the response that says so.

use std::ops::Range;

use crate::http::Status;

use super::context::Context;
use super::response::Response;
use super::table::Hub;

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There are as many connections as there may be, or the server is stopping.
    Full,
    /// This address has too many, or opens them too fast.
    TooManyFromAddress,
}

impl Refusal {
    /// All of them, in the order of their numbers, and their names.
    pub const ALL: [(Refusal, &str); 2] =
        [(Refusal::Full, "full"), (Refusal::TooManyFromAddress, "address")];
}

/// When a client that is refused may come back, in seconds. Clients that are refused together are
/// told different times, or they would be refused together again.
const RETRY_AFTER_SECONDS: Range<u64> = 3..11;

impl Hub {
    /// What a connection that is not taken is told.
    pub fn refusal(&self, refusal: Refusal) -> Vec<u8> {
        let Response { head, body, .. } = self.context.busy(refusal);
        [&head.field("Connection", "close").finish()[..], &body[..]].concat()
    }
}

impl Context {
    /// The response to a client that comes at a bad time. Programs and the client modules come back
    /// after `Retry-After` (RFC 9110 §10.2.3). A browser that was to show a page reads that of
    /// neither status, and comes back by `Refresh` (HTML, "shared declarative refresh steps").
    pub(super) fn busy(&self, refusal: Refusal) -> Response {
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
        let mut response = self.last_words(status, &line);
        response.head = response.head.field("Retry-After", &seconds).field("Refresh", &seconds);
        response
    }
}
