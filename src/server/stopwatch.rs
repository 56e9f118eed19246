//! How long a turn took, and each of its phases.

use std::time::Duration;

/// The phases of a turn that are timed: events, accept, read, sweep, commit, write, reap.
const PHASES: usize = 7;

/// A turn that is being timed.
#[derive(Debug)]
pub(super) struct Stopwatch {
    started: Duration,
    /// When the phases that are over ended.
    ended: [Duration; PHASES],
    phases: usize,
}

impl Stopwatch {
    /// A turn starts now.
    pub(super) fn start(now: Duration) -> Stopwatch {
        Stopwatch { started: now, ended: [now; PHASES], phases: 0 }
    }

    /// The next phase is over.
    pub(super) fn lap(&mut self, now: Duration) {
        self.ended[self.phases] = now;
        self.phases += 1;
    }

    /// How long all of it took.
    pub(super) fn total(&self) -> Duration {
        debug_assert_eq!(self.phases, PHASES);
        self.ended[PHASES - 1].saturating_sub(self.started)
    }

    /// How long each phase took.
    pub(super) fn phases(&self) -> [Duration; PHASES] {
        let mut before = self.started;
        self.ended.map(|ended| ended.saturating_sub(std::mem::replace(&mut before, ended)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_the_times_between_the_laps() {
        let mut stopwatch = Stopwatch::start(Duration::from_millis(100));
        for ms in [100, 103, 103, 110, 111, 150, 151] {
            stopwatch.lap(Duration::from_millis(ms));
        }
        let phases = stopwatch.phases().map(|phase| phase.as_millis());
        assert_eq!(phases, [0, 3, 0, 7, 1, 39, 1]);
        assert_eq!(stopwatch.total(), Duration::from_millis(51));
    }
}
