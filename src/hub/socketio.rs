//! Requests of Socket.IO: for a connection, and for the script that opens one.

use crate::config::Application;
use crate::connection::{ConnectionId, Purpose};
use crate::http::{RequestHead, Response};
use crate::socketio::Service;
use crate::socketio::handshake::{self, Refusal};
use crate::time::Time;

use super::Hub;
use super::requests::Answer;

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

impl Hub {
    /// What there is at `path` for clients of Socket.IO or Engine.IO.
    pub(super) fn service(&self, path: &str) -> Option<Service> {
        match (path, self.config.application) {
            ("/socket.io/", Application::Roster) => Some(Service::Roster),
            ("/socket.io/", Application::Suite) => Some(Service::Suite),
            ("/engine.io/", Application::Suite) => Some(Service::Echo),
            _ => None,
        }
    }

    /// Opens a connection, or says why not.
    pub(super) fn open_engine(
        &mut self,
        id: ConnectionId,
        head: &RequestHead<'_>,
        service: Service,
        now: Time,
    ) -> Result<(), Answer> {
        handshake::accept(head, self.allows_origin(head))
            .map_err(|refusal| self.engine_refusal(refusal, head))?;
        self.upgrade(id, head, Purpose::SocketIo(service), now)
    }

    fn engine_refusal(&self, refusal: Refusal, head: &RequestHead<'_>) -> Answer {
        let body = refusal.encode();
        let response = Response::new(refusal.status(), &self.date)
            .content_type("application/json")
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        // A page of another origin could not read why otherwise.
        let response = self.share(response, head);
        Answer { response, body: body.into(), connection: Some("close") }
    }
}
