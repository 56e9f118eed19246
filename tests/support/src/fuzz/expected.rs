//! What a WebSocket must be told, from the bytes that it sent alone.
//!
//! Only rates and deadlines can make it otherwise; whoever uses this sees to it that they don't.

use headcount::api::{self, Action, ApiError, Call, Done};
use headcount::config::{Config, ECHO, Limits};

use super::reference::{self, Deflate, Sent};
use super::rooms::{Pong, Rooms};
use crate::made_once;
use crate::wire::Told;

/// What follows from the bytes that one WebSocket sent.
#[derive(Debug, Default)]
pub struct Expected {
    /// The frames for it alone, as [`Listener`](super::listener::Listener) keeps them.
    pub private: Vec<Told>,
    /// What each of the pongs among them may tell.
    pub told: Vec<Vec<Pong>>,
    /// The pongs that it sent.
    pub pongs: Vec<Vec<u8>>,
    /// The rooms that it is in.
    pub rooms: Rooms,
    /// Whether it has said or done nothing yet that ends the connection.
    pub is_open: bool,
}

/// How many bytes had been sent by when, in order.
pub type Marks = [(usize, u64)];

impl Expected {
    /// For `/echo`.
    pub fn echo(bytes: &[u8], deflate: Deflate) -> Expected {
        Expected::new(bytes, deflate, &[], None)
    }

    /// For the WebSocket of a room.
    pub fn roster(
        bytes: &[u8],
        deflate: Deflate,
        marks: &Marks,
        (room, limits): (&str, &Limits),
    ) -> Expected {
        Expected::new(bytes, deflate, marks, Some((room, limits)))
    }

    fn new(
        bytes: &[u8],
        deflate: Deflate,
        marks: &Marks,
        roster: Option<(&str, &Limits)>,
    ) -> Expected {
        let message_limits = roster.map_or(ECHO, |(_, limits)| limits.messages());
        let (events, error) = reference::decode_placed(bytes, &message_limits, deflate);
        let mut expected = Expected { is_open: true, ..Expected::default() };
        if let Some((room, _)) = roster {
            expected.rooms = Rooms::at(room);
        }
        for (end, event) in events {
            match (event, roster) {
                (Sent::Ping(data), _) => expected.private.push(Told::Pong(data)),
                (Sent::Pong(data), _) => expected.pongs.push(data),
                (Sent::Close(code), _) => {
                    expected.end(code);
                    return expected;
                }
                (Sent::Text(text), None) => expected.private.push(Told::Text(text)),
                (Sent::Binary(bytes), None) => expected.private.push(Told::Binary(bytes)),
                (Sent::Text(text), Some((_, limits))) => {
                    let mark = marks.partition_point(|(length, _)| *length < end);
                    let tick = marks.get(mark).map_or(0, |(_, tick)| *tick);
                    expected.obey(&text, limits, tick);
                }
                (Sent::Binary(_), Some(_)) => {
                    expected.private.push(refusal(ApiError::MessageInvalid, None, None));
                }
            }
        }
        if let Some(error) = error {
            expected.end(Some(error.close_code().as_u16()));
        }
        expected
    }

    fn end(&mut self, code: Option<u16>) {
        self.private.push(Told::Close(code));
        self.is_open = false;
        self.rooms.all.clear();
    }

    fn obey(&mut self, text: &str, limits: &Limits, tick: u64) {
        let call = api::decode(text, limits.data_depth_max);
        let outcome = self.rooms.obey(&call, text, limits, tick);
        let Call { id, request } = call;
        if let Ok(request) = &request
            && request.action == Action::Ping
        {
            self.private.push(Told::Text("pong".to_owned()));
            self.told.push(self.rooms.pongs());
        }
        let room = request.ok().and_then(|request| request.room);
        match (outcome, id) {
            (Err(error), id) => self.private.push(refusal(error, id.as_deref(), room.as_deref())),
            (Ok(Done::Hello), _) | (Ok(_), None) => {}
            (Ok(done), Some(id)) => {
                let what = match done {
                    Done::Plain | Done::Hello => String::new(),
                    Done::Login(name) => format!(" {name}"),
                    Done::Enter(room) => format!(" of {room}"),
                };
                self.private.push(Told::Text(format!("ok {id}{what}")));
            }
        }
    }
}

/// What is told of a request that is refused.
fn refusal(error: ApiError, id: Option<&str>, room: Option<&str>) -> Told {
    let id = id.map(|id| format!(" {id}")).unwrap_or_default();
    let room = room.map(|room| format!(" of {room}")).unwrap_or_default();
    Told::Text(format!("{}{id}{room}", error.code()))
}

/// What a client offers that can compress.
pub const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// A server that echoes, and has its own limits.
pub fn default_config() -> Config {
    Config { echo: true, ..made_once::config() }
}

/// The same with rates that nobody reaches; and all is compressed, if that was agreed on.
pub fn generous_config() -> Config {
    let mut config = default_config();
    config.limits = Limits {
        messages_per_second: 1 << 20,
        messages_burst: 1 << 20,
        bytes_per_second: 1 << 30,
        control_frames_per_second: 1 << 20,
        control_frames_burst: 1 << 20,
        name_changes_per_minute: 1 << 20,
        updates_per_second: 1 << 20,
        updates_burst: 1 << 20,
        count_interval_ms: 10,
        deflate_bytes_min: 1,
        ..config.limits
    };
    config
}
