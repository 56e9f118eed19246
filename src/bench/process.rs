//! What can be done to a process.

use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::problem::Problem;

/// Ends a process at once.
pub(super) fn stop(child: &mut Child) {
    // Both fail only if it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}

/// Has a process stand still, or go on.
pub(super) fn pause(child: &Child, is_paused: bool) -> Result<(), Problem> {
    let signal = if is_paused { Signal::STOP } else { Signal::CONT };
    kill_process(Pid::from_child(child), signal)
        .map_err(|error| Problem::System("pause a process", error.into()))
}
