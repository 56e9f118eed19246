//! What one message to a client says, taken apart.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::requests::Status;

/// What is told of a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub status: Status,
    /// Empty: none.
    pub data: Map<String, Value>,
}

/// All that is told of a room at one time.
pub type State = BTreeMap<String, Seen>;

/// The whole of a room after a commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    pub room: String,
    pub epoch: Rc<str>,
    pub seq: u64,
    pub digest: String,
    pub state: Rc<State>,
}

/// What a commit changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub room: String,
    pub seq: u64,
    /// That of the state after it.
    pub digest: String,
    pub joined: Vec<String>,
    pub left: Vec<String>,
    pub status: BTreeMap<String, Status>,
    /// Empty: none any more.
    pub data: BTreeMap<String, Map<String, Value>>,
}

/// What a message to one client says.
#[derive(Debug)]
pub enum Message {
    Roster(Whole),
    Change(Change),
    Count {
        room: String,
        seq: u64,
        count: u64,
    },
    /// All names, as clients of Socket.IO are told.
    List(BTreeSet<String>),
    /// The same with all that is known of each.
    Presence(Whole),
    Ok {
        /// In JSON.
        id: String,
        name: Option<String>,
        room: Option<String>,
    },
    Error {
        code: String,
        id: Option<String>,
        room: Option<String>,
    },
    /// What leads from a client's own copy to a commit.
    Resumed {
        epoch: Rc<str>,
        change: Change,
        bytes: usize,
    },
    /// The answer to `hello`.
    Welcome {
        id: Option<String>,
        /// Rooms in which it is somebody still.
        resumed: Vec<String>,
    },
    /// The server is about to go.
    Bye,
    /// The commit that whoever hears this was told of last, in a room.
    Pong {
        told: Option<(String, u64)>,
        name: Option<String>,
    },
    Other,
}

impl Message {
    /// Takes a message apart.
    pub fn parse(payload: &[u8]) -> Message {
        let value: Value = serde_json::from_slice(payload).expect("messages are JSON");
        let parts = value.as_array().expect("messages are arrays");
        assert_eq!(parts.len(), 2, "an event and one argument: {value}");
        let body = &parts[1];
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        let id = || body.get("id").map(Value::to_string);
        match parts[0].as_str() {
            Some("roster") => Message::Roster(Whole::of(body)),
            Some("presence") => Message::Presence(Whole::of(body)),
            Some("change") => match body["epoch"].as_str() {
                Some(epoch) => {
                    let (epoch, bytes) = (epoch.into(), payload.len());
                    Message::Resumed { epoch, change: Change::of(body), bytes }
                }
                None => Message::Change(Change::of(body)),
            },
            Some("welcome") => {
                Message::Welcome { id: text("client"), resumed: strings(&body["resumed"]) }
            }
            Some("bye") => Message::Bye,
            Some("count") => {
                let (seq, count) = (number(body, "seq"), number(body, "count"));
                Message::Count { room: room(body), seq, count }
            }
            Some("login") => Message::List(list(body)),
            Some("pong") => {
                let told = body["seq"].as_u64().map(|seq| (room(body), seq));
                Message::Pong { told, name: text("name") }
            }
            Some("ok") => {
                let id = id().expect("an answer has an id");
                Message::Ok { id, name: text("name"), room: text("room") }
            }
            Some("error") => {
                assert!(body["message"].is_string(), "{body}");
                let code = text("code").expect("codes are words");
                Message::Error { code, id: id(), room: text("room") }
            }
            _ => Message::Other,
        }
    }
}

impl Change {
    fn of(body: &Value) -> Change {
        Change {
            room: room(body),
            seq: number(body, "seq"),
            digest: digest(body),
            joined: names(&body["joined"]),
            left: names(&body["left"]),
            status: status(body),
            data: pairs(body, "data", |data| match data {
                Value::Null => Map::new(),
                data => object(data),
            }),
        }
    }
}

impl Whole {
    /// What is in a roster, or in the document that `GET /roster` gives.
    pub fn of(body: &Value) -> Whole {
        let names = names(&body["names"]);
        let seen = |name| (name, Seen::default());
        let mut state: State = names.into_iter().map(seen).collect();
        for (name, status) in status(body) {
            assert_ne!(status, Status::Active, "the default is left out: {body}");
            state.get_mut(&name).expect("its name is there").status = status;
        }
        for (name, data) in pairs(body, "data", object) {
            state.get_mut(&name).expect("its name is there").data = data;
        }
        let epoch = body["epoch"].as_str().expect("each making of a room has a mark");
        let is_mark =
            epoch.len() == 16 && epoch.bytes().all(|byte| b"0123456789abcdef".contains(&byte));
        assert!(is_mark, "{epoch} is no epoch");
        let (epoch, seq) = (epoch.into(), number(body, "seq"));
        Whole { room: room(body), epoch, seq, digest: digest(body), state: Rc::new(state) }
    }
}

/// The room, which is left out if it has no name.
fn room(body: &Value) -> String {
    let Some(room) = body.get("room") else { return String::new() };
    let room = room.as_str().expect("a room is a string");
    assert!(!room.is_empty(), "a room without a name is not said: {body}");
    room.to_owned()
}

fn digest(body: &Value) -> String {
    body["digest"].as_str().expect("each state has a digest").to_owned()
}

fn number(body: &Value, key: &str) -> u64 {
    body[key].as_u64().unwrap_or_else(|| panic!("{key} is a number: {body}"))
}

/// Names, which are in order, each once.
fn names(value: &Value) -> Vec<String> {
    let names = strings(value);
    assert!(names.is_sorted_by(|one, other| one < other), "in order, each once: {value}");
    names
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).expect("an array of strings")
}

/// The list of names that pages put into HTML.
fn list(value: &Value) -> BTreeSet<String> {
    let names: Vec<String> = serde_json::from_value(value.clone()).expect("names are strings");
    let names: Vec<String> = names.iter().map(|name| of_html(name)).collect();
    assert!(names.is_sorted_by(|one, other| one < other), "in order, each once: {value}");
    names.into_iter().collect()
}

fn of_html(text: &str) -> String {
    assert!(!text.contains(['<', '>', '"', '\'']), "{text} is more than text");
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (escaped, c)| text.replace(escaped, c))
}

fn status(body: &Value) -> BTreeMap<String, Status> {
    pairs(body, "status", |word| Status::of_word(word.as_str().expect("a status is a word")))
}

/// What is told by name under `key`, which is left out if there is nothing.
fn pairs<T>(body: &Value, key: &str, read: impl Fn(&Value) -> T) -> BTreeMap<String, T> {
    let Some(value) = body.get(key) else { return BTreeMap::new() };
    let all = value.as_object().expect("by name");
    assert!(!all.is_empty(), "what is empty is left out: {body}");
    all.iter().map(|(name, value)| (name.clone(), read(value))).collect()
}

fn object(value: &Value) -> Map<String, Value> {
    let data = value.as_object().expect("data are an object").clone();
    assert!(!data.is_empty(), "empty data are none");
    data
}
