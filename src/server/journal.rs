//! What the driver writes into the log, and how much of it.
//!
//! Nothing that a peer can cause, however often, fills the log: of each topic there are ten lines a
//! second, and then one that says how many more there would have been. And nothing that a peer has
//! said is in a line, only what it did. The one exception is an origin that is refused, since the
//! line is of no use without it: that is escaped, quoted where it is no plain word, and cut.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use tracing::{Level, debug, enabled, error, info, warn};

use crate::addresses::AddressKey;
use crate::connection::{Cause, CauseKind};
use crate::http::Status;
use crate::hub::{Reaped, Refusal, RefusedOrigin};
use crate::rate::Quota;
use crate::tally::AcceptError;
use crate::time::Time;

use super::stopwatch::Stopwatch;

/// The log of one server.
#[derive(Debug)]
pub(super) struct Journal {
    quotas: Quotas,
    /// Lines left out since the start.
    left_out: u64,
    /// There is nothing to be said of lines that were left out before this.
    settle_at: Time,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Closed(CauseKind),
    Refused(Refusal),
    NotAccepted(AcceptError),
    Origin,
    Stall,
}

/// How many more lines there may be on each topic.
#[derive(Debug, Default)]
struct Quotas {
    closed: [Quota; CauseKind::ALL.len()],
    refused: [Quota; Refusal::ALL.len()],
    not_accepted: [Quota; AcceptError::ALL.len()],
    origin: Quota,
    stall: Quota,
}

impl Quotas {
    fn of(&mut self, topic: Topic) -> &mut Quota {
        match topic {
            Topic::Closed(cause) => &mut self.closed[cause as usize],
            Topic::Refused(refusal) => &mut self.refused[refusal as usize],
            Topic::NotAccepted(error) => &mut self.not_accepted[error as usize],
            Topic::Origin => &mut self.origin,
            Topic::Stall => &mut self.stall,
        }
    }

    /// Each of them with the topic that it is of.
    fn all(&mut self) -> impl Iterator<Item = (Topic, &mut Quota)> {
        let closed = CauseKind::ALL.map(|(kind, _)| Topic::Closed(kind));
        let refused = Refusal::ALL.map(|(refusal, _)| Topic::Refused(refusal));
        let not_accepted = AcceptError::ALL.map(|(error, _)| Topic::NotAccepted(error));
        let others = [(Topic::Origin, &mut self.origin), (Topic::Stall, &mut self.stall)];
        closed
            .into_iter()
            .zip(&mut self.closed)
            .chain(refused.into_iter().zip(&mut self.refused))
            .chain(not_accepted.into_iter().zip(&mut self.not_accepted))
            .chain(others)
    }
}

impl Topic {
    const fn name(self) -> &'static str {
        match self {
            Topic::Closed(cause) => CauseKind::ALL[cause as usize].1,
            Topic::Refused(refusal) => Refusal::ALL[refusal as usize].1,
            Topic::NotAccepted(error) => AcceptError::ALL[error as usize].1,
            Topic::Origin => "origin",
            Topic::Stall => "stall",
        }
    }
}

impl Journal {
    pub(super) fn new() -> Journal {
        Journal { quotas: Quotas::default(), left_out: 0, settle_at: Time::NEVER }
    }

    /// Lines left out since the start.
    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }

    /// When [`settle`](Self::settle) has something to say.
    pub(super) fn settle_at(&self) -> Time {
        self.settle_at
    }

    /// Says how many lines were left out in seconds that are over.
    pub(super) fn settle(&mut self, now: Time) {
        if now < self.settle_at {
            return;
        }
        self.settle_at = Time::NEVER;
        for (topic, quota) in self.quotas.all() {
            if let Some(lines) = quota.settle(now) {
                warn!(about = topic.name(), lines, "lines left out");
            }
            self.settle_at = self.settle_at.min(quota.settle_at());
        }
    }

    /// Whether one more line may be written.
    fn grants(&mut self, topic: Topic, now: Time) -> bool {
        let quota = self.quotas.of(topic);
        let granted = quota.take(now);
        if !granted {
            self.left_out += 1;
            self.settle_at = self.settle_at.min(quota.settle_at());
        }
        granted
    }

    /// A connection has ended. Those that end well are not worth a line.
    pub(super) fn closed(&mut self, reaped: &Reaped, now: Time) {
        let Reaped { cause, address, .. } = *reaped;
        let topic = Topic::Closed(cause.kind());
        let address = Peer(address);
        match cause {
            Cause::Closed
            | Cause::LoggedOut
            | Cause::Ended
            | Cause::Answered
            | Cause::Upgraded
            | Cause::Stopping => {}
            Cause::Panicked => {
                if enabled!(Level::ERROR) && self.grants(topic, now) {
                    error!(%cause, %address, "connection closed");
                }
            }
            Cause::Shed => {
                if enabled!(Level::WARN) && self.grants(topic, now) {
                    warn!(%cause, %address, "connection closed");
                }
            }
            // RFC 6455 §7.1.7: a failed connection should be logged.
            Cause::Protocol(_) | Cause::SocketIo(_) | Cause::TooFast | Cause::Displaced => {
                if enabled!(Level::INFO) && self.grants(topic, now) {
                    info!(%cause, %address, "connection closed");
                }
            }
            // The client of a trusted proxy, as one that comes by itself.
            Cause::Refused(Status::TooManyRequests) => {
                let topic = Topic::Refused(Refusal::TooManyFromAddress);
                if enabled!(Level::WARN) && self.grants(topic, now) {
                    warn!(cause = topic.name(), %address, "request refused");
                }
            }
            Cause::Lost | Cause::Refused(_) | Cause::TimedOut(_) => {
                if enabled!(Level::DEBUG) && self.grants(topic, now) {
                    debug!(%cause, %address, "connection closed");
                }
            }
        }
    }

    /// A connection was not taken.
    pub(super) fn refused(&mut self, refusal: Refusal, address: IpAddr, now: Time) {
        let topic = Topic::Refused(refusal);
        let cause = topic.name();
        let address = AddressKey::new(address);
        if enabled!(Level::WARN) && self.grants(topic, now) {
            warn!(cause, %address, "connection refused");
        }
    }

    /// A connection could not be accepted.
    pub(super) fn not_accepted(&mut self, error: AcceptError, now: Time) {
        let topic = Topic::NotAccepted(error);
        let errno = topic.name();
        if error.is_shortage() {
            if enabled!(Level::WARN) && self.grants(topic, now) {
                warn!(errno, "accepting paused");
            }
        } else if enabled!(Level::DEBUG) && self.grants(topic, now) {
            debug!(errno, "connection not accepted");
        }
    }

    /// A page may not connect. The operator can let it in, so this is no secret between the two.
    pub(super) fn origin_refused(&mut self, refused: &RefusedOrigin, now: Time) {
        if enabled!(Level::WARN) && self.grants(Topic::Origin, now) {
            let address = Peer(refused.address);
            warn!(origin = %refused, %address, "origin refused: not in --allow-origin");
        }
    }

    /// A turn took too long.
    pub(super) fn stalled(&mut self, stopwatch: &Stopwatch, now: Time) {
        if enabled!(Level::WARN) && self.grants(Topic::Stall, now) {
            let us = |duration: Duration| duration.as_micros();
            let total_us = us(stopwatch.total());
            let [events_us, accept_us, read_us, sweep_us, commit_us, write_us, reap_us] =
                stopwatch.phases().map(us);
            warn!(
                total_us,
                events_us,
                accept_us,
                read_us,
                sweep_us,
                commit_us,
                write_us,
                reap_us,
                "the loop stalled"
            );
        }
    }
}

/// Where a connection comes from. Loopback is exempt from limits and left out, and so is a trusted
/// proxy that has no request.
struct Peer(Option<AddressKey>);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("exempt"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_topic_has_a_quota_and_a_name_of_its_own() {
        let topics: Vec<Topic> = Quotas::default().all().map(|(topic, _)| topic).collect();
        let names: BTreeSet<_> = topics.iter().map(|topic| topic.name()).collect();
        assert_eq!(names.len(), topics.len());
        for topic in &topics {
            let mut quotas = Quotas::default();
            while quotas.of(*topic).take(Time::ZERO) {}
            for (other, quota) in quotas.all() {
                assert_eq!(quota.take(Time::ZERO), other != *topic, "{other:?} after {topic:?}");
            }
        }
    }
}
