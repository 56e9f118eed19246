//! One making of a room, from its first commit on, as far as clients were told of it.
//!
//! A change says how somebody is, and not how they were; what clients know is a sum, from which the
//! old is to be subtracted. So it is kept for each name what was told of it, and with which commit.
//! That is enough however far apart two clients are: whoever takes in commit n was told all that
//! leads to it, and so it stands here. (What stands here already is not noted again. That is right
//! as long as nobody becomes what they were while a client lags, which ours never do.)
//!
//! Of each commit it is kept what the first client knew after it. Every other one must know the
//! same.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::people::{Data, Entry, People};
use super::text::{ChangeText, DataText, Epoch, RosterText};
use super::view::{Kind, View, Wrong};
use super::wishes::{Wish, Wishes};

/// Commits that are kept: a client is never that far behind.
const COMMITS_KEPT: u64 = 4096;

/// One making of a room.
#[derive(Debug)]
pub(super) struct Life {
    /// The node that it is on, which numbers its commits.
    pub(super) node: usize,
    pub(super) epoch: Epoch,
    /// What is known by the client that knows most.
    pub(super) newest: View,
    /// What was told of each name, and by which commit, the oldest first; `None` if it left.
    told: HashMap<String, Vec<(u64, Option<Entry>)>>,
    commits: BTreeMap<u64, Commit>,
    /// The latest commit whose change was read.
    latest: u64,
}

/// What is kept of a commit.
#[derive(Debug, Default)]
struct Commit {
    /// When the oldest of what it tells was asked for.
    asked: Option<Instant>,
    /// Who was there after it.
    people: Option<People>,
    /// How many were there after it.
    count: Option<u64>,
}

impl Life {
    /// Of which nothing is known.
    pub(super) fn new(room: usize, node: usize, epoch: Epoch) -> Life {
        Life {
            node,
            epoch,
            newest: View { node, ..View::of(room) },
            told: HashMap::new(),
            commits: BTreeMap::new(),
            latest: 0,
        }
    }

    /// Who is there by a roster.
    pub(super) fn roster(
        &mut self,
        text: RosterText<'_>,
        wishes: &mut Wishes,
    ) -> Result<People, Wrong> {
        let RosterText { seq, names, status, mut data, .. } = text;
        let mut people = People::default();
        let mut described = 0;
        for name in &names {
            let status = status.get(&**name).copied();
            let data = data.remove(&**name);
            described += usize::from(status.is_some());
            let data = data.as_ref().map_or(Data::default(), DataText::data);
            let entry = Entry { status: status.unwrap_or_default(), data };
            people = people.with(People::one(name, &entry));
            self.note(name, seq, Some(entry.clone()));
            wishes.seen(name, &Wish::Comes);
            wishes.seen(name, &Wish::Shows(entry));
        }
        let stranger = data.into_keys().next();
        let is_stranger = |name: &&String| !names.iter().any(|known| known == *name);
        let stranger = stranger.or_else(|| {
            (described < status.len()).then(|| status.keys().find(is_stranger).cloned())?
        });
        match stranger {
            Some(name) => Err(Wrong::Absent { seq, name }),
            None => Ok(people),
        }
    }

    /// Those whom a change concerns, as they were before and are after it.
    pub(super) fn change(
        &mut self,
        text: &ChangeText<'_>,
        wishes: &mut Wishes,
    ) -> Result<(People, People), Wrong> {
        let seq = text.seq;
        let difference = Difference::of(text, |name| self.before(name, seq))?;
        let people = difference.people();
        let asked = self.take(seq, difference, wishes);
        // A client that lags tells nothing new.
        if seq > self.latest {
            self.latest = seq;
            self.commit(seq).asked = asked;
        }
        Ok(people)
    }

    /// The same for a change from `copy`, the room as a client that came back knew it. Whoever is
    /// in the copy is in the room.
    pub(super) fn resume(
        &mut self,
        copy: &BTreeMap<String, Entry>,
        text: &ChangeText<'_>,
        wishes: &mut Wishes,
    ) -> Result<(People, People), Wrong> {
        let difference = Difference::of(text, |name| copy.get(name).cloned())?;
        let people = difference.people();
        let is_changed =
            |name: &str| difference.after.contains_key(name) || difference.left.contains(&name);
        for (name, entry) in copy {
            if !is_changed(name) {
                self.note(name, text.seq, Some(entry.clone()));
            }
        }
        self.take(text.seq, difference, wishes);
        Ok(people)
    }

    /// Who was there after a commit, as far as it was told.
    pub(super) fn people_after(&self, seq: u64) -> BTreeMap<String, Entry> {
        let entry = |name: &String| Some((name.clone(), self.before(name, seq + 1)?));
        self.told.keys().filter_map(entry).collect()
    }

    /// Notes what a commit did, and says when the oldest of it was asked for.
    fn take(
        &mut self,
        seq: u64,
        difference: Difference<'_>,
        wishes: &mut Wishes,
    ) -> Option<Instant> {
        let Difference { left, joined, after, .. } = difference;
        let mut asked = None;
        let mut see = |name: &str, wish| {
            let since = wishes.seen(name, &wish);
            asked = asked.into_iter().chain(since).min();
        };
        for name in left {
            self.note(name, seq, None);
            see(name, Wish::Goes);
        }
        for (name, entry) in after {
            self.note(name, seq, Some(entry.clone()));
            see(name, Wish::Shows(entry));
        }
        joined.into_iter().for_each(|name| see(name, Wish::Comes));
        asked
    }

    /// A client knows this now: does everybody who was told of that commit?
    pub(super) fn arrived(&mut self, view: &View) -> Result<(), Wrong> {
        let Some(seq) = view.seq else { return Ok(()) };
        if self.newest.seq < view.seq && view.kind != Kind::Count {
            let View { room, node, epoch, seq, people, .. } = *view;
            self.newest = View { room, node, epoch, seq, people, ..View::default() };
        }
        let commit = self.commit(seq);
        let is_same = match view.kind {
            Kind::Count => {
                let count = *commit.count.get_or_insert(view.people.count);
                count == view.people.count
                    && commit.people.is_none_or(|people| people.count == count)
            }
            Kind::Changes | Kind::CountAsked => {
                let people = *commit.people.get_or_insert(view.people);
                people == view.people && commit.count.is_none_or(|count| people.count == count)
            }
        };
        if is_same { Ok(()) } else { Err(Wrong::Contradiction { seq }) }
    }

    /// When the oldest was asked for of what these commits tell, if that is known.
    pub(super) fn asked(&self, first: u64, last: u64) -> Option<Instant> {
        self.commits.range(first..=last).find_map(|(_, commit)| commit.asked)
    }

    fn commit(&mut self, seq: u64) -> &mut Commit {
        let kept = self.newest.seq.unwrap_or(0).saturating_sub(COMMITS_KEPT);
        while self.commits.first_key_value().is_some_and(|(&first, _)| first < kept) {
            self.commits.pop_first();
        }
        self.commits.entry(seq).or_default()
    }

    /// How somebody was before a commit, if they were there.
    fn before(&self, name: &str, seq: u64) -> Option<Entry> {
        let told = self.told.get(name)?;
        let older = told.iter().rev().find(|(told, _)| *told < seq);
        older.and_then(|(_, entry)| entry.clone())
    }

    /// Somebody was so after a commit, or was not there.
    fn note(&mut self, name: &str, seq: u64, entry: Option<Entry>) {
        let Some(told) = self.told.get_mut(name) else {
            self.told.insert(name.into(), vec![(seq, entry)]);
            return;
        };
        let next = told.partition_point(|(told, _)| *told <= seq);
        if next == 0 || told[next - 1].1 != entry {
            told.insert(next, (seq, entry));
        }
        let kept = self.newest.seq.unwrap_or(0).saturating_sub(COMMITS_KEPT);
        let old = told.partition_point(|(told, _)| *told < kept).saturating_sub(1);
        told.drain(..old);
    }
}

/// What a change says, with those whom it concerns.
struct Difference<'a> {
    left: Vec<&'a str>,
    joined: Vec<&'a str>,
    /// Those whom it concerns and who were there, as they were.
    before: People,
    /// Those whom it concerns and who are there, as they are.
    after: BTreeMap<&'a str, Entry>,
}

impl<'a> Difference<'a> {
    /// Reads a change, for whom others are as `known` says.
    fn of(
        text: &'a ChangeText<'_>,
        known: impl Fn(&str) -> Option<Entry>,
    ) -> Result<Difference<'a>, Wrong> {
        let ChangeText { seq, status, data, .. } = text;
        let was = |name: &str| {
            known(name).ok_or_else(|| Wrong::Absent { seq: *seq, name: name.to_owned() })
        };
        let left: Vec<&str> = text.left.iter().map(|name| &**name).collect();
        let joined: Vec<&str> = text.joined.iter().map(|name| &**name).collect();
        let mut before = People::default();
        for name in &left {
            before = before.with(People::one(name, &was(name)?));
        }
        // Who joins has what the same change says, whatever there was of that name before.
        let mut after: BTreeMap<&str, Entry> =
            joined.iter().map(|&name| (name, Entry::default())).collect();
        for name in status.keys().chain(data.keys()).map(|name| &**name) {
            if left.contains(&name) {
                return Err(Wrong::Absent { seq: *seq, name: name.to_owned() });
            }
            if !after.contains_key(name) {
                let entry = was(name)?;
                before = before.with(People::one(name, &entry));
                after.insert(name, entry);
            }
        }
        for (name, entry) in &mut after {
            entry.status = status.get(*name).copied().unwrap_or(entry.status);
            if let Some(data) = data.get(*name) {
                entry.data = data.as_ref().map_or(Data::default(), DataText::data);
            }
        }
        Ok(Difference { left, joined, before, after })
    }

    /// Those whom it concerns, as they were and are.
    fn people(&self) -> (People, People) {
        let one = |(name, entry): (&&str, &Entry)| People::one(name, entry);
        (self.before, self.after.iter().map(one).fold(People::default(), People::with))
    }
}
