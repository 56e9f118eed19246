//! What was asked for and is to become visible in a room, and since when.

use std::collections::HashMap;
use std::time::Instant;

use super::people::Entry;

/// What is to become visible of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Comes,
    Goes,
    /// Its status and data are these.
    Shows(Entry),
}

/// All of a room that has not been seen, the oldest of each name first.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    open: HashMap<String, Vec<(Wish, Instant)>>,
    /// How many are of names to come.
    coming: usize,
}

impl Wishes {
    /// Something is to become visible. `when` it is due counts, whether or not it is asked for in
    /// time.
    pub(crate) fn add(&mut self, name: String, wish: Wish, when: Instant) {
        let open = self.open.entry(name).or_default();
        if !matches!(wish, Wish::Shows(_)) {
            // Who goes and comes within one commit is never told of.
            self.coming -= coming(open);
            open.clear();
        }
        self.coming += usize::from(wish == Wish::Comes);
        open.push((wish, when));
    }

    /// Something has become visible: since when that was awaited, and what it replaces.
    pub(crate) fn seen(&mut self, name: &str, wish: &Wish) -> Option<Instant> {
        let open = self.open.get_mut(name)?;
        let last = open.iter().position(|(open, _)| open == wish)?;
        let (_, oldest) = open[0];
        self.coming -= coming(&open[..=last]);
        open.drain(..=last);
        if open.is_empty() {
            self.open.remove(name);
        }
        Some(oldest)
    }

    /// Whether all names that were to come have been seen.
    pub(crate) fn have_all_come(&self) -> bool {
        self.coming == 0
    }

    /// Whether all has been seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// How many names show other data or another status than they should.
    pub(crate) fn unshown(&self) -> usize {
        let is_shown =
            |open: &&Vec<(Wish, Instant)>| matches!(open.last(), Some((Wish::Shows(_), _)));
        self.open.values().filter(is_shown).count()
    }
}

fn coming(wishes: &[(Wish, Instant)]) -> usize {
    wishes.iter().filter(|(wish, _)| *wish == Wish::Comes).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::people::{Data, Status};
    use std::time::Duration;

    #[test]
    fn clock_runs_from_the_oldest_wish_that_is_replaced() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let shows = |status| Wish::Shows(Entry { status, data: Data::default() });
        let mut wishes = Wishes::default();
        wishes.add("Ada".into(), Wish::Comes, at(0));
        assert!(!wishes.have_all_come());
        assert_eq!(wishes.seen("Ada", &Wish::Comes), Some(at(0)));
        assert!(wishes.have_all_come() && wishes.is_empty());

        wishes.add("Ada".into(), shows(Status::Idle), at(1));
        wishes.add("Ada".into(), shows(Status::Hidden), at(2));
        wishes.add("Ada".into(), shows(Status::Active), at(3));
        assert_eq!(wishes.seen("Ada", &shows(Status::Hidden)), Some(at(1)));
        assert_eq!((wishes.unshown(), wishes.is_empty()), (1, false));
        assert_eq!(wishes.seen("Ada", &shows(Status::Idle)), None);
        assert_eq!(wishes.seen("Ada", &shows(Status::Active)), Some(at(3)));
        assert_eq!((wishes.unshown(), wishes.is_empty()), (0, true));
    }

    #[test]
    fn who_comes_and_goes_is_awaited_no_more() {
        let start = Instant::now();
        let mut wishes = Wishes::default();
        wishes.add("Ada".into(), Wish::Comes, start);
        wishes.add("Ada".into(), Wish::Goes, start);
        assert!(wishes.have_all_come() && !wishes.is_empty());
        assert_eq!(wishes.seen("Ada", &Wish::Comes), None);
        assert_eq!(wishes.seen("Bob", &Wish::Goes), None);
        assert_eq!(wishes.seen("Ada", &Wish::Goes), Some(start));
    }
}
