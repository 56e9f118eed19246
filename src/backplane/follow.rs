//! A room that this node has, and what it has asked others for.

use std::collections::{BTreeMap, BTreeSet};

use crate::presence::NodeId;
use crate::time::Time;

/// A room that this node has.
#[derive(Debug)]
pub(super) struct Follow {
    /// The nodes that were asked for their parts, and when they are asked again.
    asked: BTreeMap<NodeId, Time>,
    pub(super) loading: Option<Loading>,
    /// When its own part was told as another.
    pub(super) told_at: Time,
}

/// What a new room waits for.
#[derive(Debug)]
pub(super) struct Loading {
    until: Time,
    /// So many nodes have heard the question.
    expected: Option<u64>,
    /// Those that have answered.
    heard: BTreeSet<NodeId>,
}

impl Follow {
    /// One that waits so long for what others say.
    pub(super) fn new(until: Option<Time>) -> Follow {
        let loading = until.map(|until| Loading { until, expected: None, heard: BTreeSet::new() });
        Follow { asked: BTreeMap::new(), loading, told_at: Time::ZERO }
    }

    /// So many other nodes have heard the question.
    pub(super) fn expect(&mut self, nodes: u64) {
        if let Some(loading) = &mut self.loading {
            loading.expected = Some(nodes);
        }
    }

    /// Whether all have.
    pub(super) fn is_loaded(&self) -> bool {
        self.loading.as_ref().is_some_and(|loading| {
            loading.expected.is_some_and(|expected| loading.heard.len() as u64 >= expected)
        })
    }

    /// Whether it has waited long enough.
    pub(super) fn has_waited(&self, now: Time) -> bool {
        self.loading.as_ref().is_some_and(|loading| loading.until <= now)
    }

    /// A node is to be asked, and again at this time. Says whether it was not asked just now.
    pub(super) fn ask(&mut self, node: NodeId, again: Time) -> bool {
        let is_new = !self.asked.contains_key(&node);
        self.asked.entry(node).or_insert(again);
        is_new
    }

    /// A node that would be asked again before this time can be asked at once.
    pub(super) fn forget_asked(&mut self, node: NodeId, before: Time) {
        if self.asked.get(&node).is_some_and(|again| *again < before) {
            self.asked.remove(&node);
        }
    }

    /// What a node has is known. `is_answer` is whether it may have said that since it was asked.
    pub(super) fn answered(&mut self, node: NodeId, is_answer: bool) {
        self.asked.remove(&node);
        if let Some(loading) = &mut self.loading
            && is_answer
        {
            loading.heard.insert(node);
        }
    }

    /// The nodes that have not answered in time, and are asked `again`, if they are there.
    pub(super) fn take_late(
        &mut self,
        now: Time,
        again: Time,
        is_there: impl Fn(NodeId) -> bool,
    ) -> Vec<NodeId> {
        self.asked.retain(|&node, _| is_there(node));
        let late = self.asked.iter_mut().filter(|(_, at)| **at <= now);
        late.map(|(&node, at)| {
            *at = again;
            node
        })
        .collect()
    }
}
