//! What clients and kernels have in common: chance, time, and what is written down.

use std::collections::VecDeque;

use super::choices::Choices;
use super::errands::Errand;
use super::faults::{Fault, Rates, Stage, Tally};
use super::rosters::Rosters;
use super::tabs::Tabs;

/// Chance, time, and what is written down.
#[derive(Debug)]
pub struct Nature {
    pub choices: Choices,
    pub rates: Rates,
    pub tally: Tally,
    pub rosters: Rosters,
    pub tabs: Tabs,
    /// Rooms in which clients take part.
    pub rooms: usize,
    /// The time of the world, in µs.
    pub clock_us: u64,
    /// The server was told to stop.
    pub is_stopping: bool,
    /// Whether there is so little memory that anyone may be cut off for it.
    pub is_scarce: bool,
    /// What clients want of each other.
    pub errands: VecDeque<Errand>,
    /// How often somebody has asked for a session of long-polling.
    pub sessions_opened: u64,
    /// Whether a response may have to wait for a turn with room for it.
    pub is_narrow: bool,
    /// Whether some clients of Socket.IO poll: never where so few replies may wait that a session
    /// which says several things at once is ended.
    pub may_poll: bool,
    /// Whether connections are turned away or dropped for there being too many.
    pub is_crowded: bool,
    /// A hash of all that happened, in order.
    pub trace: u64,
}

impl Nature {
    /// Whether this fault happens now, to a connection in this stage.
    pub fn strikes(&mut self, fault: Fault, stage: Stage) -> bool {
        let strikes = self.choices.chance(self.rates.of(fault));
        if strikes {
            self.tally.note(fault, stage);
            self.note(&[0xFA, fault as u8]);
        }
        strikes
    }

    /// Adds to the trace (FNV-1a, eight bytes at a time).
    pub fn note(&mut self, bytes: &[u8]) {
        let mut fold = |word: u64| {
            self.trace = (self.trace ^ word).wrapping_mul(0x0100_0000_01B3).rotate_left(23);
        };
        fold(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            fold(chunk.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
    }
}
