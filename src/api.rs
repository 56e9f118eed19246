//! The events of headcount: JSON ↔ values.
//!
//! Each text message is a JSON array `[event, argument…]`. This module knows the words and their
//! arguments, and neither frames nor connections.

mod answers;
mod error;
mod hello;
mod wanted;

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::names::{Flaw, NameError};
use crate::presence::{Patch, Status, Update};

pub use answers::{Done, bye, error, ok, pong, push_error, welcome};
pub use error::ApiError;
pub use hello::{Hello, client_of_auth};
pub use wanted::{Has, Wanted};

/// The subprotocol that a client may ask for. It says `hello` first then.
pub const SUBPROTOCOL: &str = "headcount.v2";

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub action: Action,
    /// In which room; if that is not said, in that of the connection's URL.
    pub room: Option<String>,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// `["login", name, options?]`: this connection has that name in the room from now on.
    Login(String, Update),
    /// `["logout", options?]`: it has no name there any more.
    Logout,
    /// `["set", options]`: other data, or another status, beside the name.
    Set(Update),
    /// `["enter", options]`: one more room on this connection.
    Enter(Option<Wanted>, Has),
    /// `["exit", options?]`: out of a room.
    Exit,
    /// `["view", options]`: the room is told in another way.
    View(Wanted),
    /// `["hello", options]`: who this is, and what it has.
    Hello(Hello),
    /// `["ping"]`: is anybody there? For pages, which can't see the pings of the protocol.
    Ping,
}

/// A text message, as far as it is understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// What the client knows the request by, if it wants to know what came of it: a number or a
    /// string in JSON, as it was sent.
    pub id: Option<Box<str>>,
    /// The request, or why it is none.
    pub request: Result<Request, ApiError>,
}

impl Call {
    /// What is no message of ours.
    pub const INVALID: Call = Call { id: None, request: Err(ApiError::MessageInvalid) };
}

/// What may be said of a request beside its event and a name. What is not known is ignored: later
/// versions have more.
#[derive(Default, Deserialize)]
struct Options<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    room: Option<&'a RawValue>,
    #[serde(borrow)]
    view: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    /// `null` says something too.
    #[serde(borrow, default, deserialize_with = "hello::even_null")]
    at: Option<&'a RawValue>,
    #[serde(borrow)]
    client: Option<&'a RawValue>,
    #[serde(borrow)]
    rooms: Option<&'a RawValue>,
}

/// The longest id, in bytes of JSON.
const ID_BYTES_MAX: usize = 64;

/// Decodes a text message.
pub fn decode(message: &str, data_depth_max: u32) -> Call {
    // To keep a part as it is, serde_json makes no value of it, and does not recurse.
    let Ok(parts) = serde_json::from_str::<Vec<&RawValue>>(message) else { return Call::INVALID };
    let [event, arguments @ ..] = &parts[..] else { return Call::INVALID };
    let Some(event) = string(event) else { return Call::INVALID };
    let (name, options) = match (&*event, arguments) {
        (b"login", [name, options @ ..]) => (Some(*name), options),
        (b"login", []) => return Call::INVALID,
        (b"ping", options) if !options.is_empty() => return Call::INVALID,
        (b"logout" | b"set" | b"enter" | b"exit" | b"view" | b"hello" | b"ping", options) => {
            (None, options)
        }
        _ => return Call { id: None, request: Err(ApiError::EventUnknown) },
    };
    let options = match options {
        [] => Some(Options::default()),
        [options] => serde_json::from_str::<Option<Options<'_>>>(options.get())
            .ok()
            .filter(|_| options.get().starts_with(['{', 'n']))
            .map(Option::unwrap_or_default),
        _ => None,
    };
    let Some(options) = options else { return Call::INVALID };
    let id = match options.id.map(RawValue::get) {
        None => None,
        Some(id) if id.len() <= ID_BYTES_MAX && !id.starts_with(['{', '[', 't', 'f']) => {
            Some(id.into())
        }
        Some(_) => return Call::INVALID,
    };
    Call { id, request: request(&event, name, &options, data_depth_max) }
}

/// The request that an event with these arguments is.
fn request(
    event: &[u8],
    name: Option<&RawValue>,
    options: &Options<'_>,
    data_depth_max: u32,
) -> Result<Request, ApiError> {
    let room = options.room.map(|room| text(room, ApiError::Room)).transpose()?;
    let view =
        options.view.map(|view| word(view, &Wanted::ALL, ApiError::ViewUnknown)).transpose()?;
    let needed = ApiError::MessageInvalid;
    let action = match (event, name) {
        (b"login", Some(name)) => {
            Action::Login(text(name, ApiError::Name)?, options.update(data_depth_max)?)
        }
        (b"logout", _) => Action::Logout,
        (b"set", _) => Action::Set(options.update(data_depth_max)?),
        (b"enter", _) if room.is_none() => return Err(needed),
        (b"enter", _) => Action::Enter(view, options.at.map_or(Ok(Has::Unsaid), hello::copy)?),
        (b"hello", _) => Action::Hello(hello::hello(options.client, options.rooms, view)?),
        (b"exit", _) => Action::Exit,
        (b"view", _) => Action::View(view.ok_or(needed)?),
        _ => Action::Ping,
    };
    Ok(Request { action, room })
}

impl Options<'_> {
    fn update(&self, depth_max: u32) -> Result<Update, ApiError> {
        let words = Status::ALL.map(|status| (status, status.word()));
        let status =
            self.status.map(|status| word(status, &words, ApiError::StatusUnknown)).transpose()?;
        let data = self.data.map(|data| Patch::decode(data.get(), depth_max)).transpose();
        let data = data.map_err(ApiError::Data)?;
        Ok(Update { status, data: data.filter(|patch| !patch.is_empty()) })
    }
}

/// What the word `json` means; `unknown` if it means nothing.
fn word<T: Copy>(json: &RawValue, words: &[(T, &str)], unknown: ApiError) -> Result<T, ApiError> {
    let said = string(json).ok_or(unknown)?;
    let found = words.iter().find(|(_, word)| word.as_bytes() == said);
    found.map(|(meaning, _)| *meaning).ok_or(unknown)
}

/// The name that `json` is.
fn text(json: &RawValue, error: fn(NameError) -> ApiError) -> Result<String, ApiError> {
    let bytes = string(json).ok_or(ApiError::MessageInvalid)?;
    String::from_utf8(bytes).map_err(|_| error(NameError::Invalid(Flaw::HalfCharacter)))
}

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

#[cfg(test)]
mod tests {
    use crate::presence::DataError;

    use super::*;

    #[test]
    fn request_is_an_event_and_its_arguments() {
        use ApiError::{EventUnknown, MessageInvalid};
        let here = |action| Ok(Request { action, room: None });
        let login = |name: &str| here(Action::Login(name.into(), Update::default()));
        for (message, expected) in [
            (r#"["login", "Ada"]"#, login("Ada")),
            (r#" [ "login" , "\u674e\u96f7" ] "#, login("李雷")),
            (r#"["logout"]"#, here(Action::Logout)),
            (r#"["ping"]"#, here(Action::Ping)),
            (r#"["ping", 1]"#, Err(MessageInvalid)),
            (r#"["pong"]"#, Err(EventUnknown)),
            (r#"["login"]"#, Err(MessageInvalid)),
            (r#"["login", 7]"#, Err(MessageInvalid)),
            (r#"["login", "Ada", "Eve"]"#, Err(MessageInvalid)),
            (r#"["logout", null]"#, here(Action::Logout)),
            (r#"["logout", {}, {}]"#, Err(MessageInvalid)),
            (r#"["logout", []]"#, Err(MessageInvalid)),
            (r#"["exit"]"#, here(Action::Exit)),
            (r#"["enter"]"#, Err(MessageInvalid)),
            (r#"["view"]"#, Err(MessageInvalid)),
            (r#"["view", {"view": "count", "more": [{}]}]"#, here(Action::View(Wanted::Count))),
            (r#"["view", {"view": "all"}]"#, Err(ApiError::ViewUnknown)),
            (r#"["view", {"view": "count", "view": "none"}]"#, Err(MessageInvalid)),
            (r#"["set", {"status": "away"}]"#, Err(ApiError::StatusUnknown)),
            (r#"["set", {"data": []}]"#, Err(ApiError::Data(DataError::Invalid))),
            (r#"["set", {"data": {"a": [[[[]]]]}}]"#, Err(ApiError::Data(DataError::TooLarge))),
            (r#"["set", {"data": null, "status": null}]"#, here(Action::Set(Update::default()))),
            (r#"["Login", "Ada"]"#, Err(EventUnknown)),
            (r#"["roster", {}]"#, Err(EventUnknown)),
            (r#"[]"#, Err(MessageInvalid)),
            (r#"[7]"#, Err(MessageInvalid)),
            (r#"{"login": "Ada"}"#, Err(MessageInvalid)),
            (r#""login""#, Err(MessageInvalid)),
            (r#"["login", "\ud83d\ude00"]"#, login("😀")),
            (r#"["\u006cogin", "Ada"]"#, login("Ada")),
            (r#"["login", [65, 100, 97]]"#, Err(MessageInvalid)),
            (r#"["login", null]"#, Err(MessageInvalid)),
            (r#"[[108], "Ada"]"#, Err(MessageInvalid)),
            (r#"["login", "Ada\n\x"]"#, Err(MessageInvalid)),
            ("[\"login\", \"A\tda\"]", Err(MessageInvalid)),
            (r#"["login", "Ada"] x"#, Err(MessageInvalid)),
            ("", Err(MessageInvalid)),
        ] {
            assert_eq!(decode(message, 4).request, expected, "{message}");
        }
        assert_eq!(decode(&"[".repeat(16 * 1024), 4), Call::INVALID);
    }

    const ROOM_OF_HALF: ApiError = ApiError::Room(NameError::Invalid(Flaw::HalfCharacter));
    const HALF_CHARACTER: ApiError = ApiError::Name(NameError::Invalid(Flaw::HalfCharacter));

    #[test]
    fn request_names_its_room_and_its_id_is_kept_as_it_was_sent() {
        let call = decode(r#"["enter", {"room": "\u0061", "id": 1.50, "view": null}]"#, 4);
        let room = Some("a".to_owned());
        let request = Ok(Request { action: Action::Enter(None, Has::Unsaid), room });
        assert_eq!(call, Call { id: Some("1.50".into()), request });
        let call = decode(r#"["login", "", {"id": "\u0041", "data": {"a": {"a": 1, "a": 2}}}]"#, 4);
        let request = Err(ApiError::Data(DataError::Invalid));
        assert_eq!(call, Call { id: Some(r#""\u0041""#.into()), request });
        for id in ["true", "{}", "[]", &format!("\"{}\"", "x".repeat(63))] {
            assert_eq!(decode(&format!(r#"["logout",{{"id":{id}}}]"#), 4), Call::INVALID, "{id}");
        }
        let longest = format!("\"{}\"", "x".repeat(62));
        let call = decode(&format!(r#"["logout",{{"id":{longest}}}]"#), 4);
        assert_eq!(call.id.as_deref(), Some(&*longest));
    }

    #[test]
    fn half_a_character_is_a_flaw_of_the_name_and_of_nothing_else() {
        for half in [r"\ud83d", r"\ude00", r"\ude00\ud83d", r"\uD83D\uD83D", r"\ud83d\u0041"] {
            for name in [half.to_owned(), format!("Ann {half}"), format!("A{half}nn {half}")] {
                let login = decode(&format!(r#"["login","{name}"]"#), 4).request;
                assert_eq!(login, Err(HALF_CHARACTER), "{name}");
            }
            for (message, expected) in [
                (format!(r#"["{half}"]"#), ApiError::EventUnknown),
                (format!(r#"["login{half}","Ann"]"#), ApiError::EventUnknown),
                (format!(r#"["shout",{{"{half}":["{half}"]}}]"#), ApiError::EventUnknown),
                (format!(r#"["login","Ann","{half}"]"#), ApiError::MessageInvalid),
                (format!(r#"["login",["{half}"]]"#), ApiError::MessageInvalid),
                (format!(r#"["logout","{half}"]"#), ApiError::MessageInvalid),
                (format!(r#"["exit",{{"room":"{half}"}}]"#), ROOM_OF_HALF),
                (
                    format!(r#"["set",{{"data":{{"{half}":1}}}}]"#),
                    ApiError::Data(DataError::Invalid),
                ),
                (format!(r#"["set",{{"status":"{half}"}}]"#), ApiError::StatusUnknown),
                (format!(r#"{{"login":"{half}"}}"#), ApiError::MessageInvalid),
            ] {
                assert_eq!(decode(&message, 4).request, Err(expected), "{message}");
            }
        }
        for broken in [r"\ud83", r"\ud83d\u", r"\ud83d\ude0", r"\u{d83d}", r"\uddx0"] {
            let login = decode(&format!(r#"["login","{broken}"]"#), 4).request;
            assert_eq!(login, Err(ApiError::MessageInvalid), "{broken}");
        }
    }
}
