//! The program under attack: thousands of real sockets, faults of system calls, peers that vanish.
//!
//! Every test is named after its row in `docs/evidence/threats.md`, starts the release program as a
//! child and is its clients. They take minutes and want a machine that does little else, so they
//! run with `cargo test --release --test attack -- --ignored --test-threads=1 --show-output`, as
//! `.ci/run` does. Each prints what it measured.

#![cfg(target_os = "linux")]
#![allow(unreachable_pub, reason = "nothing links a test binary")]
#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test may panic")]

mod crowd;
mod endings;
mod faults;
mod load;
mod memory;
mod meter;
mod peers;
mod poller;
mod polling;
mod restart;
mod shortage;
mod storms;
mod waits;

use headcount_support::{process, program, wire};

/// Prints what a test has shown. Figures differ from run to run, so they are in
/// `docs/evidence/testing.md`; the table in `docs/evidence/threats.md` has the names of the tests.
pub fn shown(id: &str, what: &str) {
    println!("{id}: {what}");
}
