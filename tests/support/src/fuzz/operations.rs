//! What many clients do: bytes → operations.
//!
//! An operation is a letter and, after it, its arguments, one byte each; so a script can be read
//! and written by hand. Clients count from `0`, in the order in which they came. What is no
//! operation is skipped, and so is one for a client that is not there.

use super::members::PATHS;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// `o`: a client connects and opens a WebSocket on the roster; `O`: it can compress; `i`: one
    /// on the echo; `w` room: on a room.
    Open { path: &'static str, deflates: bool },
    /// `c`: a client connects.
    Connect,
    /// `h` client: it opens a WebSocket on the roster.
    Handshake(usize),
    /// `g` client: it asks for a page.
    Get(usize),
    /// `l` client name: it logs in; `L` client name: so it does, in a compressed message.
    Login { client: usize, name: &'static str, deflates: bool },
    /// `q` client: it logs out.
    Logout(usize),
    /// `a` client room name update: it logs in there and says something of itself; `b` client room
    /// update: it says something else; `f` client room: it logs out there; `E` client room view: it
    /// enters a room; `v` client room view: it is told of it in another way; `X` client room: it is
    /// out of it; `j` client: it asks for a pong.
    Ask { client: usize, message: String },
    /// `s` client length bytes: it says something.
    Say(usize, &'a [u8]),
    /// `r` client length bytes: it sends these bytes, in no frame.
    Raw(usize, &'a [u8]),
    /// `p` client: it pings.
    Ping(usize),
    /// `x` client code: it closes.
    Close(usize, u16),
    /// `e` client: it sends no more.
    End(usize),
    /// `k` client: its connection breaks.
    Reset(usize),
    /// `d` client length: its bytes come in pieces of this length; 0: whole again.
    Pieces(usize, usize),
    /// `n` client bytes: it has room for so many bytes more and then reads nothing.
    Room(usize, usize),
    /// `u` client: it reads everything again.
    Unlimited(usize),
    /// `m` client: it answers no pings, or does so again.
    Mute(usize),
    /// `t` time: so many ms pass; `T` time: so many tenths of a second.
    Pass { ms: u64 },
    /// `z`: everyone reads everything, a moment passes, and all must agree.
    Rest,
    /// `S`: the server stops.
    Stop,
    /// `+`: the next operation is in the same turn.
    Join,
}

/// Names that people choose: two forms of one, one that is none, one that is too long.
const NAMES: [&str; 10] = [
    "Ada",
    "Bob",
    "Eve",
    "李雷",
    "Rene\u{301}",
    "Ren\u{e9}",
    " \t",
    "A\u{202e}da",
    "\"]},[\\",
    "a name of more than thirty-two characters",
];

const CODES: [u16; 8] = [1000, 1001, 1005, 1011, 1015, 2999, 3000, 4999];

/// Rooms that people choose: none, forms that are not canonical, one that there can't be.
const ROOMS: [&str; 8] =
    ["", "a", "a/b", "Ren\u{e9} \u{1f980}", " Rene\u{301} \u{1f980}", "c", "a\u{202e}", "d"];

const VIEWS: [&str; 5] = ["changes", "count", "none", "names", "null"];

/// What people say of themselves.
const UPDATES: [&str; 16] = [
    "",
    r#","status":"idle""#,
    r#","status":"hidden""#,
    r#","status":"active""#,
    r#","status":"away""#,
    r#","data":{"k":1}"#,
    r#","data":{"k":2.0,"l":[]}"#,
    r#","data":{"k":null}"#,
    r#","data":{"l":null,"m":{"z":"\u007f","y":-0}},"status":"idle""#,
    r#","data":{"k":"\u00e9"},"status":null"#,
    r#","data":null"#,
    r#","data":{}"#,
    r#","data":{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1}"#,
    r#","data":{"k":1,"k":2}"#,
    r#","data":{"k":[[[[[[[[]]]]]]]]}"#,
    r#","data":{"k":"0123456789012345678901234567890123456789012345678901234567890123456789"}"#,
];

/// Reads operations from the front of bytes.
pub struct Operations<'a>(pub &'a [u8]);

impl<'a> Iterator for Operations<'a> {
    type Item = Operation<'a>;

    fn next(&mut self) -> Option<Operation<'a>> {
        loop {
            if let Some(operation) = self.operation()? {
                return Some(operation);
            }
        }
    }
}

impl<'a> Operations<'a> {
    /// The next operation; an inner `None` if the next byte is none, an outer one at the end.
    fn operation(&mut self) -> Option<Option<Operation<'a>>> {
        Some(Some(match self.byte()? {
            b'o' => Operation::Open { path: "/ws", deflates: false },
            b'O' => Operation::Open { path: "/ws", deflates: true },
            b'i' => Operation::Open { path: "/echo", deflates: false },
            b'c' => Operation::Connect,
            b'h' => Operation::Handshake(self.number()?),
            b'g' => Operation::Get(self.number()?),
            letter @ (b'l' | b'L') => Operation::Login {
                client: self.number()?,
                name: NAMES[self.number()? % NAMES.len()],
                deflates: letter == b'L',
            },
            b'q' => Operation::Logout(self.number()?),
            b'w' => {
                let path = PATHS[self.number()? % PATHS.len()].0;
                Operation::Open { path, deflates: false }
            }
            letter @ (b'a' | b'b' | b'f' | b'E' | b'v' | b'X' | b'j') => {
                let client = self.number()?;
                Operation::Ask { client, message: self.message(letter)? }
            }
            b's' => Operation::Say(self.number()?, self.bytes()?),
            b'r' => Operation::Raw(self.number()?, self.bytes()?),
            b'p' => Operation::Ping(self.number()?),
            b'x' => Operation::Close(self.number()?, CODES[self.number()? % CODES.len()]),
            b'e' => Operation::End(self.number()?),
            b'k' => Operation::Reset(self.number()?),
            b'd' => Operation::Pieces(self.number()?, self.number()?),
            b'n' => Operation::Room(self.number()?, self.number()?),
            b'u' => Operation::Unlimited(self.number()?),
            b'm' => Operation::Mute(self.number()?),
            b't' => Operation::Pass { ms: self.number()? as u64 },
            b'T' => Operation::Pass { ms: self.number()? as u64 * 100 },
            b'z' => Operation::Rest,
            b'S' => Operation::Stop,
            b'+' => Operation::Join,
            _ => return Some(None),
        }))
    }

    /// A message that an operation stands for.
    fn message(&mut self, letter: u8) -> Option<String> {
        if letter == b'j' {
            return Some("[\"ping\"]".to_owned());
        }
        let options = self.options()?;
        let (event, more) = match letter {
            b'a' => {
                let name = NAMES[self.number()? % NAMES.len()];
                let name = serde_json::Value::from(name);
                (format!("\"login\",{name}"), self.update()?.to_owned())
            }
            b'b' => ("\"set\"".to_owned(), self.update()?.to_owned()),
            b'E' | b'v' => {
                let view = VIEWS[self.number()? % VIEWS.len()];
                let view = if view == "null" { view.to_owned() } else { format!("\"{view}\"") };
                let event = if letter == b'E' { "\"enter\"" } else { "\"view\"" };
                (event.to_owned(), format!(",\"view\":{view}"))
            }
            b'f' => ("\"logout\"".to_owned(), String::new()),
            _ => ("\"exit\"".to_owned(), String::new()),
        };
        Some(format!("[{event},{{{options}{more}}}]"))
    }

    /// A room, or none, from a byte that also says whether an answer is wanted, and known by what.
    fn options(&mut self) -> Option<String> {
        let number = self.number()?;
        let room = ROOMS.get(number % 16).map_or(serde_json::Value::Null, |room| (*room).into());
        let id = ["null", "7", "\"\\u0041\"", "-1e2", "[]"][number / 16 % 5];
        Some(format!("\"room\":{room},\"id\":{id}"))
    }

    fn update(&mut self) -> Option<&'static str> {
        Some(UPDATES[self.number()? % UPDATES.len()])
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    /// A byte as a number, so that `0` is the first.
    fn number(&mut self) -> Option<usize> {
        Some(usize::from(self.byte()?.wrapping_sub(b'0')))
    }

    /// A number and so many bytes, if there are as many.
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?.min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(bytes)
    }
}
