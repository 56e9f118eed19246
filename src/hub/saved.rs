//! What is kept over a restart: the driver has it written down, and gives it back.

use crate::presence::{Saved, Write};

use super::table::Hub;

impl Hub {
    /// Brings back what was written down before a restart. Nobody is connected yet.
    pub fn restore(&mut self, saved: Saved) {
        let context = &mut self.context;
        context.presence.restore(saved, &context.config.limits);
    }

    /// Takes what is to be written down, in this order. Whatever commits have told is in it.
    pub fn take_writes(&mut self) -> Vec<Write> {
        self.context.presence.take_writes()
    }

    /// Has members written down again as they are, those in `count` places from `from` on. Says
    /// where to go on, if there are more.
    pub fn save_again(&mut self, from: usize, count: usize) -> Option<usize> {
        self.context.presence.save_again(from, count)
    }
}
