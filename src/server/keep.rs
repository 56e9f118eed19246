//! What a server does for the file of `--state`.

use std::io;

use tracing::{info, warn};

use crate::time::Time;

use super::event_loop::Server;
use super::net::Net;
use super::state::{Saver, State, Writer};

/// Changes that wait to be written take no more than this part of the memory for connections, or
/// than may be in any case, in bytes.
const QUEUE_PART: usize = 64;
const QUEUE_BYTES_MIN: usize = 1 << 20;

impl<N: Net> Server<N> {
    /// Brings back what was in the file, and keeps it up to date from now on. To be called when
    /// signals are handled, before anybody is accepted.
    pub fn keep(&mut self, state: State) -> io::Result<()> {
        let State { path, store, saved, problem } = state;
        let (shown, read) = (path.display(), saved.members.len());
        self.hub.restore(saved);
        let restored = self.hub.presence().restored();
        match problem {
            Some(error) => warn!(path = %shown, error, "can't read --state; starting without it"),
            None => info!(path = %shown, logins = read, held = restored, "--state read"),
        }
        let is_usable = store.is_some();
        let of_connections = (self.hub.config().limits.buffered_mebibytes_max as usize) << 20;
        let bytes_max = (of_connections / QUEUE_PART).max(QUEUE_BYTES_MIN);
        let writer = |shared| Writer::new(path, store, shared);
        self.saver = Some(Saver::start(writer, is_usable, bytes_max)?);
        Ok(())
    }

    /// Has what changed in rooms written down, if somebody writes.
    pub(super) fn keep_state(&mut self, now: Time) {
        let Some(saver) = &mut self.saver else { return };
        saver.keep(&mut self.hub, now);
        let tally = self.hub.tally_mut();
        tally.state_is_behind = saver.is_behind();
        tally.state_failures = saver.failures();
    }
}
