//! What happens to nodes and their Redis server.

use serde::Serialize;

/// Kinds of faults that are those of nodes.
pub(crate) const NODE_FAULTS: usize = 2;

/// Something that happened.
#[derive(Debug, Serialize)]
pub(crate) struct Event {
    /// Since the start of the faults.
    pub(crate) seconds: f64,
    pub(crate) fault: Fault,
    /// The node, if it was one of nodes.
    pub(crate) node: Option<usize>,
    /// How long it took.
    pub(crate) away_seconds: f64,
    /// How long after it all were equal, if that was waited for.
    pub(crate) equal_seconds: Option<f64>,
}

/// What happens to nodes, or to their Redis server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    KillNode,
    PauseNode,
    KillRedis,
    PauseRedis,
    KillLinks,
    Flush,
}

impl Fault {
    /// All, those of nodes first.
    pub(crate) const ALL: [Fault; 6] = {
        use Fault::{Flush, KillLinks, KillNode, KillRedis, PauseNode, PauseRedis};
        [KillNode, PauseNode, KillRedis, PauseRedis, KillLinks, Flush]
    };

    /// The figure that counts them.
    pub(crate) const fn figure(self) -> &'static str {
        match self {
            Fault::KillNode => "nodes_killed",
            Fault::PauseNode => "nodes_paused",
            Fault::KillRedis => "redis_killed",
            Fault::PauseRedis => "redis_paused",
            Fault::KillLinks => "redis_clients_killed",
            Fault::Flush => "redis_flushed",
        }
    }
}
