//! What connections are to send: the driver takes it, and says what became of it.

use slab::Slab;

use crate::api;
use crate::broadcast::{Frame, Shared};
use crate::connection::{Connection, ConnectionId, SHARED_WINDOW_BITS};
use crate::outbox::Chunks;
use crate::socketio;
use crate::time::Time;
use crate::ws::frame::{self, Opcode};

use super::{Hub, find, is};

impl Hub {
    /// What connection `id` is to send next; empty if there is nothing.
    pub fn transmit(&mut self, id: ConnectionId) -> Chunks<'_> {
        let Some(connection) = live(&self.connections, id) else { return Chunks::default() };
        if connection.outbox.cursor().is_some_and(|cursor| self.log.lacks_checkpoint(cursor)) {
            self.make_checkpoint();
        } else if connection.awaits_latest(&self.log) && !self.latest.is_of(self.log.last()) {
            self.make_latest();
        }
        let connection = live(&self.connections, id);
        connection
            .map(|connection| connection.transmit(&self.log, &mut self.latest))
            .unwrap_or_default()
    }

    fn make_checkpoint(&mut self) {
        let bytes = self.roster.committed_bytes();
        let message = api::roster(self.log.last(), self.roster.committed(), bytes);
        let frame = self.frame_for_all(&message);
        self.log.put_checkpoint(frame);
    }

    fn make_latest(&mut self) {
        let bytes = self.roster.committed_bytes();
        let list = socketio::list(self.roster.committed(), bytes);
        let deflated = self.deflated_for_all(&list, self.counts.deflated_lists);
        self.latest.put(self.log.last(), list, deflated);
    }

    /// The first `bytes` of what [`transmit`](Self::transmit) gave are sent.
    pub fn sent(&mut self, id: ConnectionId, bytes: usize) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        let was_private = !connection.outbox.is_empty();
        let begun = connection.sent(&self.log, &mut self.latest, bytes);
        self.tally.bytes_out += bytes as u64;
        self.tally.deliveries += u64::from(begun.frames);
        self.tally.checkpoints_lagged += u64::from(begun.is_catching_up);
        // What is sent to all leaves nothing behind: the common case ends here.
        if was_private || !connection.outbox.is_empty() {
            self.settle(id);
        }
    }

    /// The socket takes no more for now.
    pub fn blocked(&mut self, id: ConnectionId, now: Time) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        connection.blocked(&self.config, now);
        self.settle(id);
    }

    /// All that [`transmit`](Self::transmit) gave is sent: whether the socket is now to be shut
    /// down for writing.
    pub fn flushed(&mut self, id: ConnectionId) -> bool {
        let Some(connection) = find(&mut self.connections, id) else { return false };
        let half_close = connection.flushed();
        if connection.is_closed() {
            self.settle(id);
        }
        half_close
    }

    /// The socket was shut down for writing.
    pub fn half_closed(&mut self, id: ConnectionId, now: Time) {
        let Some(connection) = find(&mut self.connections, id) else { return };
        connection.half_closed(&self.config, now);
        self.settle(id);
    }

    /// Whether `id` has anything to send.
    pub fn wants_write(&self, id: ConnectionId) -> bool {
        live(&self.connections, id).is_some_and(|connection| connection.wants_write(&self.log))
    }

    /// Whether `id` takes input. It does not while its answers wait.
    pub fn wants_read(&self, id: ConnectionId) -> bool {
        live(&self.connections, id).is_some_and(|connection| !connection.is_paused)
    }

    /// When something happens to `id` if nothing else does before; late by a tick at most.
    pub fn deadline(&self, id: ConnectionId) -> Time {
        live(&self.connections, id).map_or(Time::NEVER, Connection::deadline)
    }

    /// Whether `id` held input back for which there is room now.
    pub fn is_resumable(&self, id: ConnectionId) -> bool {
        let reply_bytes_max = self.config.limits.reply_bytes_max as usize;
        live(&self.connections, id).is_some_and(|connection| {
            connection.is_paused && !connection.outbox.is_full(reply_bytes_max)
        })
    }

    /// A text message in the forms in which those who follow the log want it, made once for all.
    pub(super) fn frame_for_all(&mut self, message: &[u8]) -> Frame {
        let framed = |encode: fn(Opcode, &[u8], &mut Vec<u8>), payload: &[u8]| {
            let mut bytes = Vec::with_capacity(payload.len() + frame::HEADER_BYTES_MAX);
            encode(Opcode::Text, payload, &mut bytes);
            Shared::from(bytes)
        };
        let deflated = self.deflated_for_all(message, self.counts.deflated_log);
        let deflated = deflated.map(|deflated| framed(frame::encode_deflated, &deflated));
        Frame { plain: framed(frame::encode, message), deflated }
    }

    /// The deflated form of something for everyone, if `readers` want it and it is worth it.
    fn deflated_for_all(&mut self, message: &[u8], readers: u32) -> Option<Vec<u8>> {
        let is_worth_it = message.len() >= self.config.limits.deflate_bytes_min as usize;
        if !is_worth_it || readers == 0 {
            return None;
        }
        let mut deflated = Vec::new();
        self.codec.deflater.deflate(message, SHARED_WINDOW_BITS, &mut deflated);
        (deflated.len() < message.len()).then_some(deflated)
    }
}

/// The connection that `id` means, if it has not ended.
fn live(connections: &Slab<Connection>, id: ConnectionId) -> Option<&Connection> {
    let connection = connections.get(id.index())?;
    (is(connection, id) && !connection.is_closed()).then_some(connection)
}
