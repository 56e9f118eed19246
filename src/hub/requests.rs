//! What HTTP requests are answered with.

use crate::api;
use crate::config::{Compression, OriginPolicy};
use crate::connection::{Cause, Connection, Listener, Phase, Protocol, State};
use crate::http::{FieldStorage, HeadLimits, Method, RequestError, RequestHead, Response, Status};
use crate::shared::Shared;
use crate::time::Time;
use crate::ws::DeflateParameters;
use crate::ws::handshake::{self, HandshakeError, Wishes};

use super::Refusal;
use super::context::Context;
use super::hosts::METHODS;
use super::numbers::shows_metrics;

const TEXT: &str = "text/plain; charset=utf-8";

/// An answer before it is known whether the connection stays.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) body: Shared,
    /// The `Connection` field, if the connection must end whatever the client wishes.
    pub(super) connection: Option<&'static str>,
}

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

    /// Opens a WebSocket, or says why not.
    fn open_socket(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        protocol: Protocol,
        now: Time,
    ) -> Result<(), Answer> {
        let subprotocol = matches!(protocol, Protocol::Native).then_some(api::SUBPROTOCOL);
        let deflate = self.shake_hands(connection, head, subprotocol)?;
        connection.open(protocol, deflate, &self.config, now);
        if let Some(view) = connection.first_view() {
            self.follow(connection, self.presence.main_room(), view);
        }
        Ok(())
    }

    /// The server's part of the opening handshake: sends the 101, and says what was agreed on.
    pub(super) fn shake_hands(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        subprotocol: Option<&'static str>,
    ) -> Result<Option<DeflateParameters>, Answer> {
        // RFC 6455 §4.2.1, 1: the method is GET.
        if head.method != Method::Get {
            return Err(self.method_not_allowed("GET"));
        }
        // RFC 6455 §10.2: whose page asks is checked before anything else is given away.
        if !self.allows_origin(head) {
            self.note_refused_origin(connection, head);
            return Err(self.last_words(Status::Forbidden, "this origin may not connect here"));
        }
        let wishes = Wishes {
            subprotocol,
            deflates: self.config.compression != Compression::Off,
            allows_takeover: self.config.compression == Compression::Takeover,
        };
        let mut reply = Vec::with_capacity(256);
        let deflate = handshake::accept(head, wishes, &mut reply)
            .map_err(|error| self.handshake_refusal(error))?;
        connection.outbox.replies().append(&mut reply);
        // RFC 9110 §15.2.2: 101 (Switching Protocols).
        self.tally.responded(101);
        Ok(deflate)
    }

    fn handshake_refusal(&self, error: HandshakeError) -> Answer {
        let status = match error.asks_for_upgrade() {
            true => Status::UpgradeRequired,
            false => Status::BadRequest,
        };
        let mut answer = self.last_words(status, &error.to_string());
        if error.asks_for_upgrade() {
            // RFC 9110 §15.5.22: a 426 names the protocol, as an option of this connection;
            // RFC 6455 §4.4: and its version.
            answer.connection = Some("close, Upgrade");
            answer.response =
                answer.response.field("Upgrade", "websocket").field("Sec-WebSocket-Version", "13");
        }
        answer
    }

    fn method_not_allowed(&self, allowed: &str) -> Answer {
        let mut answer = self.last_words(Status::MethodNotAllowed, "the method is not allowed");
        answer.response = answer.response.field("Allow", allowed);
        answer
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

    /// Lets the pages that may connect read the answer too, wherever they are from (Fetch,
    /// "CORS protocol"): they may import the client module, for one.
    pub(super) fn share(&self, response: Response, head: &RequestHead<'_>) -> Response {
        let listed = match &self.config.origins {
            OriginPolicy::Any => return response.field("Access-Control-Allow-Origin", "*"),
            OriginPolicy::Listed(listed) => listed,
        };
        if listed.is_empty() {
            return response;
        }
        let response = response.field("Vary", "Origin");
        let origin = head.single("origin").ok().flatten();
        let is_listed = |origin: &&[u8]| listed.iter().any(|listed| listed.matches(origin));
        // The request's own: a list may have patterns, and the field takes none but `*`.
        match origin.filter(is_listed).and_then(|origin| str::from_utf8(origin).ok()) {
            Some(origin) => response.field("Access-Control-Allow-Origin", origin),
            None => response,
        }
    }

    pub(super) fn nothing_here(&self) -> Answer {
        self.text(Status::NotFound, "there is nothing here")
    }

    /// An answer of one line.
    pub(super) fn text(&self, status: Status, line: &str) -> Answer {
        let body = format!("{line}\n").into_bytes();
        let response = Response::new(status, &self.date)
            .content_type(TEXT)
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        Answer { response, body: body.into(), connection: None }
    }

    /// An answer of one line that ends the connection.
    pub(super) fn last_words(&self, status: Status, line: &str) -> Answer {
        Answer { connection: Some("close"), ..self.text(status, line) }
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
