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
use crate::connection::Cause;
use crate::http::Status;
use crate::hub::{Reaped, Refusal, RefusedOrigin};
use crate::rate::Quota;
use crate::tally::AcceptError;
use crate::time::Time;

use super::stopwatch::Stopwatch;

/// The log of one server.
#[derive(Debug)]
pub(super) struct Journal {
    /// By the place of their topic.
    quotas: [Quota; TOPICS],
    /// Lines left out since the start.
    left_out: u64,
    /// There is nothing to be said of lines that were left out before this.
    settle_at: Time,
}

/// What a line is about.
#[derive(Clone, Copy, Debug)]
enum Topic {
    Closed(Cause),
    Refused(Refusal),
    NotAccepted(AcceptError),
    Origin,
    Stall,
}

const REFUSED: usize = Cause::NAMES.len();
const NOT_ACCEPTED: usize = REFUSED + 2;
const ORIGIN: usize = NOT_ACCEPTED + AcceptError::ALL.len();
const STALL: usize = ORIGIN + 1;
const TOPICS: usize = STALL + 1;

impl Topic {
    const fn place(self) -> usize {
        match self {
            Topic::Closed(cause) => cause.place(),
            Topic::Refused(Refusal::Full) => REFUSED,
            Topic::Refused(Refusal::TooManyFromAddress) => REFUSED + 1,
            Topic::NotAccepted(error) => NOT_ACCEPTED + error as usize,
            Topic::Origin => ORIGIN,
            Topic::Stall => STALL,
        }
    }

    /// The name of the topic in a place.
    const fn name(place: usize) -> &'static str {
        match place {
            0..REFUSED => Cause::NAMES[place],
            REFUSED => "full",
            STALL => "stall",
            ORIGIN => "origin",
            NOT_ACCEPTED..ORIGIN => AcceptError::ALL[place - NOT_ACCEPTED].1,
            _ => "address",
        }
    }
}

impl Journal {
    pub(super) fn new() -> Journal {
        Journal { quotas: [Quota::default(); TOPICS], left_out: 0, settle_at: Time::NEVER }
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
        for (place, quota) in self.quotas.iter_mut().enumerate() {
            if let Some(lines) = quota.settle(now) {
                warn!(about = Topic::name(place), lines, "lines left out");
            }
            self.settle_at = self.settle_at.min(quota.settle_at());
        }
    }

    /// Whether one more line may be written.
    fn grants(&mut self, topic: Topic, now: Time) -> bool {
        let quota = &mut self.quotas[topic.place()];
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
        let topic = Topic::Closed(cause);
        let address = Peer(address);
        match cause {
            Cause::Closed | Cause::Ended | Cause::Answered | Cause::Stopping => {}
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
                    warn!(cause = Topic::name(topic.place()), %address, "request refused");
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
        let cause = Topic::name(topic.place());
        let address = AddressKey::new(address);
        if enabled!(Level::WARN) && self.grants(topic, now) {
            warn!(cause, %address, "connection refused");
        }
    }

    /// A connection could not be accepted.
    pub(super) fn not_accepted(&mut self, error: AcceptError, now: Time) {
        let topic = Topic::NotAccepted(error);
        let errno = Topic::name(topic.place());
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
    fn every_topic_has_a_place_and_a_name_of_its_own() {
        let refusals = [Refusal::Full, Refusal::TooManyFromAddress];
        let mut topics: Vec<Topic> = refusals.into_iter().map(Topic::Refused).collect();
        topics.extend(AcceptError::ALL.map(|(error, _)| Topic::NotAccepted(error)));
        topics.extend([Topic::Origin, Topic::Stall]);
        let places: Vec<usize> = topics.iter().map(|topic| topic.place()).collect();
        assert!(places.into_iter().eq(REFUSED..TOPICS));
        let names: BTreeSet<_> = (0..TOPICS).map(Topic::name).collect();
        assert_eq!(names.len(), TOPICS);
    }
}
