//! Who is here: names, by how many sessions each is held, and what changed since the last commit.
//!
//! Sessions join and leave at any time; the world sees the roster only as of its last commit. Each
//! commit is one [`Change`], net: a name that came and went between two commits was never there.
//! The roster knows names and counts, and no sessions.

use std::collections::{BTreeMap, BTreeSet};

/// The names that are here. In order, so that the same roster is always told in the same way.
#[derive(Debug, Default)]
pub struct Roster {
    names: BTreeMap<Box<str>, Holders>,
    /// Names that joined or left since the last commit, and perhaps came back.
    touched: BTreeSet<Box<str>>,
    /// Sum of the lengths of all committed names, in bytes.
    committed_bytes: usize,
}

#[derive(Debug, Default)]
struct Holders {
    /// Sessions that have this name now.
    sessions: u32,
    /// Whether the last commit said that the name is here.
    committed: bool,
}

/// What one commit changed; never empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// Names that are here and were not, in order.
    pub joined: Vec<Box<str>>,
    /// Names that were here and are not, in order.
    pub left: Vec<Box<str>>,
}

impl Roster {
    /// A session takes `name`.
    pub fn join(&mut self, name: &str) {
        let holders = match self.names.get_mut(name) {
            Some(holders) => holders,
            None => self.names.entry(name.into()).or_default(),
        };
        holders.sessions += 1;
        if holders.sessions == 1 {
            self.touched.insert(name.into());
        }
    }

    /// A session that took `name` gives it up.
    pub fn leave(&mut self, name: &str) {
        let Some(holders) = self.names.get_mut(name).filter(|holders| holders.sessions > 0) else {
            unreachable!("a name is left only by a session that has it")
        };
        holders.sessions -= 1;
        if holders.sessions == 0 {
            self.touched.insert(name.into());
        }
    }

    /// Whether something may have changed since the last commit.
    pub fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Makes what is so now what everyone sees; `None` if nothing changed on balance.
    pub fn commit(&mut self) -> Option<Change> {
        let mut change = Change { joined: Vec::new(), left: Vec::new() };
        for name in std::mem::take(&mut self.touched) {
            let Some(holders) = self.names.get_mut(&name) else { continue };
            match (holders.committed, holders.sessions > 0) {
                (false, true) => {
                    holders.committed = true;
                    self.committed_bytes += name.len();
                    change.joined.push(name);
                }
                (true, false) => {
                    self.names.remove(&name);
                    self.committed_bytes -= name.len();
                    change.left.push(name);
                }
                (false, false) => {
                    self.names.remove(&name);
                }
                (true, true) => {}
            }
        }
        (!change.joined.is_empty() || !change.left.is_empty()).then_some(change)
    }

    /// The names as of the last commit, in order.
    pub fn committed(&self) -> impl Iterator<Item = &str> {
        self.names.iter().filter(|(_, holders)| holders.committed).map(|(name, _)| &**name)
    }

    /// About how long all committed names are together, in bytes of JSON.
    pub fn committed_bytes(&self) -> usize {
        // Two quotation marks and a comma each.
        self.committed_bytes + 3 * self.names.len()
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
        for name in ["Eve", "Bob", "Ada"] {
            roster.join(name);
        }
        roster.leave("Eve");
        assert_eq!(committed(&roster), [""; 0], "nothing is seen before the commit");
        assert_eq!(roster.commit(), change(&["Ada", "Bob"], &[]));
        assert_eq!(committed(&roster), ["Ada", "Bob"]);

        roster.leave("Ada");
        roster.join("Eve");
        assert_eq!(committed(&roster), ["Ada", "Bob"], "nor gone before it");
        assert_eq!(roster.commit(), change(&["Eve"], &["Ada"]));
        assert_eq!(roster.commit(), None);
    }

    #[test]
    fn name_of_two_sessions_is_one_entry_until_both_leave() {
        let mut roster = Roster::default();
        roster.join("Ada");
        roster.join("Ada");
        assert_eq!(roster.commit(), change(&["Ada"], &[]));
        roster.leave("Ada");
        assert_eq!(roster.commit(), None);
        roster.leave("Ada");
        assert_eq!(roster.commit(), change(&[], &["Ada"]));
    }

    #[test]
    fn name_that_leaves_and_comes_back_did_not_change() {
        let mut roster = Roster::default();
        roster.join("Ada");
        roster.commit();
        roster.leave("Ada");
        roster.join("Ada");
        assert!(roster.is_touched());
        assert_eq!(roster.commit(), None);
        assert!(!roster.is_touched());
        assert_eq!(committed(&roster), ["Ada"]);
    }
}
