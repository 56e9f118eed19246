//! What this machine allows the process.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::rand::GetRandomFlags;

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

/// The memory that the process may use, in bytes: the machine's, or less if one of its control
/// groups says so; `None` if the system does not tell.
pub(crate) fn memory_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|info| {
        let kibibytes = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        kibibytes.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
    });
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limit = |file: &Path| fs::read_to_string(file).ok()?.trim().parse().ok();
    machine.into_iter().chain(memory_files(&groups).iter().filter_map(|file| limit(file))).min()
}

/// The files with the limits of a process's control group and of those around it, by what
/// `/proc/self/cgroup` says (cgroups(7), version 2). In a container the outermost is its own.
fn memory_files(groups: &str) -> Vec<PathBuf> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let ancestors = Path::new(group).ancestors();
    ancestors.map(|group| Path::new("/sys/fs/cgroup").join(group).join("memory.max")).collect()
}

/// Bytes that nobody can guess. The system call works where there is no /dev (a minimal container,
/// a chroot), and the file where a filter refuses the call.
pub(crate) fn random_bytes() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    // Up to 256 bytes come at once or not at all (getrandom(2)).
    match rustix::rand::getrandom(&mut bytes[..], GetRandomFlags::empty()) {
        Ok(length) if length == bytes.len() => {}
        _ => File::open("/dev/urandom")?.read_exact(&mut bytes)?,
    }
    Ok(bytes)
}

/// The system's words for an error, without its number.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service of systemd has its limit in a group of its own, a container in the outermost.
    #[test]
    fn memory_is_limited_by_every_group_around_the_process() {
        let files = |groups: &str| -> Vec<String> {
            let files = memory_files(groups);
            files.iter().map(|file| file.to_str().unwrap().to_owned()).collect()
        };
        let root = "/sys/fs/cgroup/memory.max";
        assert_eq!(
            files("0::/system.slice/headcount.service\n"),
            [
                "/sys/fs/cgroup/system.slice/headcount.service/memory.max",
                "/sys/fs/cgroup/system.slice/memory.max",
                root,
            ]
        );
        assert_eq!(files("0::/\n"), [root]);
        assert_eq!(files("4:memory:/version/1\n"), [root]);
    }
}
