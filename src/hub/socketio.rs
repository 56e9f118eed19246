//! Requests of Socket.IO: for a connection, and for the script that opens one.

use crate::connection::{Connection, Identity, Protocol};
use crate::http::{Method, RequestHead};
use crate::presence::ClientId;
use crate::socketio::handshake::{self, Ask, Refusal};
use crate::socketio::{Engine, MAIN, Sids, Transport};
use crate::time::Time;

use super::context::Context;
use super::response::Response;

/// Where requests of Engine.IO go.
pub(super) const SOCKET_IO: &str = "/socket.io/";

/// Its methods.
const METHODS: &str = "GET, POST, OPTIONS";

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
    /// A request for `/socket.io/`: it opens a session, is of one, or gets this response.
    pub(super) fn ask_socket_io(
        &mut self,
        connection: &mut Connection,
        head: &RequestHead<'_>,
        content: Vec<u8>,
        keeps_alive: bool,
        now: Time,
    ) -> Result<(), Response> {
        if head.method == Method::Options {
            return Err(self.socket_io_options(connection, head));
        }
        match self.check_socket_io(connection, head)? {
            Ask::Open(Transport::Polling, engine) => {
                self.sessions.ask_for_one(connection.id, engine, client(engine, head));
                connection.await_answer(keeps_alive, self.sharing(head));
                Ok(())
            }
            Ask::Continue(session, Transport::Polling) => {
                self.poll_or_post(connection, head, session, content, keeps_alive)
            }
            Ask::Open(Transport::WebSocket, engine) => {
                let deflate = self.shake_hands(connection, head, None)?;
                let (id, outbox, by) =
                    (connection.id, &mut connection.outbox, Transport::WebSocket);
                let protocol = Protocol::socket_io(id, (by, engine), outbox, &self.config, now);
                connection.open(protocol, deflate, &self.config, now);
                self.greet(connection, client(engine, head), now);
                Ok(())
            }
            Ask::Continue(session, Transport::WebSocket) => {
                let deflate = self.shake_hands(connection, head, None)?;
                let protocol = Protocol::upgrading(&self.config, now);
                connection.open(protocol, deflate, &self.config, now);
                connection.identify(Identity::Carrier(session));
                self.sessions.offer_upgrade(session, connection.id);
                Ok(())
            }
        }
    }

    /// A session is open, for this client if it has an id. In v3 it is in the main namespace
    /// without having asked for that.
    pub(super) fn greet(
        &mut self,
        connection: &mut Connection,
        client: Option<ClientId>,
        now: Time,
    ) {
        if connection.engine() == Engine::V3 {
            self.be(connection, client);
            self.join(connection, MAIN, now);
        }
    }

    /// Which methods there are: a browser asks before a page of another origin makes a request with
    /// fields of its own. One that may not connect is told so here, or nobody would know why.
    fn socket_io_options(&mut self, connection: &Connection, head: &RequestHead<'_>) -> Response {
        if !self.allows_origin(head) {
            self.note_refused_origin(connection, head);
            return self.engine_refusal(Refusal::Forbidden, head);
        }
        Response { connection: leads_away(head), ..self.options_response(head, METHODS) }
    }

    /// What a request for `/socket.io/` asks for, if it may.
    pub(super) fn check_socket_io(
        &mut self,
        connection: &Connection,
        head: &RequestHead<'_>,
    ) -> Result<Ask, Response> {
        self.ask(head).map_err(|refusal| {
            if refusal == Refusal::Forbidden {
                self.note_refused_origin(connection, head);
            }
            self.engine_refusal(refusal, head)
        })
    }

    /// What a request for `/socket.io/` asks for, or what is wrong with it.
    pub(super) fn ask(&self, head: &RequestHead<'_>) -> Result<Ask, Refusal> {
        let (allows_origin, allows_v3) = (self.allows_origin(head), self.config.allows_eio3);
        handshake::ask(head, allows_origin, allows_v3, |sid, transport| {
            let session = Sids::session(&self.config.secret, sid)?;
            self.sessions.admits(session, transport).then_some(session)
        })
    }

    /// Why a request is refused, in the words of Engine.IO.
    pub(super) fn engine_refusal(&self, refusal: Refusal, head: &RequestHead<'_>) -> Response {
        let mut response = self.engine_response(refusal);
        // A page of another origin could not read why otherwise.
        response.head = self.sharing(head).add_with_credentials_to(response.head);
        Response { connection: leads_away(head), ..response }
    }
}

/// Who a client of v3 says it is when it opens a session. Those of v4 say it when they connect.
fn client(engine: Engine, head: &RequestHead<'_>) -> Option<ClientId> {
    match engine {
        Engine::V3 => handshake::client_of(head.query),
        Engine::V4 => None,
    }
}

/// What follows a request for another protocol is not looked at.
fn leads_away(head: &RequestHead<'_>) -> Option<&'static str> {
    head.values("upgrade").next().is_some().then_some("close")
}
