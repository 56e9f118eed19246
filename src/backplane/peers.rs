//! Other nodes, and when something was heard of each, by this node's own clock.

use std::collections::{BTreeMap, BTreeSet};

use crate::presence::NodeId;
use crate::time::Time;

/// A node that says nothing for so long is gone, in ms.
const SILENT_MS: u64 = 10_000;

/// Nodes that are gone, of which it is known that they were here.
const LOST_MAX: usize = 1_000;

/// Other nodes that are there.
#[derive(Debug, Default)]
pub(super) struct Peers {
    heard: BTreeMap<NodeId, Time>,
    /// Those that were silent for too long, and may be there after all.
    lost: BTreeSet<NodeId>,
}

impl Peers {
    pub(super) fn len(&self) -> usize {
        self.heard.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heard.is_empty()
    }

    pub(super) fn has(&self, node: NodeId) -> bool {
        self.heard.contains_key(&node)
    }

    /// A node has said something. Says whether it was taken for gone before.
    pub(super) fn heard(&mut self, node: NodeId, now: Time) -> bool {
        self.heard.insert(node, now);
        self.lost.remove(&node)
    }

    /// A node has said that it ends.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.heard.remove(&node);
    }

    /// None could be heard until now.
    pub(super) fn all_heard(&mut self, now: Time) {
        self.heard.values_mut().for_each(|at| *at = now);
    }

    /// When the next one would be gone.
    pub(super) fn due(&self) -> Time {
        self.heard.values().min().map_or(Time::NEVER, |at| at.after_ms(SILENT_MS))
    }

    /// Takes one that is gone.
    pub(super) fn next_silent(&mut self, now: Time) -> Option<NodeId> {
        let gone = self.heard.iter().find(|(_, at)| at.after_ms(SILENT_MS) <= now);
        let node = *gone?.0;
        self.heard.remove(&node);
        self.lost.insert(node);
        if self.lost.len() > LOST_MAX {
            self.lost.pop_first();
        }
        Some(node)
    }
}
