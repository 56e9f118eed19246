//! What HTTP requests are answered with.

use crate::api;
use crate::broadcast::Shared;
use crate::config::{Compression, OriginPolicy};
use crate::connection::{Cause, ConnectionId, Door, Phase, Purpose, State};
use crate::http::{
    self, FieldStorage, HeadLimits, Method, RequestError, RequestHead, Response, Status,
};
use crate::time::Time;
use crate::ws::handshake::{self, HandshakeError, Wishes};

use super::numbers::shows_metrics;
use super::{Hub, find, socketio};

/// What the page may load and run: only what this server sends (CSP Level 3).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

const TEXT: &str = "text/plain; charset=utf-8";

/// An answer before it is known whether the connection stays.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) body: Shared,
    /// The `Connection` field, if the connection must end whatever the client wishes.
    pub(super) connection: Option<&'static str>,
}

impl Hub {
    /// Takes the next request from `input`, answers it, and says how many bytes it had; `None` if
    /// it is not complete.
    pub(super) fn consume_request(
        &mut self,
        id: ConnectionId,
        input: &[u8],
        now: Time,
    ) -> Option<usize> {
        let limits = self.head_limits();
        let Phase::Http(http) = &mut find(&mut self.connections, id)?.phase else { return None };
        let length = match http.scanner.scan(input, &limits) {
            Ok(length) => length?,
            Err(error) => {
                let is_head = http.scanner.is_head(input, &limits);
                self.refuse(id, error, is_head, now);
                return Some(input.len());
            }
        };
        let is_head = http.scanner.is_head(input, &limits);
        http.requests += 1;
        let mut storage = FieldStorage::default();
        match RequestHead::decode(&input[..length], &limits, &mut storage) {
            Ok(head) => self.answer(id, &head, now),
            Err(error) => self.refuse(id, error, is_head, now),
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
    fn answer(&mut self, id: ConnectionId, head: &RequestHead<'_>, now: Time) {
        if let Err(error) = self.count_forwarded(id, head, now) {
            return self.refuse(id, error, head.method == Method::Head, now);
        }
        let Some(connection) = find(&mut self.connections, id) else { return };
        let door = connection.door;
        // Where there is nothing but metrics no page can get anything out of a name of its own.
        if door != Door::Metrics && !self.serves_host(head.host) {
            return self.refuse(id, RequestError::WrongHost, head.method == Method::Head, now);
        }
        let is_known = matches!(head.method, Method::Get | Method::Head);
        let opened = match head.path {
            _ if door == Door::Metrics => None,
            "/ws" => Some(self.upgrade(id, head, Purpose::Events, now)),
            "/echo" if self.config.echo => Some(self.upgrade(id, head, Purpose::Echo, now)),
            path => self.service(path).map(|service| self.open_engine(id, head, service, now)),
        };
        let answer = match (opened, head.path) {
            (Some(Ok(())), _) => return,
            (Some(Err(answer)), _) => answer,
            _ if !is_known => self.method_not_allowed("GET, HEAD"),
            (None, "/metrics") if shows_metrics(door, head) => self.metrics_answer(),
            _ if door == Door::Metrics => self.nothing_here(),
            (None, "/roster") => self.roster_answer(head),
            (None, "/healthz") => self.text(Status::Ok, "ok"),
            (None, path) => self.asset(socketio::asset_path(path), head),
        };
        self.respond(id, answer, head.method == Method::Head, head.keeps_alive(), now);
    }

    /// Refuses a request that is not understood, or that could be understood in two ways. What
    /// follows it is not looked at.
    fn refuse(&mut self, id: ConnectionId, error: RequestError, is_head: bool, now: Time) {
        let answer = self.last_words(error.status(), &error.to_string());
        self.respond(id, answer, is_head, false, now);
    }

    /// Opens a WebSocket, or says why not.
    pub(super) fn upgrade(
        &mut self,
        id: ConnectionId,
        head: &RequestHead<'_>,
        purpose: Purpose,
        now: Time,
    ) -> Result<(), Answer> {
        // RFC 6455 §4.2.1, 1: the method is GET.
        if head.method != Method::Get {
            return Err(self.method_not_allowed("GET"));
        }
        // RFC 6455 §10.2: whose page asks is checked before anything else is given away.
        if !self.allows_origin(head) {
            self.note_refused_origin(id, head);
            return Err(self.last_words(Status::Forbidden, "this origin may not connect here"));
        }
        let wishes = Wishes {
            subprotocol: matches!(purpose, Purpose::Events).then_some(api::SUBPROTOCOL),
            deflates: self.config.compression != Compression::Off,
            allows_takeover: self.config.compression == Compression::Takeover,
        };
        let mut reply = Vec::with_capacity(256);
        let deflate = handshake::accept(head, wishes, &mut reply)
            .map_err(|error| self.handshake_refusal(error))?;
        let Some(connection) = find(&mut self.connections, id) else { return Ok(()) };
        connection.outbox.replies().append(&mut reply);
        connection.upgrade(purpose, deflate, &self.config, now);
        // RFC 9110 §15.2.2: 101 (Switching Protocols).
        self.tally.responded(101);
        Ok(())
    }

    /// Whether this server was told that it has the host of a request, or was told nothing.
    fn serves_host(&self, host: &[u8]) -> bool {
        let name = http::host_name(host);
        let is_name = |known: &String| known.as_bytes().eq_ignore_ascii_case(name);
        self.config.hosts.is_empty() || self.config.hosts.iter().any(is_name)
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
        let document = self.roster_document();
        let response = Response::new(Status::Ok, &self.date)
            .content_type("application/json")
            .content_length(document.len())
            .field("Cache-Control", "no-store");
        let response = self.share(response, head);
        Answer { response, body: document, connection: None }
    }

    /// The document is made once for all who ask until it changes: asking is cheap, and so must be
    /// answering.
    fn roster_document(&mut self) -> Shared {
        let (seq, watching) = (self.log.last(), self.counts.open(State::Watching));
        match &self.document {
            Some((of_seq, of_watching, body)) if (*of_seq, *of_watching) == (seq, watching) => {
                body.clone()
            }
            _ => {
                let body = api::roster_document(seq, self.roster.committed(), watching);
                let body = Shared::from(body);
                self.document = Some((seq, watching, body.clone()));
                body
            }
        }
    }

    fn asset(&self, path: &str, head: &RequestHead<'_>) -> Answer {
        let Some(asset) = self.assets.find(path) else {
            return self.nothing_here();
        };
        // RFC 9110 §13.1.1: compared strongly, and looked at first (§13.2.2).
        let is_wanted = |tag: &[u8]| tag == b"*" || tag == asset.etag.as_bytes();
        if head.values("if-match").next().is_some() && !head.list("if-match").any(is_wanted) {
            return self.text(Status::PreconditionFailed, "it has changed");
        }
        // RFC 9110 §13.1.2: compared weakly, as a proxy may have made a tag weak.
        let is_same = |tag: &[u8]| {
            tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == asset.etag.as_bytes()
        };
        let fresh = head.list("if-none-match").any(is_same);
        let status = if fresh { Status::NotModified } else { Status::Ok };
        let mut response = Response::new(status, &self.date)
            .field("ETag", &asset.etag)
            .field("Cache-Control", "no-cache")
            .field("Referrer-Policy", "no-referrer");
        // Somebody else's page may have scripts in it, or from elsewhere.
        if asset.is_embedded {
            response = response.field("Content-Security-Policy", CONTENT_SECURITY_POLICY);
        }
        response = self.share(response, head);
        // RFC 9110 §15.4.5: a 304 has no body and no fields that describe one.
        let mut body = Shared::default();
        if !fresh {
            body = asset.body.clone();
            response = response.content_type(asset.media_type).content_length(body.len());
        }
        Answer { response, body, connection: None }
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

    fn nothing_here(&self) -> Answer {
        self.text(Status::NotFound, "there is nothing here")
    }

    /// An answer of one line.
    fn text(&self, status: Status, line: &str) -> Answer {
        let body = format!("{line}\n").into_bytes();
        let response = Response::new(status, &self.date)
            .content_type(TEXT)
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        Answer { response, body: body.into(), connection: None }
    }

    /// An answer of one line that ends the connection.
    fn last_words(&self, status: Status, line: &str) -> Answer {
        Answer { connection: Some("close"), ..self.text(status, line) }
    }

    /// Sends an answer, and ends the connection with it or makes ready for the next request.
    fn respond(
        &mut self,
        id: ConnectionId,
        answer: Answer,
        is_head: bool,
        keeps_alive: bool,
        now: Time,
    ) {
        let requests_max = self.config.limits.requests_max;
        let Some(connection) = find(&mut self.connections, id) else { return };
        let Phase::Http(http) = &connection.phase else { return };
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
