//! The namespaces that a client is in, and what it was told in each.

use crate::broadcast::Seq;

use super::packet::MAIN;

/// The namespaces of a client. Each has a place, which is its own until one is left.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    /// The main one, if the client is there: the list that it needs next. Most clients are in this
    /// one alone, which costs them nothing beside this struct.
    main: Option<Seq>,
    others: Option<Box<Others>>,
}

#[derive(Debug, Default)]
struct Others(Vec<Namespace>);

#[derive(Debug)]
struct Namespace {
    /// With its slash.
    name: Box<str>,
    /// The list that is needed next.
    next: Seq,
}

impl Namespaces {
    pub(super) fn len(&self) -> usize {
        usize::from(self.main.is_some()) + self.others().len()
    }

    /// Bytes of memory held beside the struct.
    pub(super) fn buffered_bytes(&self) -> usize {
        let Some(others) = &self.others else { return 0 };
        let names = others.0.iter().map(|other| other.name.len()).sum::<usize>();
        size_of::<Others>() + others.0.capacity() * size_of::<Namespace>() + names
    }

    /// Adds a namespace that is not there, and in which nothing was told.
    pub(super) fn join(&mut self, name: &str) {
        if name == MAIN {
            self.main = Some(Seq::START);
        } else {
            let other = Namespace { name: name.into(), next: Seq::START };
            self.others.get_or_insert_default().0.push(other);
        }
    }

    /// Takes the one in `place` away.
    pub(super) fn leave(&mut self, place: u32) {
        match (place.checked_sub(1), &mut self.others) {
            (Some(index), Some(others)) => drop(others.0.remove(index as usize)),
            _ => self.main = None,
        }
        if self.others().is_empty() {
            self.others = None;
        }
    }

    /// The place of a namespace that is there: 0 of the main one, and the others follow.
    pub(super) fn place(&self, name: &str) -> Option<u32> {
        if name == MAIN {
            return self.main.map(|_| 0);
        }
        let index = self.others().iter().position(|other| &*other.name == name)?;
        Some(index as u32 + 1)
    }

    /// The name of the one in `place`.
    pub(super) fn name(&self, place: u32) -> &str {
        place.checked_sub(1).map_or(MAIN, |index| &self.others()[index as usize].name)
    }

    /// Where the oldest list is needed, and which: so in a client that is slow to read, no
    /// namespace waits for another for ever.
    pub(super) fn furthest_behind(&self) -> Option<(Seq, u32)> {
        let others = self.others().iter().map(|other| other.next).zip(1..);
        self.main.map(|next| (next, 0)).into_iter().chain(others).min()
    }

    /// In `place` the list `next` is needed next.
    pub(super) fn told(&mut self, place: u32, next: Seq) {
        match (place.checked_sub(1), &mut self.others) {
            (Some(index), Some(others)) => others.0[index as usize].next = next,
            _ => self.main = Some(next),
        }
    }

    fn others(&self) -> &[Namespace] {
        self.others.as_ref().map_or(&[], |others| &others.0)
    }
}
