//! The events of headcount: JSON ↔ values.
//!
//! Each text message is a JSON array `[event, argument…]`. This module knows the words and their
//! arguments, and neither frames nor connections.

use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::names::{Flaw, NameError};
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
            ApiError::Name(NameError::Invalid(_)) => "name_invalid",
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
    // To keep a part as it is, serde_json makes no value of it, and does not recurse.
    let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(message) else {
        return Err(ApiError::MessageInvalid);
    };
    let [event, arguments @ ..] = &parts[..] else { return Err(ApiError::MessageInvalid) };
    let event = string(event).ok_or(ApiError::MessageInvalid)?;
    match (&*event, arguments) {
        (b"login", [name]) => {
            let name = string(name).ok_or(ApiError::MessageInvalid)?;
            String::from_utf8(name).map(Request::Login).map_err(|_| HALF_CHARACTER)
        }
        (b"logout", []) => Ok(Request::Logout),
        (b"ping", []) => Ok(Request::Ping),
        (b"login" | b"logout" | b"ping", _) => Err(ApiError::MessageInvalid),
        _ => Err(ApiError::EventUnknown),
    }
}

const HALF_CHARACTER: ApiError = ApiError::Name(NameError::Invalid(Flaw::HalfCharacter));

/// The string that `json` is, if it is one.
///
/// RFC 8259 §8.2: JSON can escape half a surrogate pair, which is no Unicode text. A script makes
/// one when it cuts a string. So a string is decoded as bytes, and those are UTF-8 if and only if
/// there is no such half in it.
fn string(json: &RawValue) -> Option<Vec<u8>> {
    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }

    serde_json::Deserializer::from_str(json.get()).deserialize_bytes(Bytes).ok()
}

/// `["pong", {"seq": …, "name": …}]`: the reply to a ping. Commit `seq` is the last that was sent
/// before it, and `name` is the client's own, if it has one.
pub fn pong(seq: Seq, name: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    out.extend_from_slice(b"[\"pong\",{\"seq\":");
    push_json(&seq.as_u64(), &mut out);
    if let Some(name) = name {
        out.extend_from_slice(b",\"name\":");
        push_json(name, &mut out);
    }
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
            (r#"["login", "\ud83d\ude00"]"#, Ok(Request::Login("😀".into()))),
            (r#"["\u006cogin", "Ada"]"#, Ok(Request::Login("Ada".into()))),
            (r#"["login", [65, 100, 97]]"#, Err(MessageInvalid)),
            (r#"["login", null]"#, Err(MessageInvalid)),
            (r#"[[108], "Ada"]"#, Err(MessageInvalid)),
            (r#"["login", "Ada\n\x"]"#, Err(MessageInvalid)),
            ("[\"login\", \"A\tda\"]", Err(MessageInvalid)),
            (r#"["login", "Ada"] x"#, Err(MessageInvalid)),
            ("", Err(MessageInvalid)),
        ] {
            assert_eq!(decode(message), expected, "{message}");
        }
        assert_eq!(decode(&"[".repeat(16 * 1024)), Err(MessageInvalid));
    }

    #[test]
    fn half_a_character_is_a_flaw_of_the_name_and_of_nothing_else() {
        for half in [r"\ud83d", r"\ude00", r"\ude00\ud83d", r"\uD83D\uD83D", r"\ud83d\u0041"] {
            for name in [half.to_owned(), format!("Ann {half}"), format!("A{half}nn {half}")] {
                let login = decode(&format!(r#"["login","{name}"]"#));
                assert_eq!(login, Err(HALF_CHARACTER), "{name}");
            }
            for (message, expected) in [
                (format!(r#"["{half}"]"#), ApiError::EventUnknown),
                (format!(r#"["login{half}","Ann"]"#), ApiError::EventUnknown),
                (format!(r#"["shout",{{"{half}":["{half}"]}}]"#), ApiError::EventUnknown),
                (format!(r#"["login","Ann","{half}"]"#), ApiError::MessageInvalid),
                (format!(r#"["login",["{half}"]]"#), ApiError::MessageInvalid),
                (format!(r#"["logout","{half}"]"#), ApiError::MessageInvalid),
                (format!(r#"{{"login":"{half}"}}"#), ApiError::MessageInvalid),
            ] {
                assert_eq!(decode(&message), Err(expected), "{message}");
            }
        }
        for broken in [r"\ud83", r"\ud83d\u", r"\ud83d\ude0", r"\u{d83d}", r"\uddx0"] {
            let login = decode(&format!(r#"["login","{broken}"]"#));
            assert_eq!(login, Err(ApiError::MessageInvalid), "{broken}");
        }
    }
}
