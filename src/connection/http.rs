//! A connection that speaks HTTP.

use std::net::IpAddr;

use crate::config::Config;
use crate::http::HeadScanner;
use crate::time::Time;

use super::body::{Body, WholeRequest};

/// A connection that speaks HTTP.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) scanner: HeadScanner,
    /// The request whose head has come and whose body is coming.
    pub(super) body: Option<Box<Body>>,
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

    /// A request head has come, and this is what follows it. Its deadline is that of the request.
    pub(crate) fn await_body(&mut self, body: Body) {
        self.body = Some(Box::new(body));
    }

    /// Takes what `input` has of the body that is awaited. Says how many bytes that were, and gives
    /// the request if no more of it will come.
    pub(crate) fn receive_body(&mut self, input: &[u8]) -> (usize, Option<WholeRequest>) {
        let Some(body) = &mut self.body else { return (0, None) };
        let (used, outcome) = match body.receive(input) {
            Ok((used, false)) => return (used, None),
            Ok((used, true)) => (used, Ok(())),
            // What follows means nothing any more.
            Err(error) => (input.len(), Err(error)),
        };
        (used, self.body.take().map(|body| body.end(outcome)))
    }

    /// Whether the body of a request is awaited, and not a head.
    pub(crate) fn awaits_body(&self) -> bool {
        self.body.is_some()
    }

    /// Bytes of memory held for a request that is not complete.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.buffered_bytes())
    }

    /// The time for the next request begins now.
    pub(super) fn await_head(&mut self, config: &Config, now: Time) {
        self.deadline = now.after_ms(u64::from(config.limits.handshake_timeout_ms));
    }
}
