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
//! descriptors) stays noted here: a listener in `is_ready`, a session in `ready` or `unsent`; and
//! while any of these is not empty, the next wait is not a wait.

mod accept;
mod listener;
mod socket;
mod transfer;
mod www;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use mio::{Events, Interest, Poll, Token};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use crate::assets::Assets;
use crate::config::Config;
use crate::hub::Hub;
use crate::session::SessionId;
use crate::time::Time;

use listener::Listener;
use socket::Sockets;
use www::Www;

/// Events taken from the kernel in one turn.
const EVENTS_MAX: usize = 1024;

/// The token of the signals; a listener's is further down. No session has these, as the index in
/// its token is below 2^24.
const SIGNALS: Token = Token(usize::MAX);

/// What ended the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to stop, and everyone was told.
    Stopped,
    /// A second signal, of this number, cut that short.
    Interrupted(i32),
}

/// A server that listens.
pub struct Server {
    poll: Poll,
    listeners: Vec<Listener>,
    signals: Option<Signals>,
    hub: Hub,
    www: Option<Www>,
    sockets: Sockets,
    /// Sessions with input that was not read to its end.
    ready: Vec<SessionId>,
    /// Sessions that can be written to again, or were not written all they had.
    unsent: Vec<SessionId>,
    /// When accepting may be tried again, after it failed.
    accept_at: Time,
    stop_at: Option<Time>,
    started: Instant,
    /// The second since the epoch that the hub's date says.
    dated: u64,
    buffer: Box<[u8]>,
}

impl Server {
    /// Binds all addresses. With `www` the files of that folder are served, and read again when
    /// they change.
    pub fn bind(
        config: Config,
        addresses: &[SocketAddr],
        www: Option<PathBuf>,
    ) -> Result<Server, (String, io::Error)> {
        let poll = Poll::new().map_err(|error| ("can't create an event queue".into(), error))?;
        let mut listeners = Vec::with_capacity(addresses.len());
        for (index, &address) in addresses.iter().enumerate() {
            let token = Token(SIGNALS.0 - 1 - index);
            let listener = Listener::bind(address, token, &config.limits, poll.registry())
                .map_err(|error| (format!("can't listen on {address}"), error))?;
            listeners.push(listener);
        }
        let www = match www {
            Some(folder) => {
                let problem = format!("can't read {}", folder.display());
                Some(Www::open(folder).map_err(|error| (problem, error))?)
            }
            None => None,
        };
        let assets = www.as_ref().map_or_else(Assets::embedded, Www::assets);
        let buffer = vec![0; config.limits.read_bytes_per_turn as usize].into_boxed_slice();
        Ok(Server {
            poll,
            listeners,
            signals: None,
            hub: Hub::new(config, assets),
            www,
            sockets: Sockets::default(),
            ready: Vec::new(),
            unsent: Vec::new(),
            accept_at: Time::ZERO,
            stop_at: None,
            started: Instant::now(),
            dated: 0,
            buffer,
        })
    }

    /// The addresses that are listened on, with their real ports.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().map(Listener::address)
    }

    /// Stops on SIGTERM and SIGINT from now on.
    pub fn handle_signals(&mut self) -> io::Result<()> {
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        self.poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
        self.signals = Some(signals);
        Ok(())
    }

    /// Serves until a signal ends it.
    pub fn run(&mut self) -> io::Result<Ended> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        loop {
            if let Some(ended) = self.turn(&mut events)? {
                return Ok(ended);
            }
        }
    }

    /// One turn.
    fn turn(&mut self, events: &mut Events) -> io::Result<Option<Ended>> {
        self.wait(events)?;
        let now = self.now();
        self.keep_date();
        self.keep_www(now);
        for event in events.iter() {
            match event.token() {
                SIGNALS => {
                    if let Some(signal) = self.receive_signals(now) {
                        return Ok(Some(Ended::Interrupted(signal)));
                    }
                }
                token => self.note_event(token, event),
            }
        }
        self.accept(now);
        self.read(now);
        self.hub.sweep(now);
        let committed = self.hub.commit(now);
        self.write(committed, now);
        if committed {
            self.hub.told(self.now());
        }
        while let Some(id) = self.hub.reap() {
            self.sockets.close(id);
        }
        self.check_nothing_is_forgotten();
        let is_over = self.stop_at.is_some_and(|stop_at| self.hub.is_empty() || stop_at <= now);
        Ok(is_over.then_some(Ended::Stopped))
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        let is_accepting = self.listeners.iter().any(|listener| listener.is_ready);
        let mut until = self.hub.next_wakeup().min(self.stop_at.unwrap_or(Time::NEVER));
        if is_accepting {
            until = until.min(self.accept_at);
        }
        if let Some(www) = &self.www {
            until = until.min(www.check_at());
        }
        let timeout = if !self.ready.is_empty() || !self.unsent.is_empty() {
            Some(Duration::ZERO)
        } else if until == Time::NEVER {
            None
        } else {
            Some(Duration::from_millis(until.ms_since(self.now())))
        };
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            result => result,
        }
    }

    /// Takes the signals that came. The first stops the server; the number of the second is
    /// returned.
    fn receive_signals(&mut self, now: Time) -> Option<i32> {
        let signals = self.signals.as_mut().into_iter().flat_map(Signals::pending);
        for signal in signals {
            if self.stop_at.is_some() {
                return Some(signal);
            }
            self.listeners.clear();
            self.hub.stop(now);
            let timeout = u64::from(self.hub.config().limits.shutdown_timeout_ms);
            self.stop_at = Some(now.after_ms(timeout));
        }
        None
    }

    fn note_event(&mut self, token: Token, event: &mio::event::Event) {
        if let Some(listener) = self.listeners.iter_mut().find(|listener| listener.token() == token)
        {
            listener.is_ready = true;
            return;
        }
        let id = SessionId::from_bits(token.0 as u64);
        let Some(socket) = self.sockets.get_mut(id) else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            socket.is_readable = true;
            socket.is_read_closed |= event.is_read_closed() || event.is_error();
            socket.queue(id, &mut self.ready);
        }
        if event.is_writable() && !socket.is_writable {
            socket.is_writable = true;
            self.unsent.push(id);
        }
    }

    /// In a debug build, at the end of each turn: whoever wants to write waits for an event, or is
    /// on a list that is tried again.
    fn check_nothing_is_forgotten(&self) {
        if cfg!(debug_assertions) {
            for id in self.hub.ids() {
                let socket = self.sockets.get(id).expect("a session has a socket");
                let waits = !socket.is_writable || self.unsent.contains(&id);
                assert!(waits || !self.hub.wants_write(id), "a session was not written to");
                let is_read = !socket.is_readable || socket.is_queued;
                assert!(is_read || !self.hub.wants_read(id), "a session was not read from");
            }
        }
    }

    fn now(&self) -> Time {
        Time::from_ms(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Tells the hub what day it is, once a second.
    fn keep_date(&mut self) {
        let now = SystemTime::now();
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
        if seconds != self.dated {
            self.dated = seconds;
            self.hub.set_date(httpdate::fmt_http_date(now));
        }
    }

    fn keep_www(&mut self, now: Time) {
        if let Some(www) = &mut self.www
            && www.refresh(now)
        {
            self.hub.set_assets(www.assets());
        }
    }
}
