//! What one client alone is told.

use crate::presence::message::{begun, push_digest, push_json, push_names};
use crate::presence::{ClientId, Digest, Name, Seq};

use super::error::ApiError;

/// `["pong", {"room": …, "seq": …, "digest": …, "name": …}]`: the reply to a ping. Commit `seq` of
/// the room is the last that was sent before it, and `name` is the client's own there, if it has
/// one. A client that is told no changes has none to compare.
pub fn pong(told: Option<(&str, Seq, Option<Digest>)>, name: Option<&str>) -> Vec<u8> {
    let Some((room, seq, digest)) = told else { return b"[\"pong\",{}]".to_vec() };
    let mut out = begun("pong", room, seq);
    if let Some(digest) = digest {
        push_digest(digest, &mut out);
    }
    if let Some(name) = name {
        out.extend_from_slice(b",\"name\":");
        push_json(name, &mut out);
    }
    out.extend_from_slice(b"}]");
    out
}

/// `["welcome", {"client": …, "resumed": […]}]`: the answer to `hello`, with the rooms in which the
/// client is still somebody.
pub fn welcome<'a>(client: Option<ClientId>, resumed: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut out = b"[\"welcome\",{".to_vec();
    if let Some(client) = client {
        out.extend_from_slice(b"\"client\":");
        push_json(&client.to_string(), &mut out);
        out.push(b',');
    }
    out.extend_from_slice(b"\"resumed\":");
    push_names(resumed, &mut out);
    out.extend_from_slice(b"}]");
    out
}

/// `["bye", {"retry_ms": …}]`: the server is about to close. Clients come back after a random time
/// up to that long.
pub fn bye(retry_ms: u32) -> Vec<u8> {
    format!("[\"bye\",{{\"retry_ms\":{retry_ms}}}]").into_bytes()
}

/// What came of a request that was done, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing that the client does not know.
    Plain,
    /// It has an answer of its own, which may come later.
    Hello,
    /// A login: under this name.
    Login(Name),
    /// A room was entered: the one of this name.
    Enter(Name),
}

/// `["ok", {"id": …, "name": …, "room": …}]`: the request with this id was done.
pub fn ok(id: &str, done: &Done) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(b"[\"ok\",{\"id\":");
    out.extend_from_slice(id.as_bytes());
    match done {
        Done::Plain | Done::Hello => {}
        Done::Login(name) => {
            out.extend_from_slice(b",\"name\":");
            push_json(&**name, &mut out);
        }
        Done::Enter(room) => {
            out.extend_from_slice(b",\"room\":");
            push_json(&**room, &mut out);
        }
    }
    out.extend_from_slice(b"}]");
    out
}

/// `["error", {"code": …, "message": …, "id": …, "room": …}]`: a request was refused: the one that
/// had this id, for the room that it named.
pub fn error(error: ApiError, id: Option<&str>, room: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"[\"error\",");
    push_error(error, &mut out);
    // Before the brace that ends the error.
    out.pop();
    if let Some(id) = id {
        out.extend_from_slice(b",\"id\":");
        out.extend_from_slice(id.as_bytes());
    }
    if let Some(room) = room {
        out.extend_from_slice(b",\"room\":");
        push_json(room, &mut out);
    }
    out.extend_from_slice(b"}]");
    out
}

/// Appends `{"code": …, "message": …}`.
pub fn push_error(error: ApiError, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"code\":");
    push_json(error.code(), out);
    out.extend_from_slice(b",\"message\":");
    push_json(&error.to_string(), out);
    out.push(b'}');
}
