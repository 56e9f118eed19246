//! What has happened so far, in numbers.
//!
//! Plain integers: one thread counts, and nobody reads but the same thread. They only grow, and
//! they reconcile: every connection that was accepted is open or was closed for one cause, and
//! every member of a room has logged in and not out.
//!
//! The hub counts what it does. What only the driver knows, it adds.

use crate::connection::CauseKind;

/// What has happened since the server started.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Connections that were taken.
    pub accepted: u64,
    /// Sessions of long-polling that were opened: each is counted like a connection beside those
    /// that have its requests.
    pub sessions: u64,
    /// Connections that were not, since there were as many as there may be.
    pub refused_full: u64,
    /// Connections that were not, since their address had too many or opened them too fast.
    pub refused_address: u64,
    /// Requests that were not answered for the same reason, since the client that a trusted proxy
    /// named had too many. Their connections were taken, and are closed for it.
    pub refused_forwarded: u64,
    /// Connections that ended and are forgotten, by the [kind](CauseKind) of their cause.
    pub closed: [u64; CauseKind::ALL.len()],
    /// HTTP responses, by the first digit of their status, from 1.
    pub responses: [u64; 5],
    /// Logins to rooms.
    pub logins: u64,
    /// Changes of a name.
    pub renames: u64,
    /// Copies of rooms from which clients went on.
    pub resumed: u64,
    /// Copies of rooms that clients found wrong.
    pub drifts: u64,
    /// Changes of presence data or of a status.
    pub updates: u64,
    /// Changes of rooms that their followers were told, each of one client or of many.
    pub commits: u64,
    /// Rooms that were looked at, since something was due in them.
    pub room_visits: u64,
    /// Frames of what everyone is told, each counted for every connection that it was sent to.
    pub deliveries: u64,
    /// Those of them that were a checkpoint, for a connection that had fallen behind.
    pub checkpoints_lagged: u64,
    /// Bytes from peers.
    pub bytes_in: u64,
    /// Bytes to peers.
    pub bytes_out: u64,
    /// What went wrong in one connection and was caught there.
    pub panics: u64,
    /// The turns of the driver.
    pub turns: Turns,
    /// Events of connections that were gone already.
    pub stale_events: u64,
    /// Connections that could not be accepted, by the place of their [`AcceptError`].
    pub accept_errors: [u64; AcceptError::ALL.len()],
    /// Failures to write the file of `--state`.
    pub state_failures: u64,
    /// Whether that file lacks something.
    pub state_is_behind: bool,
    /// Log lines that were left out, since there were too many or nobody took them.
    pub log_lines_dropped: u64,
}

impl Tally {
    /// Connections that ended, for whatever cause.
    pub fn closed_total(&self) -> u64 {
        self.closed.iter().sum()
    }

    /// A response with this status was sent.
    pub(crate) fn responded(&mut self, code: u16) {
        if let Some(count) = self.responses.get_mut(usize::from(code / 100).wrapping_sub(1)) {
            *count += 1;
        }
    }
}

/// Why a connection could not be accepted, by the names of `errno`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptError {
    /// The process has as many files open as it may.
    Emfile,
    /// The system has.
    Enfile,
    /// There is no memory for a socket's buffers.
    Enobufs,
    /// There is no memory.
    Enomem,
    /// The peer gave up before.
    Econnaborted,
    /// Something else.
    Other,
}

impl AcceptError {
    /// All of them, and their names.
    pub const ALL: [(AcceptError, &str); 6] = [
        (AcceptError::Emfile, "EMFILE"),
        (AcceptError::Enfile, "ENFILE"),
        (AcceptError::Enobufs, "ENOBUFS"),
        (AcceptError::Enomem, "ENOMEM"),
        (AcceptError::Econnaborted, "ECONNABORTED"),
        (AcceptError::Other, "other"),
    ];

    /// Whether something is short that others may give back.
    pub fn is_shortage(self) -> bool {
        !matches!(self, AcceptError::Econnaborted | AcceptError::Other)
    }
}

/// How long the turns of the driver took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    /// Turns by the first of [`BUCKETS_US`](Self::BUCKETS_US) that they are within; the last are
    /// those that are within none.
    pub buckets: [u64; Turns::BUCKETS_US.len() + 1],
    /// All of them together, in µs.
    pub sum_us: u64,
    /// The longest, in µs.
    pub longest_us: u64,
    /// Those that were longer than they should be.
    pub stalls: u64,
}

impl Turns {
    /// The bounds of the buckets, in µs.
    pub const BUCKETS_US: [u64; 13] = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000,
    ];

    /// Counts a turn.
    pub fn add(&mut self, duration_us: u64) {
        let bucket = Turns::BUCKETS_US.partition_point(|&bound_us| bound_us < duration_us);
        self.buckets[bucket] += 1;
        self.sum_us += duration_us;
        self.longest_us = self.longest_us.max(duration_us);
    }

    /// All turns.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turn_is_in_the_first_bucket_that_it_is_within() {
        let mut turns = Turns::default();
        for duration_us in [0, 100, 101, 1_000_000, 1_000_001, 90_000_000] {
            turns.add(duration_us);
        }
        assert_eq!(turns.buckets, [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((turns.count(), turns.longest_us, turns.sum_us), (6, 90_000_000, 92_000_202));
    }

    #[test]
    fn number_of_an_accept_error_is_its_place() {
        let numbers = AcceptError::ALL.map(|(error, _)| error as usize);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    }
}
