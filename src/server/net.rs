//! What the loop asks of the machine, and nothing more: so the same loop runs on sockets, and in a
//! simulator where every one of these calls can fail.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use crate::connection::ConnectionId;

/// Sockets, signals and clocks.
///
/// Readiness is told once, when it comes about (edge-triggered): of a connection that was told to
/// be readable, no more is told until a read found less than it asked for; of one that was told to
/// be writable, until a write failed with `WouldBlock`. It may also be told without need.
pub trait Net {
    /// The socket of one connection.
    type Stream;

    /// Waits until something happens, at most `timeout`, and appends what did.
    fn poll(&mut self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()>;

    /// The next connection that waits at a listener, and where it comes from.
    fn accept(&mut self, listener: usize) -> io::Result<(Self::Stream, SocketAddr)>;

    /// From now on the readiness of a connection is told as that of `id`, beginning with what it is
    /// ready for already.
    fn register(&mut self, stream: &mut Self::Stream, id: ConnectionId) -> io::Result<()>;

    /// Reads what there is, up to the length of `buffer`; 0 is the end of input.
    fn read(&mut self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes what it can of `chunks`, which are one stretch of bytes, and says how much it was.
    fn write(&mut self, stream: &mut Self::Stream, chunks: &[&[u8]]) -> io::Result<usize>;

    /// Begins to connect to a server. The connection is there when it is writable.
    fn connect(&mut self, address: SocketAddr) -> io::Result<Self::Stream> {
        Err(io::Error::new(io::ErrorKind::Unsupported, format!("there is no way to {address}")))
    }

    /// Tells the peer that no more will be written.
    fn shutdown(&mut self, stream: &mut Self::Stream) -> io::Result<()>;

    /// Ends a connection. Events that are on their way may still tell of it.
    fn close(&mut self, stream: Self::Stream);

    /// Closes all listeners.
    fn stop_listening(&mut self);

    /// Time since the start, by a clock that does not go back.
    fn elapsed(&self) -> Duration;

    /// What day it is, by a clock that may be set to anything.
    fn date(&self) -> SystemTime;
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Connections wait at the listener of this number.
    Listener(usize),
    /// The process got this signal.
    Signal(i32),
    /// A connection is ready for something.
    Connection(ConnectionId, Readiness),
}

/// What a connection is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// There is something to be read: input, its end, or an error.
    pub is_readable: bool,
    /// The end of input or an error is what comes after the input that is there.
    pub is_read_closed: bool,
    /// There is room to write, or an error that writing will find.
    pub is_writable: bool,
}
