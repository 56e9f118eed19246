//! One bug must not end all connections: what is done for a connection is done under guard.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::connection::ConnectionId;
use crate::hub::Part;
use crate::time::Time;

use super::event_loop::Server;
use super::net::Net;

impl<N: Net> Server<N> {
    /// Does something for connection `id`. If that panics, it is the connection's end.
    ///
    /// Unwinding leaves broken what was being changed. That is the connection, of which nothing
    /// more is asked than to end; what the connections share is changed in steps that can't panic
    /// halfway, or made anew.
    pub(super) fn guarded(
        &mut self,
        id: ConnectionId,
        part: Part,
        now: Time,
        act: impl FnOnce(&mut Server<N>),
    ) {
        if !self.catches_panics {
            return act(self);
        }
        if catch_unwind(AssertUnwindSafe(|| act(self))).is_ok() {
            return;
        }
        self.hub.panicked(id, part, now);
        // What it was in the middle of may not have been put back on its list.
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.queue(id, &mut self.ready);
        }
    }
}
