//! The event loop: one server, and its turn.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::assets::Assets;
use crate::config::Config;
use crate::connection::ConnectionId;
use crate::hub::{Hub, Part};
use crate::time::Time;

use super::journal::Journal;
use super::leaving::Leaving;
use super::link::Link;
use super::mio_net::MioNet;
use super::net::{Event, Net};
use super::socket::Sockets;
use super::state::Saver;
use super::stopwatch::Stopwatch;
use super::www::Www;

/// A wait that overshoots its timeout by more than this means that the process was not running.
const OVERSLEPT_MIN: Duration = Duration::from_secs(1);

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
    pub(super) net: N,
    pub(super) listeners: Vec<Listener>,
    /// How many listeners are for clients; the one of the next number is for metrics.
    pub(super) front_listeners: usize,
    pub(super) hub: Hub,
    pub(super) www: Option<Www>,
    pub(super) saver: Option<Saver>,
    pub(super) link: Option<Link<N::Stream>>,
    pub(super) sockets: Sockets<N::Stream>,
    pub(super) leaving: Leaving<N::Stream>,
    /// Events of the last wait.
    pub(super) events: Vec<Event>,
    /// Connections with input that was not read to its end.
    pub(super) ready: VecDeque<ConnectionId>,
    /// Connections that became writable, or whose output exceeded the budget.
    pub(super) unsent: VecDeque<ConnectionId>,
    /// When accepting may be tried again, after it failed.
    pub(super) accept_at: Time,
    pub(super) stop_at: Option<Time>,
    /// Whether a signal has come that a second one makes urgent.
    pub(super) is_told_to_stop: bool,
    /// Time in which the process did not run, and which therefore did not pass.
    pub(super) missed: Duration,
    /// Whether a panic in what is done for one connection is that connection's end, or everyone's.
    pub(super) catches_panics: bool,
    pub(super) journal: Journal,
    /// Log lines that nobody took.
    pub(super) lines_dropped: Arc<AtomicU64>,
    /// The second since the epoch that the hub's date says.
    pub(super) dated: u64,
    pub(super) buffer: Box<[u8]>,
}

/// What is known of a listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    /// Its number for the [`Net`].
    pub(super) number: usize,
    /// Whether there may be connections to accept.
    pub(super) is_ready: bool,
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
            link: config.redis.clone().map(Link::new),
            hub: Hub::new(config, assets),
            www: None,
            saver: None,
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
                if let (Ended::Stopped, Some(saver)) = (ended, self.saver.take()) {
                    saver.wait();
                }
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
        self.keep_link(now)?;
        stopwatch.lap(self.net.elapsed());
        self.sweep(now);
        stopwatch.lap(self.net.elapsed());
        self.meet(now);
        self.hub.commit(now);
        self.keep_state(now);
        self.write_link(now)?;
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

    fn wait(&mut self) -> io::Result<()> {
        // Until the earliest of all that is due; but what the last turn left over cannot wait.
        let is_accepting = self.listeners.iter().any(|listener| listener.is_ready);
        let mut until = self.hub.next_wakeup().min(self.stop_at.unwrap_or(Time::NEVER));
        until = until.min(self.journal.settle_at()).min(self.leaving.due_at());
        let now = self.now();
        until = until.min(self.saver.as_ref().map_or(Time::NEVER, |saver| saver.due_at(now)));
        until = until.min(self.link.as_ref().map_or(Time::NEVER, |link| link.due_at(now)));
        if is_accepting {
            until = until.min(self.accept_at);
        }
        let timeout = if self.has_more_to_do() {
            Some(Duration::ZERO)
        } else if until == Time::NEVER {
            None
        } else {
            Some(Duration::from_millis(until.ms_since(now)))
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
            // It waits for its turn, with something that it said in time or made room for in time.
            if self.sockets.get(id).is_some_and(|socket| socket.is_queued || socket.is_unsent) {
                self.hub.stays_due(id);
                continue;
            }
            self.guarded(id, Part::Input, now, |server| server.hub.expire(id, now));
        }
        self.hub.shed();
    }

    /// Does what connections want of each other.
    fn meet(&mut self, now: Time) {
        while let Some(id) = self.hub.next_to_meet() {
            self.guarded(id, Part::Input, now, |server| server.hub.meet(now));
        }
    }

    /// Whether the last turn left something that it had no room for.
    fn has_more_to_do(&self) -> bool {
        let is_written = self.unsent.is_empty() && !self.hub.is_telling();
        !self.ready.is_empty() || !is_written || self.hub.has_ended()
    }

    /// The core's time: that in which it could run.
    pub fn now(&self) -> Time {
        let passed = self.net.elapsed() - self.missed;
        Time::from_ms(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
    }
}
