//! The mio driver: sockets, signals, and the only clock.
//!
//! One thread, one event loop. Each pass is a turn of the hub, with fixed phases:
//!
//! ```text
//!   wait → accept → read → sweep deadlines → commit → write → reap
//! ```
//!
//! mio is edge-triggered: it tells once that a socket is ready and not again until the socket was
//! found not to be. So what is left undone for whatever reason (a budget, a full outbox, no file
//! descriptors) stays noted here: a listener in `is_ready`, a connection in `ready` or `unsent`;
//! and while any of these is not empty, the next wait is not a wait.

mod accept;
mod events;
mod guard;
mod journal;
mod leaving;
mod listener;
mod mio_net;
mod net;
mod socket;
mod stopwatch;
mod transfer;
mod www;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use crate::assets::Assets;
use crate::config::Config;
use crate::connection::ConnectionId;
use crate::hub::{Hub, Part};
use crate::time::Time;

use journal::Journal;
use leaving::Leaving;
pub use mio_net::MioNet;
pub use net::{Event, Net, Readiness};
use socket::Sockets;
use stopwatch::Stopwatch;
use www::Www;

/// To wake up later than this after the time that was asked for is to have been kept from running.
const OVERSLEPT_MIN: Duration = Duration::from_secs(1);

/// The end of the year 9999, in seconds since 1970: an HTTP-date has four digits for the year.
const LAST_DATE_SECONDS: u64 = 253_402_300_799;

/// What ended the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop, and everyone was told.
    Stopped,
    /// A second signal, of this number, cut that short.
    Interrupted(i32),
}

/// A server that listens.
pub struct Server<N: Net = MioNet> {
    net: N,
    listeners: Vec<Listener>,
    /// How many listeners are for clients; the one of the next number is for metrics.
    front_listeners: usize,
    hub: Hub,
    www: Option<Www>,
    sockets: Sockets<N::Stream>,
    leaving: Leaving<N::Stream>,
    /// What the last wait has told.
    events: Vec<Event>,
    /// Sessions with input that was not read to its end.
    ready: VecDeque<ConnectionId>,
    /// Sessions that can be written to again, or were not written all they had.
    unsent: VecDeque<ConnectionId>,
    /// When accepting may be tried again, after it failed.
    accept_at: Time,
    stop_at: Option<Time>,
    /// Whether a signal has come that a second one makes urgent.
    is_told_to_stop: bool,
    /// Time in which the process did not run, and which therefore did not pass.
    missed: Duration,
    /// Whether a panic in what is done for one connection is that connection's end, or everyone's.
    catches_panics: bool,
    journal: Journal,
    /// Log lines that nobody took.
    lines_dropped: Arc<AtomicU64>,
    /// The second since the epoch that the hub's date says.
    dated: u64,
    buffer: Box<[u8]>,
}

/// What is known of a listening socket.
#[derive(Debug)]
struct Listener {
    /// Its number for the [`Net`].
    number: usize,
    /// Whether there may be connections to accept.
    is_ready: bool,
}

impl Server {
    /// Binds all addresses, and that for metrics if there is one. With `www` the files of that
    /// folder are served, and read again when they change.
    pub fn bind(
        config: Config,
        addresses: &[SocketAddr],
        www: Option<PathBuf>,
    ) -> Result<Server, (String, io::Error)> {
        let all: Vec<SocketAddr> = addresses.iter().copied().chain(config.metrics_listen).collect();
        let net = MioNet::bind(&all, &config.limits)?;
        let (www, assets) = match www {
            Some(path) => {
                let (www, assets) = Www::of(path, &config, &net)?;
                (Some(www), assets)
            }
            None => (None, Assets::embedded()),
        };
        let mut server = Server::new(config, assets, net, addresses.len());
        server.www = www;
        server.catch_panics();
        Ok(server)
    }

    /// The addresses that are listened on for clients, with their real ports.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.net.addresses().take(self.front_listeners)
    }

    /// The address where metrics are served and nothing else, if there is one.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.net.addresses().nth(self.front_listeners)
    }

    /// From now on SIGTERM, SIGINT, SIGQUIT and SIGHUP stop the server in order, and others that
    /// would end the process are ignored. Call it before any thread is started.
    pub fn handle_signals(&mut self) -> io::Result<()> {
        self.net.handle_signals()
    }
}

impl<N: Net> Server<N> {
    /// A server on the first so many listeners of `net`, and on the next if metrics have one. It
    /// catches no panic: who simulates wants to see them.
    pub fn new(config: Config, assets: Assets, net: N, listeners: usize) -> Server<N> {
        let buffer = vec![0; config.limits.read_bytes_per_turn as usize].into_boxed_slice();
        let all = 0..listeners + usize::from(config.metrics_listen.is_some());
        Server {
            net,
            listeners: all.map(|number| Listener { number, is_ready: false }).collect(),
            front_listeners: listeners,
            hub: Hub::new(config, assets),
            www: None,
            sockets: Sockets::new(),
            leaving: Leaving::new(),
            events: Vec::new(),
            ready: VecDeque::new(),
            unsent: VecDeque::new(),
            accept_at: Time::ZERO,
            stop_at: None,
            is_told_to_stop: false,
            missed: Duration::ZERO,
            catches_panics: false,
            journal: Journal::new(),
            lines_dropped: Arc::default(),
            dated: u64::MAX,
            buffer,
        }
    }

    /// From now on a panic in what is done for one connection is the end of that one alone.
    pub fn catch_panics(&mut self) {
        self.catches_panics = true;
    }

    /// Counts the log lines that were dropped elsewhere, too.
    pub fn count_dropped_lines(&mut self, dropped: Arc<AtomicU64>) {
        self.lines_dropped = dropped;
    }

    /// The machine that it runs on.
    pub fn net(&self) -> &N {
        &self.net
    }

    /// The same, for a simulator to go on with.
    pub fn net_mut(&mut self) -> &mut N {
        &mut self.net
    }

    /// Its state.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Serves until a signal ends it.
    pub fn run(&mut self) -> io::Result<Ended> {
        loop {
            if let Some(ended) = self.turn()? {
                return Ok(ended);
            }
        }
    }

    /// One turn.
    pub fn turn(&mut self) -> io::Result<Option<Ended>> {
        self.wait()?;
        let now = self.now();
        let mut stopwatch = Stopwatch::start(self.net.elapsed());
        self.keep_date();
        self.keep_www();
        if let Some(signal) = self.note_events(now) {
            return Ok(Some(Ended::Interrupted(signal)));
        }
        stopwatch.lap(self.net.elapsed());
        self.accept(now);
        stopwatch.lap(self.net.elapsed());
        self.read(now);
        stopwatch.lap(self.net.elapsed());
        self.sweep(now);
        stopwatch.lap(self.net.elapsed());
        self.hub.commit(now);
        stopwatch.lap(self.net.elapsed());
        self.write(now);
        stopwatch.lap(self.net.elapsed());
        self.reap(now);
        stopwatch.lap(self.net.elapsed());
        self.count_turn(&stopwatch, now);
        self.check_nothing_is_forgotten();
        let is_over = self.stop_at.is_some_and(|stop_at| self.hub.is_empty() || stop_at <= now);
        Ok(is_over.then_some(Ended::Stopped))
    }

    fn count_turn(&mut self, stopwatch: &Stopwatch, now: Time) {
        let total = stopwatch.total();
        let stall_ms = u128::from(self.hub.config().limits.stall_ms);
        let turns = &mut self.hub.tally_mut().turns;
        turns.add(u64::try_from(total.as_micros()).unwrap_or(u64::MAX));
        if total.as_millis() >= stall_ms {
            turns.stalls += 1;
            self.journal.stalled(stopwatch, now);
        }
        self.journal.settle(now);
        let dropped = self.lines_dropped.load(Ordering::Relaxed);
        self.hub.tally_mut().log_lines_dropped = self.journal.left_out() + dropped;
    }

    fn wait(&mut self) -> io::Result<()> {
        let is_accepting = self.listeners.iter().any(|listener| listener.is_ready);
        let mut until = self.hub.next_wakeup().min(self.stop_at.unwrap_or(Time::NEVER));
        until = until.min(self.journal.settle_at()).min(self.leaving.due_at());
        if is_accepting {
            until = until.min(self.accept_at);
        }
        let timeout = if self.has_more_to_do() {
            Some(Duration::ZERO)
        } else if until == Time::NEVER {
            None
        } else {
            Some(Duration::from_millis(until.ms_since(self.now())))
        };
        self.events.clear();
        let began = self.net.elapsed();
        let result = self.net.poll(&mut self.events, timeout);
        // The machine slept, or the process was stopped: peers that answered in the meantime must
        // not be found late before they are read.
        let waited = self.net.elapsed() - began;
        if timeout.is_some_and(|timeout| waited > timeout + OVERSLEPT_MIN) {
            self.missed += waited;
        }
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            result => result,
        }
    }

    fn sweep(&mut self, now: Time) {
        self.hub.find_due(now);
        while let Some(id) = self.hub.next_due() {
            self.guarded(id, Part::Input, now, |server| server.hub.expire(id, now));
        }
        self.hub.shed();
    }

    /// Whether the last turn left something that it had no room for.
    fn has_more_to_do(&self) -> bool {
        let is_written = self.unsent.is_empty() && !self.hub.is_telling();
        !self.ready.is_empty() || !is_written || self.hub.has_ended()
    }

    /// Lets go of connections that have ended, and of their sockets.
    fn reap(&mut self, now: Time) {
        for refused in self.hub.take_refused_origins() {
            self.journal.origin_refused(&refused, now);
        }
        for _ in 0..self.hub.config().limits.connections_per_turn {
            let Some(reaped) = self.hub.reap() else { break };
            self.journal.closed(&reaped, now);
            if let Some(stream) = self.sockets.remove(reaped.id) {
                self.net.close(stream);
            }
        }
        self.close_leaving(now);
    }

    /// In a debug build, at the end of each turn: whoever wants to write waits for an event, or is
    /// on a list that is tried again.
    fn check_nothing_is_forgotten(&self) {
        if cfg!(debug_assertions) {
            for id in self.hub.ids() {
                let socket = self.sockets.get(id).expect("a connection has a socket");
                let waits = !socket.is_writable || self.unsent.contains(&id);
                let is_served = waits || self.hub.is_to_be_told(id);
                assert!(is_served || !self.hub.wants_write(id), "a connection was not written to");
                let is_read = !socket.is_readable || socket.is_queued;
                assert!(is_read || !self.hub.wants_read(id), "a connection was not read from");
            }
        }
    }

    /// The core's time: that in which it could run.
    pub fn now(&self) -> Time {
        let passed = self.net.elapsed() - self.missed;
        Time::from_ms(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
    }

    /// Tells the hub what day it is, once a second. A clock that was never set may be before the
    /// first day that there is, or after the last one that can be written.
    fn keep_date(&mut self) {
        let age = self.net.date().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = age.as_secs().min(LAST_DATE_SECONDS);
        if seconds != self.dated {
            self.dated = seconds;
            let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            self.hub.set_date(httpdate::fmt_http_date(date));
        }
    }
}
