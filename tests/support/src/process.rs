//! What the kernel says of a process.

use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{Program, in_rooms};

/// Longer than anything takes that is waited for here.
pub const PATIENCE: Duration = Duration::from_secs(60);

impl Program {
    /// Memory that is in no file, in bytes.
    pub fn memory_bytes(&self) -> u64 {
        self.status("RssAnon:") * 1024
    }

    /// How often it has gone to sleep, and so will have been woken.
    pub fn wakeups(&self) -> u64 {
        self.status("voluntary_ctxt_switches:")
    }

    /// CPU time used so far.
    pub fn cpu(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/schedstat", self.child.id())).unwrap();
        Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
    }

    fn status(&self, field: &str) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(field)).expect("a field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// What it uses while `doing` runs.
    pub fn usage<T>(&self, doing: impl FnOnce() -> T) -> (Usage, T) {
        let (started, wakeups, cpu) = (Instant::now(), self.wakeups(), self.cpu());
        let result = doing();
        let seconds = started.elapsed().as_secs_f64();
        let usage = Usage {
            wakeups_per_second: (self.wakeups() - wakeups) as f64 / seconds,
            cpu_percent: (self.cpu() - cpu).as_secs_f64() / seconds * 100.0,
        };
        (usage, result)
    }

    /// Waits until it holds as many descriptors as it did and no connection: each slot is given
    /// back, and nobody is counted as one who watches or has a name.
    pub fn wait_for_base(&self, open_files: usize) -> Duration {
        let started = Instant::now();
        loop {
            let files = self.open_files();
            if files == open_files && in_rooms(self.addresses[0]) == [0, 0, 0] {
                return started.elapsed();
            }
            assert!(started.elapsed() < PATIENCE, "{files} open files, there were {open_files}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What a process used in some time.
#[derive(Debug)]
pub struct Usage {
    pub wakeups_per_second: f64,
    pub cpu_percent: f64,
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} wake-ups a second, CPU {:.3} %", self.wakeups_per_second, self.cpu_percent)
    }
}
