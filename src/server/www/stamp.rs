//! What the file system says of a file, by which a change of it is noticed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

/// The coarsest clock of a file system that is in use (FAT has one of two seconds).
const CLOCK_SECONDS: u64 = 2;

/// What the file system says of a file. The time of modification is for anybody to set, and tools
/// that copy a release set it to what it was, or to one constant. So it counts for little beside
/// the identity of the file and the time at which anything of it was changed last, which is
/// nobody's to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    pub(super) bytes: u64,
    /// In seconds since 1970, and nanoseconds.
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether both are of the same file, however it has changed.
    pub(super) fn is_of_same_file(&self, other: &Stamp) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether a change after the file was read shows in its stamp for sure. It does not in the
    /// same tick of the file system's clock.
    pub(super) fn is_settled(&self, read_at: SystemTime) -> bool {
        let age = Duration::from_secs(CLOCK_SECONDS);
        let settled = read_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = settled.saturating_sub(age).as_secs();
        i64::try_from(seconds).is_ok_and(|seconds| self.changed.0 < seconds)
    }

    /// Whether the file system seems to have no time of its own for the last change: some make one
    /// up from what they have, and that is in whole seconds.
    pub(super) fn is_coarse(&self) -> bool {
        self.changed.1 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamp_is_settled_when_the_clock_has_gone_on() {
        let changed_at = |seconds| Stamp {
            device: 1,
            inode: 1,
            bytes: 1,
            modified: (1, 0),
            changed: (seconds, 5),
        };
        let read_at = SystemTime::UNIX_EPOCH + Duration::from_millis(100_900);
        for (changed, is_settled) in
            [(1, true), (97, true), (98, false), (100, false), (200, false), (-1, true)]
        {
            assert_eq!(changed_at(changed).is_settled(read_at), is_settled, "{changed}");
        }
        let before_time = SystemTime::UNIX_EPOCH - Duration::from_secs(9);
        assert!(!changed_at(1).is_settled(before_time), "a clock that was never set");
    }
}
