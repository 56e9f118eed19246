//! What depends on the state of sessions, and is brought up to date when that has changed.

use crate::broadcast::Form;
use crate::session::{Deflated, Phase, Role, SessionId};

use super::{Hub, find, is};

/// What all sessions are together.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) pending: u32,
    pub(super) watching: u32,
    pub(super) buffered_bytes: usize,
    /// Sessions that take the log in its deflated form.
    pub(super) deflated_log: u32,
    /// Sessions that take full lists in their deflated form.
    pub(super) deflated_lists: u32,
}

impl Hub {
    /// Brings everything that depends on a session's state up to date with it. Called after each
    /// input and the one place that does this: no way to end forgets the name.
    pub(super) fn settle(&mut self, id: SessionId) {
        let Some(session) = find(&mut self.sessions, id) else { return };
        if session.is_closed() {
            session.release();
        }
        self.deadlines.set(id.index(), session.deadline());
        if session.is_idle_of_proxy()
            && let Some(client) = session.address.take()
        {
            self.addresses.disconnect(client);
        }

        let bytes = session.buffered_bytes();
        self.counts.buffered_bytes -= session.counted_bytes;
        self.counts.buffered_bytes += bytes;
        session.counted_bytes = bytes;

        let deflated = match (session.outbox.log_form(), session.outbox.latest_form()) {
            (Some(Form::Deflated), _) => Deflated::Log,
            (_, Some(Form::Deflated)) => Deflated::Lists,
            _ => Deflated::Nothing,
        };
        self.counts.deflates(session.counted_deflated, -1);
        self.counts.deflates(deflated, 1);
        session.counted_deflated = deflated;

        let (before, after) = (session.counted_as, session.role());
        session.counted_as = after;
        if matches!(after, Role::Aside | Role::Gone)
            && let Some(name) = session.name.take()
        {
            self.roster.leave(name);
        }
        if before == after {
            return;
        }
        self.counts.change(before, -1);
        self.counts.change(after, 1);
        if after == Role::Gone {
            self.closed.push(id);
        }
    }

    /// Makes room among the connections that have not become WebSockets.
    pub(super) fn drop_oldest_pending(&mut self) {
        let max = self.config.limits.pending_max;
        while self.counts.pending > max
            && let Some(id) = self.pending.pop_front()
        {
            if let Some(session) = find(&mut self.sessions, id)
                && session.role() == Role::Pending
            {
                session.phase = Phase::Closed;
                self.settle(id);
            }
        }
        // Those that are not pending any more are dropped when they are half of the list.
        if self.pending.len() > 2 * self.counts.pending as usize + 16 {
            let sessions = &self.sessions;
            self.pending.retain(|id| {
                sessions
                    .get(id.index())
                    .is_some_and(|session| is(session, *id) && session.role() == Role::Pending)
            });
        }
    }

    /// Cuts off the sessions that hold the most, while all together hold too much.
    pub(super) fn shed(&mut self) {
        let max = (self.config.limits.buffered_mebibytes_max as usize) << 20;
        while self.counts.buffered_bytes > max {
            let largest = self
                .sessions
                .iter()
                .filter(|(_, session)| !session.is_closed())
                .max_by_key(|(_, session)| session.counted_bytes);
            let Some((index, session)) = largest else { return };
            let id = SessionId { index: index as u32, generation: session.generation };
            self.lost(id);
        }
    }
}

impl Counts {
    fn change(&mut self, role: Role, by: i32) {
        let count = match role {
            Role::Pending => &mut self.pending,
            Role::Watching => &mut self.watching,
            Role::Present | Role::Aside | Role::Gone => return,
        };
        *count = count.saturating_add_signed(by);
    }

    fn deflates(&mut self, deflated: Deflated, by: i32) {
        let count = match deflated {
            Deflated::Log => &mut self.deflated_log,
            Deflated::Lists => &mut self.deflated_lists,
            Deflated::Nothing => return,
        };
        *count = count.saturating_add_signed(by);
    }
}
