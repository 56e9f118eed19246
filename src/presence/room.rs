//! One room: who is there, what changed, and who is told.

mod reading;

use crate::config::Limits;
use crate::shared::Shared;
use crate::time::Time;

use super::digest::Digest;
use super::encoder::Encoder;
use super::entries::{Entries, Name};
use super::epoch::Epoch;
use super::followers::{Followers, Place};
use super::ids::RoomId;
use super::list::List;
use super::log::{Bounds, BroadcastLog, Form, Seq};
use super::members::Members;
use super::message;
use super::roster::Roster;
use super::view::{Summary, View};

/// One room. There may be a hundred thousand of them, most of them quiet, so what a quiet room has
/// no use for is in boxes.
#[derive(Debug)]
pub struct Room {
    name: Name,
    epoch: Epoch,
    /// Which of all rooms that there were this is: tells it from others in the same place.
    pub(super) number: u32,
    pub(super) roster: Roster,
    pub(super) log: BroadcastLog,
    /// What is told as a whole, by the number of the [`Summary`].
    lists: Option<Box<[List; 3]>>,
    /// The roster as a JSON document, and of which commit.
    document: Option<Box<(Seq, Shared)>>,
    /// The changes of the log from one commit to another as one, for the next who needs that.
    pub(super) summed: Option<Box<Summed>>,
    followers: Followers,
    /// Those who are told how many are here, and not who.
    counters: Option<Box<Followers>>,
    /// Connections that are in the room, whatever they are told, and members in it.
    pub(super) subscriptions: u32,
    pub(super) members: u32,
    /// Members that no connection has.
    pub(super) held: u32,
    /// Followers of each kind that take the compressed form.
    deflated: [u32; 4],
    /// The last commit that changed names.
    names_seq: Seq,
    /// What was told last of how many are here.
    counted: Counted,
    /// There is no commit before this, and no count before that.
    pub(super) commit_from: Time,
    count_from: Time,
    /// When something was encoded last.
    pub(super) encoded_at: Time,
    pub(super) flags: Flags,
}

/// Several changes as one message.
#[derive(Debug)]
pub(super) struct Summed {
    /// The commit before the first of them, and the last.
    pub(super) from: Seq,
    pub(super) to: Seq,
    pub(super) change: Vec<u8>,
}

/// On which lists a room stands.
#[derive(Debug, Default)]
pub(super) struct Flags {
    /// A commit is scheduled.
    pub(super) is_dirty: bool,
    /// A count is scheduled.
    pub(super) is_counting: bool,
    /// It is scheduled that what is encoded is dropped.
    pub(super) is_forgetting: bool,
    /// It waits for what other nodes say of it, and nothing is told of it before.
    pub(super) is_loading: bool,
    /// What others said of it is told with the next commit, to all.
    pub(super) is_untold: bool,
    /// Its followers are being told.
    pub(super) is_telling: bool,
    /// The next to be told is one of the counters, if there is one.
    is_turn_of_counters: bool,
}

/// How many were here at a commit.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    seq: Seq,
    count: u32,
}

/// What a view needs and the room has not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// The whole roster as one frame.
    Checkpoint,
    /// The newest state.
    List(Summary),
}

impl Room {
    pub(super) fn new(name: Name, epoch: Epoch, number: u32) -> Room {
        Room {
            name,
            epoch,
            number,
            roster: Roster::default(),
            log: BroadcastLog::default(),
            lists: None,
            document: None,
            summed: None,
            followers: Followers::default(),
            counters: None,
            subscriptions: 0,
            members: 0,
            held: 0,
            deflated: [0; 4],
            names_seq: Seq::START,
            counted: Counted::default(),
            commit_from: Time::ZERO,
            count_from: Time::ZERO,
            encoded_at: Time::ZERO,
            flags: Flags::default(),
        }
    }

    /// Its name; empty for the room without one.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Which making of the room of this name it is.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The latest commits.
    pub fn log(&self) -> &BroadcastLog {
        &self.log
    }

    /// The digest of the roster after commit `seq`, if that is known.
    pub fn digest_after(&self, seq: Seq) -> Option<Digest> {
        self.log.digest_after(seq, self.roster.digest())
    }

    /// Who is here.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether nobody is in it or on the way out of it, so that it can go. Those that other nodes
    /// have in it don't keep it.
    pub(super) fn is_deserted(&self) -> bool {
        let is_used = self.subscriptions > 0 || self.members > 0;
        !is_used && !self.flags.is_dirty && !self.flags.is_telling
    }

    // Followers.

    /// Adds a follower with this view; one that is told nothing has no place.
    pub(super) fn follow(&mut self, follower: u32, view: &View) -> Option<Place> {
        if let Some(readers) = self.deflated_readers(view) {
            *readers += 1;
        }
        match view {
            View::Nothing => None,
            view if view.is_count() => {
                if self.counters.is_none() {
                    // Nobody was told a number that this one would have to agree with.
                    self.counted =
                        Counted { seq: self.log.last(), count: self.roster.len() as u32 };
                }
                Some(self.counters.get_or_insert_default().insert(follower))
            }
            _ => Some(self.followers.insert(follower)),
        }
    }

    /// Removes it.
    pub(super) fn unfollow(&mut self, place: Option<Place>, view: &View) {
        if let Some(readers) = self.deflated_readers(view) {
            *readers -= 1;
        }
        let Some(place) = place else { return };
        if !view.is_count() {
            self.followers.remove(place);
        } else if let Some(counters) = &mut self.counters {
            counters.remove(place);
            if counters.is_empty() {
                self.counters = None;
            }
        }
        let places = self.followers.len() + self.counters.as_ref().map_or(0, |all| all.len());
        let deflated = self.deflated.iter().sum::<u32>() as usize;
        debug_assert!(deflated <= places, "each of them is a follower");
    }

    fn deflated_readers(&mut self, view: &View) -> Option<&mut u32> {
        match *view {
            View::Changes { form: Form::Deflated, .. } => Some(&mut self.deflated[0]),
            View::Newest { form: Form::Deflated, summary, .. } => {
                Some(&mut self.deflated[1 + summary as usize])
            }
            _ => None,
        }
    }

    /// The next follower who is to be told of a commit, or of a count: the two in turns.
    pub(super) fn next_to_tell(&mut self) -> Option<u32> {
        let Some(counters) = &mut self.counters else { return self.followers.next_to_tell() };
        let mut next_count = || counters.next_to_tell();
        let counts_first = self.flags.is_turn_of_counters;
        self.flags.is_turn_of_counters = !counts_first;
        match counts_first {
            true => next_count().or_else(|| self.followers.next_to_tell()),
            false => self.followers.next_to_tell().or_else(next_count),
        }
    }

    /// Whether followers are still to be told of a commit or of a count.
    pub(super) fn is_telling(&self) -> bool {
        let is_counting = self.counters.as_ref().is_some_and(|counters| counters.is_telling());
        self.followers.is_telling() || is_counting
    }

    /// Whether the follower who stands at `place` for this view is among them.
    pub fn is_to_be_told(&self, place: Place, view: &View) -> bool {
        match view.is_count() {
            true => self.counters.as_ref().is_some_and(|counters| counters.is_to_be_told(place)),
            false => self.followers.is_to_be_told(place),
        }
    }

    /// Has all of them told of what there is.
    pub(super) fn tell_all(&mut self) {
        self.followers.tell_all();
        if let Some(counters) = &mut self.counters {
            counters.tell_all();
        }
    }

    // Commits.

    /// Whether enough followers were told of the last commit for another one.
    pub(super) fn can_commit(&self) -> bool {
        self.followers.can_take_another()
    }

    /// Commits what changed, if it did on balance: encodes it once, and has the followers told.
    pub(super) fn commit(
        &mut self,
        id: RoomId,
        (entries, members): (&mut Entries, &Members),
        limits: &Limits,
        kept: usize,
        encoder: &mut Encoder<'_>,
        now: Time,
    ) -> bool {
        // What came and went since the last commit was never here, and nobody is told.
        let before = self.roster.digest();
        let Some(change) = self.roster.commit(id, entries, members, limits.data()) else {
            return false;
        };
        self.commit_from = now.after_ms(u64::from(limits.commit_interval_ms));
        let seq = self.log.upcoming();
        if change.is_of_names() {
            self.names_seq = seq;
        }
        let told = message::change(&self.name, seq, self.roster.digest(), &change);
        let frame = encoder.frame(&told, self.deflated[0]);
        // A follower that is further behind than this is served with fewer bytes by a checkpoint.
        let followed = self.roster.committed_bytes().max(limits.log_bytes_min as usize);
        let bounds = Bounds { followed, kept };
        self.log.append(frame, [before, self.roster.digest()], bounds);
        self.followers.tell_all();
        true
    }

    /// When the number of names is to be told, if it is to be.
    pub(super) fn count_due(&self) -> Option<Time> {
        let is_another = self.roster.len() as u32 != self.counted.count;
        (is_another && self.counters.is_some()).then_some(self.count_from)
    }

    /// Has those told who count.
    pub(super) fn count(&mut self, limits: &Limits, now: Time) {
        self.counted = Counted { seq: self.log.last(), count: self.roster.len() as u32 };
        self.count_from = now.after_ms(u64::from(limits.count_interval_ms));
        if let Some(counters) = &mut self.counters {
            counters.tell_all();
        }
    }

    /// Whether something is encoded.
    pub(super) fn holds_encoded(&self) -> bool {
        self.log.holds_encoded()
            || self.lists.is_some()
            || self.document.is_some()
            || self.summed.is_some()
    }

    /// Drops all that is encoded.
    pub(super) fn forget(&mut self) {
        self.log.forget();
        self.lists = None;
        self.document = None;
        self.summed = None;
    }
}
