//! What one connection has to send before it is told anything new.
//!
//! There is no queue that grows with what others do. In the order in which it is sent:
//!
//! ```text
//!   half      the rest of a shared frame of which some bytes are gone
//!   replies   what is for this connection alone: responses, pongs, errors, echoes, Close; bounded,
//!             since nothing is read from a connection whose replies are full
//!   body      the content of an HTTP response, shared
//! ```
//!
//! What is new in the rooms comes after it, and is kept there (`delivery`).

use crate::presence::Piece;
use crate::shared::Shared;
use crate::time::Time;
use crate::ws::frame::{self, Opcode};

use super::chunks::Chunks;
use super::half::Half;

/// The outgoing side of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    half: Option<Box<Half>>,
    private: Option<Box<Private>>,
    backlog: Option<Box<Backlog>>,
}

/// What is for this connection alone. Freed when it is sent.
#[derive(Debug, Default)]
struct Private {
    replies: Vec<u8>,
    replies_sent: usize,
    body: Option<Shared>,
}

impl Private {
    /// Gives back the room of what is sent, once it is half of all: a peer that always leaves a
    /// rest does not make the buffer grow, and each byte is moved once on average.
    fn compact(&mut self) {
        if self.replies_sent >= self.replies.len() / 2 {
            self.replies.drain(..self.replies_sent);
            self.replies_sent = 0;
        }
    }

    fn unsent(&self) -> usize {
        self.replies.len() - self.replies_sent
    }
}

/// The peer took less than it was offered.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    /// When what was begun then must be gone.
    until: Time,
    /// How much of that is not gone, in bytes.
    unsent: usize,
}

impl Outbox {
    /// The buffer that replies are appended to.
    pub(crate) fn replies(&mut self) -> &mut Vec<u8> {
        &mut self.private.get_or_insert_default().replies
    }

    /// Appends a frame for this connection alone.
    pub(crate) fn reply(&mut self, opcode: Opcode, payload: &[u8]) {
        frame::encode(opcode, payload, self.replies());
    }

    /// Takes all replies, which nobody has begun to send.
    pub(crate) fn take_replies(&mut self) -> Vec<u8> {
        self.private.take().map_or_else(Vec::new, |private| private.replies)
    }

    /// Sends `body` after the replies so far. There is room for one: until it is under way the
    /// outbox is [full](Self::is_full).
    pub(crate) fn put_body(&mut self, body: Shared) {
        if body.is_empty() {
            return;
        }
        let private = self.private.get_or_insert_default();
        debug_assert!(private.body.is_none());
        private.body = Some(body);
    }

    /// Whether the peer must take some of what waits before it is answered again.
    pub(crate) fn is_full(&self, reply_bytes_max: usize) -> bool {
        self.private
            .as_ref()
            .is_some_and(|private| private.body.is_some() || private.unsent() >= reply_bytes_max)
    }

    /// Whether nothing waits here.
    pub(crate) fn is_empty(&self) -> bool {
        self.half.is_none() && self.private.is_none()
    }

    /// Whether nothing waits here, and nothing has by a deadline.
    pub(super) fn is_at_rest(&self) -> bool {
        self.is_empty() && self.backlog.is_none()
    }

    /// Bytes of memory that this connection alone holds here.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.half.as_ref().map_or(0, |half| half.own_bytes())
            + self.private.as_ref().map_or(0, |private| private.replies.capacity())
    }

    /// Adds all that waits here to what is sent next.
    pub(super) fn push_to<'a>(&'a self, chunks: &mut Chunks<'a>) {
        if let Some(half) = &self.half {
            half.pieces().into_iter().for_each(|piece| chunks.push(piece));
        }
        if let Some(private) = &self.private {
            chunks.push(&private.replies[private.replies_sent..]);
            chunks.push(private.body.as_deref().unwrap_or_default());
        }
    }

    /// The first `bytes` of what [`push_to`](Self::push_to) gave, and of what came after it, are
    /// sent. Says how many of them were not of this.
    pub(super) fn sent(&mut self, mut bytes: usize) -> usize {
        self.note_progress(bytes);
        if let Some(half) = &mut self.half {
            bytes = half.advance(bytes);
            if half.unsent() > 0 {
                return 0;
            }
            self.half = None;
        }
        if let Some(private) = &mut self.private {
            let taken = bytes.min(private.unsent());
            private.replies_sent += taken;
            bytes -= taken;
            if private.unsent() > 0 {
                private.compact();
                return 0;
            }
            let body = self.private.take().and_then(|private| private.body);
            if let Some(body) = body {
                bytes = self.begin(Piece { lead: &[], body: &body }, bytes);
            }
        }
        bytes
    }

    /// Sends the first of `bytes` from a piece, keeps the rest of it if they are too few, and says
    /// how many are left.
    #[inline]
    pub(super) fn begin(&mut self, piece: Piece<'_>, bytes: usize) -> usize {
        let length = piece.lead.len() + piece.body.len();
        if bytes < length {
            self.keep_rest(piece, bytes);
        }
        bytes.saturating_sub(length)
    }

    #[cold]
    fn keep_rest(&mut self, piece: Piece<'_>, sent: usize) {
        let Piece { lead, body } = piece;
        self.half = Some(Box::new(match sent.checked_sub(lead.len()) {
            Some(sent) => Half::new(body.clone(), sent),
            None => Half::with_lead(piece, sent),
        }));
    }

    /// The socket is full. What has been begun, or waits for this connection alone, must now be
    /// taken within `timeout_ms` and what it needs at `bytes_per_second_min`; what is new in a room
    /// may wait, as it costs nothing.
    pub(super) fn blocked(&mut self, now: Time, timeout_ms: u32, bytes_per_second_min: u32) {
        if self.backlog.is_some() {
            return;
        }
        let half = self.half.as_ref().map_or(0, |half| half.unsent());
        let private = self
            .private
            .as_ref()
            .map_or(0, |private| private.unsent() + private.body.as_ref().map_or(0, Shared::len));
        let unsent = half + private;
        if unsent > 0 {
            let needed_ms = unsent as u64 * 1000 / u64::from(bytes_per_second_min);
            let until = now.after_ms(u64::from(timeout_ms) + needed_ms);
            self.backlog = Some(Box::new(Backlog { until, unsent }));
        }
    }

    /// When the peer must have taken what it was offered.
    pub(super) fn deadline(&self) -> Time {
        self.backlog.as_ref().map_or(Time::NEVER, |backlog| backlog.until)
    }

    /// What is sent counts against what the deadline was set for: what came to it later, by a peer
    /// that asks faster than it reads, does not move the deadline.
    fn note_progress(&mut self, bytes: usize) {
        if let Some(backlog) = &mut self.backlog {
            backlog.unsent = backlog.unsent.saturating_sub(bytes);
            if backlog.unsent == 0 {
                self.backlog = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(outbox: &Outbox) -> usize {
        let mut chunks = Chunks::default();
        outbox.push_to(&mut chunks);
        chunks.total()
    }

    #[test]
    fn peer_that_always_leaves_a_rest_does_not_make_the_buffer_grow() {
        let mut outbox = Outbox::default();
        for _ in 0..1_000 {
            outbox.replies().extend([0; 100]);
            // All but the last byte.
            let length = offered(&outbox);
            assert_eq!(outbox.sent(length - 1), 0);
            assert_eq!(offered(&outbox), 1);
        }
        assert!(outbox.buffered_bytes() <= 512, "{} bytes", outbox.buffered_bytes());
    }

    #[test]
    fn what_is_only_in_the_room_has_no_deadline() {
        let mut outbox = Outbox::default();
        outbox.blocked(Time::ZERO, 10_000, 1_000);
        assert_eq!(outbox.deadline(), Time::NEVER);
        outbox.replies().extend([0; 500]);
        outbox.blocked(Time::ZERO, 10_000, 1_000);
        assert_eq!(outbox.deadline(), Time::ZERO.after_ms(10_500));
    }
}
