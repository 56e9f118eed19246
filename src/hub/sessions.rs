//! Sessions of long-polling: the requests that each has, and what is still to be done for them.
//!
//! A session is a connection without a socket (`connection::polling`), and its requests come over
//! connections that speak HTTP. They never touch each other. What one wants of another is written
//! down here in the order in which it came about, and done before the commit of the turn
//! (`Hub::meet`). What a request has to be told at once is known here: that there is no
//! such session any more, or that another request is in its place.

use std::collections::{HashMap, VecDeque};

use crate::connection::{Cause, ConnectionId};
use crate::presence::ClientId;
use crate::socketio::{CLOSE, ClientError, Engine, NOOP, Transport, payload};

/// Sessions that are on no socket, by their number: it is the generation of their connection.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: HashMap<u32, Session>,
    letters: VecDeque<Letter>,
}

#[derive(Debug)]
struct Session {
    connection: ConnectionId,
    /// The form of its payloads.
    engine: Engine,
    /// The request that waits for something to be said.
    poll: Option<ConnectionId>,
    /// The request that brings packets.
    post: Option<ConnectionId>,
    /// The connections that had its last requests, the last one first. The client goes on with
    /// them, so they are not displaced; with more than these it would take the room of others.
    carriers: [Option<ConnectionId>; 2],
    /// The WebSocket to which it may move, and whether the client has tried that.
    upgrade: Option<(ConnectionId, bool)>,
    /// Whether it is to end, so that it has no more requests.
    is_over: bool,
}

/// Something that one connection wants of another.
#[derive(Debug)]
pub(super) enum Letter {
    /// A session is to be opened for a request.
    Open { from: ConnectionId, engine: Engine, client: Option<ClientId> },
    /// A request has brought these packets.
    Packets { session: ConnectionId, from: ConnectionId, content: Vec<u8> },
    /// There may be something to be told to the request that waits.
    Look { session: ConnectionId },
    /// A request that waits is answered with this payload.
    Answer { to: ConnectionId, payload: Vec<u8> },
    /// A session moves to a WebSocket.
    Upgrade { session: ConnectionId, to: ConnectionId },
    /// A session ends.
    End { session: ConnectionId, cause: Cause },
    /// No session moves to this WebSocket.
    Refuse { socket: ConnectionId },
    /// A connection is not kept for a session any more.
    Release { carrier: ConnectionId, session: u32 },
}

/// What becomes of a request for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It waits until it is answered.
    Waits,
    /// It is told at once that there is nothing.
    Noop(Engine),
    /// It is one too many, and the session ends with it.
    Refused,
}

impl Letter {
    /// Whose bug it would be if what is done for it panicked. The end of a request is that of its
    /// session too.
    fn of(&self) -> ConnectionId {
        match *self {
            Letter::Open { from: id, .. }
            | Letter::Packets { from: id, .. }
            | Letter::Look { session: id }
            | Letter::Answer { to: id, .. }
            | Letter::Upgrade { to: id, .. }
            | Letter::End { session: id, .. }
            | Letter::Refuse { socket: id }
            | Letter::Release { carrier: id, .. } => id,
        }
    }
}

impl Sessions {
    /// Whether requests of this session can be answered.
    pub(super) fn is_open(&self, number: u32) -> bool {
        self.all.get(&number).is_some_and(|session| !session.is_over)
    }

    /// Whether it may be about to move to a WebSocket.
    pub(super) fn is_upgrading(&self, number: u32) -> bool {
        self.all.get(&number).is_some_and(|session| session.upgrade.is_some())
    }

    /// A request is to open a session, for this client if it has said who it is.
    pub(super) fn ask_for_one(
        &mut self,
        from: ConnectionId,
        engine: Engine,
        client: Option<ClientId>,
    ) {
        self.letters.push_back(Letter::Open { from, engine, client });
    }

    /// It is open, for a request of this connection.
    pub(super) fn opened(&mut self, session: ConnectionId, engine: Engine, from: ConnectionId) {
        let carriers = [Some(from), None];
        let (connection, poll, post, upgrade, is_over) = (session, None, None, None, false);
        let session = Session { connection, engine, poll, post, carriers, upgrade, is_over };
        self.all.insert(connection.generation(), session);
    }

    /// A request wants to wait for what there is to be told.
    pub(super) fn poll(&mut self, number: u32, from: ConnectionId) -> Admission {
        let Some(session) = self.all.get_mut(&number) else { return Admission::Refused };
        match (session.upgrade, session.poll) {
            (Some((_, true)), _) => Admission::Noop(session.engine),
            (_, None) => {
                session.poll = Some(from);
                session.carried_by(from, &mut self.letters);
                self.letters.push_back(Letter::Look { session: session.connection });
                Admission::Waits
            }
            (_, Some(_)) => {
                let cause = Cause::SocketIo(ClientError::PolledTwice);
                session.end(cause, &mut self.letters);
                Admission::Refused
            }
        }
    }

    /// A request is about to bring packets.
    pub(super) fn post(&mut self, number: u32, from: ConnectionId) -> Admission {
        let Some(session) = self.all.get_mut(&number) else { return Admission::Refused };
        if session.post.is_some_and(|other| other != from) {
            let cause = Cause::SocketIo(ClientError::PostedTwice);
            session.end(cause, &mut self.letters);
            return Admission::Refused;
        }
        session.post = Some(from);
        session.carried_by(from, &mut self.letters);
        Admission::Waits
    }

    /// It has brought them, and waits until they are taken.
    pub(super) fn posted(&mut self, number: u32, from: ConnectionId, content: Vec<u8>) {
        if let Some(session) = self.all.get(&number) {
            let session = session.connection;
            self.letters.push_back(Letter::Packets { session, from, content });
        }
    }

    /// Its packets are taken, or it is refused and the session goes on.
    pub(super) fn post_is_over(&mut self, number: u32, from: ConnectionId) {
        if let Some(session) = self.all.get_mut(&number) {
            session.post.take_if(|request| *request == from);
        }
    }

    /// Takes the request that waits for something to be said, to answer it.
    pub(super) fn take_poll(&mut self, number: u32) -> Option<ConnectionId> {
        self.all.get_mut(&number)?.poll.take()
    }

    /// A WebSocket is open to which the session may move: one at a time.
    pub(super) fn offer_upgrade(&mut self, number: u32, socket: ConnectionId) {
        match self.all.get_mut(&number) {
            Some(session) if session.upgrade.is_none() && !session.is_over => {
                session.upgrade = Some((socket, false));
            }
            _ => self.letters.push_back(Letter::Refuse { socket }),
        }
    }

    /// The client has tried it. From now on nothing is said elsewhere, so that it may move.
    pub(super) fn probed(&mut self, number: u32, socket: ConnectionId) {
        if let Some(session) = self.all.get_mut(&number)
            && let Some((offered, is_tried)) = &mut session.upgrade
            && *offered == socket
        {
            *is_tried = true;
            if let Some(to) = session.poll.take() {
                let payload = payload::one(NOOP, session.engine);
                self.letters.push_back(Letter::Answer { to, payload });
            }
        }
    }

    /// The client moves.
    pub(super) fn upgraded(&mut self, number: u32, socket: ConnectionId) {
        let is_offered = |session: &Session| session.upgrade.is_some_and(|(to, _)| to == socket);
        if !self.all.get(&number).is_some_and(|session| is_offered(session) && !session.is_over) {
            return self.letters.push_back(Letter::Refuse { socket });
        }
        if let Some(session) = self.all.remove(&number) {
            let Session { connection, poll, .. } = session;
            debug_assert!(poll.is_none(), "it was answered when the client tried the WebSocket");
            self.letters.push_back(Letter::Upgrade { session: connection, to: socket });
            session.release(&mut self.letters);
        }
    }

    /// A connection has no request of the session any more, or is none to which it might move. If
    /// the request was not answered, its client is gone.
    pub(super) fn left(&mut self, number: u32, connection: ConnectionId) {
        let Some(session) = self.all.get_mut(&number) else { return };
        if session.upgrade.is_some_and(|(socket, _)| socket == connection) {
            session.upgrade = None;
        }
        let Session { poll, post, .. } = session;
        let mut was_there = false;
        for slot in [poll, post] {
            was_there |= slot.take_if(|request| *request == connection).is_some();
        }
        if was_there {
            session.end(Cause::Lost, &mut self.letters);
        }
    }

    /// The session has ended, with `packets` that were still to be told. The request that waits is
    /// answered: the end is said by us, or if the client has said that, there is nothing more. One
    /// that brings packets will find that there is no session.
    pub(super) fn ended(&mut self, connection: ConnectionId, packets: Vec<u8>, is_told: bool) {
        let Some(session) = self.all.remove(&connection.generation()) else { return };
        debug_assert_eq!(session.connection, connection);
        if let Some(to) = session.poll {
            let mut packets = packets;
            let last = if is_told { NOOP } else { CLOSE };
            payload::push_text(&[last], session.engine, &mut packets);
            self.letters.push_back(Letter::Answer { to, payload: packets });
        }
        if let Some((socket, _)) = session.upgrade {
            self.letters.push_back(Letter::Refuse { socket });
        }
        session.release(&mut self.letters);
    }

    /// The session of this id that may be asked for by `transport`. A WebSocket of one that is gone
    /// or has moved is opened and closed: a client may try a second one.
    pub(super) fn admits(&self, number: u32, transport: Transport) -> bool {
        transport == Transport::WebSocket || self.is_open(number)
    }

    /// Whether a request waits for something to be said.
    pub(super) fn has_poll(&self, number: u32) -> bool {
        self.all.get(&number).is_some_and(|session| session.poll.is_some())
    }

    /// Whether a connection is kept for more requests of the session.
    pub(super) fn keeps(&self, number: u32, connection: ConnectionId) -> bool {
        self.all.get(&number).is_some_and(|session| session.carriers.contains(&Some(connection)))
    }

    /// For whom something is to be done next.
    pub(super) fn next(&self) -> Option<ConnectionId> {
        self.letters.front().map(Letter::of)
    }

    /// Takes the next thing that is to be done.
    pub(super) fn next_letter(&mut self) -> Option<Letter> {
        self.letters.pop_front()
    }
}

impl Session {
    fn end(&mut self, cause: Cause, letters: &mut VecDeque<Letter>) {
        if !std::mem::replace(&mut self.is_over, true) {
            letters.push_back(Letter::End { session: self.connection, cause });
        }
    }

    /// This connection has a request of the session, and is kept for more of them in place of the
    /// one that had none for the longest time.
    fn carried_by(&mut self, from: ConnectionId, letters: &mut VecDeque<Letter>) {
        let [last, before] = self.carriers;
        if last == Some(from) {
            return;
        }
        let has_request = |one: Option<ConnectionId>| one.is_some_and(|id| self.has_request(id));
        let (kept, released) = match before {
            Some(id) if id == from => (last, None),
            _ if has_request(before) => (before, last),
            _ => (last, before),
        };
        self.carriers = [Some(from), kept];
        let session = self.connection.generation();
        letters.extend(released.map(|carrier| Letter::Release { carrier, session }));
    }

    fn has_request(&self, connection: ConnectionId) -> bool {
        [self.poll, self.post].contains(&Some(connection))
    }

    /// There is no such session any more.
    fn release(&self, letters: &mut VecDeque<Letter>) {
        let session = self.connection.generation();
        let carriers = self.carriers.into_iter().flatten();
        letters.extend(carriers.map(|carrier| Letter::Release { carrier, session }));
    }
}
