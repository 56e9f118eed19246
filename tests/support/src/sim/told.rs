//! What a client was told of one room.

use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use super::message::{Change, Seen, State, Whole};
use super::requests::{Has, Named};
use super::rosters::{At, Rosters};

/// What it was told of a room since it has this view of it.
#[derive(Debug, Default)]
pub struct Told {
    /// The making of the room, if that is known: it stays the same while somebody is in it.
    pub epoch: Option<Rc<str>>,
    pub at: Option<At>,
    /// The copy that it named, until it is told something.
    pub copy: Has,
    pub list: Option<BTreeSet<String>>,
    /// A commit, and how many names there were.
    pub count: Option<(u64, u64)>,
    pub counts: Pace,
}

/// How often a count came.
#[derive(Debug, Default)]
pub struct Pace {
    began_us: u64,
    times: u64,
    /// When each of the last few came.
    last_us: VecDeque<u64>,
}

/// So many counts may come at once to somebody who could not be told before: what was half sent,
/// what was new then, and what is new now. The first of all is one more.
const COUNTS_AT_ONCE: usize = 4;

/// A change for one who comes back may be as long as the roster, and so much longer.
const RESUMED_BYTES_MAX: usize = 600;

impl Told {
    /// Whether it has named a copy, and was told nothing yet.
    pub fn waits(&self) -> bool {
        self.copy.is_some()
    }

    pub fn hear_whole(&mut self, whole: &Whole, rosters: &mut Rosters) {
        let epoch = self.epoch.get_or_insert_with(|| whole.epoch.clone());
        assert_eq!(*epoch, whole.epoch, "{:?} was made again with somebody in it", whole.room);
        self.copy = None;
        self.at = Some(rosters.hear_whole(whole, self.at.as_ref()));
    }

    pub fn hear_count(&mut self, seq: u64, count: u64, rosters: &Rosters) {
        let at = self.epoch.clone().map(|epoch| (epoch, seq));
        if let Some(state) = at.and_then(|at| rosters.state(&at)) {
            assert_eq!(state.len() as u64, count, "the count of commit {seq}");
        }
        if let Some((last, before)) = self.count {
            assert!(seq > last, "the count of commit {seq} after that of {last}");
            // It went away and came back in between.
            assert!(count != before || seq > last + 1, "the same count once more");
        }
        self.count = Some((seq, count));
    }
}

/// Somebody who named this copy hears what leads from there to a commit.
pub fn arrive(
    named: &Named,
    (epoch, change, bytes): (&Rc<str>, &Change, usize),
    rosters: &mut Rosters,
) -> At {
    let from = named.of.as_ref();
    let from = from.unwrap_or_else(|| panic!("the copy {named:?} that it named is none"));
    let at = rosters.hear_resumed(epoch, change, from);
    let most = rosters.state(&at).map_or(0, |state| length(state)) + RESUMED_BYTES_MAX;
    assert!(bytes <= most, "{bytes} bytes, where a roster has {most}");
    at
}

/// About how long a roster is, in bytes.
fn length(state: &State) -> usize {
    let entry = |(name, seen): (&String, &Seen)| {
        let data = serde_json::to_string(&seen.data).map_or(0, |data| data.len());
        2 * (3 + name.len()) + 10 + data
    };
    state.iter().map(entry).sum()
}

impl Pace {
    /// None came before that time.
    pub fn from(began_us: u64) -> Pace {
        Pace { began_us, ..Pace::default() }
    }

    pub fn note(&mut self, now_us: u64, interval_us: u64, is_prompt: bool) {
        self.times += 1;
        let passed = (now_us - self.began_us + 5_000) / interval_us;
        assert!(self.times <= passed + 2, "{} counts", self.times);
        self.last_us.push_back(now_us);
        if self.last_us.len() > COUNTS_AT_ONCE {
            let first_us = self.last_us.pop_front().unwrap_or(now_us);
            let is_fair = now_us - first_us + 5_000 >= interval_us;
            assert!(is_fair || !is_prompt, "{COUNTS_AT_ONCE} counts and one more at once");
        }
    }
}
