//! What this machine allows the process.

use std::fs::{self, File};
use std::io::{self, Read};

use rustix::process::{Resource, getrlimit, setrlimit};

/// File descriptors that are kept for everything that is not a connection.
pub(crate) const RESERVED_FILES: u64 = 64;

/// The number of connections that the limit on open files leaves room for.
pub(crate) fn connections_possible() -> u32 {
    let files = raise_files();
    u32::try_from(files.saturating_sub(RESERVED_FILES).max(1)).unwrap_or(u32::MAX)
}

/// Raises the limit on open files as far as it may be raised, and says how many there may be.
pub(crate) fn raise_files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum {
        let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    limit.current.unwrap_or(u64::MAX)
}

/// The memory that the process may use, in bytes: the machine's, or less if a control group says
/// so; `None` if the system does not tell.
pub(crate) fn memory_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|info| {
        let kibibytes = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        kibibytes.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    });
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|limit| limit.trim().parse::<u64>().ok());
    machine.into_iter().chain(group).min()
}

/// Bytes that nobody can guess.
pub(crate) fn random_bytes() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The system's words for an error, without its number.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_lowercase())
}
