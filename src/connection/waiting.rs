//! A connection whose request waits for what a session has to say.

use crate::http::Sharing;

use super::http::Http;

/// A request that waits for its session, with what must be known of it for the response.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(super) http: Http,
    /// Whether the client wants the connection kept.
    pub(super) keeps_alive: bool,
    /// Which pages may read the response.
    pub(super) sharing: Sharing,
}
