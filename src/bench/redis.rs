//! A Redis server of its own, for the nodes that are measured.

use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::system::describe;

use super::dice::Dice;
use super::problem::Problem;
use super::process::{pause, stop};

/// How long it may take to start, and to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ports that no connection is given by the system: one that is to be listened at again after a
/// while must not be another's by then.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A Redis server that keeps nothing.
#[derive(Debug)]
pub(crate) struct Redis {
    address: SocketAddr,
    child: Child,
    /// Commands that were given to those that were here before it was killed.
    commands: u64,
}

impl Redis {
    /// Starts one at a free port.
    pub(crate) fn start() -> Result<Redis, Problem> {
        let address = free_address().map_err(|error| Problem::NoRedis(describe(&error)))?;
        Ok(Redis { address, child: start(address)?, commands: 0 })
    }

    /// Where nodes find it.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}/0", self.address)
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.commands = self.commands().unwrap_or(self.commands);
        stop(&mut self.child);
    }

    /// Starts it again at the same address, with nothing in it.
    pub(crate) fn start_again(&mut self) -> Result<(), Problem> {
        self.child = start(self.address)?;
        Ok(())
    }

    /// Has it stand still, or go on.
    pub(crate) fn pause(&self, is_paused: bool) -> Result<(), Problem> {
        pause(&self.child, is_paused)
    }

    /// Ends the connections of all who follow channels.
    pub(crate) fn kill_links(&self) -> Result<(), Problem> {
        self.command("CLIENT KILL TYPE pubsub").map(drop)
    }

    /// Removes all keys.
    pub(crate) fn flush(&self) -> Result<(), Problem> {
        self.command("FLUSHALL").map(drop)
    }

    /// Commands that were given to it.
    pub(crate) fn commands(&self) -> Option<u64> {
        let answer = self.command("INFO stats").ok()?;
        let number = answer.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        Some(self.commands + number?.trim().parse::<u64>().ok()?)
    }

    fn command(&self, command: &str) -> Result<String, Problem> {
        exchange(self.address, command).map_err(|error| Problem::System("ask Redis", error))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// An address on this machine at which nobody listens.
pub(crate) fn free_address() -> io::Result<SocketAddr> {
    let mut dice = Dice::new(RandomState::new().hash_one("port"));
    let mut attempt = || {
        let port = PORTS.start + dice.below(PORTS.len()) as u16;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.local_addr()
    };
    (0..100).find_map(|_| attempt().ok()).map_or_else(attempt, Ok)
}

fn start(address: SocketAddr) -> Result<Child, Problem> {
    let cannot = |error: io::Error| Problem::NoRedis(describe(&error));
    let mut child = Command::new("redis-server")
        .args(["--port", &address.port().to_string(), "--bind", &address.ip().to_string()])
        .args(["--save", "", "--appendonly", "no"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(cannot)?;
    let end = Instant::now() + PATIENCE;
    loop {
        match exchange(address, "PING") {
            Ok(_) => return Ok(child),
            Err(error) if Instant::now() > end => {
                stop(&mut child);
                return Err(cannot(error));
            }
            Err(_) => {}
        }
        if child.try_wait().map_err(cannot)?.is_some() {
            return Err(Problem::NoRedis("it ended before it listened".into()));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Gives a command, and reads what is answered.
fn exchange(address: SocketAddr, command: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.strip_prefix('-') {
        Some(error) => Err(io::Error::other(error.lines().next().unwrap_or_default().to_owned())),
        None => Ok(answer),
    }
}
