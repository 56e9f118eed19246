//! A connection that speaks HTTP.

use std::net::IpAddr;

use crate::config::Config;
use crate::http::HeadScanner;
use crate::time::Time;

use super::body::Body;

/// A connection that speaks HTTP.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) scanner: HeadScanner,
    /// The request whose head has come and whose body is coming.
    pub(crate) body: Option<Box<Body>>,
    /// Requests answered.
    pub(crate) requests: u32,
    /// The trusted proxy that hands them on.
    pub(crate) proxy: Option<IpAddr>,
    /// When the next request must be complete. Its bytes do not push it out.
    pub(super) deadline: Time,
}

impl Http {
    /// Awaits the first request.
    pub(super) fn new(proxy: Option<IpAddr>, deadline: Time) -> Http {
        Http { scanner: HeadScanner::default(), body: None, requests: 0, proxy, deadline }
    }

    /// The time for the next request begins now.
    pub(super) fn await_head(&mut self, config: &Config, now: Time) {
        self.deadline = now.after_ms(u64::from(config.limits.handshake_timeout_ms));
    }
}
