//! The events of headcount: JSON ↔ values.
//!
//! Each text message is a JSON array `[event, argument…]`. This module knows the words and their
//! arguments, and neither frames nor connections.

use std::fmt;

use serde_json::Value;

use crate::names::NameError;
use crate::presence::Seq;
use crate::presence::message::push_json;

/// The subprotocol that a client may ask for.
pub const SUBPROTOCOL: &str = "headcount.v1";

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// `["login", name]`: this connection has that name from now on.
    Login(String),
    /// `["logout"]`: this connection has no name any more.
    Logout,
    /// `["ping"]`: is anybody there? For pages, which can't see the pings of the protocol.
    Ping,
}

/// Why a request is refused. The connection stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The message is no JSON array that starts with a string, or has the wrong arguments.
    MessageInvalid,
    /// No such event.
    EventUnknown,
    /// The name is none.
    Name(NameError),
    /// Too many changes of name in a minute.
    RateLimited,
}

impl ApiError {
    /// The name of the error on the wire, which does not change.
    pub const fn code(self) -> &'static str {
        match self {
            ApiError::MessageInvalid => "message_invalid",
            ApiError::EventUnknown => "event_unknown",
            ApiError::Name(NameError::Empty) => "name_empty",
            ApiError::Name(NameError::TooLong) => "name_too_long",
            ApiError::Name(NameError::Invalid) => "name_invalid",
            ApiError::RateLimited => "rate_limited",
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ApiError::MessageInvalid => {
                "A message is a JSON array: [\"login\", name], [\"logout\"] or [\"ping\"]."
            }
            ApiError::EventUnknown => "The events are \"login\", \"logout\" and \"ping\".",
            ApiError::Name(error) => return error.fmt(f),
            ApiError::RateLimited => "Too many changes of name. Please wait a minute.",
        })
    }
}

impl std::error::Error for ApiError {}

/// Decodes a text message.
pub fn decode(message: &str) -> Result<Request, ApiError> {
    // serde_json does not recurse deeper than 128 levels.
    let Ok(Value::Array(mut parts)) = serde_json::from_str(message) else {
        return Err(ApiError::MessageInvalid);
    };
    match &mut parts[..] {
        [Value::String(event), arguments @ ..] => match (event.as_str(), arguments) {
            ("login", [Value::String(name)]) => Ok(Request::Login(std::mem::take(name))),
            ("logout", []) => Ok(Request::Logout),
            ("ping", []) => Ok(Request::Ping),
            ("login" | "logout" | "ping", _) => Err(ApiError::MessageInvalid),
            _ => Err(ApiError::EventUnknown),
        },
        _ => Err(ApiError::MessageInvalid),
    }
}

/// `["pong", {"seq": …}]`: the answer to a ping; commit `seq` is the last that was sent before it.
pub fn pong(seq: Seq) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    out.extend_from_slice(b"[\"pong\",{\"seq\":");
    push_json(&seq.as_u64(), &mut out);
    out.extend_from_slice(b"}]");
    out
}

/// `["error", {"code": …, "message": …}]`: the last request was refused.
pub fn error(error: ApiError) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"[\"error\",");
    push_error(error, &mut out);
    out.push(b']');
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_an_event_and_its_arguments() {
        use ApiError::{EventUnknown, MessageInvalid};
        for (message, expected) in [
            (r#"["login", "Ada"]"#, Ok(Request::Login("Ada".into()))),
            (r#" [ "login" , "\u674e\u96f7" ] "#, Ok(Request::Login("李雷".into()))),
            (r#"["logout"]"#, Ok(Request::Logout)),
            (r#"["ping"]"#, Ok(Request::Ping)),
            (r#"["ping", 1]"#, Err(MessageInvalid)),
            (r#"["pong"]"#, Err(EventUnknown)),
            (r#"["login"]"#, Err(MessageInvalid)),
            (r#"["login", 7]"#, Err(MessageInvalid)),
            (r#"["login", "Ada", "Eve"]"#, Err(MessageInvalid)),
            (r#"["logout", null]"#, Err(MessageInvalid)),
            (r#"["Login", "Ada"]"#, Err(EventUnknown)),
            (r#"["roster", {}]"#, Err(EventUnknown)),
            (r#"[]"#, Err(MessageInvalid)),
            (r#"[7]"#, Err(MessageInvalid)),
            (r#"{"login": "Ada"}"#, Err(MessageInvalid)),
            (r#""login""#, Err(MessageInvalid)),
            (r#"["login", "\ud800"]"#, Err(MessageInvalid)),
            (r#"["login", "Ada"] x"#, Err(MessageInvalid)),
            ("", Err(MessageInvalid)),
        ] {
            assert_eq!(decode(message), expected, "{message}");
        }
        assert_eq!(decode(&"[".repeat(16 * 1024)), Err(MessageInvalid));
    }
}
