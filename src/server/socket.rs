//! The sockets of the connections, and what the event queue has told of them.

use std::collections::VecDeque;

use crate::connection::ConnectionId;

/// The socket of each connection, by its index.
#[derive(Debug)]
pub(super) struct Sockets<S>(Vec<Option<Socket<S>>>);

/// The socket of one connection, and what is known of it.
#[derive(Debug)]
pub(super) struct Socket<S> {
    pub(super) stream: S,
    generation: u32,
    pub(super) is_readable: bool,
    /// The peer has closed: there is an end of input to be read even after a short read.
    pub(super) is_read_closed: bool,
    pub(super) is_writable: bool,
    /// Whether the connection is on the list of those to read from.
    pub(super) is_queued: bool,
    /// Whether it is on the list of those with output that is left over.
    pub(super) is_unsent: bool,
}

impl<S> Sockets<S> {
    pub(super) fn new() -> Sockets<S> {
        Sockets(Vec::new())
    }

    pub(super) fn insert(&mut self, id: ConnectionId, stream: S) {
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
            is_unsent: false,
        });
    }

    /// Takes out the socket of a connection that has ended.
    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<S> {
        debug_assert!(self.get(id).is_some());
        self.0[id.index()].take().map(|socket| socket.stream)
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Socket<S>> {
        let socket = self.0.get(id.index())?.as_ref()?;
        (socket.generation == id.generation()).then_some(socket)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Socket<S>> {
        let socket = self.0.get_mut(id.index())?.as_mut()?;
        (socket.generation == id.generation()).then_some(socket)
    }
}

impl<S> Socket<S> {
    /// Puts the connection on the list of those to read from, once.
    pub(super) fn queue(&mut self, id: ConnectionId, ready: &mut VecDeque<ConnectionId>) {
        if !self.is_queued {
            self.is_queued = true;
            ready.push_back(id);
        }
    }

    /// Puts the connection on the list of those with output that is left over, once.
    pub(super) fn queue_unsent(&mut self, id: ConnectionId, unsent: &mut VecDeque<ConnectionId>) {
        if !self.is_unsent {
            self.is_unsent = true;
            unsent.push_back(id);
        }
    }
}
