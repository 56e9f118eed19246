//! What all connections are together.

use crate::connection::State;

/// What all connections are together.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Connections in each state, by its number.
    open: [u32; State::OPEN.len()],
    /// Connections that came in where there is nothing but metrics.
    pub(super) for_metrics: u32,
    /// Sessions on no socket.
    pub(super) sessions: usize,
    /// Connections that speak HTTP and have no requests of those.
    pub(super) pending: u32,
    /// Bytes of memory that they hold beside themselves.
    pub(super) buffered_bytes: usize,
}

impl Counts {
    /// Connections in this state.
    pub(super) fn open(&self, state: State) -> u32 {
        self.open.get(state as usize).copied().unwrap_or_default()
    }

    /// A connection goes from one state to another. One that has ended is in no count.
    pub(super) fn move_one(&mut self, from: State, to: State) {
        if let Some(count) = self.open.get_mut(from as usize) {
            *count -= 1;
        }
        if let Some(count) = self.open.get_mut(to as usize) {
            *count += 1;
        }
    }
}
