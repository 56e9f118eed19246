//! Requests of Socket.IO: for a connection, and for the script that opens one.

use crate::connection::{Connection, Protocol};
use crate::http::{RequestHead, ResponseHead};
use crate::socketio::handshake::{self, Refusal};
use crate::time::Time;

use super::context::Context;
use super::response::Response;

/// The path of the file that is served under `path`: pages ask for the client where socket.io has
/// it. One with another parser looks the same to a page, and the wire is between the client and us.
pub(super) fn asset_path(path: &str) -> &str {
    match path {
        "/socket.io/socket.io.js"
        | "/socket.io/socket.io.min.js"
        | "/socket.io/socket.io.msgpack.min.js" => "/socket.io.js",
        "/socket.io/socket.io.esm.min.js" => "/socket.io.esm.js",
        _ => path,
    }
}

impl Context {
    /// Opens a session of Engine.IO, or says why not.
    pub(super) fn open_socket_io(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        now: Time,
    ) -> Result<(), Response> {
        handshake::accept(head, self.allows_origin(head)).map_err(|refusal| {
            if refusal == Refusal::Forbidden {
                self.note_refused_origin(connection, head);
            }
            self.engine_refusal(refusal, head)
        })?;
        self.check_asker(connection, head)?;
        let deflate = self.shake_hands(connection, head, None)?;
        let protocol =
            Protocol::socket_io(connection.id, &mut connection.outbox, &self.config, now);
        connection.open(protocol, deflate, &self.config, now);
        Ok(())
    }

    fn engine_refusal(&self, refusal: Refusal, head: &RequestHead<'_>) -> Response {
        let body = refusal.encode();
        let response = ResponseHead::new(refusal.status(), &self.date)
            .content_type("application/json")
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        // A page of another origin could not read why otherwise.
        let response = self.share(response, head);
        Response { head: response, body: body.into(), connection: Some("close") }
    }
}
