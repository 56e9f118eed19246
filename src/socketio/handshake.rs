//! A request for Engine.IO: a session is opened, or the response says why not.

use std::fmt;

use crate::http::{Method, RequestHead, Status};
use crate::presence::ClientId;

use super::client::Transport;
use super::engine::Engine;

/// Why no session is opened. The numbers are Engine.IO's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// `transport` is not there, or is none that is served. Nor is JSONP, a kind of polling.
    TransportUnknown = 0,
    /// `sid` is not that of a session.
    SessionUnknown = 1,
    /// A session is opened with GET.
    BadMethod = 2,
    /// `Origin` is malformed, or the request is not of the transport that it names, or that the
    /// session has.
    BadRequest = 3,
    /// Pages of this origin may not connect.
    Forbidden = 4,
    /// `EIO` is not there, or is no version that is served.
    UnsupportedVersion = 5,
}

impl Refusal {
    /// The status of the response.
    pub const fn status(self) -> Status {
        match self {
            Refusal::Forbidden => Status::Forbidden,
            _ => Status::BadRequest,
        }
    }

    /// The body of the response, in JSON.
    pub fn encode(self) -> Vec<u8> {
        format!("{{\"code\":{},\"message\":\"{self}\"}}", self as u8).into_bytes()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::TransportUnknown => "Transport unknown",
            Refusal::SessionUnknown => "Session ID unknown",
            Refusal::BadMethod => "Bad handshake method",
            Refusal::BadRequest => "Bad request",
            Refusal::Forbidden => "Forbidden",
            Refusal::UnsupportedVersion => "Unsupported protocol version",
        })
    }
}

impl std::error::Error for Refusal {}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A new session of this version, that begins with this transport.
    Open(Transport, Engine),
    /// The session of this number, by this transport.
    Continue(u32, Transport),
}

/// Reads what a request asks for. `session` finds the number of a session by its id.
///
/// The faults are looked for in the order of the reference, but for the version, which it looks at
/// only when a WebSocket is open.
pub fn ask(
    head: &RequestHead<'_>,
    allows_origin: bool,
    allows_v3: bool,
    session: impl FnOnce(&str, Transport) -> Option<u32>,
) -> Result<Ask, Refusal> {
    let transport = match parameter(head.query, "transport") {
        Some("polling") if values(head.query, "j").next().is_none() => Transport::Polling,
        Some("websocket") => Transport::WebSocket,
        _ => return Err(Refusal::TransportUnknown),
    };
    let origin = head.single("origin").map_err(|_| Refusal::BadRequest)?;
    let is_text =
        |origin: &[u8]| origin.iter().all(|&byte| byte.is_ascii_graphic() || byte == b' ');
    if !origin.is_none_or(is_text) {
        return Err(Refusal::BadRequest);
    }
    let has_sid = values(head.query, "sid").any(|sid| !sid.is_empty());
    let session = match parameter(head.query, "sid").filter(|sid| !sid.is_empty()) {
        _ if !has_sid => None,
        Some(sid) => Some(session(sid, transport).ok_or(Refusal::SessionUnknown)?),
        None => return Err(Refusal::SessionUnknown),
    };
    if session.is_none() && head.method != Method::Get {
        return Err(Refusal::BadMethod);
    }
    if head.has_token("upgrade", "websocket") != (transport == Transport::WebSocket) {
        return Err(Refusal::BadRequest);
    }
    if !allows_origin {
        return Err(Refusal::Forbidden);
    }
    match session {
        Some(session) => Ok(Ask::Continue(session, transport)),
        None => match parameter(head.query, "EIO") {
            Some("4") => Ok(Ask::Open(transport, Engine::V4)),
            Some("3") if allows_v3 => Ok(Ask::Open(transport, Engine::V3)),
            _ => Err(Refusal::UnsupportedVersion),
        },
    }
}

/// The client that a query names, if it has one of ours in it. A client of v3 has no other way to
/// say who it is.
pub fn client_of(query: &str) -> Option<ClientId> {
    ClientId::parse(parameter(query, "client")?)
}

/// The value of a parameter that is there once. None of those that matter here has a value that
/// would have to be decoded.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut values = values(query, name);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

fn values<'a>(query: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.filter(move |(other, _)| *other == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_is_there_once() {
        for (query, expected) in [
            ("EIO=4", Some("4")),
            ("t=abc&EIO=4&x", Some("4")),
            ("EIO=", Some("")),
            ("EIO", Some("")),
            ("EIO=4=4", Some("4=4")),
            ("eio=4", None),
            ("EIO=4&EIO=4", None),
            ("xEIO=4", None),
            ("", None),
        ] {
            assert_eq!(parameter(query, "EIO"), expected, "{query}");
        }
    }
}
