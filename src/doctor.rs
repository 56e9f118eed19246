//! `headcount doctor`: how many clients this machine can hold, and what to change for more; or
//! whether a server is one for `--redis`.

mod redis;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, value_parser};
use headcount::config::{Redis, RedisUrl};

use crate::bench::CLIENTS_PER_SOURCE;
use crate::redis_url::{UrlParser, password};
use crate::{log, stdout, system};

use redis::Mark;

/// What the kernel takes for one connection that is quiet, one end of it, in bytes: a socket, its
/// place in the event queue, an open file. Measured with `headcount bench idle`, rounded up.
const KERNEL_BYTES_PER_CLIENT: u64 = 4096;

/// What the server takes for one, rounded up.
const SERVER_BYTES_PER_CLIENT: u64 = 512;

/// Connections that are opened in a burst and wait to be accepted.
const BACKLOG: u64 = 4096;

/// Reports how many clients this machine can hold, and how to raise that number; or, with --redis,
/// whether a Redis or Valkey server is one that processes can share rooms by.
///
/// The exit code is 1 if anything is too low, or if the server does not fit.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Number of clients to check for
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = value_parser!(u32).range(1..))]
    clients: u32,

    /// Examine this Redis or Valkey server instead of the machine; repeatable
    ///
    /// Says whether it is reachable, new enough, a single primary, and lets headcount in; what a
    /// node may be behind before it is cut off; and how long it takes to answer. Nothing is stored
    /// in it, and nothing changed.
    #[arg(long, value_name = "URL", value_delimiter = ',', value_parser = UrlParser)]
    redis: Vec<RedisUrl>,

    /// Read the password for --redis from this file [default: HEADCOUNT_REDIS_PASSWORD]
    #[arg(long, value_name = "FILE", requires = "redis")]
    redis_password_file: Option<PathBuf>,
}

/// One thing that bounds the number of clients.
struct Finding {
    what: &'static str,
    value: String,
    /// How many clients it allows; `None` if it bounds only how fast they come.
    clients: Option<u64>,
    is_enough: bool,
    remedy: &'static str,
}

/// Prints what was found. 1 if that is not good enough.
pub(crate) fn doctor(options: &Options) -> ExitCode {
    let examined = match options.redis.is_empty() {
        true => Ok(examine_machine(options)),
        false => examine_servers(options),
    };
    let printed = examined.and_then(|(text, is_fine)| stdout::print(&text).map(|()| is_fine));
    match printed {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            log::tell(&problem, log::Format::Text);
            ExitCode::FAILURE
        }
    }
}

/// Whether servers are fit for `--redis`. Of several, one is to be the master.
fn examine_servers(options: &Options) -> Result<(String, bool), String> {
    let password = password(options.redis_password_file.as_deref())?;
    let redis = Redis { servers: options.redis.clone(), password, node: 0 };
    let (mut text, mut is_fine, mut has_master) = (String::new(), true, false);
    for (server, url) in redis.servers.iter().enumerate() {
        text += &format!("{url}\n");
        let findings = redis::examine(&redis, server);
        for redis::Finding { mark, what, value, remedy } in &findings {
            let word = match mark {
                Mark::Fine => "ok ",
                Mark::Poor => "LOW",
                Mark::Unfit => "BAD",
            };
            text += &format!("{word}  {what:<22}{value}\n");
            if *mark != Mark::Fine {
                text += &format!("     {remedy}\n");
            }
        }
        has_master |= findings.iter().any(|finding| finding.value == redis::MASTER);
        let worst = findings.iter().map(|finding| finding.mark).max().unwrap_or(Mark::Fine);
        is_fine &= worst == Mark::Fine;
        text += match worst {
            Mark::Fine => "\nThis server fits.\n\n",
            Mark::Poor => "\nThis server fits, but could be better.\n\n",
            Mark::Unfit => "\nThis server does not fit.\n\n",
        };
    }
    text.pop();
    if !has_master && redis.servers.len() > 1 {
        text += "\nNone of these servers is a primary.\n";
        is_fine = false;
    }
    Ok((text, is_fine))
}

/// What bounds the number of clients, and whether that is enough.
fn examine_machine(options: &Options) -> (String, bool) {
    let wanted = u64::from(options.clients);
    let findings: Vec<Finding> = [
        files(wanted),
        memory(wanted),
        tcp_memory(wanted),
        tracked(wanted),
        backlog(),
        ports(wanted),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut text = String::new();
    for finding in &findings {
        let mark = if finding.is_enough { "ok " } else { "LOW" };
        let clients = finding.clients.map_or(String::new(), |clients| format!("{clients} clients"));
        text += &format!("{mark}  {:<22}{:<26}{clients}\n", finding.what, finding.value);
        if !finding.is_enough {
            text += &format!("     {}\n", finding.remedy);
        }
    }
    let possible = findings.iter().filter_map(|finding| finding.clients).min();
    if let Some(possible) = possible {
        text += &format!("\nThis machine can hold {possible} clients; asked for: {wanted}.\n");
    }
    (text, findings.iter().all(|finding| finding.is_enough))
}

fn files(wanted: u64) -> Option<Finding> {
    let files = system::raise_files();
    let clients = files.saturating_sub(system::RESERVED_FILES);
    Some(Finding {
        what: "open files",
        value: format!("{files} (hard limit)"),
        clients: Some(clients),
        is_enough: clients >= wanted,
        remedy: "ulimit -Hn N as root, or LimitNOFILE=N in a systemd unit; at most fs.nr_open",
    })
}

fn memory(wanted: u64) -> Option<Finding> {
    let bytes = system::memory_bytes()?;
    // Half of it: the rest is for what clients send and are sent, and for everything else.
    let clients = bytes / 2 / (KERNEL_BYTES_PER_CLIENT + SERVER_BYTES_PER_CLIENT);
    Some(Finding {
        what: "memory",
        value: format!("{} MiB", bytes >> 20),
        clients: Some(clients),
        is_enough: clients >= wanted,
        remedy: "more memory, or a higher memory.max of the control group",
    })
}

/// `tcp_mem` bounds the buffers of all TCP sockets together, in pages. A quiet connection has none;
/// this asks for a page each, for the moment in which all are told something.
fn tcp_memory(wanted: u64) -> Option<Finding> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/tcp_mem").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(Finding {
        what: "net.ipv4.tcp_mem",
        value: format!("{pages} pages (pressure)"),
        clients: Some(pages),
        is_enough: pages >= wanted,
        remedy: "sysctl -w net.ipv4.tcp_mem='LOW PRESSURE HIGH', in pages of 4 KiB",
    })
}

/// A firewall that tracks connections drops those that it has no room for. Both directions of a
/// connection on this machine are one entry.
fn tracked(wanted: u64) -> Option<Finding> {
    let clients = number("/proc/sys/net/netfilter/nf_conntrack_max")?;
    Some(Finding {
        what: "nf_conntrack_max",
        value: format!("{clients}"),
        clients: Some(clients),
        is_enough: clients >= wanted,
        remedy: "sysctl -w net.netfilter.nf_conntrack_max=N, or no tracking for this port",
    })
}

fn backlog() -> Option<Finding> {
    let most = number("/proc/sys/net/core/somaxconn")?;
    Some(Finding {
        what: "net.core.somaxconn",
        value: format!("{most} may wait"),
        clients: None,
        is_enough: most >= BACKLOG,
        remedy: "sysctl -w net.core.somaxconn=4096: with less, a burst of clients waits seconds",
    })
}

/// Ports bound who connects, not who serves: a client machine, a proxy, or `headcount bench`, which
/// has so many clients connect from each of many addresses.
fn ports(wanted: u64) -> Option<Finding> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().map_while(|end| end.parse::<u64>().ok());
    let ports = ends.next().zip(ends.next()).map(|(first, last)| last.saturating_sub(first) + 1)?;
    Some(Finding {
        what: "ip_local_port_range",
        value: format!("{ports} ports an address"),
        clients: None,
        is_enough: ports >= wanted.min(CLIENTS_PER_SOURCE as u64),
        remedy: "sysctl -w net.ipv4.ip_local_port_range='1024 65535' where a proxy connects from",
    })
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}
