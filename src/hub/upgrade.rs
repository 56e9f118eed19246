//! Requests that open a WebSocket: the opening handshake, or why it fails.

use crate::api::{self, ApiError, Wanted};
use crate::config::Compression;
use crate::connection::{Connection, Identity, Protocol};
use crate::http::{Method, RequestHead, Status};
use crate::presence::View;
use crate::time::Time;
use crate::ws::DeflateParameters;
use crate::ws::handshake::{self, HandshakeError, Wishes};

use super::context::Context;
use super::response::Response;

/// When there may be a place in a room that is full.
const RETRY_AFTER_SECONDS: &str = "10";

impl Context {
    /// Opens a WebSocket that is in a room from the beginning, or says why not.
    pub(super) fn open_in_room(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        room: &str,
        now: Time,
    ) -> Result<(), Response> {
        self.check_asker(connection, head)?;
        let name = self.check_entry(room).map_err(|error| self.entry_refusal(error))?;
        let wanted = wanted_view(head.query).map_err(|error| self.entry_refusal(error))?;
        let deflate = self.shake_hands(connection, head, Some(api::SUBPROTOCOL))?;
        connection.open(Protocol::Native, deflate, &self.config, now);
        // One that will say hello says then what it has.
        let view = match handshake::offers_subprotocol(head, api::SUBPROTOCOL) {
            true => {
                connection.identify(Identity::Awaited);
                View::Nothing
            }
            false => connection.view(wanted).unwrap_or_default(),
        };
        let entered = self.enter(connection, &name, view);
        debug_assert!(entered.is_ok(), "nothing has changed since that was checked");
        connection.home = entered.ok();
        Ok(())
    }

    fn check_entry(&self, room: &str) -> Result<Box<str>, ApiError> {
        let name = self.room_name(room)?;
        self.presence.check_room(&name, &self.config.limits)?;
        Ok(name)
    }

    fn entry_refusal(&self, error: ApiError) -> Response {
        let status = match error {
            ApiError::RoomForbidden => Status::Forbidden,
            ApiError::RoomFull | ApiError::TooManyRooms => Status::ServiceUnavailable,
            _ => Status::BadRequest,
        };
        let mut response = self.last_words(status, &error.to_string());
        if status == Status::ServiceUnavailable {
            response.head = response.head.field("Retry-After", RETRY_AFTER_SECONDS);
        }
        response
    }

    /// Opens a WebSocket that is sent what it says, or says why not.
    pub(super) fn open_echo(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        now: Time,
    ) -> Result<(), Response> {
        self.check_asker(connection, head)?;
        let deflate = self.shake_hands(connection, head, None)?;
        connection.open(Protocol::Echo, deflate, &self.config, now);
        Ok(())
    }

    /// The server's part of the opening handshake with somebody who [may](Self::check_asker) ask
    /// for it: sends the 101, and says what was agreed on.
    pub(super) fn shake_hands(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        subprotocol: Option<&'static str>,
    ) -> Result<Option<DeflateParameters>, Response> {
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

    /// Whether a WebSocket may be asked for like this.
    pub(super) fn check_asker(
        &mut self,
        connection: &Connection,
        head: &RequestHead<'_>,
    ) -> Result<(), Response> {
        // RFC 6455 §4.2.1, 1: the method is GET.
        if head.method != Method::Get {
            return Err(self.method_not_allowed(head, "GET"));
        }
        // RFC 6455 §10.2: whose page asks is checked before anything else is given away.
        if !self.allows_origin(head) {
            self.note_refused_origin(connection, head);
            return Err(self.last_words(Status::Forbidden, "this origin may not connect here"));
        }
        Ok(())
    }

    fn handshake_refusal(&self, error: HandshakeError) -> Response {
        let status = match error.asks_for_upgrade() {
            true => Status::UpgradeRequired,
            false => Status::BadRequest,
        };
        let mut response = self.last_words(status, &error.to_string());
        if error.asks_for_upgrade() {
            // RFC 9110 §15.5.22: a 426 names the protocol, as an option of this connection;
            // RFC 6455 §4.4: and its version.
            response.connection = Some("close, Upgrade");
            response.head =
                response.head.field("Upgrade", "websocket").field("Sec-WebSocket-Version", "13");
        }
        response
    }
}

/// The view that a URL asks for, `?view=count`. It is for clients that would not know what to do
/// with a whole roster; parameters that nobody knows are ignored.
fn wanted_view(query: &str) -> Result<Option<Wanted>, ApiError> {
    let Some(word) = query.split('&').find_map(|pair| pair.strip_prefix("view=")) else {
        return Ok(None);
    };
    match Wanted::of(word) {
        Some(wanted @ (Wanted::Changes | Wanted::Count | Wanted::Nothing)) => Ok(Some(wanted)),
        _ => Err(ApiError::ViewUnknown),
    }
}
