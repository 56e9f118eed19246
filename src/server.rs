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

mod listener;
mod www;

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::io::Errno;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use crate::assets::Assets;
use crate::config::Config;
use crate::hub::Hub;
use crate::outbox::CHUNKS_MAX;
use crate::session::SessionId;
use crate::time::Time;

use listener::Listener;
use www::Www;

/// Events taken from the kernel in one turn.
const EVENTS_MAX: usize = 1024;

/// Bytes written to one session in one turn, before the others have theirs.
const WRITE_BYTES_PER_TURN: usize = 256 * 1024;

/// How long accepting rests when there are no file descriptors, in ms.
const ACCEPT_PAUSE_MS: u64 = 100;

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
    /// The socket of each session, by its index.
    sockets: Vec<Option<Socket>>,
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

/// The socket of one session, and what is known of it.
#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    generation: u32,
    is_readable: bool,
    /// The peer has closed: there is an end of input to be read even after a short read.
    is_read_closed: bool,
    is_writable: bool,
    /// Whether the session is in `ready`.
    is_queued: bool,
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
            sockets: Vec::new(),
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
        while let Some(id) = self.hub.reap() {
            // Closing the socket also takes it out of the event queue.
            self.sockets[id.index()] = None;
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
        let Some(socket) = socket(&mut self.sockets, id) else { return };
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

    /// Accepts what waits, up to a number a turn.
    fn accept(&mut self, now: Time) {
        if now < self.accept_at {
            return;
        }
        let mut budget = self.hub.config().limits.accepts_per_turn;
        for index in 0..self.listeners.len() {
            while budget > 0 && self.listeners[index].is_ready {
                budget -= 1;
                match self.listeners[index].accept() {
                    Ok((stream, peer)) => self.welcome(stream, peer, now),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.listeners[index].is_ready = false;
                    }
                    // Out of descriptors or memory: the connection waits in the kernel's queue, and
                    // nobody will tell us again that it does.
                    Err(error) if is_shortage(&error) => {
                        self.accept_at = now.after_ms(ACCEPT_PAUSE_MS);
                        return;
                    }
                    // The peer gave up before it was accepted; the next one may be fine.
                    Err(_) => {}
                }
            }
        }
    }

    fn welcome(&mut self, mut stream: TcpStream, peer: SocketAddr, now: Time) {
        let id = match self.hub.accepted(peer.ip(), now) {
            Ok(id) => id,
            Err(refusal) => {
                // A new socket's buffer takes this much; if it does not, so be it.
                let _ = stream.write(&self.hub.refusal(refusal));
                return;
            }
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Token(id.to_bits() as usize);
        if self.poll.registry().register(&mut stream, token, interest).is_err() {
            self.hub.lost(id);
        }
        if id.index() >= self.sockets.len() {
            self.sockets.resize_with(id.index() + 1, || None);
        }
        self.sockets[id.index()] = Some(Socket {
            stream,
            generation: id.generation(),
            is_readable: false,
            is_read_closed: false,
            is_writable: true,
            is_queued: false,
        });
    }

    /// Reads from every session that has input.
    fn read(&mut self, now: Time) {
        for id in std::mem::take(&mut self.ready) {
            if let Some(socket) = socket(&mut self.sockets, id) {
                socket.is_queued = false;
                self.read_session(id, now);
            }
        }
    }

    fn read_session(&mut self, id: SessionId, now: Time) {
        if self.hub.is_resumable(id) {
            self.hub.received(id, &mut [], now);
        }
        let Some(socket) = socket(&mut self.sockets, id) else { return };
        let mut budget = self.buffer.len();
        while socket.is_readable && budget > 0 && self.hub.wants_read(id) {
            let buffer = &mut self.buffer[..budget];
            match socket.stream.read(buffer) {
                Ok(0) => {
                    socket.is_readable = false;
                    self.hub.ended(id, now);
                }
                Ok(length) => {
                    // A short read has emptied the socket. What comes later makes a new event, but
                    // an end of input that has come already does not.
                    socket.is_readable = length == buffer.len() || socket.is_read_closed;
                    budget -= length;
                    self.hub.received(id, &mut self.buffer[..length], now);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.is_readable = false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    socket.is_readable = false;
                    self.hub.lost(id);
                }
            }
        }
        if socket.is_readable && self.hub.wants_read(id) {
            socket.queue(id, &mut self.ready);
        }
    }

    /// Writes to every session that may have something to send.
    fn write(&mut self, committed: bool, now: Time) {
        let touched = self.hub.take_touched();
        let unsent = std::mem::take(&mut self.unsent);
        for &id in touched.iter().chain(&unsent) {
            self.flush(id, now);
        }
        if committed {
            for index in 0..self.sockets.len() {
                if let Some(socket) = &self.sockets[index] {
                    self.flush(SessionId::new(index, socket.generation), now);
                }
            }
        }
        self.hub.return_touched(touched);
    }

    /// Writes what one session has to send, until the socket is full or there is no more.
    fn flush(&mut self, id: SessionId, now: Time) {
        let Some(socket) = socket(&mut self.sockets, id) else { return };
        let mut budget = WRITE_BYTES_PER_TURN;
        while socket.is_writable {
            let chunks = self.hub.transmit(id);
            if chunks.is_empty() {
                break;
            }
            if budget == 0 {
                self.unsent.push(id);
                break;
            }
            match write_chunks(&mut socket.stream, chunks.as_slice()) {
                Ok(length) => {
                    budget = budget.saturating_sub(length);
                    self.hub.sent(id, length);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.is_writable = false;
                    self.hub.blocked(id, now);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    socket.is_writable = false;
                    self.hub.lost(id);
                }
            }
        }
        if !self.hub.wants_write(id) && self.hub.flushed(id) {
            match socket.stream.shutdown(Shutdown::Write) {
                Ok(()) => self.hub.half_closed(id, now),
                Err(_) => self.hub.lost(id),
            }
        }
        if self.hub.is_resumable(id) {
            socket.queue(id, &mut self.ready);
        }
    }

    /// In a debug build, at the end of each turn: whoever wants to write waits for an event, or is
    /// on a list that is tried again.
    fn check_nothing_is_forgotten(&self) {
        if cfg!(debug_assertions) {
            for id in self.hub.ids() {
                let Some(Some(socket)) = self.sockets.get(id.index()) else {
                    panic!("a session without a socket")
                };
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

impl Socket {
    fn queue(&mut self, id: SessionId, ready: &mut Vec<SessionId>) {
        if !self.is_queued {
            self.is_queued = true;
            ready.push(id);
        }
    }
}

fn socket(sockets: &mut [Option<Socket>], id: SessionId) -> Option<&mut Socket> {
    let socket = sockets.get_mut(id.index())?.as_mut()?;
    (socket.generation == id.generation()).then_some(socket)
}

fn write_chunks(stream: &mut TcpStream, chunks: &[&[u8]]) -> io::Result<usize> {
    if let [chunk] = chunks {
        return stream.write(chunk);
    }
    let mut slices = [IoSlice::new(&[]); CHUNKS_MAX];
    for (slice, chunk) in slices.iter_mut().zip(chunks) {
        *slice = IoSlice::new(chunk);
    }
    stream.write_vectored(&slices[..chunks.len()])
}

/// Whether accept failed for want of something that others may give back.
fn is_shortage(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)
    )
}
