//! What sessions are to send: the driver takes it, and says what became of it.

use crate::api;
use crate::outbox::Chunks;
use crate::session::SessionId;
use crate::time::Time;

use super::{Hub, find, is, text_frame};

impl Hub {
    /// What session `id` is to send next; empty if there is nothing.
    pub fn transmit(&mut self, id: SessionId) -> Chunks<'_> {
        let Some(session) = self.sessions.get(id.index()).filter(|session| is(session, id)) else {
            return Chunks::default();
        };
        if session.is_closed() {
            return Chunks::default();
        }
        if session.outbox.cursor().is_some_and(|cursor| self.log.lacks_checkpoint(cursor)) {
            let bytes = self.roster.committed_bytes();
            let message = api::roster(self.log.last(), self.roster.committed(), bytes);
            self.log.put_checkpoint(text_frame(&message));
        }
        session.outbox.transmit(&self.log)
    }

    /// The first `bytes` of what [`transmit`](Self::transmit) gave are sent.
    pub fn sent(&mut self, id: SessionId, bytes: usize) {
        let Some(session) = find(&mut self.sessions, id) else { return };
        let was_private = !session.outbox.is_empty();
        session.outbox.sent(&self.log, bytes);
        // Frames of the log leave nothing behind: the common case ends here.
        if was_private || !session.outbox.is_empty() {
            self.settle(id);
        }
    }

    /// The socket takes no more for now.
    pub fn blocked(&mut self, id: SessionId, now: Time) {
        let Some(session) = find(&mut self.sessions, id) else { return };
        let limits = &self.config.limits;
        session.outbox.blocked(now, limits.send_timeout_ms, limits.send_bytes_per_second_min);
        self.settle(id);
    }

    /// All that [`transmit`](Self::transmit) gave is sent: whether the socket is now to be shut
    /// down for writing.
    pub fn flushed(&mut self, id: SessionId) -> bool {
        let Some(session) = find(&mut self.sessions, id) else { return false };
        let half_close = session.flushed();
        if session.is_closed() {
            self.settle(id);
        }
        half_close
    }

    /// The socket was shut down for writing.
    pub fn half_closed(&mut self, id: SessionId, now: Time) {
        let Some(session) = find(&mut self.sessions, id) else { return };
        session.half_closed(&self.config, now);
        self.settle(id);
    }

    /// Whether `id` has anything to send.
    pub fn wants_write(&self, id: SessionId) -> bool {
        self.sessions
            .get(id.index())
            .filter(|session| is(session, id) && !session.is_closed())
            .is_some_and(|session| session.outbox.wants_write(&self.log))
    }

    /// Whether `id` takes input. It does not while its answers wait.
    pub fn wants_read(&self, id: SessionId) -> bool {
        self.sessions
            .get(id.index())
            .is_some_and(|session| is(session, id) && !session.is_closed() && !session.is_paused)
    }

    /// Whether `id` held input back for which there is room now.
    pub fn is_resumable(&self, id: SessionId) -> bool {
        let reply_bytes_max = self.config.limits.reply_bytes_max as usize;
        self.sessions.get(id.index()).is_some_and(|session| {
            is(session, id) && session.is_paused && !session.outbox.is_full(reply_bytes_max)
        })
    }
}
