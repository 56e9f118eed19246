//! Tabs: programs that keep an id and come back with it, on one connection after the other, and
//! now and then on two at once.

use std::collections::{BTreeMap, BTreeSet};

use super::rosters::At;
use super::script::Kind;
use super::seats::Member;

/// Names in rooms, and rooms that were entered without one.
pub type Asked = BTreeSet<(&'static str, Option<String>)>;

/// A program that keeps an id.
#[derive(Debug)]
pub struct Tab {
    /// 32 hexadecimal digits.
    pub id: String,
    /// Those on which it said it, by the client's number, unless they were replaced or refused.
    pub connections: BTreeMap<usize, Said>,
}

/// A connection on which a tab has said its id.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Numbers all that say one.
    pub order: u64,
    pub at_us: u64,
    /// When it ended, if that is known.
    pub over_us: Option<u64>,
    /// Whether it takes what it is sent, and answers.
    pub is_prompt: bool,
    /// Whether it was told that it has the id.
    pub is_welcome: bool,
    pub left: Left,
}

/// What a connection leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Whether it is known who is in which room by it.
    pub is_sure: bool,
    pub members: BTreeMap<&'static str, Member>,
    /// All that it may have there.
    pub asked: Asked,
    pub copies: BTreeMap<&'static str, At>,
    pub parting: Option<Parting>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug)]
pub struct Parting {
    pub at_us: u64,
    /// For how long those who are in rooms by it are held at least.
    pub hold_us: u64,
    /// The server sees it at once.
    pub is_seen: bool,
    pub is_logout: bool,
}

/// Somebody who comes back.
#[derive(Clone, Copy, Debug)]
pub struct Comer {
    pub tab: usize,
    pub at_us: u64,
    pub kind: Kind,
    pub home: usize,
}

impl Tab {
    /// The connection on which it said its id last.
    pub fn last(&self) -> Option<usize> {
        let last = self.connections.iter().max_by_key(|(_, said)| said.order);
        last.map(|(number, _)| *number)
    }

    /// What others than this connection leave behind, and the one that does. It is not sure who is
    /// there if there are several, or one that is not known to have had the id.
    pub fn left(&self, but: usize) -> (Left, Option<&Said>) {
        let others = || self.connections.iter().filter(move |(number, _)| **number != but);
        let last = others().max_by_key(|(_, said)| said.order).map(|(_, said)| said);
        let mut left = last.map(|said| said.left.clone()).unwrap_or_default();
        left.is_sure &= last.is_some_and(|said| said.is_welcome) && others().count() == 1;
        left.is_sure |= last.is_none();
        left.asked = others().flat_map(|(_, said)| said.left.asked.iter().cloned()).collect();
        (left, last)
    }
}

/// All of them, and what the server makes of those who go.
#[derive(Debug)]
pub struct Tabs {
    pub all: Vec<Tab>,
    /// Who is about to come.
    pub comers: Vec<Comer>,
    /// How often an id was said.
    pub said: u64,
    /// So many more may.
    pub comers_left: u32,
    pub hold_closed_us: u64,
    pub hold_lost_us: u64,
    /// Whether there is always a place for one who is to be held.
    pub is_roomy: bool,
}

impl Tabs {
    /// One more, and its number.
    pub fn add(&mut self) -> usize {
        let number = self.all.len();
        let id = format!("{:032x}", 0xC11E_0000_0000_u64 + number as u64);
        self.all.push(Tab { id, connections: BTreeMap::new() });
        number
    }

    pub fn hold_us_max(&self) -> u64 {
        self.hold_closed_us.max(self.hold_lost_us)
    }
}
