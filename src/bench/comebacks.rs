//! Who comes back after a connection was lost, when and where, and what was seen of that.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::dice::Dice;

/// A client comes back so soon after its connection was lost, or could not be made.
pub(crate) const DELAY: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(1500)];

/// Leaves of those who were away that are told in full.
const FLAPS_TOLD: usize = 10;

/// Who comes back, and when.
#[derive(Debug)]
pub(crate) struct Comebacks {
    /// Whether the loss of a connection is meant, and no mistake: the client comes back by itself.
    pub(crate) are_meant: bool,
    /// Nodes that nobody is to come to now.
    pub(crate) is_down: Vec<bool>,
    pub(crate) due: BTreeSet<(Instant, usize)>,
    pub(crate) dice: Dice,
    /// Connections that were lost, or could not be made.
    pub(crate) lost: u64,
    /// How long somebody was away at most.
    pub(crate) longest: Duration,
    /// How often somebody who stays was told that somebody has left who was there all the time, and
    /// the same of somebody who was away lately.
    pub(crate) wrong_leaves: u64,
    pub(crate) flaps: u64,
    /// Some of these.
    pub(crate) flaps_told: Vec<String>,
    pub(crate) start: Instant,
}

impl Comebacks {
    /// Nobody is away.
    pub(crate) fn new(nodes: usize) -> Comebacks {
        Comebacks {
            are_meant: false,
            is_down: vec![false; nodes],
            due: BTreeSet::new(),
            dice: Dice::new(0),
            lost: 0,
            longest: Duration::ZERO,
            wrong_leaves: 0,
            flaps: 0,
            flaps_told: Vec::new(),
            start: Instant::now(),
        }
    }

    /// A node to come to after another one, at random, if there is one that is there.
    pub(crate) fn other_node(&mut self, node: usize) -> usize {
        let is_good = |other: &usize| *other != node && !self.is_down[*other];
        let others: Vec<usize> = (0..self.is_down.len()).filter(is_good).collect();
        match others.len() {
            0 => node,
            all => others[self.dice.below(all)],
        }
    }

    /// Somebody was told to be gone who was away lately.
    pub(crate) fn note_flap(&mut self, text: String) {
        self.flaps += 1;
        if self.flaps_told.len() < FLAPS_TOLD {
            self.flaps_told.push(text);
        }
    }
}
