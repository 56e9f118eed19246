//! A connection that is asked for pages.

use std::net::IpAddr;

use crate::http::HeadScanner;
use crate::time::Time;

use super::{Connection, Phase};

/// A connection that is asked for pages.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) scanner: HeadScanner,
    /// Requests answered.
    pub(crate) requests: u32,
    /// The trusted proxy that hands them on.
    pub(crate) proxy: Option<IpAddr>,
    /// When the next head must be complete. Its bytes do not push it out.
    pub(super) deadline: Time,
}

impl Http {
    /// Awaits the first request.
    pub(super) fn new(proxy: Option<IpAddr>, deadline: Time) -> Http {
        Http { scanner: HeadScanner::default(), requests: 0, proxy, deadline }
    }
}

impl Connection {
    /// Whether this is a connection of a trusted proxy on which nobody has a request.
    pub(crate) fn is_idle_of_proxy(&self) -> bool {
        matches!(self.phase, Phase::Http(Http { proxy: Some(_), .. })) && self.outbox.is_empty()
    }
}
