//! The real thing: sockets in an event queue of the system, by mio.

use std::fs;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::sys::signal::{SigSet, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU};
use signal_hook_mio::v1_0::Signals;

use crate::config::Limits;
use crate::connection::{CHUNKS_MAX, ConnectionId};

use super::listener::Listener;
use super::net::{Event, Net, Readiness};

/// Events taken from the kernel in one turn.
const EVENTS_MAX: usize = 1024;

/// The token of the signals. No connection has this or those below, as the index in its token is
/// about 2^24 at most.
const SIGNALS: Token = Token(usize::MAX);

/// Signals that the loop is told of. By default each of them would end the process at once.
const HANDLED: [i32; 6] = [SIGTERM, SIGINT, SIGQUIT, SIGXCPU, SIGUSR1, SIGUSR2];

/// Signals that would end or stop the process, and that nobody needs a word about. They are
/// blocked, which needs no handler: with one, a write to a terminal that stops its background jobs
/// (SIGTTOU) would be repeated for ever, and a line about a log file that may not grow (SIGXFSZ)
/// would cause the next.
const BLOCKED: [Signal; 7] = [
    Signal::SIGALRM,
    Signal::SIGVTALRM,
    Signal::SIGPROF,
    Signal::SIGIO,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGXFSZ,
];

/// The token of a wake-up, which is all that it says; the listeners' are right below.
const WAKE_UP: Token = Token(SIGNALS.0 - 1);

/// Sockets, signals and clocks of the system.
pub struct MioNet {
    poll: Poll,
    events: Events,
    listeners: Vec<Listener>,
    signals: Option<Signals>,
    started: Instant,
}

impl MioNet {
    /// Binds all addresses, or says what failed.
    pub fn bind(addresses: &[SocketAddr], limits: &Limits) -> Result<MioNet, (String, io::Error)> {
        let poll = Poll::new().map_err(|error| ("can't create an event queue".into(), error))?;
        let mut listeners = Vec::with_capacity(addresses.len());
        for (index, &address) in addresses.iter().enumerate() {
            let listener = Listener::bind(address, listener_token(index), limits, poll.registry())
                .map_err(|error| (format!("can't listen on {address}"), error))?;
            listeners.push(listener);
        }
        let events = Events::with_capacity(EVENTS_MAX);
        Ok(MioNet { poll, events, listeners, signals: None, started: Instant::now() })
    }

    /// A way for another thread to end a wait. There is one.
    pub(super) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKE_UP)
    }

    /// The addresses that are listened on, with their real ports.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().map(Listener::address)
    }

    /// From now on no signal ends the process by itself, but for SIGKILL and those of a crash, and
    /// none stops it that was not meant to (SIGSTOP, SIGTSTP). If SIGHUP is ignored, as nohup has
    /// it, it stays so.
    ///
    /// Threads inherit what is blocked: this comes before the first is started.
    pub fn handle_signals(&mut self) -> io::Result<()> {
        BLOCKED.into_iter().collect::<SigSet>().thread_block()?;
        let hangup = (!ignores_hangup()).then_some(SIGHUP);
        let mut signals = Signals::new(HANDLED.into_iter().chain(hangup))?;
        self.poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
        self.signals = Some(signals);
        Ok(())
    }
}

impl Net for MioNet {
    type Stream = TcpStream;

    fn poll(&mut self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        self.poll.poll(&mut self.events, timeout)?;
        for event in &self.events {
            let token = event.token();
            if token == SIGNALS {
                let signals = self.signals.as_mut().into_iter().flat_map(Signals::pending);
                events.extend(signals.map(Event::Signal));
            } else if let Some(index) = listener_index(token, self.listeners.len()) {
                events.push(Event::Listener(index));
            } else if token != WAKE_UP {
                let id = ConnectionId::from_bits(token.0 as u64);
                events.push(Event::Connection(id, readiness(event)));
            }
        }
        Ok(())
    }

    fn accept(&mut self, listener: usize) -> io::Result<(TcpStream, SocketAddr)> {
        self.listeners[listener].accept()
    }

    fn register(&mut self, stream: &mut TcpStream, id: ConnectionId) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(stream, Token(id.to_bits() as usize), interest)
    }

    fn read(&mut self, stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer)
    }

    /// One system call.
    fn write(&mut self, stream: &mut TcpStream, chunks: &[&[u8]]) -> io::Result<usize> {
        if let [chunk] = chunks {
            return stream.write(chunk);
        }
        let mut slices = [IoSlice::new(&[]); CHUNKS_MAX];
        for (slice, chunk) in slices.iter_mut().zip(chunks) {
            *slice = IoSlice::new(chunk);
        }
        stream.write_vectored(&slices[..chunks.len()])
    }

    fn connect(&mut self, address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address)?;
        // What is said to many is small, and not to wait for more.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn shutdown(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }

    /// Which also takes it out of the event queue.
    fn close(&mut self, stream: TcpStream) {
        drop(stream);
    }

    fn stop_listening(&mut self) {
        self.listeners.clear();
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn date(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// Whether the process was started with SIGHUP ignored, as far as the system tells (proc(5)).
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 << (SIGHUP - 1) != 0)
}

fn listener_token(index: usize) -> Token {
    Token(WAKE_UP.0 - 1 - index)
}

fn listener_index(token: Token, listeners: usize) -> Option<usize> {
    let index = (WAKE_UP.0 - 1).checked_sub(token.0)?;
    (index < listeners).then_some(index)
}

fn readiness(event: &mio::event::Event) -> Readiness {
    let is_read_closed = event.is_read_closed() || event.is_error();
    Readiness {
        is_readable: event.is_readable() || is_read_closed,
        is_read_closed,
        is_writable: event.is_writable(),
    }
}
