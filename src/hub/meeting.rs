//! What sessions of long-polling and the connections that have their requests want of each other.

use crate::connection::{Cause, Connection, ConnectionId, Identity};
use crate::presence::ClientId;
use crate::socketio::handshake::Refusal;
use crate::socketio::{ClientError, Engine};
use crate::time::Time;

use super::context::Context;
use super::polling::{OK_TYPE, PAYLOAD_TYPE};
use super::refusal;
use super::response::Response;
use super::sessions::Letter;
use super::table::Hub;

impl Hub {
    /// For whom something is to be [done](Self::meet) that another connection wants of it.
    pub fn next_to_meet(&self) -> Option<ConnectionId> {
        self.context.sessions.next()
    }

    /// Does the next thing that a session and a connection with one of its requests want of each
    /// other.
    pub fn meet(&mut self, now: Time) {
        let Some(letter) = self.context.sessions.next_letter() else { return };
        match letter {
            Letter::Open { from, engine, client } => self.open_session(from, engine, client, now),
            Letter::Packets { session, from, content } => {
                self.take_packets(session, from, &content, now);
            }
            Letter::Look { session } => self.agenda.touched.push_back(session),
            Letter::Answer { to, payload } => {
                self.answer(to, now, |context| context.session_response(PAYLOAD_TYPE, payload));
            }
            Letter::Upgrade { session, to } => self.upgrade_session(session, to, now),
            Letter::End { session, cause } => {
                self.with(session, |connection, _| connection.end(cause));
            }
            Letter::Refuse { socket } => self.refuse_upgrade(socket, now),
            Letter::Release { carrier, session } => {
                // It may have had the next request of the session since.
                if !self.context.sessions.keeps(session, carrier) {
                    self.with(carrier, |connection, _| connection.release_from(session));
                    self.drop_oldest_pending();
                }
            }
        }
    }

    /// Opens a session for a request, if there is room for one more and its address may.
    fn open_session(
        &mut self,
        from: ConnectionId,
        engine: Engine,
        client: Option<ClientId>,
        now: Time,
    ) {
        let Some(address) = self.live(from).map(|connection| connection.address) else { return };
        let limits = self.context.address_limits();
        let Context { sessions, config, counts, addresses, tally, .. } = &mut self.context;
        let is_full = counts.sessions >= config.limits.polling.sessions_max as usize;
        let refusal = if self.agenda.is_stopping || is_full {
            tally.refused_full += 1;
            Some(refusal::Refusal::Full)
        } else if address.is_some_and(|client| !addresses.connect(client, limits, now)) {
            tally.refused_address += 1;
            Some(refusal::Refusal::TooManyFromAddress)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            return self.answer(from, now, |context| context.busy(refusal));
        }
        self.generation = self.generation.wrapping_add(1);
        tally.sessions += 1;
        let entry = self.connections.vacant_entry();
        let id = ConnectionId::new(entry.key(), self.generation);
        entry.insert(Connection::session(id, address, engine, config, now));
        sessions.opened(id, engine, from);
        counts.sessions += 1;
        // Even if nothing happens to it, it is not counted yet, and has a deadline from now on.
        self.with(id, |connection, context| context.greet(connection, client, now));
        let packets = self.collect(id);
        self.with(from, |connection, _| connection.identify(Identity::Carrier(id.generation())));
        self.answer(from, now, |context| context.session_response(PAYLOAD_TYPE, packets));
    }

    /// A session takes what a request has brought.
    fn take_packets(
        &mut self,
        session: ConnectionId,
        from: ConnectionId,
        content: &[u8],
        now: Time,
    ) {
        let taken = self.with(session, |connection, context| {
            connection.is_polling() && context.receive_payload(connection, content, now)
        });
        self.context.sessions.post_is_over(session.generation(), from);
        self.answer(from, now, |context| match taken {
            Some(true) => context.session_response(OK_TYPE, b"ok".to_vec()),
            Some(false) => context.engine_response(Refusal::BadRequest),
            None => context.engine_response(Refusal::SessionUnknown),
        });
        self.agenda.touched.push_back(session);
    }

    /// Moves a session to a WebSocket, where its client awaits it.
    fn upgrade_session(&mut self, session: ConnectionId, socket: ConnectionId, now: Time) {
        let is_there = self.live(socket).is_some_and(Connection::takes_part);
        let handed_over = self.with(session, |connection, _| {
            if !is_there {
                connection.end(Cause::Lost);
                return None;
            }
            connection.hand_over()
        });
        // It may have ended since the client asked for this.
        let Some(handed_over) = handed_over.flatten() else {
            return self.refuse_upgrade(socket, now);
        };
        self.with(socket, |connection, context| {
            connection.take_over(handed_over, &context.config, now);
            if let Some(client) = connection.client() {
                context.clients.moved(client, connection.id);
            }
            // It stands among the followers of its rooms as what it was.
            let follower = connection.id.index;
            let form = connection.form();
            for one in connection.subscriptions.iter_mut() {
                context.set_view(follower, one, one.view.in_form(form));
            }
        });
        self.agenda.touched.push_back(socket);
    }

    /// No session moves to a WebSocket.
    fn refuse_upgrade(&mut self, socket: ConnectionId, now: Time) {
        let cause = Cause::SocketIo(ClientError::UpgradedTwice);
        self.with(socket, |connection, context| connection.close(cause, &context.config, now));
        self.agenda.touched.push_back(socket);
    }

    /// Responds to a request that waits for a session, if it still does.
    fn answer(
        &mut self,
        request: ConnectionId,
        now: Time,
        response: impl FnOnce(&mut Context) -> Response,
    ) {
        self.respond_for_session(request, now, response);
        self.agenda.touched.push_back(request);
    }
}
