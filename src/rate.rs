//! Token buckets: how often a peer may do something.
//!
//! The arithmetic is exact in integers. A bucket counts in units of 1/`per_ms` token, so that a
//! millisecond adds exactly `count` units and no fraction is ever lost, however often it is asked.

use crate::time::Time;

/// `count` tokens every `per_ms` milliseconds, at most `burst` of them saved up.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Tokens that one period brings.
    pub count: u32,
    /// The length of the period, in milliseconds.
    pub per_ms: u32,
    /// The size of the bucket, in tokens.
    pub burst: u32,
}

impl Rate {
    /// `count` tokens a second.
    pub const fn per_second(count: u32, burst: u32) -> Rate {
        Rate { count, per_ms: 1_000, burst }
    }

    /// `count` tokens a minute, all of which may be spent at once.
    pub const fn per_minute(count: u32) -> Rate {
        Rate { count, per_ms: 60_000, burst: count }
    }

    const fn full(self) -> u64 {
        self.burst as u64 * self.per_ms as u64
    }
}

/// The tokens that are left under one [`Rate`], in its units.
#[derive(Clone, Copy, Debug)]
struct Level(u64);

impl Level {
    fn fill(&mut self, rate: Rate, passed_ms: u64) {
        let gained = passed_ms.saturating_mul(u64::from(rate.count));
        self.0 = self.0.saturating_add(gained).min(rate.full());
    }

    fn take(&mut self, rate: Rate, tokens: u32) -> bool {
        let cost = u64::from(tokens) * u64::from(rate.per_ms);
        let enough = self.0 >= cost;
        if enough {
            self.0 -= cost;
        }
        enough
    }
}

/// The tokens that one peer has left under one [`Rate`].
#[derive(Clone, Copy, Debug)]
pub struct Bucket(Buckets<1>);

impl Bucket {
    /// A full bucket.
    pub const fn new(rate: Rate, now: Time) -> Bucket {
        Bucket(Buckets::new([rate], now))
    }

    /// Takes `tokens` out, or takes nothing and says `false` if there are not so many.
    #[must_use]
    pub fn take(&mut self, rate: Rate, tokens: u32, now: Time) -> bool {
        self.0.take([rate], 0, tokens, now)
    }

    /// Whether the bucket has filled up again: it then says no more than a new one would.
    pub fn is_full(&mut self, rate: Rate, now: Time) -> bool {
        self.0.lack_at_most([rate], [0], now)
    }
}

/// The tokens that one peer has left under several rates. They are filled together, and so there
/// is one time for them all: that is nearly half of what single buckets would take.
#[derive(Clone, Copy, Debug)]
pub struct Buckets<const N: usize> {
    levels: [Level; N],
    filled_at: Time,
}

impl<const N: usize> Buckets<N> {
    /// Full buckets.
    pub const fn new(rates: [Rate; N], now: Time) -> Buckets<N> {
        let mut levels = [Level(0); N];
        let mut index = 0;
        while index < N {
            levels[index] = Level(rates[index].full());
            index += 1;
        }
        Buckets { levels, filled_at: now }
    }

    /// As [`Bucket::take`], out of the bucket of this index.
    #[must_use]
    pub fn take(&mut self, rates: [Rate; N], index: usize, tokens: u32, now: Time) -> bool {
        self.fill(rates, now);
        self.levels[index].take(rates[index], tokens)
    }

    /// Whether no bucket lacks more than so many tokens.
    pub fn lack_at_most(&mut self, rates: [Rate; N], tokens: [u32; N], now: Time) -> bool {
        self.fill(rates, now);
        let is_close = |((level, rate), tokens): ((&Level, Rate), u32)| {
            rate.full() - level.0 <= u64::from(tokens) * u64::from(rate.per_ms)
        };
        self.levels.iter().zip(rates).zip(tokens).all(is_close)
    }

    fn fill(&mut self, rates: [Rate; N], now: Time) {
        let passed_ms = now.ms_since(self.filled_at);
        for (level, rate) in self.levels.iter_mut().zip(rates) {
            level.fill(rate, passed_ms);
        }
        self.filled_at = self.filled_at.max(now);
    }
}

/// Ten in a second, and a count of those that were too many.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quota {
    /// When the second began that is counted.
    since: Option<Time>,
    granted: u32,
    left_out: u64,
}

impl Quota {
    /// What is granted in a second.
    const MAX: u32 = 10;

    /// Takes one, if there is one left in this second.
    #[must_use]
    pub fn take(&mut self, now: Time) -> bool {
        let is_over = self.since.is_none_or(|since| now.ms_since(since) >= 1000);
        if is_over && self.left_out == 0 {
            (self.since, self.granted) = (Some(now), 0);
        }
        let is_left = self.granted < Quota::MAX;
        match is_left {
            true => self.granted += 1,
            false => self.left_out += 1,
        }
        is_left
    }

    /// When [`settle`](Self::settle) has something to tell.
    pub fn settle_at(&self) -> Time {
        match self.since {
            Some(since) if self.left_out > 0 => since.after_ms(1000),
            _ => Time::NEVER,
        }
    }

    /// How many were too many, if there were any and their second is over. To tell it is the first
    /// of the next.
    pub fn settle(&mut self, now: Time) -> Option<u64> {
        if self.left_out == 0 || now < self.settle_at() {
            return None;
        }
        (self.since, self.granted) = (Some(now), 1);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_grants_the_burst_and_then_the_rate() {
        let rate = Rate::per_second(20, 40);
        let mut bucket = Bucket::new(rate, Time::ZERO);
        assert_eq!((0..100).filter(|_| bucket.take(rate, 1, Time::ZERO)).count(), 40);
        // Asked every millisecond for ten seconds: no fraction is lost and none is invented.
        let granted = (1..=10_000).filter(|&ms| bucket.take(rate, 1, Time::from_ms(ms))).count();
        assert_eq!(granted, 200);
    }

    #[test]
    fn quota_is_for_a_second_and_what_is_over_is_told_in_the_next() {
        let mut quota = Quota::default();
        let second = |quota: &mut Quota, ms: u64| {
            (0..100).filter(|index| quota.take(Time::from_ms(ms + index))).count()
        };
        assert_eq!(quota.settle(Time::NEVER), None);
        assert_eq!(second(&mut quota, 5_000), 10);
        assert_eq!(quota.settle(Time::from_ms(5_999)), None);
        assert_eq!(quota.settle_at(), Time::from_ms(6_000));
        assert_eq!(quota.settle(Time::from_ms(6_000)), Some(90));
        assert_eq!(second(&mut quota, 6_001), 9);
        assert_eq!(quota.settle(Time::from_ms(7_000)), Some(91));
        assert_eq!(second(&mut quota, 9_000), 10);
    }

    #[test]
    fn bucket_fills_up_and_no_further() {
        let rate = Rate::per_minute(5);
        let mut bucket = Bucket::new(rate, Time::ZERO);
        assert!(bucket.take(rate, 5, Time::ZERO));
        assert!(!bucket.take(rate, 1, Time::from_ms(11_999)));
        assert!(bucket.take(rate, 1, Time::from_ms(12_000)));
        assert!(bucket.is_full(rate, Time::from_ms(u64::MAX)));
        assert!(!bucket.take(rate, 6, Time::NEVER));
    }
}
