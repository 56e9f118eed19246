//! A room that this node has.

use std::collections::BTreeSet;

use crate::presence::NodeId;
use crate::time::Time;

/// A room that this node has.
#[derive(Debug)]
pub(super) struct Follow {
    pub(super) loading: Option<Loading>,
    /// When its own part was told as another.
    pub(super) told_at: Time,
    /// When all others were asked for theirs.
    pub(super) asked_at: Time,
}

/// What a new room waits for.
#[derive(Debug)]
pub(super) struct Loading {
    until: Time,
    /// So many nodes have heard the question.
    expected: Option<u64>,
    /// Those whose parts are there.
    heard: BTreeSet<NodeId>,
}

impl Follow {
    /// One that waits so long for what others say.
    pub(super) fn new(until: Option<Time>) -> Follow {
        let loading = until.map(|until| Loading { until, expected: None, heard: BTreeSet::new() });
        Follow { loading, told_at: Time::ZERO, asked_at: Time::ZERO }
    }

    /// So many other nodes have heard the question.
    pub(super) fn expect(&mut self, nodes: u64) {
        if let Some(loading) = &mut self.loading {
            loading.expected = Some(nodes);
        }
    }

    /// A node has answered, and its part is there.
    pub(super) fn answered(&mut self, node: NodeId) {
        if let Some(loading) = &mut self.loading {
            loading.heard.insert(node);
        }
    }

    /// Whether all have.
    pub(super) fn is_loaded(&self) -> bool {
        self.loading.as_ref().is_some_and(|loading| {
            loading.expected.is_some_and(|expected| loading.heard.len() as u64 >= expected)
        })
    }

    /// Until when it waits for others at most, if it does.
    pub(super) fn waits_until(&self) -> Time {
        self.loading.as_ref().map_or(Time::NEVER, |loading| loading.until)
    }

    /// It waits for others until this time, if it waits. Says whether it does.
    pub(super) fn wait_until(&mut self, until: Time) -> bool {
        if let Some(loading) = &mut self.loading {
            loading.until = loading.until.max(until);
        }
        self.loading.is_some()
    }
}
