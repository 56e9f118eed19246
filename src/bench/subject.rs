//! The server that is measured: one that this program starts, or one that runs already. It may be
//! several processes, its nodes.

use std::borrow::Cow;
use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::system::describe;

use super::cpus::{self, Cpus};
use super::options::Options;
use super::problem::Problem;
use super::process::{pause, stop};
use super::redis::{Redis, free_address};
use super::room::Room;
use super::url::Url;
use super::view::{View, Wrong};

/// How long an answer over HTTP may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Where a server says who is on its roster.
const ROSTER: &str = "/roster";

/// Flags of the server that is started, unless others are given: `/echo`, and as many changes of
/// name, data and status from one client as the scenarios make.
const FLAGS: [&str; 7] = [
    "--echo",
    "--messages-per-second=1000000",
    "--messages-burst=1000000",
    "--bytes-per-second=1000000000",
    "--name-changes-per-minute=1000000",
    "--updates-per-second=1000000",
    "--updates-burst=1000000",
];

/// The server that is measured.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Where each of its nodes is; most servers are one.
    pub(crate) urls: Vec<Url>,
    /// The processes to measure, if they are on this machine.
    pub(crate) pids: Vec<u32>,
    /// The processes, if they are ours, and how they are started.
    own: Vec<Child>,
    flags: Vec<String>,
    cpus: Cpus,
    /// What the nodes share, if it is ours.
    pub(crate) redis: Option<Redis>,
}

impl Subject {
    /// Finds the server, or starts it.
    pub(crate) fn open(options: &Options, cpus: Cpus) -> Result<Subject, Problem> {
        if let Some(url) = &options.url {
            let is_missing = |pid: &u32| !Path::new("/proc").join(pid.to_string()).exists();
            if let Some(pid) = options.pid.filter(is_missing) {
                return Err(Problem::NoProcess(pid));
            }
            // Asked for something, and not only connected to: that would look like a fault there.
            let request = get(url, ROSTER);
            let url = url.clone().reach(|address| {
                let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
                exchange(stream, &request).map(drop)
            });
            return Ok(Subject {
                urls: vec![url],
                pids: options.pid.into_iter().collect(),
                own: Vec::new(),
                flags: Vec::new(),
                cpus,
                redis: None,
            });
        }
        let redis = match options.shared_by() {
            Some(_) if options.redis.is_none() => Some(Redis::start()?),
            _ => None,
        };
        let shared = redis.as_ref().map(Redis::url).or(options.redis.clone());
        let name = |flag: &str| flag.split('=').next().unwrap_or(flag).to_owned();
        let given: Vec<String> = options.server.iter().map(|flag| name(flag)).collect();
        let own = FLAGS.into_iter().filter(|flag| !given.contains(&name(flag))).map(String::from);
        let shared = shared.map(|url| format!("--redis={url}"));
        let flags = own.chain(shared).chain(options.server.iter().cloned()).collect();
        let mut subject =
            Subject { urls: Vec::new(), pids: Vec::new(), own: Vec::new(), flags, cpus, redis };
        for _ in 0..options.nodes() {
            // A node that is alone is never without its port for long.
            let listen = match options.shared_by() {
                Some(_) => free_address().map_err(|error| Problem::NoServer(describe(&error)))?,
                None => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            };
            let (child, address) = start(&listen.to_string(), &subject.flags, cpus)?;
            subject.urls.push(Url::local(address));
            subject.pids.push(child.id());
            subject.own.push(child);
        }
        Ok(subject)
    }

    /// Whether it can be killed and started again.
    pub(crate) fn is_own(&self) -> bool {
        !self.own.is_empty()
    }

    /// Kills the server, as a crash would, and starts it again at the same address.
    pub(crate) fn restart(&mut self) -> Result<(), Problem> {
        (0..self.own.len()).for_each(|node| self.kill(node));
        (0..self.own.len()).try_for_each(|node| self.start(node))
    }

    /// Kills a node that is ours.
    pub(crate) fn kill(&mut self, node: usize) {
        stop(&mut self.own[node]);
    }

    /// Starts a node again that was killed.
    pub(crate) fn start(&mut self, node: usize) -> Result<(), Problem> {
        let address = self.urls[node].address().to_string();
        let (child, _) = start(&address, &self.flags, self.cpus)?;
        self.pids[node] = child.id();
        self.own[node] = child;
        Ok(())
    }

    /// Has a node that is ours stand still, or go on.
    pub(crate) fn pause(&self, node: usize, is_paused: bool) -> Result<(), Problem> {
        pause(&self.own[node], is_paused)
    }

    /// Commands that were given to the Redis server that its nodes share, if that is ours.
    pub(crate) fn commands(&self) -> Option<u64> {
        self.redis.as_ref()?.commands()
    }

    /// Who is in a room, as a node of the server itself says it.
    pub(crate) fn roster(&self, node: usize, room: &Room) -> Result<View, Problem> {
        let (path, url) = (room.path(ROSTER), &self.urls[node]);
        let answer = ask(url, &path)?;
        let no_roster = || Problem::NoRoster("the answer is no roster".into());
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or_else(no_roster)?;
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            let status = status_line(&answer);
            let prefix = &url.prefix;
            return Err(Problem::NoRoster(format!("GET {prefix}{path} is answered {status}")));
        }
        let view = room.document(&answer[end + 4..]).map_err(|wrong| match wrong {
            Wrong::Digest { .. } => Problem::NoRoster(wrong.to_string()),
            _ => no_roster(),
        })?;
        Ok(View { node, ..view })
    }
}

fn ask(url: &Url, path: &str) -> Result<Vec<u8>, Problem> {
    let stream = TcpStream::connect_timeout(&url.address(), PATIENCE)
        .map_err(|error| Problem::NoConnection(url.clone(), error))?;
    exchange(stream, &get(url, path)).map_err(|error| Problem::NoRoster(describe(&error)))
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.own.iter_mut().for_each(stop);
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_own() {
            true => write!(f, "headcount {}", self.flags.join(" ")),
            false => write!(f, "{}", self.urls[0]),
        }
    }
}

/// Asks a server whether it is well, on a connection of its own.
pub(super) fn healthz(url: &Url) -> io::Result<()> {
    let stream = TcpStream::connect_timeout(&url.address(), PATIENCE)?;
    let answer = exchange(stream, &get(url, "/healthz"))?;
    if answer.starts_with(b"HTTP/1.1 200 ") {
        return Ok(());
    }
    Err(io::Error::other(format!("the answer is {:?}", status_line(&answer))))
}

fn status_line(answer: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(answer.split(|&byte| byte == b'\r').next().unwrap_or_default())
}

/// A request for `path`. HTTP/1.0: the answer ends with the connection and comes in one piece.
fn get(url: &Url, path: &str) -> String {
    format!("GET {}{path} HTTP/1.0\r\nHost: {}\r\n\r\n", url.prefix, url.authority)
}

/// Sends a request and reads until the connection ends.
fn exchange(mut stream: TcpStream, request: &str) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    Ok(answer)
}

/// Starts a server of this very program and waits until it says where it listens.
fn start(listen: &str, flags: &[String], cpus: Cpus) -> Result<(Child, SocketAddr), Problem> {
    let cannot = |error: io::Error| Problem::NoServer(describe(&error));
    let program = env::current_exe().map_err(cannot)?;
    let mut command = Command::new(program);
    command.args(["--listen", listen]).args(flags).stdin(Stdio::null()).stdout(Stdio::piped());
    // A signal from the terminal is for the generator, which then stops the server.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(cannot)?;
    cpus::pin(Some(child.id()), cpus.server);
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        // It says one line and no more; should it ever say more, nobody waits for it.
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    let address = line.trim_end().rsplit("http://").next().and_then(|text| text.parse().ok());
    match address {
        Some(address) => Ok((child, address)),
        None => {
            stop(&mut child);
            Err(Problem::NoServer("it ended before it listened".into()))
        }
    }
}
