//! Who follows a room, and who is still to be told of its last commit. Those who are only told how
//! many are there stand in a ring of their own.
//!
//! The followers stand in a ring. A commit asks for one round, beginning where the last round
//! stopped: those who have waited longest come first, and a commit in the middle of a round makes
//! that round longer and starts no second one.
//!
//! ```text
//!   places  | 0 | 1 | 2 | 3 | 4 | 5 |
//!                     ^ at             with 4 `remaining`: 2, 3, 4, 5 are still to be told
//! ```
//!
//! A follower keeps its place until it leaves, so nothing else has to be moved when one comes or
//! goes. An empty place is passed over, which takes a nanosecond, and taken by the next newcomer;
//! all are given back when the last follower leaves. Newcomers are not part of the round: they are
//! sent all of the room when they begin to follow it.

use std::num::NonZeroU32;

/// The followers of one room. A follower is the index of its connection.
#[derive(Debug, Default)]
pub struct Followers {
    places: Vec<Slot>,
    /// The place that became empty last; each empty place names the one before it.
    empty: Option<Place>,
    count: u32,
    /// The next place of the round.
    at: u32,
    /// Places of the round, and those of them that it has yet to come to.
    round: u32,
    remaining: u32,
}

/// Where a follower stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(NonZeroU32);

/// A follower, or with the highest bit set a link to another empty place. One word, since there
/// may be a million of them.
#[derive(Clone, Copy, Debug)]
struct Slot(u32);

/// At most this many commits start while one round runs. More would commit a change sooner but make
/// the round longer for everyone.
const COMMITS_PER_ROUND: u32 = 4;

const EMPTY: u32 = 1 << 31;
const NO_LINK: u32 = u32::MAX;

impl Followers {
    /// Adds a follower.
    pub fn insert(&mut self, follower: u32) -> Place {
        debug_assert!(follower < EMPTY, "there are fewer connections than that");
        self.count += 1;
        if let Some(place) = self.empty {
            let link = self.places[place.index()].0;
            self.empty = (link != NO_LINK).then(|| Place::new(link & !EMPTY));
            self.places[place.index()] = Slot(follower);
            return place;
        }
        // If the round goes on at the beginning of the ring, the new place lies in its way.
        let lies_in_its_way = u32::from(self.at + self.remaining > self.places.len() as u32);
        self.round += lies_in_its_way;
        self.remaining += lies_in_its_way;
        self.places.push(Slot(follower));
        Place::new(self.places.len() as u32 - 1)
    }

    /// Takes the follower at `place` away.
    pub fn remove(&mut self, place: Place) {
        debug_assert!(self.places[place.index()].0 < EMPTY, "somebody stands there");
        self.count -= 1;
        if self.count == 0 {
            *self = Followers::default();
            return;
        }
        self.places[place.index()] =
            Slot(self.empty.map_or(NO_LINK, |link| link.index() as u32 | EMPTY));
        self.empty = Some(place);
    }

    /// Followers that there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Everyone is to be told.
    pub(super) fn tell_all(&mut self) {
        self.round = self.places.len() as u32;
        self.remaining = self.round;
    }

    /// Takes the next follower who is to be told.
    pub(super) fn next_to_tell(&mut self) -> Option<u32> {
        while self.remaining > 0 {
            let Slot(follower) = self.places[self.at as usize];
            self.remaining -= 1;
            self.at = if self.at as usize + 1 == self.places.len() { 0 } else { self.at + 1 };
            if follower < EMPTY {
                return Some(follower);
            }
        }
        None
    }

    /// Whether the round is under way.
    pub fn is_telling(&self) -> bool {
        self.remaining > 0
    }

    /// Whether enough of the round is over for another commit. Each commit is one more frame for
    /// everyone: with more of them a round takes longer, so that more come in it, and so on.
    pub(super) fn can_take_another(&self) -> bool {
        (self.round - self.remaining).saturating_mul(COMMITS_PER_ROUND) >= self.round
    }

    /// Whether the follower at `place` is among those who are still to be told.
    pub fn is_to_be_told(&self, place: Place) -> bool {
        let places = self.places.len();
        (place.index() + places - self.at as usize) % places.max(1) < self.remaining as usize
    }
}

impl Place {
    fn new(index: u32) -> Place {
        Place(NonZeroU32::MIN.saturating_add(index))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(followers: &mut Followers, most: usize) -> Vec<u32> {
        std::iter::from_fn(|| followers.next_to_tell()).take(most).collect()
    }

    #[test]
    fn round_begins_with_those_who_wait_longest() {
        let mut followers = Followers::default();
        let _: Vec<Place> = (0..5).map(|follower| followers.insert(follower)).collect();
        assert_eq!(told(&mut followers, 9), [0; 0], "nothing was committed");
        followers.tell_all();
        assert_eq!(told(&mut followers, 2), [0, 1]);
        followers.tell_all();
        assert_eq!(told(&mut followers, 9), [2, 3, 4, 0, 1]);
        assert!(!followers.is_telling());
    }

    #[test]
    fn nobody_is_passed_over_when_others_come_and_go() {
        let mut followers = Followers::default();
        let places: Vec<Place> = (0..4).map(|follower| followers.insert(follower)).collect();
        followers.tell_all();
        assert_eq!(told(&mut followers, 3), [0, 1, 2]);
        followers.tell_all();
        // In the middle of a round that still has to come to 3, 0, 1 and 2.
        followers.insert(4);
        followers.remove(places[0]);
        assert!(followers.is_to_be_told(places[3]) && followers.is_to_be_told(places[2]));
        followers.insert(5);
        assert_eq!(told(&mut followers, 9), [3, 4, 5, 1, 2]);
        assert!(!followers.is_to_be_told(places[3]));
    }

    #[test]
    fn newcomer_behind_the_end_of_a_round_is_not_told_twice() {
        let mut followers = Followers::default();
        let _: Vec<Place> = (0..3).map(|follower| followers.insert(follower)).collect();
        followers.tell_all();
        followers.insert(3);
        assert_eq!(told(&mut followers, 9), [0, 1, 2]);
        followers.tell_all();
        assert_eq!(told(&mut followers, 9), [3, 0, 1, 2]);
    }

    #[test]
    fn empty_places_are_taken_again_and_all_are_given_back_with_the_last() {
        let mut followers = Followers::default();
        let places: Vec<Place> = (0..3).map(|follower| followers.insert(follower)).collect();
        followers.remove(places[1]);
        followers.remove(places[0]);
        assert_eq!((followers.insert(7), followers.insert(8)), (places[0], places[1]));
        assert_eq!((followers.len(), followers.places.len()), (3, 3));
        places.into_iter().for_each(|place| followers.remove(place));
        assert!(followers.is_empty() && followers.places.capacity() == 0);
    }

    /// The place that became empty first is the last link of the empty ones.
    #[test]
    fn empty_places_are_nobody_wherever_they_are() {
        let mut followers = Followers::default();
        let places: Vec<Place> = (0..4).map(|follower| followers.insert(follower)).collect();
        for place in [0, 1, 2] {
            followers.remove(places[place]);
        }
        assert!(!followers.is_empty());
        followers.tell_all();
        assert_eq!(told(&mut followers, 9), [3]);
        assert_eq!([(); 3].map(|()| followers.insert(7)), [places[2], places[1], places[0]]);
    }
}
