//! What clients ask for in rooms, and in which words.

use std::rc::Rc;

use serde_json::Value;

use super::rosters::At;

/// How present somebody says to be. The most active is the least, and the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    #[default]
    Active,
    Idle,
    Hidden,
}

/// What somebody wants to be told of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Changes,
    Count,
    Nothing,
    /// Of Socket.IO: the list of names.
    Names,
    /// Of Socket.IO: the list with all that is known of each.
    Presence,
}

/// What somebody says of itself beside a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    pub status: Option<Status>,
    /// Keys and their values in JSON, or none any more.
    pub data: Vec<(&'static str, Option<String>)>,
    /// One of [`FLAWS`], in place of the data.
    pub flaw: Option<usize>,
}

/// A name, as it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    pub said: String,
    /// As it is told, or the code of what is wrong with it.
    pub canonical: Result<String, &'static str>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub act: Act,
    /// One of [`ROOMS`]; none: that of the URL.
    pub room: Option<usize>,
    /// Whether it is to be answered in any case.
    pub has_id: bool,
    /// What the client says that it has, when it enters a room.
    pub at: Option<Has>,
}

/// What a client says that it has of a room: nothing, or a copy.
pub type Has = Option<Rc<Named>>;

/// A copy, as it is named.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// In JSON.
    pub said: String,
    /// The commit whose outcome it is, if it is one that was told.
    pub of: Option<At>,
}

/// What a client says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub id: Option<String>,
    pub view: Option<View>,
    /// Rooms, and what it has of each.
    pub rooms: Vec<(usize, Has)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The connection opens, in the room of the URL and with the view that it says.
    Open(Option<View>),
    /// It says who it is. The room is that of the URL.
    Hello(Hello),
    Login(Naming, Update),
    Logout,
    Set(Update),
    Enter(Option<View>),
    Exit,
    View(View),
    Ping,
    /// One of [`BAD`].
    Bad(usize),
}

/// Rooms, as they are said, and as they are told if there may be such a room. Those that may be a
/// namespace of Socket.IO, and are canonical, come first.
pub const ROOMS: [(&str, Option<&str>); 11] = [
    ("", Some("")),
    ("doc-1", Some("doc-1")),
    ("a b", Some("a b")),
    ("李雷", Some("李雷")),
    ("a/b", Some("a/b")),
    ("Ren\u{e9}", Some("Ren\u{e9}")),
    ("Rene\u{301}", Some("Ren\u{e9}")),
    (" a  b ", Some("a b")),
    ("a\u{202e}b", None),
    ("a room whose name is longer than sixty-four characters, by one or so", None),
    ("nobody is here", Some("nobody is here")),
];

/// The first of [`ROOMS`] that is said in a form that is not canonical.
pub const ALIASES: usize = 6;

/// The first of [`ROOMS`] that there can't be.
pub const IMPOSSIBLE: usize = 8;

/// The one of [`ROOMS`] that nobody enters in the storm.
pub const EMPTY_ROOM: usize = 10;

/// Data that are refused, and the codes that may say so.
pub const FLAWS: [(&str, &[&str]); 6] = [
    ("[]", &["data_invalid"]),
    (r#"{"a":1,"\u0061":2}"#, &["data_invalid"]),
    (r#"{"b":[{"__proto__":1}]}"#, &["data_invalid"]),
    (r#"{"a":[[[[[[[[[[1]]]]]]]]]]}"#, &["data_invalid", "data_too_large"]),
    (r#"{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1}"#, &["data_too_large"]),
    (LONG, &["data_too_large"]),
];

/// Two values of which each fits.
const LONG: &str = concat!(
    "{\"a\":\"",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "\",\"b\":\"",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "a value of about six hundred bytes, of which there are not two in what one member says. ",
    "\"}",
);

/// Requests that are wrong wherever they are made: the event and its arguments, the options, the
/// code, and whether the id is understood.
pub const BAD: [(&str, &str, &str, bool); 6] = [
    (r#""nonsense""#, "", "event_unknown", false),
    (r#""set""#, r#""status":"away""#, "message_invalid", true),
    (r#""view""#, r#""view":"all""#, "message_invalid", true),
    (r#""view""#, "", "message_invalid", true),
    (r#""login""#, "", "message_invalid", false),
    (r#""logout",{},{}"#, "", "message_invalid", false),
];

impl Status {
    pub fn word(self) -> &'static str {
        ["active", "idle", "hidden"][self as usize]
    }

    pub fn of_word(word: &str) -> Status {
        let all = [Status::Active, Status::Idle, Status::Hidden];
        let found = all.into_iter().find(|status| status.word() == word);
        found.unwrap_or_else(|| panic!("{word} is no status"))
    }
}

impl View {
    pub fn word(self) -> &'static str {
        ["changes", "count", "none", "names", "presence"][self as usize]
    }
}

impl Update {
    fn push_to(&self, options: &mut Vec<String>) {
        options.extend(self.status.map(|status| format!("\"status\":\"{}\"", status.word())));
        if let Some(flaw) = self.flaw {
            options.push(format!("\"data\":{}", FLAWS[flaw].0));
        } else if !self.data.is_empty() {
            let pair = |(key, json): &(&str, Option<String>)| {
                format!("\"{key}\":{}", json.as_deref().unwrap_or("null"))
            };
            let pairs: Vec<String> = self.data.iter().map(pair).collect();
            options.push(format!("\"data\":{{{}}}", pairs.join(",")));
        }
    }
}

impl Request {
    pub fn new(act: Act, room: Option<usize>) -> Request {
        Request { act, room, has_id: true, at: None }
    }

    /// The room as it is said.
    pub fn room_said(&self) -> Option<&'static str> {
        self.room.map(|room| ROOMS[room].0)
    }

    /// The room as it is told.
    pub fn room_told(&self) -> Option<&'static str> {
        self.room.and_then(|room| ROOMS[room].1)
    }

    /// The message. In a namespace the room is not said.
    pub fn message(&self, id: Option<&str>, is_in_namespace: bool) -> String {
        let mut options = Vec::new();
        if !is_in_namespace {
            let room = self.room_said().map(Value::from);
            options.extend(room.map(|room| format!("\"room\":{room}")));
        }
        options.extend(id.map(|id| format!("\"id\":{id}")));
        let event = match &self.act {
            Act::Login(name, update) => {
                update.push_to(&mut options);
                format!("\"login\",{}", Value::from(&*name.said))
            }
            Act::Set(update) => {
                update.push_to(&mut options);
                "\"set\"".to_owned()
            }
            Act::Hello(hello) => return hello.message(),
            Act::Enter(view) => {
                options.extend(self.at.as_ref().map(|has| format!("\"at\":{}", said(has))));
                options.extend(view.map(|view| format!("\"view\":\"{}\"", view.word())));
                "\"enter\"".to_owned()
            }
            Act::View(view) => {
                options.push(format!("\"view\":\"{}\"", view.word()));
                "\"view\"".to_owned()
            }
            Act::Logout => "\"logout\"".to_owned(),
            Act::Exit => "\"exit\"".to_owned(),
            Act::Ping | Act::Open(_) => return "[\"ping\"]".to_owned(),
            Act::Bad(how) => {
                let (event, more, ..) = BAD[*how];
                options.extend((!more.is_empty()).then(|| more.to_owned()));
                event.to_owned()
            }
        };
        match options.is_empty() && !matches!(self.act, Act::Set(_)) {
            true => format!("[{event}]"),
            false => format!("[{event},{{{}}}]", options.join(",")),
        }
    }
}

impl Hello {
    fn message(&self) -> String {
        let mut options = Vec::new();
        options.extend(self.id.as_ref().map(|id| format!("\"client\":\"{id}\"")));
        options.extend(self.view.map(|view| format!("\"view\":\"{}\"", view.word())));
        let room =
            |(room, has): &(usize, Has)| format!("{}:{}", Value::from(ROOMS[*room].0), said(has));
        let rooms: Vec<String> = self.rooms.iter().map(room).collect();
        options.extend((!rooms.is_empty()).then(|| format!("\"rooms\":{{{}}}", rooms.join(","))));
        format!("[\"hello\",{{{}}}]", options.join(","))
    }
}

fn said(has: &Has) -> &str {
    has.as_ref().map_or("null", |named| &named.said)
}
