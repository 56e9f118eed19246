//! Which connection each client has: one at most.
//!
//! A client that comes back while its last connection still seems to be there is either a page that
//! was duplicated, with its id, or one whose network was gone: its old socket is half open. So the
//! old connection is asked, by a ping, and has a second to answer. One that does lives on, and the
//! newcomer has to take another id. One that does not has ended by then, and the newcomer has its
//! place.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use crate::connection::ConnectionId;
use crate::presence::ClientId;

/// Which connection each client has.
#[derive(Debug, Default)]
pub(super) struct Clients {
    by_id: HashMap<ClientId, Client>,
    /// Clients whose connections are to be asked whether they are there.
    asked: VecDeque<ClientId>,
    /// Connections that have waited long enough, and whether the id is free.
    answered: VecDeque<(ConnectionId, bool)>,
}

/// A client that is here.
#[derive(Debug)]
struct Client {
    connection: ConnectionId,
    /// The one that waits for its place.
    next: Option<ConnectionId>,
}

/// Whether a connection may have an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It may.
    Granted,
    /// That will be known within a second.
    Waits,
}

impl Clients {
    /// Whether no connection is this client.
    pub(super) fn is_free(&self, client: ClientId) -> bool {
        !self.by_id.contains_key(&client)
    }

    /// A connection wants to be this client.
    pub(super) fn claim(&mut self, client: ClientId, connection: ConnectionId) -> Claim {
        match self.by_id.entry(client) {
            Entry::Vacant(slot) => {
                slot.insert(Client { connection, next: None });
                Claim::Granted
            }
            Entry::Occupied(mut slot) => {
                // The latest is the page that is there: the one before it may be a reload ago.
                match slot.get_mut().next.replace(connection) {
                    Some(older) => self.answered.push_back((older, false)),
                    None => self.asked.push_back(client),
                }
                Claim::Waits
            }
        }
    }

    /// A client is on another connection from now on.
    pub(super) fn moved(&mut self, client: ClientId, connection: ConnectionId) {
        if let Some(client) = self.by_id.get_mut(&client) {
            client.connection = connection;
        }
    }

    /// The connection of a client has answered a ping: it is there.
    pub(super) fn is_here(&mut self, client: ClientId) {
        if let Some(newcomer) = self.by_id.get_mut(&client).and_then(|client| client.next.take()) {
            self.answered.push_back((newcomer, false));
        }
    }

    /// A connection that was this client, or waited to be, has ended.
    pub(super) fn ended(&mut self, client: ClientId, connection: ConnectionId) {
        let Entry::Occupied(mut slot) = self.by_id.entry(client) else { return };
        let known = slot.get_mut();
        if known.next == Some(connection) {
            known.next = None;
        } else if known.connection == connection {
            match known.next.take() {
                Some(newcomer) => {
                    known.connection = newcomer;
                    self.answered.push_back((newcomer, true));
                }
                None => {
                    slot.remove();
                }
            }
        }
    }

    /// Whether some are to be asked or told.
    pub(super) fn is_due(&self) -> bool {
        !self.asked.is_empty() || !self.answered.is_empty()
    }

    /// Takes the next client that is to be asked, with the connection that it is on by now. Where
    /// that has ended, or nobody waits any more, there is nothing to ask.
    pub(super) fn next_asked(&mut self) -> Option<(ClientId, ConnectionId)> {
        while let Some(client) = self.asked.pop_front() {
            if let Some(known) = self.by_id.get(&client)
                && known.next.is_some()
            {
                return Some((client, known.connection));
            }
        }
        None
    }

    /// Takes the next that waited.
    pub(super) fn next_answered(&mut self) -> Option<(ConnectionId, bool)> {
        self.answered.pop_front()
    }
}
