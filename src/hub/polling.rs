//! Long-polling of Engine.IO: what the requests of a session get, and what their packets do.

use crate::connection::{Cause, Connection, ConnectionId, Identity, Listener, Step};
use crate::http::{Method, RequestHead, ResponseHead, Sharing, Status};
use crate::socketio::handshake::{Ask, Refusal};
use crate::socketio::{NOOP, Transport, payload};
use crate::time::Time;

use super::context::Context;
use super::response::Response;
use super::sessions::Admission;
use super::socketio::SOCKET_IO;
use super::table::Hub;

/// The media type of packets.
pub(super) const PAYLOAD_TYPE: &str = "text/plain; charset=UTF-8";

/// That of the response to packets, as in the reference.
pub(super) const OK_TYPE: &str = "text/html";

impl Hub {
    /// What session `id` on no socket is to be told goes into the response to the request that
    /// waits for that: the connection which has to be written to now.
    pub fn carry(&mut self, id: ConnectionId, now: Time) -> Option<ConnectionId> {
        let connection = self.live(id).filter(|connection| connection.is_polling())?;
        if !connection.wants_write(&self.context.presence) {
            return None;
        }
        let request = self.context.sessions.take_poll(id.generation())?;
        let packets = self.collect(id);
        self.respond_for_session(request, now, |context| {
            context.session_response(PAYLOAD_TYPE, packets)
        });
        Some(request)
    }

    /// All that session `id` on no socket is to be told.
    pub(super) fn collect(&mut self, id: ConnectionId) -> Vec<u8> {
        let Some(connection) = self.connections.get_mut(id.index()) else { return Vec::new() };
        let packets = self.context.collect(connection, &mut self.lead);
        // That may be all that it holds.
        self.with(id, |_, _| ());
        packets
    }

    /// In a debug build, at the end of each turn: nothing is forgotten that a request waits for.
    pub(super) fn check_requests(&self) {
        if cfg!(debug_assertions) {
            for (_, session) in self.connections.iter().filter(|(_, one)| one.is_polling()) {
                let waits = self.context.sessions.has_poll(session.id.generation());
                let is_served =
                    self.is_to_be_told(session.id) || self.agenda.touched.contains(&session.id);
                assert!(!waits || is_served || !session.wants_write(&self.context.presence));
            }
        }
    }

    /// Responds to a request that waits for a session, if it still does.
    pub(super) fn respond_for_session(
        &mut self,
        request: ConnectionId,
        now: Time,
        response: impl FnOnce(&mut Context) -> Response,
    ) {
        self.respond_to_waiting(request, now, |context, sharing| {
            let mut response = response(context);
            response.head = sharing.add_with_credentials_to(response.head);
            response
        });
    }

    /// Responds to a request that waits, if it still does.
    pub(super) fn respond_to_waiting(
        &mut self,
        request: ConnectionId,
        now: Time,
        response: impl FnOnce(&mut Context, &Sharing) -> Response,
    ) {
        let is_stopping = self.agenda.is_stopping;
        self.with(request, |connection, context| {
            let Some((keeps_alive, sharing)) = connection.answered() else { return };
            let keeps_alive = keeps_alive && !is_stopping;
            let response = response(context, &sharing);
            context.respond(connection, response, false, keeps_alive, now);
            // What came after the request.
            if !connection.stash.is_empty() {
                context.receive(connection, &mut [], now);
            }
        });
    }
}

impl Context {
    /// Whoever waits for a session that has ended is told so.
    pub(super) fn end_session(&mut self, connection: &mut Connection) {
        if connection.listener == Listener::Session {
            let (packets, cause) = (connection.outbox.take_replies(), connection.cause());
            let is_told = cause == Some(Cause::Closed);
            self.sessions.ended(connection.id, packets, is_told);
        }
    }

    /// All that a session on no socket is to be told.
    fn collect(&mut self, connection: &mut Connection, lead: &mut Vec<u8>) -> Vec<u8> {
        self.encode_lacking(connection);
        let bytes_max = self.config.limits.message_bytes_max as usize;
        let (packets, begun) = connection.collect(&self.presence, lead, bytes_max);
        self.tally.deliveries += u64::from(begun.frames);
        packets
    }

    /// Whether a request whose head has come is to bring packets to a session that takes them.
    pub(super) fn takes_packets(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
    ) -> bool {
        let is_for_metrics = connection.listener == Listener::Metrics;
        if is_for_metrics || head.method != Method::Post || head.path != SOCKET_IO {
            return false;
        }
        // What is wrong with it is said when its body has come.
        let Ok(Ask::Continue(session, Transport::Polling)) = self.ask(head) else { return false };
        let is_taken = self.sessions.post(session, connection.id) == Admission::Waits;
        if is_taken {
            connection.identify(Identity::Carrier(session));
        }
        is_taken
    }

    /// The request that is under way on a connection will not be completed. Its session goes on.
    pub(super) fn forget_request(&mut self, connection: &mut Connection) {
        if let Some(session) = connection.carried() {
            self.sessions.post_is_over(session, connection.id);
        }
    }

    /// A request of a session: it waits, or gets this response.
    pub(super) fn poll_or_post(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        session: u32,
        content: Vec<u8>,
        keeps_alive: bool,
    ) -> Result<(), Response> {
        let id = connection.id;
        let admission = match head.method {
            Method::Get => self.sessions.poll(session, id),
            Method::Post => {
                let admission = self.sessions.post(session, id);
                if admission == Admission::Waits {
                    self.sessions.posted(session, id, content);
                }
                admission
            }
            _ => return Err(self.engine_refusal(Refusal::BadMethod, head)),
        };
        match admission {
            Admission::Waits => {
                connection.identify(Identity::Carrier(session));
                connection.await_answer(keeps_alive, self.sharing(head));
                Ok(())
            }
            Admission::Noop(engine) => {
                let payload = payload::one(NOOP, engine);
                let mut response = self.session_response(PAYLOAD_TYPE, payload);
                response.head = self.sharing(head).add_with_credentials_to(response.head);
                Err(response)
            }
            Admission::Refused => Err(self.engine_refusal(Refusal::BadRequest, head)),
        }
    }

    /// A session on no socket takes packets. Says whether it was content with them.
    pub(super) fn receive_payload(
        &mut self,
        connection: &mut Connection,
        content: &[u8],
        now: Time,
    ) -> bool {
        let fail = |connection: &mut Connection, cause| {
            connection.end(cause);
            false
        };
        if !connection.may_send(content.len(), &self.config, now) {
            return fail(connection, Cause::TooFast);
        }
        let reply_bytes_max = self.config.limits.reply_bytes_max as usize;
        for part in payload::parts(content, connection.engine()) {
            let part = match part {
                Ok(part) => part,
                Err(error) => return fail(connection, Cause::SocketIo(error.into())),
            };
            match connection.receive_packet(part.message(), &self.config, now) {
                Step::Failed(cause) => return fail(connection, cause),
                step => self.take_step(connection, step, now),
            }
            // It has ended what it is.
            if !connection.is_polling() {
                return true;
            }
            // It says more than it is willing to hear the answers to.
            if connection.outbox.is_full(reply_bytes_max) {
                return fail(connection, Cause::TooFast);
            }
        }
        true
    }

    /// A response with something that is of a session.
    pub(super) fn session_response(&self, media_type: &str, body: Vec<u8>) -> Response {
        let head = ResponseHead::new(Status::Ok, &self.date)
            .content_type(media_type)
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        Response { head, body: body.into(), connection: None }
    }

    /// The response to a request of no session, or of a session that it ends.
    pub(super) fn engine_response(&self, refusal: Refusal) -> Response {
        let body = refusal.encode();
        let head = ResponseHead::new(refusal.status(), &self.date)
            .content_type("application/json")
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        Response { head, body: body.into(), connection: None }
    }
}
