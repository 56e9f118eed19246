//! The bounds of long-polling.

use clap::{Args, value_parser};
use serde::Serialize;

const POLLING: &str = "Long-polling of Socket.IO";

/// The bounds of long-polling.
#[derive(Args, Clone, Debug, Serialize)]
pub struct PollingLimits {
    /// Socket.IO clients that use long-polling; one more is told to come back later
    #[arg(long, value_name = "N", help_heading = POLLING, default_value_t = 10_000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 24))]
    pub sessions_max: u32,

    /// Time for a Socket.IO client to move from long-polling to a WebSocket, in ms
    #[arg(long, value_name = "MS", help_heading = POLLING, default_value_t = 10_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    pub upgrade_timeout_ms: u32,
}
