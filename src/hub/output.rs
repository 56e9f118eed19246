//! What connections are to send: the driver takes it, and says what became of it.

use crate::connection::{Chunks, Connection, ConnectionId};
use crate::presence::{Presence, RoomId};
use crate::socketio;
use crate::time::Time;

use super::context::{Context, encoder};
use super::table::Hub;

/// What is left to do for a connection of which some bytes were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterSend {
    /// There is more to be written.
    More,
    /// There is no more, and its output is to be [settled](Hub::settle_output).
    Settle,
    /// There is no more, and only the views moved, so this write left nothing to settle. That is
    /// the common case: the socket took the news of a room in one write.
    Nothing,
}

/// What a driver does next for a connection that it has written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AfterWrite {
    /// There is more to be written.
    pub wants_write: bool,
    /// The socket is to be shut down for writing, and [that is to be told](Hub::half_closed).
    pub half_closes: bool,
    /// There is room for replies, so input is taken.
    pub takes_input: bool,
    /// Input was held back, and there is room for its replies now.
    pub resumes: bool,
}

impl Hub {
    /// What connection `id` is to send next; empty if there is nothing.
    pub fn transmit(&mut self, id: ConnectionId) -> Chunks<'_> {
        let Some(connection) = self.connections.get(id.index()) else { return Chunks::default() };
        if !connection.matches(id) || connection.is_closed() {
            return Chunks::default();
        }
        self.context.encode_lacking(connection);
        connection.transmit(&self.context.presence, &mut self.lead)
    }

    /// The first `bytes` of what [`transmit`](Self::transmit) gave are sent. What follows from that
    /// is settled by [`settle_output`](Self::settle_output), once for all writes of a turn.
    pub fn sent(&mut self, id: ConnectionId, bytes: usize) -> AfterSend {
        let Some(connection) = self.connections.get_mut(id.index()) else {
            return AfterSend::Nothing;
        };
        if !connection.matches(id) {
            return AfterSend::Nothing;
        }
        let was_at_rest = connection.is_at_rest();
        let Context { presence, tally, .. } = &mut self.context;
        let begun = connection.sent(presence, &mut self.lead, bytes);
        tally.bytes_out += bytes as u64;
        tally.deliveries += u64::from(begun.frames);
        tally.checkpoints_lagged += u64::from(begun.is_catching_up);
        match connection.wants_write(presence) {
            true => AfterSend::More,
            false if was_at_rest && connection.is_at_rest() => AfterSend::Nothing,
            false => AfterSend::Settle,
        }
    }

    /// The driver has written what it could, or found the socket full: what it does next for this
    /// connection.
    pub fn settle_output(&mut self, id: ConnectionId, is_full: bool, now: Time) -> AfterWrite {
        let after = self.with(id, |connection, context| {
            let is_open = !connection.is_closed();
            let wants_write = is_open && connection.wants_write(&context.presence);
            if wants_write && is_full {
                connection.blocked(&context.config, now);
            }
            if !wants_write {
                connection.written();
            }
            AfterWrite {
                wants_write,
                half_closes: !wants_write && connection.awaits_half_close(),
                takes_input: is_open && context.takes_input(connection),
                resumes: is_open && connection.is_paused && context.takes_input(connection),
            }
        });
        after.unwrap_or_default()
    }

    /// The socket was shut down for writing.
    pub fn half_closed(&mut self, id: ConnectionId, now: Time) {
        self.with(id, |connection, context| connection.half_closed(&context.config, now));
    }

    /// Whether `id` has anything to send.
    pub fn wants_write(&self, id: ConnectionId) -> bool {
        let presence = &self.context.presence;
        self.live(id).is_some_and(|connection| connection.wants_write(presence))
    }

    /// Whether `id` is among those who are still to be told of a commit.
    pub fn is_to_be_told(&self, id: ConnectionId) -> bool {
        self.live(id).is_some_and(|connection| {
            connection.subscriptions.iter().any(|one| {
                let room = self.context.presence.room(one.room);
                one.place.is_some_and(|place| room.is_to_be_told(place, &one.view))
            })
        })
    }

    /// Whether `id` takes input. It does not while its replies wait.
    pub fn wants_read(&self, id: ConnectionId) -> bool {
        self.live(id).is_some_and(|connection| !connection.is_paused)
    }

    /// Whether `id` held input back for which there is room now.
    pub fn is_resumable(&self, id: ConnectionId) -> bool {
        self.live(id)
            .is_some_and(|connection| connection.is_paused && self.context.takes_input(connection))
    }

    /// When something happens to `id` if nothing else does before; late by a tick at most.
    pub fn deadline(&self, id: ConnectionId) -> Time {
        self.live(id).map_or(Time::NEVER, Connection::deadline)
    }
}

impl Context {
    /// Has the rooms encode what a connection needs of them and nobody has needed before.
    pub(super) fn encode_lacking(&mut self, connection: &Connection) {
        let Context { presence, codec, config, .. } = self;
        for subscription in connection.subscriptions.iter() {
            let room = subscription.room;
            if let Some(lacking) = presence.room(room).lacks(&subscription.view) {
                presence.encode(room, lacking, list_of_names, &mut encoder(codec, config));
            }
        }
    }

    /// Whether there is room for replies to more input.
    fn takes_input(&self, connection: &Connection) -> bool {
        let reply_bytes_max = self.config.limits.reply_bytes_max as usize;
        let is_full = connection.outbox.is_full(reply_bytes_max);
        !connection.is_paused || !(is_full || connection.is_waiting() || connection.awaits_answer())
    }
}

/// The list of names in a room, as clients of Socket.IO want it: nobody else is told such a list.
fn list_of_names(presence: &Presence, room: RoomId) -> Vec<u8> {
    let (names, bytes) = presence.committed_names(room);
    socketio::list(names, bytes)
}
