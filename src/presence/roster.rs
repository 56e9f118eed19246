//! Who is here: names, by how many connections each is held, and what changed since the last
//! commit.
//!
//! Connections join and leave at any time; the world sees the roster only as of its last commit.
//! Each commit is one [`Change`], net: a name that came and went between two commits was never
//! there. The roster knows names and counts, and no connections; a connection knows the number of
//! its name.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::rc::Rc;

use slab::Slab;

/// The names that are here.
#[derive(Debug, Default)]
pub struct Roster {
    /// In order, so that the same roster is always told in the same way.
    ids: BTreeMap<Name, NameId>,
    entries: Slab<Entry>,
    /// Names that joined or left since the last commit, and perhaps came back.
    touched: Vec<NameId>,
    /// Sum of the lengths of all committed names, in bytes.
    committed_bytes: usize,
}

/// A name, as it is told.
pub type Name = Rc<str>;

/// A name that a connection has, for as long as it has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameId(NonZeroU32);

#[derive(Debug)]
struct Entry {
    name: Name,
    /// Connections that have this name now.
    connections: u32,
    /// Whether the last commit said that the name is here.
    is_committed: bool,
    /// Whether it is on the list of those that were touched.
    is_touched: bool,
}

/// What one commit changed; never empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// Names that are here and were not, in order.
    pub joined: Vec<Name>,
    /// Names that were here and are not, in order.
    pub left: Vec<Name>,
}

impl NameId {
    fn new(index: usize) -> NameId {
        let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
        NameId(number.expect("there are fewer names than connections, and those fit into 32 bits"))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Roster {
    /// A connection takes `name`.
    pub fn join(&mut self, name: &str) -> NameId {
        let id = match self.ids.get(name) {
            Some(&id) => id,
            None => {
                let name = Name::from(name);
                let entry = Entry {
                    name: name.clone(),
                    connections: 0,
                    is_committed: false,
                    is_touched: false,
                };
                let id = NameId::new(self.entries.insert(entry));
                self.ids.insert(name, id);
                id
            }
        };
        self.entries[id.index()].connections += 1;
        if self.entries[id.index()].connections == 1 {
            self.touch(id);
        }
        id
    }

    /// A connection that took a name gives it up.
    pub fn leave(&mut self, id: NameId) {
        let connections = &mut self.entries[id.index()].connections;
        *connections =
            connections.checked_sub(1).expect("a name is left only by a connection that has it");
        if *connections == 0 {
            self.touch(id);
        }
    }

    /// The name that a connection took.
    pub fn name(&self, id: NameId) -> &str {
        &self.entries[id.index()].name
    }

    fn touch(&mut self, id: NameId) {
        if !std::mem::replace(&mut self.entries[id.index()].is_touched, true) {
            self.touched.push(id);
        }
    }

    /// Whether something may have changed since the last commit.
    pub fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Makes what is so now what everyone sees; `None` if nothing changed on balance.
    pub fn commit(&mut self) -> Option<Change> {
        let mut change = Change { joined: Vec::new(), left: Vec::new() };
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable_by(|&one, &other| self.name(one).cmp(self.name(other)));
        for id in touched {
            let entry = &mut self.entries[id.index()];
            let name = entry.name.clone();
            let was_here = entry.is_committed;
            let is_here = entry.connections > 0;
            (entry.is_committed, entry.is_touched) = (is_here, false);
            if !is_here {
                self.entries.remove(id.index());
                self.ids.remove(&name);
            }
            match (was_here, is_here) {
                (false, true) => {
                    self.committed_bytes += name.len();
                    change.joined.push(name);
                }
                (true, false) => {
                    self.committed_bytes -= name.len();
                    change.left.push(name);
                }
                (false, false) | (true, true) => {}
            }
        }
        (!change.joined.is_empty() || !change.left.is_empty()).then_some(change)
    }

    /// The names as of the last commit, in order.
    pub fn committed(&self) -> impl Iterator<Item = &str> {
        let is_committed = |id: &NameId| self.entries[id.index()].is_committed;
        self.ids.iter().filter(move |(_, id)| is_committed(id)).map(|(name, _)| &**name)
    }

    /// Names that are here now, or were at the last commit.
    pub fn names(&self) -> usize {
        self.ids.len()
    }

    /// About how long all committed names are together, in bytes of JSON.
    pub fn committed_bytes(&self) -> usize {
        // Two quotation marks and a comma each.
        self.committed_bytes + 3 * self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(joined: &[&str], left: &[&str]) -> Option<Change> {
        let boxed = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
        Some(Change { joined: boxed(joined), left: boxed(left) })
    }

    fn committed(roster: &Roster) -> Vec<&str> {
        roster.committed().collect()
    }

    #[test]
    fn commit_tells_the_net_change_in_order() {
        let mut roster = Roster::default();
        assert_eq!(roster.commit(), None);
        let [eve, _, ada] = ["Eve", "Bob", "Ada"].map(|name| roster.join(name));
        roster.leave(eve);
        assert_eq!(committed(&roster), [""; 0], "nothing is seen before the commit");
        assert_eq!(roster.commit(), change(&["Ada", "Bob"], &[]));
        assert_eq!(committed(&roster), ["Ada", "Bob"]);

        roster.leave(ada);
        roster.join("Eve");
        assert_eq!(committed(&roster), ["Ada", "Bob"], "nor gone before it");
        assert_eq!(roster.commit(), change(&["Eve"], &["Ada"]));
        assert_eq!(roster.commit(), None);
    }

    #[test]
    fn names_and_their_bytes_are_counted() {
        let mut roster = Roster::default();
        let [ada, _] = ["Ada", "Grace"].map(|name| roster.join(name));
        roster.commit();
        assert_eq!((roster.names(), roster.committed_bytes()), (2, r#""Ada","Grace","#.len()));
        roster.leave(ada);
        roster.commit();
        assert_eq!((roster.names(), roster.committed_bytes()), (1, r#""Grace","#.len()));
    }

    #[test]
    fn name_of_two_connections_is_one_entry_until_both_leave() {
        let mut roster = Roster::default();
        let [one, other] = ["Ada", "Ada"].map(|name| roster.join(name));
        assert_eq!((one, roster.name(other)), (other, "Ada"));
        assert_eq!(roster.commit(), change(&["Ada"], &[]));
        roster.leave(one);
        assert_eq!(roster.commit(), None);
        roster.leave(other);
        assert_eq!(roster.commit(), change(&[], &["Ada"]));
    }

    #[test]
    fn name_that_leaves_and_comes_back_did_not_change() {
        let mut roster = Roster::default();
        let ada = roster.join("Ada");
        roster.commit();
        roster.leave(ada);
        roster.join("Ada");
        assert!(roster.is_touched());
        assert_eq!(roster.commit(), None);
        assert!(!roster.is_touched());
        assert_eq!(committed(&roster), ["Ada"]);
    }
}
