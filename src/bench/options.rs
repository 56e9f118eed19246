//! The command line of `headcount bench`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, value_parser};

use super::problem::Problem;
use super::url::Url;

/// Drives a headcount server with many clients and checks what each client sees.
///
/// Without --url it starts a server of its own on this machine, on another CPU. Every client keeps
/// its room from the messages alone: names, presence data and statuses. A room that ends up
/// different from the server's, a message of another room, a gap in the sequence or a lost
/// connection makes the exit code 1.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Scenario to run
    pub(crate) scenario: Scenario,

    /// Number of clients
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) clients: u32,

    /// Rooms that the clients are spread over evenly in all scenarios but echo: /ws/room-1,
    /// /ws/room-2 and so on. One room is that of /ws, without a name
    #[arg(long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rooms: u32,

    /// Duration of idle, churn, slow, count, nodes and echo, in seconds
    #[arg(long, value_name = "S", default_value_t = 10)]
    #[arg(value_parser = value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,

    /// What changes in churn, slow, fanout and cut
    #[arg(long, value_name = "WHAT", default_value = "logins")]
    pub(crate) changes: Changes,

    /// Changes per second in churn, slow, count, cut and nodes, in all rooms together: logins and
    /// logouts, or data and statuses that are set; in nodes both
    #[arg(long, value_name = "N", default_value_t = 200)]
    #[arg(value_parser = value_parser!(u32).range(1..=100_000))]
    pub(crate) rate: u32,

    /// Changes made by fanout in each room, each after all clients have seen the previous one
    #[arg(long, value_name = "N", default_value_t = 40)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rounds: u32,

    /// Clients that never read in slow, in addition to the others [default: a fifth as many]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) stuck: Option<u32>,

    /// People who log in and out in count, in addition to the clients
    #[arg(long, value_name = "N", default_value_t = 1000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) visitors: u32,

    /// Clients that stay in reload, cut and drift, and come back first in restart, in addition to
    /// the others: they make the changes of cut, and count what they are told of the others
    #[arg(long, value_name = "N", default_value_t = 10)]
    #[arg(value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub(crate) observers: u32,

    /// How long the network is lost in cut, in seconds. A client that is away for longer than
    /// --hold-lost-ms of the server has left meanwhile
    #[arg(long, value_name = "S", default_value_t = 10)]
    #[arg(value_parser = value_parser!(u32).range(1..=3600))]
    pub(crate) cut_s: u32,

    /// Processes to start that share all rooms by way of Redis [default: 3 in nodes]. Clients are
    /// spread over them evenly, and whoever comes back does so to another one. Without --redis a
    /// Redis server is started, for which redis-server is to be installed
    #[arg(long, value_name = "N", conflicts_with = "url")]
    #[arg(value_parser = value_parser!(u32).range(1..=64))]
    nodes: Option<u32>,

    /// Running Redis server for the processes of --nodes, to which nothing is done in nodes
    #[arg(long, value_name = "URL", conflicts_with = "url")]
    pub(crate) redis: Option<String>,

    /// What the faults of nodes are drawn from, so that they come again [default: at random]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = value_parser!(u32).range(0..1_000_000))]
    pub(crate) seed: Option<u32>,

    /// Size of the messages in echo, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 20))]
    pub(crate) size: u32,

    /// Running server to drive, such as ws://127.0.0.1:3000 [default: start one]. It needs a larger
    /// --name-changes-per-minute for most scenarios, for --changes data a larger
    /// --updates-per-second, for many changes from few clients a larger --messages-per-second, and
    /// --echo for echo
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
    /// All close their connections and come back at once with the copies that they have
    Reload,
    /// The server is killed and restarted under them, and they come back with their copies
    Restart,
    /// All lose the network for a while, in which others make changes, and come back
    Cut,
    /// All have a copy that is corrupted once, find that with the next change, and mend it
    Drift,
    /// Churn, without and then with clients that never read
    Slow,
    /// One change at a time in each room is sent to all who are there
    Fanout,
    /// All are told only how many are there, while others log in and out again
    Count,
    /// Several processes share the rooms, and they and their Redis server are killed, paused and
    /// started again under the clients, of which some set data and some log out and in
    Nodes,
    /// Each sends a message and waits for the echo
    Echo,
}

/// What a change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Changes {
    /// Somebody logs out, or in again
    Logins,
    /// Somebody sets presence data and a status
    Data,
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
            Scenario::Cut => "cut",
            Scenario::Drift => "drift",
            Scenario::Slow => "slow",
            Scenario::Fanout => "fanout",
            Scenario::Count => "count",
            Scenario::Nodes => "nodes",
            Scenario::Echo => "echo",
        }
    }

    /// Whether the clients follow the roster.
    pub(crate) fn follows_roster(self) -> bool {
        self != Scenario::Echo
    }

    /// Whether the clients say who they are, and have copies that they go on from.
    pub(crate) fn says_hello(self) -> bool {
        use Scenario::{Cut, Drift, Nodes, Reload, Restart};
        matches!(self, Reload | Restart | Cut | Drift | Nodes)
    }
}

impl Options {
    /// Rooms that the clients are in.
    pub(crate) fn rooms(&self) -> usize {
        if self.scenario.follows_roster() { self.rooms as usize } else { 1 }
    }

    /// Processes to start, if they share rooms.
    pub(crate) fn shared_by(&self) -> Option<usize> {
        let default = (self.scenario == Scenario::Nodes).then_some(3);
        self.nodes.or(default).map(|nodes| nodes as usize)
    }

    /// Processes that are the server.
    pub(crate) fn nodes(&self) -> usize {
        self.shared_by().unwrap_or(1)
    }

    /// Somebody is in each room, on each node.
    pub(crate) fn check_rooms(&self) -> Result<(), Problem> {
        let (rooms, nodes, clients) = (self.rooms(), self.nodes(), self.clients as usize);
        let check_spread = |clients, who| match clients < rooms * nodes {
            true => Err(Problem::FewClients { clients, who, rooms, nodes }),
            false => Ok(()),
        };
        check_spread(clients, "clients")?;
        match self.scenario {
            Scenario::Count => check_spread(self.visitors as usize, "visitors"),
            // Otherwise some rooms have no change that shows the drift.
            Scenario::Drift => check_spread(self.observers as usize, "observers"),
            // Those who come back may leave a node without anybody.
            scenario if scenario.says_hello() && nodes > 1 => {
                check_spread(self.observers(), "observers")
            }
            _ => Ok(()),
        }
    }

    /// Clients that read.
    pub(crate) fn readers(&self) -> usize {
        let others = match self.scenario {
            Scenario::Count => self.visitors,
            scenario if scenario.says_hello() => self.observers() as u32,
            _ => 0,
        };
        self.clients as usize + others as usize
    }

    /// Clients that stay. In nodes one of them is in each room of each node.
    fn observers(&self) -> usize {
        match self.scenario {
            Scenario::Nodes => self.nodes() * self.rooms(),
            _ => self.observers as usize,
        }
    }

    /// Clients that never read.
    pub(crate) fn stuck(&self) -> usize {
        match self.scenario {
            Scenario::Slow => self.stuck.unwrap_or((self.clients / 5).max(1)) as usize,
            _ => 0,
        }
    }

    /// Connections in all.
    pub(crate) fn connections(&self) -> usize {
        self.readers() + self.stuck()
    }
}
