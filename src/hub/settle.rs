//! What follows for others when a connection has acted.
//!
//! All of it is derived from what the connection is now, compared with what it was counted as
//! before. So no way for a connection to end can forget its name, its place or its memory.

use crate::connection::{Connection, Listener, State};

use super::agenda::Agenda;
use super::context::Context;

/// Brings everything that depends on a connection up to date with it.
pub(super) fn settle(connection: &mut Connection, context: &mut Context, agenda: &mut Agenda) {
    // Its rooms. In whichever way it began to end, it is in none from now on.
    if !connection.takes_part() {
        let leave = connection.leave();
        while !connection.subscriptions.is_empty() {
            context.exit(connection, |_| true, leave);
        }
        context.forget_client(connection);
    }
    // The session that it has a request of: one that it does not wait to be answered for is lost.
    if let Some(session) = connection.carried()
        && !connection.is_carrying()
    {
        context.sessions.left(session, connection.id);
        if connection.http_mut().is_none() {
            connection.forget_identity();
        }
    }
    // Its requests, if it is a session itself, and its memory.
    if connection.is_closed() {
        context.end_session(connection);
        connection.release();
    }
    let bytes = connection.buffered_bytes() as u32;
    context.counts.buffered_bytes -= connection.counted_bytes as usize;
    context.counts.buffered_bytes += bytes as usize;
    connection.counted_bytes = bytes;
    // Its time.
    agenda.deadlines.set(connection.id.index(), connection.deadline());
    // Its place among those of one address: a proxy's connection without a request has none.
    if connection.is_idle_of_proxy()
        && let Some(client) = connection.take_counted()
    {
        context.addresses.disconnect(client);
    }
    // What it is to everyone else.
    let (before, after) = (connection.counted_as, connection.state());
    if before == after {
        return;
    }
    connection.counted_as = after;
    context.counts.move_one(before, after);
    if connection.listener != Listener::Metrics {
        context.counts.pending -= u32::from(before == State::Http);
        context.counts.pending += u32::from(after == State::Http);
        if after == State::Http {
            agenda.pending.push_back(connection.id);
        }
    }
    if after == State::Gone {
        agenda.closed.push_back(connection.id);
    }
}
