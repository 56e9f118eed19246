//! The sockets of the sessions, and what the event queue has told of them.

use crate::session::SessionId;

/// The socket of each session, by its index.
#[derive(Debug)]
pub(super) struct Sockets<S>(Vec<Option<Socket<S>>>);

/// The socket of one session, and what is known of it.
#[derive(Debug)]
pub(super) struct Socket<S> {
    pub(super) stream: S,
    generation: u32,
    pub(super) is_readable: bool,
    /// The peer has closed: there is an end of input to be read even after a short read.
    pub(super) is_read_closed: bool,
    pub(super) is_writable: bool,
    /// Whether the session is on the list of those to read from.
    pub(super) is_queued: bool,
}

impl<S> Sockets<S> {
    pub(super) fn new() -> Sockets<S> {
        Sockets(Vec::new())
    }

    pub(super) fn insert(&mut self, id: SessionId, stream: S) {
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

    /// Takes out the socket of a session that has ended.
    pub(super) fn remove(&mut self, id: SessionId) -> Option<S> {
        debug_assert!(self.get(id).is_some());
        self.0[id.index()].take().map(|socket| socket.stream)
    }

    pub(super) fn get(&self, id: SessionId) -> Option<&Socket<S>> {
        let socket = self.0.get(id.index())?.as_ref()?;
        (socket.generation == id.generation()).then_some(socket)
    }

    pub(super) fn get_mut(&mut self, id: SessionId) -> Option<&mut Socket<S>> {
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

impl<S> Socket<S> {
    /// Puts the session on the list of those to read from, once.
    pub(super) fn queue(&mut self, id: SessionId, ready: &mut Vec<SessionId>) {
        if !self.is_queued {
            self.is_queued = true;
            ready.push(id);
        }
    }
}
