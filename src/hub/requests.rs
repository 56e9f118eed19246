//! HTTP requests: taken from the input, routed, and responded to.

use crate::api::ApiError;
use crate::connection::{Cause, Connection, Listener, Phase};
use crate::http::{
    FieldStorage, HeadLimits, Method, RequestError, RequestHead, ResponseHead, Status,
};
use crate::shared::Shared;
use crate::time::Time;

use super::context::Context;
use super::files::{is_none_of, room_of};
use super::hosts::METHODS;
use super::numbers::shows_metrics;
use super::refusal::Refusal;
use super::response::Response;
use super::socketio::SOCKET_IO;

impl Context {
    /// Takes the next request from `input`, responds to it, and says how many bytes it had; `None`
    /// if it is not complete.
    pub(super) fn consume_request(
        &mut self,
        connection: &mut Connection,
        input: &[u8],
        now: Time,
    ) -> Option<usize> {
        let limits = self.head_limits();
        let http = connection.http_mut()?;
        let length = match http.scanner.scan(input, &limits) {
            Ok(length) => length?,
            Err(error) => {
                let is_head = http.scanner.is_head(input, &limits);
                self.refuse(connection, error, is_head, now);
                return Some(input.len());
            }
        };
        let is_head = http.scanner.is_head(input, &limits);
        http.requests += 1;
        let mut storage = FieldStorage::default();
        match RequestHead::decode(&input[..length], &limits, &mut storage) {
            Ok(head) if head.body.is_zero() => {
                self.route(connection, &head, Vec::new(), head.keeps_alive(), now);
            }
            Ok(head) => {
                let has_begun = input.len() > length;
                self.await_body(connection, &head, &input[..length], has_begun, now);
            }
            Err(error) => self.refuse(connection, error, is_head, now),
        }
        Some(length)
    }

    pub(super) fn head_limits(&self) -> HeadLimits {
        let limits = &self.config.limits;
        HeadLimits {
            head_bytes_max: limits.head_bytes_max as usize,
            fields_max: limits.head_fields_max as usize,
            target_bytes_max: limits.target_bytes_max as usize,
        }
    }

    /// Responds to a request that was understood, by its host, path and method.
    pub(super) fn route(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        content: Vec<u8>,
        keeps_alive: bool,
        now: Time,
    ) {
        if let Err(error) = self.count_forwarded(connection, head, now) {
            return self.refuse(connection, error, head.method == Method::Head, now);
        }
        let listener = connection.listener;
        // Where there is nothing but metrics no page can get anything out of a name of its own.
        if listener != Listener::Metrics && !self.serves_host(head) {
            return self.refuse(
                connection,
                RequestError::WrongHost,
                head.method == Method::Head,
                now,
            );
        }
        // Paths that open a WebSocket decide for themselves on the method, as RFC 6455 has it.
        let is_known = matches!(head.method, Method::Get | Method::Head);
        let opened = match &*head.path {
            _ if listener == Listener::Metrics => None,
            "/echo" if self.config.echo => Some(self.open_echo(connection, head, now)),
            SOCKET_IO => Some(self.ask_socket_io(connection, head, content, keeps_alive, now)),
            path => room_of(path, "/ws").map(|room| self.open_in_room(connection, head, room, now)),
        };
        let response = match (opened, &*head.path) {
            (Some(Ok(())), _) => return,
            (Some(Err(response)), _) => response,
            _ if head.method == Method::Options => self.options_response(head, METHODS),
            _ if !is_known => self.method_not_allowed(head, METHODS),
            (None, "/metrics") if shows_metrics(listener, head) => self.metrics_response(),
            (None, "/healthz") => self.text(Status::Ok, "ok"),
            (None, "/readyz") => self.readiness(),
            _ if listener == Listener::Metrics => self.nothing_here(),
            // Nobody else is told that they are here.
            (None, "/metrics") => self.nothing_here(),
            (None, path) => match room_of(path, "/roster") {
                Some(room) if self.visit(connection, room, head, keeps_alive, now) => return,
                Some(room) => self.roster_response(room, head, now),
                None => self.file(head),
            },
        };
        self.respond(connection, response, head.method == Method::Head, keeps_alive, now);
    }

    /// Refuses a request that is not understood, or that could be understood in two ways. What
    /// follows it is not looked at.
    pub(super) fn refuse(
        &mut self,
        connection: &mut Connection,
        error: RequestError,
        is_head: bool,
        now: Time,
    ) {
        self.forget_request(connection);
        let response = match error {
            RequestError::TooManyFromAddress => self.busy(Refusal::TooManyFromAddress),
            _ => self.last_words(error.status(), &error.to_string()),
        };
        self.respond(connection, response, is_head, false, now);
    }

    /// Whether new clients are to be sent here: not while they would miss those of other nodes.
    fn readiness(&self) -> Response {
        let is_alone = self.backplane.as_ref().is_some_and(|shared| !shared.numbers().is_up);
        match is_alone {
            true => self.text(Status::ServiceUnavailable, "redis is away"),
            false => self.text(Status::Ok, "ok"),
        }
    }

    fn roster_response(&mut self, room: &str, head: &RequestHead<'_>, now: Time) -> Response {
        let name = match self.room_name(room) {
            Ok(name) => name,
            Err(error) => {
                let is_forbidden = error == ApiError::RoomForbidden;
                let status = if is_forbidden { Status::Forbidden } else { Status::BadRequest };
                let mut response = self.text(status, &error.to_string());
                response.head = self.share(response.head, head);
                return response;
            }
        };
        let (etag, mut response) = self.whole_roster(&name, now);
        if is_none_of(head, &etag) {
            let head = self.tagged(Status::NotModified, &etag);
            response = Response { head, body: Shared::default(), connection: None };
        }
        response.head = self.share(response.head, head);
        response
    }

    /// The roster of a room as JSON, and its `ETag`.
    pub(super) fn whole_roster(&mut self, name: &str, now: Time) -> (String, Response) {
        let (epoch, seq, document) = self.presence.document(name, now);
        let etag = format!("\"{epoch}:{}\"", seq.as_u64());
        let head = self.tagged(Status::Ok, &etag).content_type("application/json");
        let head = head.content_length(document.len());
        (etag, Response { head, body: document, connection: None })
    }

    /// What is to be asked for each time, and sent only if it is another.
    fn tagged(&self, status: Status, etag: &str) -> ResponseHead {
        let response = ResponseHead::new(status, &self.date);
        response.field("ETag", etag).field("Cache-Control", "no-cache")
    }

    /// Sends a response, and ends the connection with it or makes ready for the next request.
    pub(super) fn respond(
        &mut self,
        connection: &mut Connection,
        response: Response,
        is_head: bool,
        keeps_alive: bool,
        now: Time,
    ) {
        let requests_max = self.config.limits.requests_max;
        let Phase::Http(http) = connection.phase() else { return };
        // A response that ends the connection says so; otherwise the client decides, until it has
        // had its requests: one connection must not be a way around the limits for ever.
        let status = response.head.status();
        self.tally.responded(status.code());
        let keep = response.connection.is_none() && http.requests < requests_max && keeps_alive;

        let mut head = response.head;
        if !keep {
            head = head.field("Connection", response.connection.unwrap_or("close"));
        }
        connection.outbox.replies().append(&mut head.finish());
        // RFC 9110 §9.3.2: the response to HEAD has no content, whatever it is.
        if !is_head {
            connection.outbox.put_body(response.body);
        }
        if keep {
            connection.await_request(&self.config, now);
        } else {
            let cause = match response.connection {
                Some(_) => Cause::Refused(status),
                None => Cause::Answered,
            };
            connection.drain(cause, Time::NEVER);
        }
    }
}
