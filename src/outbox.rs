//! What one connection has to send.
//!
//! There is no queue that grows with what others do. In the order in which it is sent:
//!
//! ```text
//!   half      the rest of a shared frame of which some bytes are gone
//!   replies   what is for this connection alone: HTTP answers, pongs, errors, echoes, Close;
//!             bounded, since nothing is read from a connection whose replies are full
//!   body      the body of an HTTP answer, shared
//!   follow    what everyone is told: the broadcast log from a cursor on, or only the newest of all
//! ```
//!
//! Whether a connection wants to write is derived from these, never noted down beside them.
//! [`Outbox::transmit`] only looks; [`Outbox::sent`] moves on, in the same order.

mod half;

use crate::broadcast::{BroadcastLog, Form, Seq, Shared};
use crate::latest::Led;
use crate::time::Time;
use crate::ws::frame::{self, Opcode};

use half::Half;

/// Pieces that one vectored write takes at most.
pub const CHUNKS_MAX: usize = 8;

/// What is to be sent next, in order; borrowed for one write.
#[derive(Debug, Default)]
pub struct Chunks<'a> {
    pieces: [&'a [u8]; CHUNKS_MAX],
    length: usize,
}

impl<'a> Chunks<'a> {
    /// The pieces.
    pub fn as_slice(&self) -> &[&'a [u8]] {
        &self.pieces[..self.length]
    }

    /// Bytes in all pieces.
    pub fn total(&self) -> usize {
        self.as_slice().iter().map(|piece| piece.len()).sum()
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn is_full(&self) -> bool {
        self.length == CHUNKS_MAX
    }

    fn push(&mut self, piece: &'a [u8]) {
        if !piece.is_empty() {
            self.pieces[self.length] = piece;
            self.length += 1;
        }
    }
}

/// What began to be sent, of what everyone is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begun {
    /// Frames.
    pub frames: u32,
    /// Whether one was a checkpoint, for a connection that had been told something before.
    pub is_catching_up: bool,
}

/// The outgoing side of one connection.
#[derive(Debug, Default)]
pub struct Outbox {
    /// In a box, as few connections have any.
    half: Option<Box<Half>>,
    private: Option<Box<Private>>,
    follow: Follow,
    stall: Option<Box<Stall>>,
}

/// What a connection is told of what everyone is told.
#[derive(Clone, Copy, Debug, Default)]
enum Follow {
    #[default]
    Nothing,
    /// All of it, one commit after the other.
    Log { next: Seq, form: Form },
    /// The newest of it. Whoever speaks the connection's protocol knows what it was told.
    Latest { form: Form },
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
struct Stall {
    /// When what was begun then must be gone.
    until: Time,
    /// How much of that is not gone, in bytes.
    unsent: usize,
}

impl Outbox {
    /// Follows the broadcast log in this form, from a checkpoint on.
    pub fn follow_log(&mut self, form: Form) {
        self.follow = Follow::Log { next: Seq::START, form };
    }

    /// Follows what is newest, in this form.
    pub fn follow_latest(&mut self, form: Form) {
        self.follow = Follow::Latest { form };
    }

    /// Follows nothing any more. What was begun is still sent to its end.
    pub fn unfollow(&mut self) {
        self.follow = Follow::Nothing;
    }

    /// The form in which the connection follows the broadcast log, if it does.
    pub fn log_form(&self) -> Option<Form> {
        match self.follow {
            Follow::Log { form, .. } => Some(form),
            Follow::Nothing | Follow::Latest { .. } => None,
        }
    }

    /// The form in which the connection is told what is newest, if it is.
    pub fn latest_form(&self) -> Option<Form> {
        match self.follow {
            Follow::Latest { form } => Some(form),
            Follow::Nothing | Follow::Log { .. } => None,
        }
    }

    /// Where the connection is in the broadcast log, if it follows it.
    pub fn cursor(&self) -> Option<Seq> {
        match self.follow {
            Follow::Log { next, .. } => Some(next),
            Follow::Nothing | Follow::Latest { .. } => None,
        }
    }

    /// The buffer that replies are appended to.
    pub fn replies(&mut self) -> &mut Vec<u8> {
        &mut self.private.get_or_insert_default().replies
    }

    /// Appends a frame for this connection alone.
    pub fn reply(&mut self, opcode: Opcode, payload: &[u8]) {
        frame::encode(opcode, payload, self.replies());
    }

    /// Sends `body` after the replies so far. There is room for one: until it is under way the
    /// outbox is [full](Self::is_full).
    pub fn put_body(&mut self, body: Shared) {
        if body.is_empty() {
            return;
        }
        let private = self.private.get_or_insert_default();
        debug_assert!(private.body.is_none());
        private.body = Some(body);
    }

    /// Whether the connection must take some of what waits before it is answered again.
    pub fn is_full(&self, reply_bytes_max: usize) -> bool {
        self.private
            .as_ref()
            .is_some_and(|private| private.body.is_some() || private.unsent() >= reply_bytes_max)
    }

    /// Whether nothing waits but what may be in the log.
    pub fn is_empty(&self) -> bool {
        self.half.is_none() && self.private.is_none()
    }

    /// Whether there is anything to send.
    pub fn wants_write(&self, log: &BroadcastLog) -> bool {
        !self.is_empty() || self.cursor().is_some_and(|cursor| log.is_behind(cursor))
    }

    /// Bytes of memory that this connection alone holds here.
    pub fn buffered_bytes(&self) -> usize {
        self.half.as_ref().map_or(0, |half| half.own_bytes())
            + self.private.as_ref().map_or(0, |private| private.replies.capacity())
    }

    /// What to send next. `latest` is what is newest, if the connection follows that and was not
    /// told.
    pub fn transmit<'a>(&'a self, log: &'a BroadcastLog, latest: Option<Led<'a>>) -> Chunks<'a> {
        let mut chunks = Chunks::default();
        if let Some(half) = &self.half {
            half.pieces().into_iter().for_each(|piece| chunks.push(piece));
        }
        if let Some(private) = &self.private {
            chunks.push(&private.replies[private.replies_sent..]);
            chunks.push(private.body.as_deref().unwrap_or_default());
        }
        let mut follow = self.follow;
        while !chunks.is_full()
            && let Follow::Log { next, form } = &mut follow
            && let Some((frame, after)) = log.follow(*next, *form)
        {
            chunks.push(frame);
            *next = after;
        }
        // It is two pieces, and there is room: half a frame, replies and a body are four at most.
        if let Some(latest) = latest {
            chunks.push(latest.lead);
            chunks.push(latest.body);
        }
        chunks
    }

    /// Takes note that the first `bytes` of what [`transmit`](Self::transmit) gave are sent, given
    /// the same again.
    pub fn sent(&mut self, log: &BroadcastLog, latest: Option<Led<'_>>, mut bytes: usize) -> Begun {
        let mut begun = Begun::default();
        self.note_progress(bytes);
        if let Some(half) = &mut self.half {
            bytes = half.advance(bytes);
            if half.unsent() > 0 {
                return begun;
            }
            self.half = None;
        }
        if let Some(private) = &mut self.private {
            let taken = bytes.min(private.unsent());
            private.replies_sent += taken;
            bytes -= taken;
            if private.unsent() > 0 {
                private.compact();
                return begun;
            }
            let body = self.private.take().and_then(|private| private.body);
            if let Some(body) = body {
                bytes = self.begin(&body, bytes);
            }
        }
        while bytes > 0
            && let Follow::Log { next, form } = &mut self.follow
            && let Some((frame, after)) = log.follow(*next, *form)
        {
            begun.frames += 1;
            begun.is_catching_up |= *next != Seq::START && log.is_lagged(*next);
            *next = after;
            bytes = self.begin(frame, bytes);
        }
        match latest {
            Some(latest) if bytes > 0 => {
                begun.frames += 1;
                self.begin_led(latest, bytes);
            }
            _ => assert!(bytes == 0, "no more is sent than there was to send"),
        }
        begun
    }

    /// Takes note that the socket is full. What has been begun, or waits for this connection alone,
    /// must now be taken within `timeout_ms` and what it needs at `bytes_per_second_min`; what is
    /// in the log may wait, as it costs nothing.
    pub fn blocked(&mut self, now: Time, timeout_ms: u32, bytes_per_second_min: u32) {
        if self.stall.is_some() {
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
            self.stall = Some(Box::new(Stall { until, unsent }));
        }
    }

    /// When the peer must have taken what it was offered.
    pub fn deadline(&self) -> Time {
        self.stall.as_ref().map_or(Time::NEVER, |stall| stall.until)
    }

    /// What is sent counts against what the deadline was set for: what came to it later, by a peer
    /// that asks faster than it reads, does not move the deadline.
    fn note_progress(&mut self, bytes: usize) {
        if let Some(stall) = &mut self.stall {
            stall.unsent = stall.unsent.saturating_sub(bytes);
            if stall.unsent == 0 {
                self.stall = None;
            }
        }
    }

    /// Sends the first of `bytes` from `shared`, keeps it if they are too few, and says how many
    /// are left.
    fn begin(&mut self, shared: &Shared, bytes: usize) -> usize {
        if bytes < shared.len() {
            self.half = Some(Box::new(Half::new(shared.clone(), bytes)));
        }
        bytes.saturating_sub(shared.len())
    }

    /// The same for the last that there is to send.
    fn begin_led(&mut self, led: Led<'_>, bytes: usize) {
        if bytes < led.lead.len() {
            self.half = Some(Box::new(Half::with_lead(led, bytes)));
        } else {
            self.begin(led.body, bytes - led.lead.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peer_that_always_leaves_a_rest_does_not_make_the_buffer_grow() {
        let log = BroadcastLog::new();
        let mut outbox = Outbox::default();
        for _ in 0..1_000 {
            outbox.replies().extend([0; 100]);
            // All but the last byte.
            let offered = outbox.transmit(&log, None).total();
            outbox.sent(&log, None, offered - 1);
            assert_eq!(outbox.transmit(&log, None).total(), 1);
        }
        assert!(outbox.buffered_bytes() <= 512, "{} bytes", outbox.buffered_bytes());
    }

    #[test]
    fn what_is_only_in_the_log_has_no_deadline() {
        let mut outbox = Outbox::default();
        outbox.blocked(Time::ZERO, 10_000, 1_000);
        assert_eq!(outbox.deadline(), Time::NEVER);
        outbox.replies().extend([0; 500]);
        outbox.blocked(Time::ZERO, 10_000, 1_000);
        assert_eq!(outbox.deadline(), Time::ZERO.after_ms(10_500));
    }
}
