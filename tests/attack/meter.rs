//! How long it takes until everyone has been told: what others feel of an attack.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use memchr::memmem;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::process::setpriority_process;

use crate::crowd::Crowd;
use crate::process::PATIENCE;
use crate::wire;

/// Changes in one series, and series of which the median counts: a pause of this machine spoils
/// one of them.
const CHANGES: u32 = 30;
const SERIES: usize = 5;

/// Attacks, of which one must leave the others undisturbed.
const TRIALS: usize = 3;

/// Between two changes, so that none waits for the commit interval of the one before.
const PAUSE: Duration = Duration::from_millis(25);

/// Of a thread, as nice(1) counts.
const LEAST_PRIORITY: i32 = 19;

/// Below this nobody feels a thing, and a machine with few cores measures its own scheduler.
const UNFELT: Duration = Duration::from_millis(5);

/// With these its clients may change their names as often as they do, and need not answer pings.
pub const FLAGS: [&str; 2] = ["--name-changes-per-minute=1000000", "--ping-interval-ms=3600000"];

/// Clients that follow the roster. One after the other changes its name, and all note when they see
/// it.
pub struct Meter {
    poll: Poll,
    events: Events,
    clients: Vec<Client>,
    changes: u32,
}

struct Client {
    stream: TcpStream,
    inbox: Vec<u8>,
}

impl Meter {
    pub fn connect(address: SocketAddr, count: usize) -> Meter {
        let poll = Poll::new().unwrap();
        let mut crowd = Crowd::watch(address, count);
        let clients = crowd.streams.drain(..).enumerate().map(|(index, stream)| {
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE).unwrap();
            Client { stream, inbox: Vec::new() }
        });
        let clients = clients.collect();
        Meter { poll, events: Events::with_capacity(1024), clients, changes: 0 }
    }

    /// The time in which 99 of 100 are told of a change: the median of some series.
    pub fn p99(&mut self) -> Duration {
        let mut p99s: Vec<Duration> = (0..SERIES).map(|_| self.series()).collect();
        p99s.sort();
        p99s[SERIES / 2]
    }

    /// Checks that others are told about as soon as when all was quiet, now that it is not.
    pub fn compare_with(&mut self, idle: Duration) -> String {
        let attacked: Vec<Duration> = (0..TRIALS).map(|_| self.p99()).collect();
        compare(idle, attacked.into_iter().min().unwrap_or_default())
    }

    /// That time while `attack` runs in another thread, which is told when it is over. Attackers
    /// are on machines of their own: here they take the time that nobody else wants, so that what
    /// is measured is the server and not the wait for a core.
    pub fn p99_during<T: Send>(
        &mut self,
        attack: impl FnOnce(&AtomicBool) -> T + Send,
    ) -> (Duration, T) {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let attack = scope.spawn(|| {
                setpriority_process(None, LEAST_PRIORITY).unwrap();
                attack(&is_over)
            });
            let attacked = self.p99();
            is_over.store(true, Relaxed);
            (attacked, attack.join().unwrap())
        })
    }

    /// Checks that others are told about as soon during an attack as before it, and says how soon.
    /// What a busy machine spoils it does not spoil three times; what the server does wrong, it
    /// does each time.
    pub fn withstand<T: Send>(
        &mut self,
        attack: impl Fn(&AtomicBool) -> T + Send + Sync,
    ) -> (String, T) {
        let mut figures = Vec::new();
        for _ in 0..TRIALS {
            let idle = self.p99();
            let (attacked, result) = self.p99_during(&attack);
            figures.push(told(idle, attacked));
            if is_undisturbed(idle, attacked) {
                return (figures.pop().unwrap(), result);
            }
        }
        panic!("{figures:?}");
    }

    fn series(&mut self) -> Duration {
        let mut latencies = Vec::new();
        for _ in 0..CHANGES {
            self.change(&mut latencies);
            thread::sleep(PAUSE);
        }
        latencies.sort();
        latencies[latencies.len() * 99 / 100]
    }

    /// Makes one change and waits until everyone has seen it.
    fn change(&mut self, latencies: &mut Vec<Duration>) {
        self.changes += 1;
        let name = format!("\"meter {}\"", self.changes);
        let talker = self.changes as usize % self.clients.len();
        let login = wire::text(&format!("[\"login\",{name}]"));
        let (started, already) = (Instant::now(), latencies.len());
        self.clients[talker].stream.write_all(&login).expect("the server reads");
        while latencies.len() < already + self.clients.len() {
            self.poll.poll(&mut self.events, Some(PATIENCE)).unwrap();
            assert!(started.elapsed() < PATIENCE, "not everyone is told");
            for event in &self.events {
                if self.clients[event.token().0].has_seen(name.as_bytes()) {
                    latencies.push(started.elapsed());
                }
            }
        }
    }
}

impl Client {
    /// Reads what has come, and says whether the name was in it.
    fn has_seen(&mut self, name: &[u8]) -> bool {
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the server has closed"),
                Ok(length) => self.inbox.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        let has_seen = memmem::find(&self.inbox, name).is_some();
        // A name that was cut in two is found with what comes next.
        let keep = if has_seen { 0 } else { name.len() - 1 };
        self.inbox.drain(..self.inbox.len().saturating_sub(keep));
        has_seen
    }
}

/// Checks that others are told about as soon as before, and says how soon.
pub fn compare(idle: Duration, attacked: Duration) -> String {
    let figures = told(idle, attacked);
    assert!(is_undisturbed(idle, attacked), "{figures}");
    figures
}

fn is_undisturbed(idle: Duration, attacked: Duration) -> bool {
    attacked <= (2 * idle).max(UNFELT)
}

fn told(idle: Duration, attacked: Duration) -> String {
    let [idle, attacked] = [idle, attacked].map(|time| time.as_secs_f64() * 1e3);
    let ratio = attacked / idle;
    format!("others' p99 {attacked:.2} ms, idle {idle:.2} ms, × {ratio:.2}")
}
