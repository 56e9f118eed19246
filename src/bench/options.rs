//! The command line of `headcount bench`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, value_parser};

use super::url::Url;

/// Drives a headcount server with many clients and checks what each client sees.
///
/// Without --url it starts a server of its own on this machine, on another CPU. Every client keeps
/// its roster from the messages alone; a roster that ends up different from the server's, a gap in
/// the sequence or a lost connection makes the exit code 1.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Scenario to run
    pub(crate) scenario: Scenario,

    /// Number of clients
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) clients: u32,

    /// Duration of idle, churn, slow and echo, in seconds
    #[arg(long, value_name = "S", default_value_t = 10)]
    #[arg(value_parser = value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,

    /// Logins and logouts per second, taken together, in churn and slow
    #[arg(long, value_name = "N", default_value_t = 200)]
    #[arg(value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: u32,

    /// Changes made by fanout, each after all clients have seen the previous one
    #[arg(long, value_name = "N", default_value_t = 40)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rounds: u32,

    /// Clients that never read in slow, in addition to the others [default: a fifth as many]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) stuck: Option<u32>,

    /// Size of the messages in echo, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 20))]
    pub(crate) size: u32,

    /// Running server to drive, such as ws://127.0.0.1:3000 [default: start one]. It needs a larger
    /// --name-changes-per-minute for most scenarios, and --echo for echo
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<Url>,

    /// Process to measure, if the server of --url runs on this machine
    #[arg(long, value_name = "PID", requires = "url")]
    pub(crate) pid: Option<u32>,

    /// Time without progress after which to give up, in seconds
    #[arg(long, value_name = "S", default_value_t = 30)]
    #[arg(value_parser = value_parser!(u32).range(1..=3600))]
    pub(crate) patience: u32,

    /// Ask for /healthz on a new connection every 20 ms meanwhile, and report how long that takes
    #[arg(long)]
    pub(crate) probe: bool,

    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Write the result with plots to this file, as one self-contained HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Flags for the server to start, after --
    #[arg(last = true, value_name = "FLAG", conflicts_with = "url")]
    pub(crate) server: Vec<String>,
}

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// All connect and stay quiet
    Idle,
    /// All connect and log in at once
    Storm,
    /// All are connected; some log out and in again, at a given rate
    Churn,
    /// All drop their connections and reconnect at once
    Reload,
    /// The server is killed and restarted under them
    Restart,
    /// Churn, without and then with clients that never read
    Slow,
    /// One change at a time is sent to all
    Fanout,
    /// Each sends a message and waits for the echo
    Echo,
}

impl Scenario {
    /// Its name on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Scenario::Idle => "idle",
            Scenario::Storm => "storm",
            Scenario::Churn => "churn",
            Scenario::Reload => "reload",
            Scenario::Restart => "restart",
            Scenario::Slow => "slow",
            Scenario::Fanout => "fanout",
            Scenario::Echo => "echo",
        }
    }

    /// Whether the clients follow the roster.
    pub(crate) fn follows_roster(self) -> bool {
        self != Scenario::Echo
    }
}

impl Options {
    /// Clients that never read.
    pub(crate) fn stuck(&self) -> usize {
        match self.scenario {
            Scenario::Slow => self.stuck.unwrap_or((self.clients / 5).max(1)) as usize,
            _ => 0,
        }
    }

    /// Connections in all.
    pub(crate) fn connections(&self) -> usize {
        self.clients as usize + self.stuck()
    }
}
