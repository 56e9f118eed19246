//! The server that is measured: one that this program starts, or one that runs already.

use std::borrow::Cow;
use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::system::describe;

use super::cpus::{self, Cpus};
use super::options::Options;
use super::problem::Problem;
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
    pub(crate) url: Url,
    /// The process to measure, if it is on this machine.
    pub(crate) pid: Option<u32>,
    /// The process and how it is started, if it is ours.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    child: Child,
    flags: Vec<String>,
    cpus: Cpus,
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
            return Ok(Subject { url, pid: options.pid, own: None });
        }
        let name = |flag: &str| flag.split('=').next().unwrap_or(flag).to_owned();
        let given: Vec<String> = options.server.iter().map(|flag| name(flag)).collect();
        let own = FLAGS.into_iter().filter(|flag| !given.contains(&name(flag))).map(String::from);
        let flags: Vec<String> = own.chain(options.server.iter().cloned()).collect();
        let (child, address) = start("127.0.0.1:0", &flags, cpus)?;
        let pid = Some(child.id());
        Ok(Subject { url: Url::local(address), pid, own: Some(Own { child, flags, cpus }) })
    }

    /// Whether it can be killed and started again.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Kills the server, as a crash would, and starts it again at the same address.
    pub(crate) fn restart(&mut self) -> Result<(), Problem> {
        let Some(own) = &mut self.own else { return Err(Problem::NotOurs) };
        stop(&mut own.child);
        let address = self.url.address().to_string();
        let (child, _) = start(&address, &own.flags, own.cpus)?;
        self.pid = Some(child.id());
        own.child = child;
        Ok(())
    }

    /// Who is in a room, as the server itself says it.
    pub(crate) fn roster(&self, room: &Room) -> Result<View, Problem> {
        let path = room.path(ROSTER);
        let answer = self.ask(&path)?;
        let no_roster = || Problem::NoRoster("the answer is no roster".into());
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or_else(no_roster)?;
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            let status = status_line(&answer);
            let prefix = &self.url.prefix;
            return Err(Problem::NoRoster(format!("GET {prefix}{path} is answered {status}")));
        }
        room.document(&answer[end + 4..]).map_err(|wrong| match wrong {
            Wrong::Digest { .. } => Problem::NoRoster(wrong.to_string()),
            _ => no_roster(),
        })
    }

    fn ask(&self, path: &str) -> Result<Vec<u8>, Problem> {
        let stream = TcpStream::connect_timeout(&self.url.address(), PATIENCE)
            .map_err(|error| Problem::NoConnection(self.url.clone(), error))?;
        exchange(stream, &get(&self.url, path)).map_err(|error| Problem::NoRoster(describe(&error)))
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            stop(&mut own.child);
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.own {
            Some(own) => write!(f, "headcount {}", own.flags.join(" ")),
            None => write!(f, "{}", self.url),
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

fn stop(child: &mut Child) {
    // Both fail only if it has ended already.
    let _ = child.kill();
    let _ = child.wait();
}
