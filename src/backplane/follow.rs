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
    since: Time,
    /// So many nodes have heard the question.
    expected: Option<u64>,
    /// Those whose parts are there.
    heard: BTreeSet<NodeId>,
}

impl Follow {
    /// One that waits for what others say, since this time, or one that does not.
    pub(super) fn new(since: Option<Time>) -> Follow {
        let loading = since.map(|since| Loading { since, expected: None, heard: BTreeSet::new() });
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

    /// Since when it waits for others, if it does.
    pub(super) fn waits_since(&self) -> Option<Time> {
        self.loading.as_ref().map(|loading| loading.since)
    }
}
