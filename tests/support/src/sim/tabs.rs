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
    /// Whether it can have others replaced that have the id: those of Socket.IO can't.
    pub is_native: bool,
    /// When it ended, if that is known.
    pub over_us: Option<u64>,
    /// When the server closed it: from then on nothing of it is on its way.
    pub closed_us: Option<u64>,
    /// Whether it takes what it is sent, and answers; and since when.
    pub is_prompt: bool,
    pub prompt_from_us: u64,
    /// Whether it was told that it has the id.
    pub is_welcome: bool,
    pub left: Left,
}

/// What a connection leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Whether it is known who is in which room by it.
    pub is_sure: bool,
    pub members: BTreeMap<&'static str, Held>,
    /// All that it may have there.
    pub asked: Asked,
    pub copies: BTreeMap<&'static str, At>,
}

/// Somebody whom a tab has in a room by a connection that it has no more.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Nobody if it is not known who that is, or whether it is anybody.
    pub member: Option<Member>,
    /// How the connection ended, if that is known.
    pub parting: Option<Parting>,
}

/// What has become of somebody who was held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Here,
    Gone,
    Unknown,
}

/// What the server makes of those who go, and when its process was held the last time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    pub hold_closed_us: u64,
    pub hold_lost_us: u64,
    /// Whether there is always a place for one who is to be held.
    pub is_roomy: bool,
    /// Until when the process was held the last time, or waited after that for what it had begun to
    /// wait for before.
    pub away_until_us: u64,
}

/// A connection that is in the way has a second to answer, and everything takes its time.
pub const ANSWER_US: u64 = 3_000_000;

/// What happens to a connection may be seen so much later, in us.
pub const LATE_US: u64 = 300_000;

/// The server counts in whole ms.
pub const MS_US: u64 = 2_000;

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

impl Held {
    /// What has become of them when they come back, which was asked for at `from_us` and is known
    /// to
    /// be done by `now_us`.
    pub fn outcome(&self, from_us: u64, now_us: u64, terms: &Terms) -> Outcome {
        let (Some(_), Some(parting)) = (&self.member, self.parting) else {
            return Outcome::Unknown;
        };
        let end_us = parting.at_us + parting.hold_us;
        let is_quiet = terms.away_until_us + LATE_US < parting.at_us;
        let is_exact = parting.is_seen && parting.hold_us == terms.hold_us_max();
        match () {
            () if parting.is_logout => Outcome::Gone,
            () if terms.is_roomy && now_us + MS_US < end_us => Outcome::Here,
            () if is_exact && is_quiet && end_us + ANSWER_US < from_us => Outcome::Gone,
            () => Outcome::Unknown,
        }
    }
}

impl Terms {
    pub fn hold_us_max(&self) -> u64 {
        self.hold_closed_us.max(self.hold_lost_us)
    }
}

impl Left {
    /// Those who may be held: who they are if that is known, or all who may be somebody.
    pub fn held(&self) -> BTreeMap<&'static str, Held> {
        if self.is_sure {
            return self.members.clone();
        }
        let named = self.asked.iter().filter(|(_, name)| name.is_some());
        named.map(|(room, _)| (*room, Held::default())).collect()
    }
}

impl Tab {
    /// Whether those who are in rooms by this connection are so whatever others of the tab do.
    pub fn is_current(&self, number: usize, has_parted: bool) -> bool {
        let Some(own) = self.connections.get(&number) else { return false };
        let mut others = self.connections.iter().filter(|(other, _)| **other != number);
        // What an older one said may still be on its way, and takes over who is held.
        !others.any(|(_, said)| match has_parted {
            true => said.closed_us.is_none_or(|closed_us| closed_us > own.at_us),
            false => said.is_native && said.order > own.order,
        })
    }

    /// When the last was closed of connection `number`, which was so at `closed_us`, and of its
    /// heirs, unless one of these is open. Heirs are all that have said the id: one that was heard
    /// after it has taken over those who were in rooms by it, whatever it knew of them.
    pub fn closed_us(&self, number: usize, closed_us: u64) -> Option<u64> {
        if !self.connections.contains_key(&number) {
            return Some(closed_us);
        }
        let heirs = self.connections.iter().filter(|(other, _)| **other != number);
        let mut ends = heirs.map(|(_, said)| said.closed_us);
        ends.try_fold(closed_us, |last, end| Some(last.max(end?)))
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
    pub terms: Terms,
}

impl Tabs {
    /// One more, and its number.
    pub fn add(&mut self) -> usize {
        let number = self.all.len();
        let id = format!("{:032x}", 0xC11E_0000_0000_u64 + number as u64);
        self.all.push(Tab { id, connections: BTreeMap::new() });
        number
    }
}
