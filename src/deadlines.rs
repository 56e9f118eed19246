//! The next deadline of each connection.
//!
//! A dense array with one number a connection, swept when the earliest of them may have come. A
//! sweep looks at all of them, which for 100,000 connections costs less than one system call for
//! each of a few dozen; so there is no heap or wheel to keep in order, nothing to cancel, and the
//! same inputs give the same order.

use crate::time::Time;

/// A deadline is met up to this much late, in ms: those that fall together are swept together.
const TICK_MS: u64 = 100;

/// The deadlines, by the index of their connection.
#[derive(Debug, Default)]
pub struct Deadlines {
    /// In ticks since the start, rounded up; [`NONE`] if there is none. 13 years fit.
    ticks: Vec<u32>,
    /// No deadline is earlier than this.
    earliest: Option<u32>,
}

const NONE: u32 = u32::MAX;

impl Deadlines {
    /// Sets the one deadline of connection `index`; [`Time::NEVER`] for none.
    pub fn set(&mut self, index: usize, deadline: Time) {
        if index >= self.ticks.len() {
            self.ticks.resize(index + 1, NONE);
        }
        let tick = u32::try_from(deadline.as_ms().div_ceil(TICK_MS)).unwrap_or(NONE);
        self.ticks[index] = tick;
        if tick < self.earliest.unwrap_or(NONE) {
            self.earliest = Some(tick);
        }
    }

    /// When to sweep next. Nothing is due before.
    pub fn next(&self) -> Time {
        self.earliest.map_or(Time::NEVER, |tick| Time::from_ms(u64::from(tick) * TICK_MS))
    }

    /// Appends connections whose deadline has come to `due`, until that has `max`, and takes their
    /// deadline away. Then [`next`](Self::next) tells whether there are more.
    pub fn sweep(&mut self, now: Time, max: usize, due: &mut Vec<usize>) {
        if now < self.next() {
            return;
        }
        let now = u32::try_from(now.as_ms() / TICK_MS).unwrap_or(NONE - 1);
        let mut earliest = NONE;
        for (index, tick) in self.ticks.iter_mut().enumerate() {
            if *tick <= now && due.len() < max {
                *tick = NONE;
                due.push(index);
            }
            earliest = earliest.min(*tick);
        }
        self.earliest = (earliest != NONE).then_some(earliest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadline_comes_once_and_never_early() {
        let mut deadlines = Deadlines::default();
        deadlines.set(0, Time::from_ms(250));
        deadlines.set(3, Time::from_ms(1));
        deadlines.set(5, Time::NEVER);
        let mut due = Vec::new();
        for ms in 0..1_000 {
            let before = due.len();
            deadlines.sweep(Time::from_ms(ms), 10, &mut due);
            let expected: &[usize] = match ms {
                100 => &[3],
                300 => &[0],
                _ => &[],
            };
            assert_eq!(&due[before..], expected, "at {ms} ms");
        }
        assert_eq!(deadlines.next(), Time::NEVER);
        deadlines.set(1, Time::from_ms(90_000));
        assert_eq!(deadlines.next(), Time::from_ms(90_000));
    }

    #[test]
    fn deadlines_that_come_together_are_met_in_order_and_in_parts() {
        let mut deadlines = Deadlines::default();
        (0..25).for_each(|index| deadlines.set(index, Time::from_ms(100)));
        let mut met = Vec::new();
        while deadlines.next() < Time::NEVER {
            let mut due = Vec::new();
            deadlines.sweep(Time::from_ms(150), 10, &mut due);
            assert_eq!(due.len(), 10.min(25 - met.len()));
            met.append(&mut due);
        }
        assert!(met.into_iter().eq(0..25));
    }
}
