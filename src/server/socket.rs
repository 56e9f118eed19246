//! The sockets of the sessions, and what the event queue has told of them.

use std::io::{self, IoSlice, Write};

use mio::net::TcpStream;

use crate::outbox::CHUNKS_MAX;
use crate::session::SessionId;

/// The socket of each session, by its index.
#[derive(Debug, Default)]
pub(super) struct Sockets(Vec<Option<Socket>>);

/// The socket of one session, and what is known of it.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    generation: u32,
    pub(super) is_readable: bool,
    /// The peer has closed: there is an end of input to be read even after a short read.
    pub(super) is_read_closed: bool,
    pub(super) is_writable: bool,
    /// Whether the session is on the list of those to read from.
    pub(super) is_queued: bool,
}

impl Sockets {
    pub(super) fn insert(&mut self, id: SessionId, stream: TcpStream) {
        if id.index() >= self.0.len() {
            self.0.resize_with(id.index() + 1, || None);
        }
        self.0[id.index()] = Some(Socket {
            stream,
            generation: id.generation(),
            is_readable: false,
            is_read_closed: false,
            is_writable: true,
            is_queued: false,
        });
    }

    /// Closes the socket, which also takes it out of the event queue.
    pub(super) fn close(&mut self, id: SessionId) {
        debug_assert!(self.get(id).is_some());
        self.0[id.index()] = None;
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Socket> {
        let socket = self.0.get(id.index())?.as_ref()?;
        (socket.generation == id.generation()).then_some(socket)
    }

    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Socket> {
        let socket = self.0.get_mut(id.index())?.as_mut()?;
        (socket.generation == id.generation()).then_some(socket)
    }

    /// The places of sessions, taken or not.
    pub(super) fn places(&self) -> usize {
        self.0.len()
    }

    /// The session in a place.
    pub(super) fn at(&self, index: usize) -> Option<SessionId> {
        let socket = self.0.get(index)?.as_ref()?;
        Some(SessionId::new(index, socket.generation))
    }
}

impl Socket {
    /// Puts the session on the list of those to read from, once.
    pub(super) fn queue(&mut self, id: SessionId, ready: &mut Vec<SessionId>) {
        if !self.is_queued {
            self.is_queued = true;
            ready.push(id);
        }
    }

    /// Writes what it can of `chunks`, in one system call.
    pub(super) fn write(&mut self, chunks: &[&[u8]]) -> io::Result<usize> {
        if let [chunk] = chunks {
            return self.stream.write(chunk);
        }
        let mut slices = [IoSlice::new(&[]); CHUNKS_MAX];
        for (slice, chunk) in slices.iter_mut().zip(chunks) {
            *slice = IoSlice::new(chunk);
        }
        self.stream.write_vectored(&slices[..chunks.len()])
    }
}
