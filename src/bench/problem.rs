//! Why a run can't be made, or ends early.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::system::describe;

use super::url::Url;

/// Why a run can't be made, or ends early.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The server could not be started.
    NoServer(String),
    /// The server does not say who is on its roster.
    NoRoster(String),
    /// A server that runs already is not ours to kill.
    NotOurs,
    /// Nobody listens at the URL.
    NoConnection(Url, io::Error),
    /// What listens there opens no WebSocket.
    NoWebSocket(Url, String),
    /// There are more rooms than clients, or more rooms on all nodes.
    FewClients { clients: usize, who: &'static str, rooms: usize, nodes: usize },
    /// There is no Redis server, and none can be started.
    NoRedis(String),
    /// There are fewer descriptors than clients.
    FewFiles { needed: u64, allowed: u64 },
    /// There are fewer ports than clients.
    FewPorts { opened: usize },
    /// There is no such process to measure.
    NoProcess(u32),
    /// The report can't be written there.
    NoReport(PathBuf, io::Error),
    /// The system did not do something that it usually does.
    System(&'static str, io::Error),
    /// The last connection is lost.
    Lost(String),
    /// Nothing has happened for long.
    Stalled(String),
    /// The user has seen enough.
    Interrupted,
}

impl Problem {
    /// Whether what was measured before it still says something.
    pub(crate) fn leaves_figures(&self) -> bool {
        matches!(self, Problem::Lost(_) | Problem::Stalled(_) | Problem::Interrupted)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoServer(why) => write!(f, "can't start a server: {why}"),
            Problem::NoRoster(why) => write!(f, "can't read the server's roster: {why}"),
            Problem::NotOurs => f.write_str(
                "this scenario kills the server and needs one of its own: leave out --url",
            ),
            Problem::NoConnection(url, error) => {
                write!(f, "can't connect to {url}: {}", describe(error))
            }
            Problem::NoWebSocket(url, why) => write!(f, "{url} opens no WebSocket: {why}"),
            Problem::FewClients { clients, who, rooms, nodes: 1 } => write!(
                f,
                "{clients} {who} can't be spread over {rooms} rooms: take more {who} or fewer rooms"
            ),
            Problem::FewClients { clients, who, rooms, nodes } => write!(
                f,
                "{clients} {who} can't be spread over {nodes} nodes with {rooms} rooms each: take \
                 more {who}, fewer rooms or fewer nodes"
            ),
            Problem::NoRedis(why) => {
                write!(f, "can't start redis-server ({why}): name a running one with --redis URL")
            }
            Problem::FewFiles { needed, allowed } => write!(
                f,
                "{needed} open files are needed and {allowed} allowed: raise the hard limit \
                 (ulimit -Hn, LimitNOFILE=) or take fewer clients"
            ),
            Problem::FewPorts { opened } => write!(
                f,
                "no port is free after {opened} connections: widen \
                 net.ipv4.ip_local_port_range or take fewer clients"
            ),
            Problem::System(what, error) => write!(f, "can't {what}: {}", describe(error)),
            Problem::Lost(why) => write!(f, "all connections are lost: {why}"),
            Problem::NoProcess(pid) => write!(f, "there is no process {pid}"),
            Problem::NoReport(path, error) => {
                write!(f, "can't write {}: {}", path.display(), describe(error))
            }
            Problem::Stalled(what) => write!(f, "nothing happens any more: {what}"),
            Problem::Interrupted => f.write_str("interrupted: this was measured until then"),
        }
    }
}

impl std::error::Error for Problem {}
