//! Which CPU the server runs on and which one its clients: measured side by side on one, they would
//! measure each other.

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A CPU for the server and one for the clients, if there are two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cpus {
    pub(crate) server: Option<usize>,
    pub(crate) clients: Option<usize>,
}

impl Cpus {
    /// The first two that this process may use; none if there is only one, and the system shares
    /// it out.
    pub(crate) fn choose() -> Cpus {
        let Ok(allowed) = sched_getaffinity(None) else { return Cpus::default() };
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu));
        match (allowed.next(), allowed.next()) {
            (Some(first), Some(second)) => Cpus { server: Some(first), clients: Some(second) },
            _ => Cpus::default(),
        }
    }
}

/// Binds a process, or this one, to a CPU. Where that is not allowed it stays as it was.
pub(crate) fn pin(pid: Option<u32>, cpu: Option<usize>) {
    let Some(cpu) = cpu else { return };
    let mut only = CpuSet::new();
    only.set(cpu);
    let _ = sched_setaffinity(pid.and_then(|pid| Pid::from_raw(pid as i32)), &only);
}
