//! One room: who is there, what changed, and who is told.

use crate::config::Limits;
use crate::shared::Shared;
use crate::time::Time;

use super::encoder::Encoder;
use super::followers::{Followers, Place};
use super::list::List;
use super::log::{BroadcastLog, Form, Seq};
use super::message;
use super::roster::Roster;
use super::view::{Piece, View};

/// The handle of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomId(pub(super) u32);

impl RoomId {
    /// That of the room without a name.
    pub(super) const MAIN: RoomId = RoomId(0);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One room.
#[derive(Debug, Default)]
pub struct Room {
    roster: Roster,
    log: BroadcastLog,
    list: List,
    followers: Followers,
    /// Followers of each kind that take the compressed form.
    deflated_changes: u32,
    deflated_lists: u32,
    /// Whether it is on the list of rooms that may have something to commit.
    is_dirty: bool,
    /// Whether it is on the list of rooms whose followers are being told.
    is_listed: bool,
    /// There is no commit before this.
    commit_from: Time,
    /// The roster as a JSON document, and what it was made from.
    document: Option<(Seq, u32, Shared)>,
}

/// What a view needs and the room has not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// The whole roster as one frame.
    Checkpoint,
    /// The newest list.
    List,
}

impl Room {
    /// Who is here.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    pub(super) fn roster_mut(&mut self) -> &mut Roster {
        &mut self.roster
    }

    /// The latest commits.
    pub fn log(&self) -> &BroadcastLog {
        &self.log
    }

    /// Who is told.
    pub fn followers(&self) -> &Followers {
        &self.followers
    }

    pub(super) fn followers_mut(&mut self) -> &mut Followers {
        &mut self.followers
    }

    /// When the next commit may be.
    pub(super) fn commit_from(&self) -> Time {
        self.commit_from
    }

    /// Adds a follower with this view.
    pub fn follow(&mut self, follower: u32, view: &View) -> Place {
        *self.deflated_readers(view) += u32::from(view.form() == Form::Deflated);
        self.followers.insert(follower)
    }

    /// Removes it.
    pub fn unfollow(&mut self, place: Place, view: &View) {
        *self.deflated_readers(view) -= u32::from(view.form() == Form::Deflated);
        self.followers.remove(place);
        let deflated = self.deflated_changes + self.deflated_lists;
        debug_assert!(deflated as usize <= self.followers.len(), "each of them is a follower");
    }

    fn deflated_readers(&mut self, view: &View) -> &mut u32 {
        match view {
            View::Changes { .. } => &mut self.deflated_changes,
            View::Lists { .. } => &mut self.deflated_lists,
        }
    }

    /// Notes that something may have changed, and says whether nothing had before.
    pub(super) fn mark_dirty(&mut self) -> bool {
        !std::mem::replace(&mut self.is_dirty, true)
    }

    /// Notes that it is on the list of rooms that tell, and says whether it was not there before.
    pub(super) fn mark_telling(&mut self) -> bool {
        !std::mem::replace(&mut self.is_listed, true)
    }

    /// It is on that list no more.
    pub(super) fn unmark_telling(&mut self) {
        self.is_listed = false;
    }

    /// Commits what changed, if it did on balance: encodes it once, and has the followers told.
    pub(super) fn commit(&mut self, limits: &Limits, encoder: &mut Encoder<'_>, now: Time) -> bool {
        self.is_dirty = false;
        // A name that came and went since the last commit was never here, and nobody is told.
        let Some(change) = self.roster.commit() else { return false };
        self.commit_from = now.after_ms(u64::from(limits.commit_interval_ms));
        let message = message::change(self.log.upcoming(), &change);
        let frame = encoder.frame(&message, self.deflated_changes);
        // A follower that is further behind than this is served with fewer bytes by a checkpoint.
        let floor = limits.log_bytes_min as usize;
        self.log.append(frame, floor.max(self.roster.committed_bytes()));
        self.followers.tell_all();
        true
    }

    /// Whether `view` is behind: a follower with it is to be sent something.
    pub fn is_ahead_of(&self, view: &View) -> bool {
        self.log.is_behind(view.cursor())
    }

    /// The next piece that a follower with `view` is sent, and moves the view past it. The words of
    /// `prefix` go before a list, in `lead`; since there is one such buffer, no second list is
    /// given with it.
    pub fn next<'a>(
        &'a self,
        view: &mut View,
        prefix: impl FnOnce(u32) -> [&'a str; 3],
        lead: &mut Option<&'a mut Vec<u8>>,
    ) -> Option<Piece<'a>> {
        match view {
            View::Changes { next, form } => {
                let (body, after) = self.log.follow(*next, *form)?;
                *next = after;
                Some(Piece { lead: &[], body })
            }
            View::Lists { next, form, namespace } => {
                if !self.log.is_behind(*next) {
                    return None;
                }
                let lead = lead.take()?;
                // Whatever was committed in between is in this list.
                *next = self.log.upcoming();
                Some(self.list.frame(prefix(*namespace), *form, lead))
            }
        }
    }

    /// What must be encoded before `view` can be served.
    pub fn lacks(&self, view: &View) -> Option<Lacking> {
        match *view {
            View::Changes { next, .. } => {
                self.log.lacks_checkpoint(next).then_some(Lacking::Checkpoint)
            }
            View::Lists { next, form, .. } => {
                let is_made = self.list.is_of(self.log.last(), form);
                (self.log.is_behind(next) && !is_made).then_some(Lacking::List)
            }
        }
    }

    /// Encodes the whole roster, for all who are too far behind.
    pub fn make_checkpoint(&mut self, encoder: &mut Encoder<'_>) {
        let bytes = self.roster.committed_bytes();
        let message = message::roster(self.log.last(), self.roster.committed(), bytes);
        let frame = encoder.frame(&message, self.deflated_changes);
        self.log.put_checkpoint(frame);
    }

    /// Keeps the newest list, which is encoded as its readers want it.
    pub fn put_list(&mut self, list: Vec<u8>, encoder: &mut Encoder<'_>) {
        let deflated = encoder.deflated(&list, self.deflated_lists);
        self.list.put(self.log.last(), list, deflated, self.deflated_lists > 0);
    }

    /// The roster as a JSON document, made once for all who ask until it changes: asking is cheap,
    /// and so must be answering. `watching` is told in it.
    pub fn document(&mut self, watching: u32) -> Shared {
        let seq = self.log.last();
        match &self.document {
            Some((of_seq, of_watching, body)) if (*of_seq, *of_watching) == (seq, watching) => {
                body.clone()
            }
            _ => {
                let body = Shared::from(message::document(seq, self.roster.committed(), watching));
                self.document = Some((seq, watching, body.clone()));
                body
            }
        }
    }
}
