//! What has been delivered, in numbers.

use std::ops::Sub;

/// What has been delivered, to all clients together unless it says to which.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Messages.
    pub(crate) deliveries: u64,
    /// Of them, whole rosters.
    pub(crate) rosters: u64,
    /// Of them, how many are there.
    pub(crate) counts: u64,
    /// All bytes that were read.
    pub(crate) bytes: u64,
    /// Of them, to those who stay while others come back.
    pub(crate) bytes_to_observers: u64,
    /// Bytes of messages, each in its frame, to those who do not stay.
    pub(crate) frame_bytes: u64,
    /// Clients that came back and go on from their copy.
    pub(crate) resumed: u64,
    /// Of them, those whose copy was of another epoch.
    pub(crate) resumed_by_content: u64,
    /// Clients that were still logged in when they came back.
    pub(crate) still_logged_in: u64,
    /// Rosters and changes to those who stay, and their bytes.
    pub(crate) observed: u64,
    pub(crate) observed_bytes: u64,
    /// Of them, those that tell of a client which does not stay.
    pub(crate) observed_of_clients: u64,
    /// Clients that found that their copy was wrong.
    pub(crate) drifts_found: u64,
    /// Clients that have a right copy in place of a wrong one.
    pub(crate) drifts_mended: u64,
}

impl Sub for Counts {
    type Output = Counts;

    fn sub(self, before: Counts) -> Counts {
        Counts {
            deliveries: self.deliveries - before.deliveries,
            rosters: self.rosters - before.rosters,
            counts: self.counts - before.counts,
            bytes: self.bytes - before.bytes,
            bytes_to_observers: self.bytes_to_observers - before.bytes_to_observers,
            frame_bytes: self.frame_bytes - before.frame_bytes,
            resumed: self.resumed - before.resumed,
            resumed_by_content: self.resumed_by_content - before.resumed_by_content,
            still_logged_in: self.still_logged_in - before.still_logged_in,
            observed: self.observed - before.observed,
            observed_bytes: self.observed_bytes - before.observed_bytes,
            observed_of_clients: self.observed_of_clients - before.observed_of_clients,
            drifts_found: self.drifts_found - before.drifts_found,
            drifts_mended: self.drifts_mended - before.drifts_mended,
        }
    }
}
