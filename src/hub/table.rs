//! The table of connections, and the one way to act on one of them.

use slab::Slab;

use crate::assets::Assets;
use crate::config::Config;
use crate::connection::{Connection, ConnectionId, Listener};

use super::agenda::Agenda;
use super::context::Context;
use super::settle;

/// The server without I/O.
#[derive(Debug)]
pub struct Hub {
    pub(super) connections: Slab<Connection>,
    /// The generation of the connection that was accepted last.
    pub(super) generation: u32,
    pub(super) context: Context,
    pub(super) agenda: Agenda,
    /// A buffer for the words that go before a list.
    pub(super) lead: Vec<u8>,
}

impl Hub {
    /// A hub with no connections and no rooms.
    pub fn new(config: Config, assets: Assets) -> Hub {
        Hub {
            connections: Slab::new(),
            generation: 0,
            context: Context::new(config, assets),
            agenda: Agenda::default(),
            lead: Vec::new(),
        }
    }

    /// What the hub was told when it was made.
    pub fn config(&self) -> &Config {
        &self.context.config
    }

    /// Sets the date that responses carry, an HTTP-date (RFC 9110 §5.6.7).
    pub fn set_date(&mut self, date: String) {
        self.context.date = date;
    }

    /// Serves other files from now on.
    pub fn set_assets(&mut self, assets: Assets) {
        self.context.assets = assets;
    }

    /// Connections that have a socket and are not reaped.
    pub fn len(&self) -> usize {
        self.connections.len() - self.context.counts.sessions
    }

    /// Whether there are no connections, nor sessions on no socket.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Bytes of memory that connections hold beside themselves.
    pub fn buffered_bytes(&self) -> usize {
        self.context.counts.buffered_bytes
    }

    /// All connections that have a socket, by index.
    pub fn ids(&self) -> impl Iterator<Item = ConnectionId> {
        let all = self.connections.iter().map(|(_, connection)| connection);
        all.filter(|one| one.listener != Listener::Session).map(|one| one.id)
    }

    /// Whether `id` means a connection that has not ended.
    pub fn is_live(&self, id: ConnectionId) -> bool {
        self.live(id).is_some()
    }

    // One connection.

    /// Finds a connection, lets it act, and settles what follows from that. If `id` is that of a
    /// connection which is gone, nothing happens: its place may have another owner.
    pub(super) fn with<T>(
        &mut self,
        id: ConnectionId,
        act: impl FnOnce(&mut Connection, &mut Context) -> T,
    ) -> Option<T> {
        let connection = self.connections.get_mut(id.index())?;
        if !connection.matches(id) {
            return None;
        }
        let outcome = act(connection, &mut self.context);
        settle::settle(connection, &mut self.context, &mut self.agenda);
        Some(outcome)
    }

    /// The connection that `id` means, if it has not ended.
    pub(super) fn live(&self, id: ConnectionId) -> Option<&Connection> {
        let connection = self.connections.get(id.index())?;
        (connection.matches(id) && !connection.is_closed()).then_some(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    /// After four thousand million connections the generations begin again.
    #[test]
    fn d3_generation_wraps_and_a_stale_id_is_still_nobody() {
        let mut hub = Hub::new(Config::default(), Assets::embedded());
        hub.generation = u32::MAX - 3;
        let mut before: Option<ConnectionId> = None;
        for _ in 0..8 {
            let id = hub.accepted([127, 0, 0, 1].into(), Time::ZERO).expect("there is room");
            assert_eq!(id.index(), 0);
            if let Some(stale) = before.replace(id) {
                hub.lost(stale);
                assert!(hub.wants_read(id) && !hub.wants_read(stale));
            }
            hub.lost(id);
            assert_eq!(hub.reap().map(|reaped| reaped.id), Some(id));
            assert!(hub.reap().is_none());
        }
        assert!(hub.generation < 8);
    }
}
