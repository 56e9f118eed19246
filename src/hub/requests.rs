//! What HTTP requests are answered with.

use crate::connection::{Cause, Connection, Listener, Phase, Protocol, State};
use crate::http::{FieldStorage, HeadLimits, Method, RequestError, RequestHead, Response, Status};
use crate::time::Time;

use super::context::Context;
use super::hosts::METHODS;
use super::numbers::shows_metrics;
use super::refusal::Refusal;
use super::response::Answer;

impl Context {
    /// Takes the next request from `input`, answers it, and says how many bytes it had; `None` if
    /// it is not complete.
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
            Ok(head) => self.answer(connection, &head, now),
            Err(error) => self.refuse(connection, error, is_head, now),
        }
        Some(length)
    }

    fn head_limits(&self) -> HeadLimits {
        let limits = &self.config.limits;
        HeadLimits {
            head_bytes_max: limits.head_bytes_max as usize,
            fields_max: limits.head_fields_max as usize,
            target_bytes_max: limits.target_bytes_max as usize,
        }
    }

    /// Answers a request that was understood.
    fn answer(&mut self, connection: &mut Connection, head: &RequestHead<'_>, now: Time) {
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
        let is_known = matches!(head.method, Method::Get | Method::Head);
        let opened = match &*head.path {
            _ if listener == Listener::Metrics => None,
            "/ws" => Some(self.open_socket(connection, head, Protocol::Native, now)),
            "/echo" if self.config.echo => {
                Some(self.open_socket(connection, head, Protocol::Echo, now))
            }
            "/socket.io/" => Some(self.open_socket_io(connection, head, now)),
            _ => None,
        };
        let answer = match (opened, &*head.path) {
            (Some(Ok(())), _) => return,
            (Some(Err(answer)), _) => answer,
            _ if head.method == Method::Options => self.options_answer(),
            _ if !is_known => self.method_not_allowed(METHODS),
            (None, "/metrics") if shows_metrics(listener, head) => self.metrics_answer(),
            (None, "/healthz") => self.text(Status::Ok, "ok"),
            _ if listener == Listener::Metrics => self.nothing_here(),
            (None, "/roster") => self.roster_answer(head),
            // Nobody else is told that they are here.
            (None, "/metrics") => self.nothing_here(),
            (None, _) => self.file(head),
        };
        self.respond(connection, answer, head.method == Method::Head, head.keeps_alive(), now);
    }

    /// Refuses a request that is not understood, or that could be understood in two ways. What
    /// follows it is not looked at.
    fn refuse(
        &mut self,
        connection: &mut Connection,
        error: RequestError,
        is_head: bool,
        now: Time,
    ) {
        let answer = match error {
            RequestError::TooManyFromAddress => self.busy(Refusal::TooManyFromAddress),
            _ => self.last_words(error.status(), &error.to_string()),
        };
        self.respond(connection, answer, is_head, false, now);
    }

    fn roster_answer(&mut self, head: &RequestHead<'_>) -> Answer {
        let watching = self.counts.open(State::Watching);
        let room = self.presence.main_room();
        let document = self.presence.room_mut(room).document(watching);
        let response = Response::new(Status::Ok, &self.date)
            .content_type("application/json")
            .content_length(document.len())
            .field("Cache-Control", "no-store");
        let response = self.share(response, head);
        Answer { response, body: document, connection: None }
    }

    /// Sends an answer, and ends the connection with it or makes ready for the next request.
    fn respond(
        &mut self,
        connection: &mut Connection,
        answer: Answer,
        is_head: bool,
        keeps_alive: bool,
        now: Time,
    ) {
        let requests_max = self.config.limits.requests_max;
        let Phase::Http(http) = connection.phase() else { return };
        let status = answer.response.status();
        self.tally.responded(status.code());
        let keep = answer.connection.is_none() && http.requests < requests_max && keeps_alive;

        let mut response = answer.response;
        if !keep {
            response = response.field("Connection", answer.connection.unwrap_or("close"));
        }
        connection.outbox.replies().append(&mut response.finish());
        // RFC 9110 §9.3.2: the answer to HEAD has no content, whatever it is.
        if !is_head {
            connection.outbox.put_body(answer.body);
        }
        if keep {
            connection.await_request(&self.config, now);
        } else {
            let cause = match answer.connection {
                Some(_) => Cause::Refused(status),
                None => Cause::Answered,
            };
            connection.drain(cause, Time::NEVER);
        }
    }
}
