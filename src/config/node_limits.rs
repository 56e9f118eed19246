//! The bounds of several processes that share rooms.

use clap::{Args, value_parser};
use serde::Serialize;

const NODES: &str = "Several processes";

/// The bounds of several processes that share rooms.
#[derive(Args, Clone, Debug, Serialize)]
pub struct NodeLimits {
    /// Time for which the logins at other processes are kept while Redis is away, in ms
    #[arg(long, value_name = "MS", help_heading = NODES, default_value_t = 30_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub partition_grace_ms: u32,
}
