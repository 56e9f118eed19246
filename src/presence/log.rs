//! Encode once, send to all: the log of what everyone is to be told.
//!
//! Every commit of a room appends one complete WebSocket frame. A connection owns no queue; it
//! has a cursor, the [`Seq`] it needs next, and reads the log at its own pace. The log drops old
//! frames from its front when they take more room than the whole roster would, without a look at
//! who still needs them: whoever is behind the front gets the checkpoint, the roster as one frame,
//! and goes on after it. A new connection is simply one that is as far behind as can be.
//!
//! ```text
//!        oldest          first           last
//!   … | 39 | 40 |       | 41 | 42 | 43 | 44 |    cursor 43: sends 43, 44
//!                  ^                             cursor 45: up to date
//!                  cursor 7 → checkpoint (as of 42) → 43, 44
//! ```
//!
//! Behind the front some more are kept, for clients that come back: what they missed is told to
//! them as one change, which [`since`](BroadcastLog::since) adds up.

use std::collections::VecDeque;

use crate::shared::Shared;

use super::digest::Digest;
use super::saved::SavedCommit;

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
    /// As it is, and not in a frame. Only a state is sent so.
    Unframed,
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

    /// How many commits there are from `earlier` to this one.
    const fn since(self, earlier: Seq) -> usize {
        self.0.saturating_sub(earlier.0) as usize
    }

    /// Reads the number on the wire.
    pub const fn of(number: u64) -> Seq {
        Seq(number)
    }

    /// The number of the commit after it.
    pub(super) const fn next(self) -> Seq {
        Seq(self.0.saturating_add(1))
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

#[derive(Debug)]
struct Kept {
    /// From the oldest to the last.
    commits: VecDeque<Commit>,
    /// The digest before the oldest of them.
    digest: Digest,
    /// Sum of the lengths of the frames from the first on in their plain form, in bytes.
    bytes: usize,
    /// The same of all.
    bytes_of_all: usize,
    checkpoint: Option<Checkpoint>,
}

/// A commit that is kept.
#[derive(Debug)]
struct Commit {
    frame: Frame,
    /// That of the roster after it.
    digest: Digest,
}

/// How much of a log is kept, in bytes of frames.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// For those who follow.
    pub followed: usize,
    /// For those who come back.
    pub kept: usize,
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

    /// Appends the frame of commit [`upcoming`](Self::upcoming), which led from one digest to the
    /// other, then drops from the front what is beyond the bounds. It never waits and never looks
    /// at connections.
    pub fn append(&mut self, frame: Frame, digests: [Digest; 2], bounds: Bounds) {
        self.last = self.upcoming();
        let [before, digest] = digests;
        let last = self.last;
        let kept = self.kept.get_or_insert_with(|| Kept::new(before).into());
        let length = frame.plain.len();
        kept.bytes += length;
        kept.bytes_of_all += length;
        if let Some(checkpoint) = &mut kept.checkpoint {
            checkpoint.bytes_after += length;
        }
        kept.commits.push_back(Commit { frame, digest });
        while kept.bytes > bounds.followed && self.first <= last {
            let index = kept.commits.len() - 1 - last.since(self.first);
            let passed = &mut kept.commits[index].frame;
            kept.bytes -= passed.plain.len();
            // Who comes back is told a sum.
            passed.deflated = None;
            self.first = self.first.next();
        }
        while kept.bytes_of_all > bounds.kept.max(bounds.followed)
            && let Some(dropped) = kept.commits.pop_front()
        {
            kept.bytes_of_all -= dropped.frame.plain.len();
            kept.digest = dropped.digest;
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

    /// A log with these commits, which are for those who come back: whoever follows begins with a
    /// checkpoint. There is none if they are not one after the other.
    pub(super) fn restored(commits: Vec<SavedCommit>) -> Option<BroadcastLog> {
        let (first, last) = (commits.first()?, commits.last()?);
        let is_next = |pair: &[SavedCommit]| {
            let [one, next] = pair else { return false };
            one.seq.checked_add(1) == Some(next.seq) && one.digests[1] == next.digests[0]
        };
        if !commits.windows(2).all(is_next) {
            return None;
        }
        let (last, mut kept) = (Seq(last.seq), Kept::new(first.digests[0]));
        for SavedCommit { digests, frame, .. } in commits {
            kept.bytes_of_all += frame.len();
            let frame = Frame { plain: frame, deflated: None };
            kept.commits.push_back(Commit { frame, digest: digests[1] });
        }
        Some(BroadcastLog { last, first: last.next(), kept: Some(kept.into()) })
    }

    /// The latest commit, if it is kept: its number, the digests before and after it, its frame,
    /// and the number of the oldest that is kept.
    pub(super) fn newest(&self) -> Option<(Seq, [Digest; 2], &Shared, Seq)> {
        let kept = self.kept.as_ref()?;
        let newest = kept.commits.back()?;
        let before = kept.commits.iter().rev().nth(1).map_or(kept.digest, |commit| commit.digest);
        let first = Seq(self.upcoming().0 - kept.commits.len() as u64);
        Some((self.last, [before, newest.digest], &newest.frame.plain, first))
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

    /// Keeps `frame`, the roster as of the latest commit, for all who need it. `digest` is that of
    /// the roster.
    pub fn put_checkpoint(&mut self, frame: Frame, digest: Digest) {
        let checkpoint = Checkpoint { frame, seq: self.last, bytes_after: 0 };
        let kept = self.kept.get_or_insert_with(|| Kept::new(digest).into());
        kept.checkpoint = Some(checkpoint);
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
        if !self.is_behind(cursor) {
            return None;
        }
        let kept = self.kept.as_ref()?;
        let index = kept.commits.len().checked_sub(1 + self.last.since(cursor))?;
        Some((kept.commits.get(index)?.frame.in_form(form), cursor.next()))
    }

    /// The commit after which a roster had this digest, the latest if there are several. `digest`
    /// is that of the roster now. Commits that are not kept are not found.
    pub fn find(&self, wanted: Digest, digest: Digest) -> Option<Seq> {
        if wanted == digest {
            return Some(self.last);
        }
        let kept = self.kept.as_ref()?;
        let mut seq = self.last;
        for commit in kept.commits.iter().rev() {
            if commit.digest == wanted {
                return Some(seq);
            }
            seq = seq.previous();
        }
        (kept.digest == wanted).then_some(seq)
    }

    /// The digest of the roster after commit `seq`, if that is kept. `digest` is that of now.
    pub fn digest_after(&self, seq: Seq, digest: Digest) -> Option<Digest> {
        if seq >= self.last {
            return (seq == self.last).then_some(digest);
        }
        let kept = self.kept.as_ref()?;
        match kept.commits.len().checked_sub(self.last.since(seq))? {
            0 => Some(kept.digest),
            places => Some(kept.commits[places - 1].digest),
        }
    }

    /// The frames of all commits after `seq`, which are kept.
    pub fn since(&self, seq: Seq) -> impl Iterator<Item = &Shared> {
        let count = self.last.since(seq);
        let kept = self.kept.iter().flat_map(|kept| &kept.commits);
        let skipped = self.kept.as_ref().map_or(0, |kept| kept.commits.len().saturating_sub(count));
        kept.skip(skipped).map(|commit| &commit.frame.plain)
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

impl Kept {
    /// Nothing, of a roster that has this digest.
    fn new(digest: Digest) -> Kept {
        Kept { commits: VecDeque::new(), digest, bytes: 0, bytes_of_all: 0, checkpoint: None }
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

    /// A commit whose digest tells nothing; as much is kept as is followed.
    fn append(log: &mut BroadcastLog, text: &'static str, bytes_max: usize) {
        let bounds = Bounds { followed: bytes_max, kept: bytes_max };
        log.append(frame(text), [Digest::default(); 2], bounds);
    }

    /// All that a connection at `cursor` is sent.
    fn told(log: &mut BroadcastLog, mut cursor: Seq, checkpoint: &'static str) -> Vec<String> {
        if log.lacks_checkpoint(cursor) {
            log.put_checkpoint(frame(checkpoint), Digest::default());
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
            append(&mut log, text, 7);
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
        append(&mut log, "four", 100);
        append(&mut log, "5", 100);
        assert_eq!(told(&mut log, Seq::START, "not used"), [large, "four", "5"]);
        append(&mut log, "six", 100); // Now the changes are more than a quarter of it.
        assert_eq!(told(&mut log, Seq::START, "at 3"), ["at 3"]);
        assert_eq!(told(&mut log, Seq(2), "not used"), ["5", "six"]);

        let mut log = BroadcastLog::default();
        assert_eq!(told(&mut log, Seq::START, large), [large]);
        append(&mut log, "four", 4);
        append(&mut log, "5", 4); // Drops "four", without which the checkpoint leads nowhere.
        assert_eq!(told(&mut log, Seq::START, "at 2"), ["at 2"]);
    }

    #[test]
    fn log_is_full_and_checkpoint_is_good_up_to_their_last_byte() {
        let mut log = BroadcastLog::default();
        append(&mut log, "four", 8);
        append(&mut log, "more", 8);
        assert_eq!(log.kept.as_ref().unwrap().bytes, 8);
        assert_eq!(told(&mut log, Seq::START, "of 16 characters"), ["of 16 characters"]);
        append(&mut log, "four", 100);
        let is_good = ["of 16 characters", "four"];
        assert_eq!(told(&mut log, Seq::START, "not used"), is_good);
        append(&mut log, ".", 100);
        assert_eq!(told(&mut log, Seq::START, "another"), ["another"]);
    }

    #[test]
    fn log_keeps_no_frame_that_is_larger_than_all_it_may_keep() {
        let mut log = BroadcastLog::default();
        append(&mut log, "a very long frame", 8);
        assert_eq!(log.kept.as_ref().unwrap().bytes, 0);
        assert_eq!(told(&mut log, Seq(1), "at 1"), ["at 1"]);
        assert_eq!(log.last(), Seq(1));
    }

    #[test]
    fn what_was_forgotten_is_told_by_a_checkpoint() {
        let mut log = BroadcastLog::default();
        append(&mut log, "one", 100);
        append(&mut log, "two", 100);
        log.forget();
        assert_eq!(told(&mut log, Seq(3), ""), [""; 0]);
        assert_eq!(told(&mut log, Seq(1), "at 2"), ["at 2"]);
        append(&mut log, "three", 100);
        assert_eq!(told(&mut log, Seq(3), ""), ["three"]);
        log.forget();
        assert_eq!(told(&mut log, Seq(4), ""), [""; 0]);
        assert_eq!(told(&mut log, Seq(3), "at 3"), ["at 3"]);
    }

    #[test]
    fn commits_behind_the_front_are_found_and_told_as_they_were() {
        let digest = |number: u32| Digest::parse(&format!("{number:016x}")).unwrap();
        let mut log = BroadcastLog::default();
        let bounds = Bounds { followed: 4, kept: 12 };
        for (number, text) in (1..).zip(["one", "two", "three", "four"]) {
            log.append(frame(text), [digest(number - 1), digest(number)], bounds);
        }
        let now = digest(4);
        assert!(log.is_lagged(Seq(3)) && !log.is_lagged(Seq(4)));
        assert_eq!(log.find(now, now), Some(Seq(4)));
        assert_eq!(log.find(digest(2), now), Some(Seq(2)));
        assert_eq!(log.find(digest(1), now), Some(Seq(1)), "before the oldest that is kept");
        assert_eq!((log.find(digest(0), now), log.find(digest(7), now)), (None, None));
        let after = |seq| log.digest_after(Seq(seq), now);
        let expected = [None, Some(digest(1)), Some(digest(2)), Some(digest(3)), Some(now), None];
        assert_eq!([after(0), after(1), after(2), after(3), after(4), after(5)], expected);
        let since = |seq| log.since(Seq(seq)).map(|frame| frame.to_vec()).collect::<Vec<_>>();
        assert_eq!(since(1), [&b"two"[..], b"three", b"four"]);
        assert_eq!((since(3), since(4)), (vec![b"four".to_vec()], vec![]));
    }
}
