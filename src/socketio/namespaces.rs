//! The namespaces that a client is in.

use super::packet::MAIN;

/// The namespaces of a client. Each has a number, which no other has or will have.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    /// How often the client has joined one.
    joins: u32,
    /// The number of the main one, if the client is there. Most clients are in this one alone,
    /// which costs them nothing beside this struct.
    main: Option<u32>,
    #[expect(clippy::box_collection, reason = "a vector is three words even when it is empty")]
    others: Option<Box<Vec<Namespace>>>,
}

#[derive(Debug)]
struct Namespace {
    number: u32,
    /// With its slash.
    name: Box<str>,
}

impl Namespaces {
    /// Bytes of memory held beside the struct.
    pub(super) fn buffered_bytes(&self) -> usize {
        let Some(others) = &self.others else { return 0 };
        let names = others.iter().map(|other| other.name.len()).sum::<usize>();
        size_of::<Vec<Namespace>>() + others.capacity() * size_of::<Namespace>() + names
    }

    /// Adds a namespace that is not there, and gives its number.
    pub(super) fn join(&mut self, name: &str) -> u32 {
        self.joins = self.joins.wrapping_add(1);
        let number = self.joins;
        if name == MAIN {
            self.main = Some(number);
        } else {
            self.others.get_or_insert_default().push(Namespace { number, name: name.into() });
        }
        number
    }

    /// Takes the one with this number away.
    pub(super) fn leave(&mut self, number: u32) {
        if self.main == Some(number) {
            self.main = None;
        } else if let Some(others) = &mut self.others {
            others.retain(|other| other.number != number);
        }
        if self.others().is_empty() {
            self.others = None;
        }
    }

    /// The number of a namespace that is there.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        if name == MAIN {
            return self.main;
        }
        self.others().iter().find(|other| &*other.name == name).map(|other| other.number)
    }

    /// The name of the one with this number.
    pub(super) fn name(&self, number: u32) -> &str {
        let other = self.others().iter().find(|other| other.number == number);
        other.map_or(MAIN, |other| &other.name)
    }

    fn others(&self) -> &[Namespace] {
        self.others.as_ref().map_or(&[], |others| others)
    }
}
