//! Whether a peer is still there: a ping from time to time, and a pong in time (RFC 6455 §5.5.2).

use crate::time::Time;

/// The heartbeat of one connection.
#[derive(Debug)]
pub struct Heartbeat {
    /// When the next ping is due, or the pong to the last one.
    due: Time,
    /// The number of the last ping, which is its application data.
    number: u32,
    awaits_pong: bool,
    /// Whether the pong is awaited for [`PROBE_MS`] only, whatever else the peer does.
    is_probe: bool,
}

/// When to ping and how long to wait.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Whose pings show that the peer is there.
    pub pings: Pings,
    /// From a pong to the next ping, in ms, before jitter.
    pub ping_interval_ms: u32,
    /// From a ping to its pong, in ms.
    pub pong_timeout_ms: u32,
    /// Where the jitter of this connection starts.
    pub seed: u64,
}

/// Whose pings show that a peer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pings {
    /// Ours, which the peer answers.
    Ours,
    /// The peer's own, one in each interval, or whatever else it sends. It is never asked, except
    /// by a [probe](Heartbeat::probe) or when we were away.
    Peers,
}

impl Pace {
    /// From what shows that the peer is there, or a ping, to when it is lost.
    fn patience_ms(self) -> u64 {
        let interval_ms = match self.pings {
            Pings::Ours => 0,
            Pings::Peers => self.ping_interval_ms,
        };
        u64::from(interval_ms) + u64::from(self.pong_timeout_ms)
    }
}

/// What a heartbeat does when its deadline has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Beat {
    /// Send a ping with this application data.
    Ping([u8; 4]),
    /// The peer is gone.
    Lost,
}

/// Between two times at which pings are due, unless the interval is short, in ms.
const STEP_MS_MAX: u64 = 1000;

/// How long a peer has to answer that is in somebody's way, in ms.
const PROBE_MS: u64 = 1_000;

impl Heartbeat {
    /// A heartbeat that starts now.
    pub fn new(pace: Pace, now: Time) -> Heartbeat {
        let mut heartbeat = Heartbeat { due: now, number: 0, awaits_pong: false, is_probe: false };
        heartbeat.rest(pace, now);
        heartbeat
    }

    /// When [`beat`](Self::beat) is to be called.
    pub fn deadline(&self) -> Time {
        self.due
    }

    /// Sends a ping, or finds that the last one was not answered.
    ///
    /// When this is called a whole timeout late, it was this process that was away, stopped or with
    /// the machine asleep: then nobody is at fault, and the peer is asked once more.
    pub fn beat(&mut self, pace: Pace, now: Time) -> Beat {
        let was_away = now.ms_since(self.due) > u64::from(pace.pong_timeout_ms);
        if self.awaits_pong && !was_away {
            return Beat::Lost;
        }
        self.number = self.number.wrapping_add(1);
        self.awaits_pong = true;
        let patience_ms = if self.is_probe { PROBE_MS } else { pace.patience_ms() };
        self.due = now.after_ms(patience_ms);
        Beat::Ping(self.number.to_be_bytes())
    }

    /// Whether a ping was not answered yet, and the peer may take its time.
    pub fn is_patient(&self) -> bool {
        self.awaits_pong && !self.is_probe
    }

    /// Asks at once, as somebody waits for the answer: for that to a ping which is on its way, or
    /// by another one, with this application data.
    pub fn probe(&mut self, pace: Pace, now: Time) -> Option<[u8; 4]> {
        let is_asked = match pace.pings {
            Pings::Ours => self.awaits_pong,
            Pings::Peers => self.is_probe,
        };
        self.awaits_pong = true;
        let due = now.after_ms(PROBE_MS);
        self.due = if is_asked { self.due.min(due) } else { due };
        self.is_probe = true;
        if is_asked {
            return None;
        }
        self.number = self.number.wrapping_add(1);
        Some(self.number.to_be_bytes())
    }

    /// Asks nothing until this time, and then anew, as urgently as before: a peer that may not
    /// answer now has all of its time after that.
    pub fn wait_until(&mut self, due: Time) {
        self.awaits_pong = false;
        self.due = due;
    }

    /// Waits once more for the pong: something else shows that the peer is there.
    pub fn put_off(&mut self, pace: Pace, now: Time) {
        self.due = now.after_ms(pace.patience_ms());
    }

    /// The peer sent something. If it pings us, that shows that it is there; but a probe has to be
    /// answered.
    pub fn heard(&mut self, pace: Pace, now: Time) {
        if pace.pings == Pings::Peers && !self.is_probe {
            self.rest(pace, now);
        }
    }

    /// A pong came: whether it is that for our ping. One that does not means nothing (§5.5.3).
    pub fn pong(&mut self, data: &[u8], pace: Pace, now: Time) -> bool {
        data == self.number.to_be_bytes() && self.message_pong(pace, now)
    }

    /// A pong came as a message, which does not say to which ping: whether one was awaited.
    pub fn message_pong(&mut self, pace: Pace, now: Time) -> bool {
        let is_answer = self.awaits_pong;
        if is_answer {
            self.rest(pace, now);
        }
        is_answer
    }

    /// Waits for the next ping. Ours is due ±10 %, so that connections which came together do not
    /// stay so.
    ///
    /// Pings are due at whole seconds. Then those of a second go out in one turn and their pongs
    /// come in few, and a server with nothing else to do sleeps in between.
    fn rest(&mut self, pace: Pace, now: Time) {
        self.is_probe = false;
        self.awaits_pong = pace.pings == Pings::Peers;
        if self.awaits_pong {
            self.due = now.after_ms(pace.patience_ms());
            return;
        }
        let interval = u64::from(pace.ping_interval_ms);
        let step = (interval / 10).clamp(1, STEP_MS_MAX);
        let first = now.after_ms(interval - interval / 10).as_ms().div_ceil(step);
        let last = now.after_ms(interval + interval / 10).as_ms() / step;
        let choices = last.saturating_sub(first) + 1;
        let chosen = first + mix(pace.seed ^ u64::from(self.number)) % choices;
        self.due = Time::from_ms(chosen.saturating_mul(step));
    }
}

/// SplitMix64's finalizer: spreads neighbouring numbers over all of the range.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { pings: Pings::Ours, ping_interval_ms: 1_000, pong_timeout_ms: 300, seed: 7 };

    #[test]
    fn ping_is_answered_or_the_peer_is_lost() {
        let mut heartbeat = Heartbeat::new(PACE, Time::ZERO);
        let due = heartbeat.deadline();
        let Beat::Ping(data) = heartbeat.beat(PACE, due) else {
            panic!("the first beat is a ping")
        };
        assert_eq!(heartbeat.deadline(), due.after_ms(300));
        heartbeat.pong(b"else", PACE, due);
        assert_eq!(heartbeat.deadline(), due.after_ms(300), "only the right pong counts");
        heartbeat.pong(&data, PACE, due.after_ms(200));
        let next = heartbeat.deadline();
        assert!(next >= due.after_ms(200 + 900));
        heartbeat.pong(&data, PACE, next.after_ms(5));
        assert_eq!(heartbeat.deadline(), next, "a pong that nobody awaits changes nothing");
        assert!(matches!(heartbeat.beat(PACE, next), Beat::Ping(other) if other != data));
        assert_eq!(heartbeat.beat(PACE, next.after_ms(300)), Beat::Lost);
    }

    #[test]
    fn peer_is_asked_again_if_nobody_could_have_heard_it() {
        let mut heartbeat = Heartbeat::new(PACE, Time::ZERO);
        heartbeat.beat(PACE, heartbeat.deadline());
        let woken = heartbeat.deadline().after_ms(3_600_000);
        assert!(matches!(heartbeat.beat(PACE, woken), Beat::Ping(_)));
        assert_eq!(heartbeat.beat(PACE, woken.after_ms(300)), Beat::Lost);
    }

    #[test]
    fn pings_are_due_at_whole_seconds() {
        let pace = Pace { ping_interval_ms: 25_000, ..PACE };
        for (seed, ms) in (0..1_000).zip((0..).step_by(37)) {
            let now = Time::from_ms(ms);
            let due = Heartbeat::new(Pace { seed, ..pace }, now).deadline();
            assert_eq!(due.as_ms() % 1_000, 0);
            assert!((22_500..=27_500).contains(&due.ms_since(now)), "{} ms", due.ms_since(now));
        }
    }

    #[test]
    fn intervals_are_spread_over_a_fifth() {
        let intervals: Vec<u64> = (0..1_000)
            .map(|seed| Heartbeat::new(Pace { seed, ..PACE }, Time::ZERO).deadline().as_ms())
            .collect();
        assert_eq!((intervals.iter().min(), intervals.iter().max()), (Some(&900), Some(&1_100)));
    }

    /// The peer pings, and has an interval and the timeout for that.
    #[test]
    fn peer_that_pings_is_not_asked_and_is_lost_if_it_says_nothing() {
        let pace = Pace { pings: Pings::Peers, ..PACE };
        let mut heartbeat = Heartbeat::new(pace, Time::ZERO);
        assert_eq!(heartbeat.deadline(), Time::from_ms(1_300));
        heartbeat.heard(pace, Time::from_ms(1_000));
        assert_eq!(heartbeat.deadline(), Time::from_ms(2_300));
        assert_eq!(heartbeat.beat(pace, Time::from_ms(2_300)), Beat::Lost);
        // Nothing could have come while this process was away.
        let away = Time::from_ms(1_000_000);
        assert!(matches!(heartbeat.beat(pace, away), Beat::Ping(_)));
        assert_eq!(heartbeat.deadline(), away.after_ms(1_300));
    }

    #[test]
    fn peer_that_was_asked_and_may_not_answer_is_asked_anew() {
        let mut heartbeat = Heartbeat::new(PACE, Time::ZERO);
        assert!(matches!(heartbeat.beat(PACE, Time::from_ms(1_000)), Beat::Ping(_)));
        heartbeat.wait_until(Time::from_ms(1_100));
        assert!(matches!(heartbeat.beat(PACE, Time::from_ms(1_100)), Beat::Ping(_)));
        assert_eq!(heartbeat.deadline(), Time::from_ms(1_400));
    }

    /// Somebody still waits for the answer.
    #[test]
    fn peer_in_the_way_that_may_not_answer_is_asked_anew_and_has_as_little_time() {
        let mut heartbeat = Heartbeat::new(PACE, Time::ZERO);
        assert!(heartbeat.probe(PACE, Time::ZERO).is_some());
        heartbeat.wait_until(Time::from_ms(1_100));
        assert!(matches!(heartbeat.beat(PACE, Time::from_ms(1_100)), Beat::Ping(_)));
        assert_eq!(heartbeat.deadline(), Time::from_ms(1_100 + PROBE_MS));
        assert_eq!(heartbeat.beat(PACE, heartbeat.deadline()), Beat::Lost);
    }

    #[test]
    fn probe_asks_a_peer_that_pings_and_only_a_pong_answers_it() {
        let pace = Pace { pings: Pings::Peers, ping_interval_ms: 25_000, ..PACE };
        let mut heartbeat = Heartbeat::new(pace, Time::ZERO);
        let data = heartbeat.probe(pace, Time::ZERO).expect("it is asked");
        assert_eq!(heartbeat.probe(pace, Time::ZERO), None, "once");
        assert_eq!(heartbeat.deadline(), Time::from_ms(PROBE_MS));
        heartbeat.heard(pace, Time::from_ms(10));
        assert_eq!(heartbeat.deadline(), Time::from_ms(PROBE_MS));
        assert!(heartbeat.pong(&data, pace, Time::from_ms(20)));
        assert_eq!(heartbeat.deadline(), Time::from_ms(25_320));
        assert!(heartbeat.probe(pace, Time::from_ms(30)).is_some());
    }
}
