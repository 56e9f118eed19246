//! Encode once, send to all: the log of what everyone is to be told.
//!
//! Every commit of a room appends one complete WebSocket frame. A connection owns no queue; it
//! has a cursor, the [`Seq`] it needs next, and reads the log at its own pace. The log drops old
//! frames from its front when they take more room than the whole roster would, without a look at
//! who still needs them: whoever is behind the front gets the checkpoint, the roster as one frame,
//! and goes on after it. A new connection is simply one that is as far behind as can be.
//!
//! ```text
//!                  first           last
//!   (dropped) … | 41 | 42 | 43 | 44 |            cursor 43: sends 43, 44
//!        ^                                       cursor 45: up to date
//!        cursor 7 → checkpoint (as of 42) → 43, 44
//! ```

use std::collections::VecDeque;

use crate::shared::Shared;

/// One message to everyone, as a complete WebSocket frame in each form that it may be sent in.
#[derive(Clone, Debug)]
pub struct Frame {
    /// For everyone.
    pub plain: Shared,
    /// Compressed, for those who take that; none if it is not worth it, or nobody does.
    pub deflated: Option<Shared>,
}

/// The form in which a connection is sent the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    #[default]
    Plain,
    /// Compressed, where there is such a form.
    Deflated,
}

impl Frame {
    fn in_form(&self, form: Form) -> &Shared {
        match (&self.deflated, form) {
            (Some(deflated), Form::Deflated) => deflated,
            _ => &self.plain,
        }
    }
}

/// The number of a commit. A room that is made is at commit 0, and empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seq(u64);

impl Seq {
    /// The cursor of a connection that has been told nothing.
    pub const START: Seq = Seq(0);

    /// The number on the wire.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The commit that a connection at this cursor was told of last; 0 if there was none.
    pub const fn previous(self) -> Seq {
        Seq(self.0.saturating_sub(1))
    }

    /// The number of the commit after it.
    pub(super) const fn next(self) -> Seq {
        Seq(self.0 + 1)
    }
}

/// The frames of the latest commits, and the roster as of one of them.
#[derive(Debug)]
pub struct BroadcastLog {
    last: Seq,
    /// The oldest frame that is kept; if there is none, the next that comes.
    first: Seq,
    /// What is encoded; nothing in a room that has been quiet for a while, or has no readers.
    kept: Option<Box<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    frames: VecDeque<Frame>,
    /// Sum of the lengths of `frames` in their plain form, in bytes.
    bytes: usize,
    checkpoint: Option<Checkpoint>,
}

/// A checkpoint is good while the changes after it take no more than this part of its own size.
/// So nobody is sent much more than the roster to catch up, and the roster is encoded anew only
/// when that much of it has changed.
const STALE_PART: usize = 4;

/// The whole roster in one frame.
#[derive(Debug)]
struct Checkpoint {
    frame: Frame,
    /// The commit that the frame tells the outcome of.
    seq: Seq,
    /// Sum of the lengths of all frames after it, in bytes.
    bytes_after: usize,
}

impl BroadcastLog {
    /// The number of the latest commit.
    pub const fn last(&self) -> Seq {
        self.last
    }

    /// The number that the next commit will have.
    pub const fn upcoming(&self) -> Seq {
        self.last.next()
    }

    /// Appends the frame of commit [`upcoming`](Self::upcoming), then drops from the front until
    /// the log has at most `bytes_max` bytes. It never waits and never looks at connections.
    pub fn append(&mut self, frame: Frame, bytes_max: usize) {
        self.last = self.upcoming();
        let kept = self.kept.get_or_insert_default();
        let length = frame.plain.len();
        kept.bytes += length;
        if let Some(checkpoint) = &mut kept.checkpoint {
            checkpoint.bytes_after += length;
        }
        kept.frames.push_back(frame);
        while kept.bytes > bytes_max
            && let Some(dropped) = kept.frames.pop_front()
        {
            kept.bytes -= dropped.plain.len();
            self.first = self.first.next();
        }
        let first = self.first;
        let is_stale = |checkpoint: &Checkpoint| {
            checkpoint.bytes_after > checkpoint.frame.plain.len() / STALE_PART
                || checkpoint.seq.next() < first
        };
        if kept.checkpoint.as_ref().is_some_and(is_stale) {
            kept.checkpoint = None;
        }
    }

    /// Counts commit [`upcoming`](Self::upcoming), which nobody reads.
    pub fn skip(&mut self) {
        self.last = self.upcoming();
        self.forget();
    }

    /// Whether something is encoded.
    pub fn holds_encoded(&self) -> bool {
        self.kept.is_some()
    }

    /// Drops all that is encoded. Whoever is behind gets a checkpoint.
    pub fn forget(&mut self) {
        self.first = self.upcoming();
        self.kept = None;
    }

    /// Whether a connection at `cursor` can go on only with a checkpoint, and there is no good one:
    /// the caller then encodes one and [puts it here](Self::put_checkpoint).
    pub fn lacks_checkpoint(&self, cursor: Seq) -> bool {
        self.is_lagged(cursor) && self.checkpoint().is_none()
    }

    /// Keeps `frame`, the roster as of the latest commit, for all who need it.
    pub fn put_checkpoint(&mut self, frame: Frame) {
        let checkpoint = Checkpoint { frame, seq: self.last, bytes_after: 0 };
        self.kept.get_or_insert_default().checkpoint = Some(checkpoint);
    }

    /// What a connection at `cursor` sends next, in its form, and its cursor after that; `None` if
    /// it is up to date.
    pub fn follow(&self, cursor: Seq, form: Form) -> Option<(&Shared, Seq)> {
        if self.is_lagged(cursor) {
            let checkpoint = self.checkpoint();
            debug_assert!(checkpoint.is_some(), "the checkpoint was to be put before");
            return checkpoint
                .map(|checkpoint| (checkpoint.frame.in_form(form), checkpoint.seq.next()));
        }
        let kept = self.kept.as_ref()?;
        let index = cursor.0.checked_sub(self.first.0)?;
        let frame = kept.frames.get(usize::try_from(index).ok()?)?;
        Some((frame.in_form(form), cursor.next()))
    }

    /// Whether a connection at `cursor` has something to be told.
    pub fn is_behind(&self, cursor: Seq) -> bool {
        cursor <= self.last
    }

    /// Whether the frame that `cursor` names is not kept any more.
    pub fn is_lagged(&self, cursor: Seq) -> bool {
        cursor < self.first
    }

    fn checkpoint(&self) -> Option<&Checkpoint> {
        self.kept.as_ref()?.checkpoint.as_ref()
    }
}

impl Default for BroadcastLog {
    /// An empty log, after commit 0.
    fn default() -> BroadcastLog {
        BroadcastLog { last: Seq::START, first: Seq::START.next(), kept: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &'static str) -> Frame {
        Frame { plain: text.as_bytes().into(), deflated: None }
    }

    /// All that a connection at `cursor` is sent.
    fn told(log: &mut BroadcastLog, mut cursor: Seq, checkpoint: &'static str) -> Vec<String> {
        if log.lacks_checkpoint(cursor) {
            log.put_checkpoint(frame(checkpoint));
        }
        let mut told = Vec::new();
        while let Some((frame, next)) = log.follow(cursor, Form::Plain) {
            told.push(String::from_utf8(frame.to_vec()).unwrap());
            cursor = next;
        }
        assert!(!log.is_behind(cursor));
        told
    }

    #[test]
    fn connection_follows_the_log_or_starts_over_from_the_checkpoint() {
        let mut log = BroadcastLog::default();
        assert_eq!(told(&mut log, Seq::START, "at 0"), ["at 0"]);
        for text in ["one", "two", "three"] {
            log.append(frame(text), 7);
        }
        assert_eq!(told(&mut log, Seq(4), ""), [""; 0]);
        assert_eq!(told(&mut log, Seq(3), ""), ["three"]);
        assert_eq!(told(&mut log, Seq(2), "at 3"), ["at 3"], "\"two\" was dropped");
        assert_eq!(told(&mut log, Seq::START, "not used"), ["at 3"], "it is still good");
    }

    #[test]
    fn checkpoint_is_good_until_much_has_changed() {
        let mut log = BroadcastLog::default();
        let large = "a roster with many names, at 0";
        assert_eq!(told(&mut log, Seq::START, large), [large]);
        log.append(frame("four"), 100);
        log.append(frame("5"), 100);
        assert_eq!(told(&mut log, Seq::START, "not used"), [large, "four", "5"]);
        log.append(frame("six"), 100); // Now the changes are more than a quarter of it.
        assert_eq!(told(&mut log, Seq::START, "at 3"), ["at 3"]);
        assert_eq!(told(&mut log, Seq(2), "not used"), ["5", "six"]);

        let mut log = BroadcastLog::default();
        assert_eq!(told(&mut log, Seq::START, large), [large]);
        log.append(frame("four"), 4);
        log.append(frame("5"), 4); // Drops "four", without which the checkpoint leads nowhere.
        assert_eq!(told(&mut log, Seq::START, "at 2"), ["at 2"]);
    }

    #[test]
    fn log_is_full_and_checkpoint_is_good_up_to_their_last_byte() {
        let mut log = BroadcastLog::default();
        log.append(frame("four"), 8);
        log.append(frame("more"), 8);
        assert_eq!(log.kept.as_ref().unwrap().bytes, 8);
        assert_eq!(told(&mut log, Seq::START, "of 16 characters"), ["of 16 characters"]);
        log.append(frame("four"), 100);
        let is_good = ["of 16 characters", "four"];
        assert_eq!(told(&mut log, Seq::START, "not used"), is_good);
        log.append(frame("."), 100);
        assert_eq!(told(&mut log, Seq::START, "another"), ["another"]);
    }

    #[test]
    fn log_keeps_no_frame_that_is_larger_than_all_it_may_keep() {
        let mut log = BroadcastLog::default();
        log.append(frame("a very long frame"), 8);
        assert_eq!(log.kept.as_ref().unwrap().bytes, 0);
        assert_eq!(told(&mut log, Seq(1), "at 1"), ["at 1"]);
        assert_eq!(log.last(), Seq(1));
    }

    #[test]
    fn what_was_forgotten_is_told_by_a_checkpoint() {
        let mut log = BroadcastLog::default();
        log.append(frame("one"), 100);
        log.skip();
        assert_eq!(told(&mut log, Seq(3), ""), [""; 0]);
        assert_eq!(told(&mut log, Seq(1), "at 2"), ["at 2"]);
        log.append(frame("three"), 100);
        assert_eq!(told(&mut log, Seq(3), ""), ["three"]);
        log.forget();
        assert_eq!(told(&mut log, Seq(4), ""), [""; 0]);
        assert_eq!(told(&mut log, Seq(3), "at 3"), ["at 3"]);
    }
}
