//! What one client alone is told.

use crate::presence::message::{begun, push_json};
use crate::presence::{Name, Seq};

use super::error::ApiError;

/// `["pong", {"room": …, "seq": …, "name": …}]`: the reply to a ping. Commit `seq` of the room is
/// the last that was sent before it, and `name` is the client's own there, if it has one. A client
/// that is told no changes has none to compare.
pub fn pong(told: Option<(&str, Seq)>, name: Option<&str>) -> Vec<u8> {
    let Some((room, seq)) = told else { return b"[\"pong\",{}]".to_vec() };
    let mut out = begun("pong", room, seq);
    if let Some(name) = name {
        out.extend_from_slice(b",\"name\":");
        push_json(name, &mut out);
    }
    out.extend_from_slice(b"}]");
    out
}

/// What came of a request that was done, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Nothing that the client does not know.
    Plain,
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
        Done::Plain => {}
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
