//! Where a client is, after what it has asked for: the model of what a server makes of requests.

use std::collections::{BTreeMap, BTreeSet};

use headcount::api::{Action, ApiError, Call, Done, Has, Wanted};
use headcount::config::Limits;
use headcount::names::{self, NameLimits};
use headcount::presence::{DataError, Status, Update};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The rooms that a client is in.
#[derive(Debug, Default)]
pub struct Rooms {
    /// The room of the URL, until it is left.
    home: Option<String>,
    pub all: BTreeMap<String, Seat>,
    /// All in which it ever was.
    pub visited: BTreeSet<String>,
}

/// In one room.
#[derive(Debug)]
pub struct Seat {
    pub view: Wanted,
    pub member: Option<Member>,
    /// Whether it named a copy, from which it may go on now or after a while.
    pub is_vague: bool,
}

/// Under a name.
#[derive(Clone, Debug, Default)]
pub struct Member {
    pub name: String,
    pub status: Status,
    pub data: BTreeMap<String, Field>,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// In canonical JSON.
    pub json: String,
    /// When it was set: the higher is the later.
    pub tick: u64,
}

/// A room and a name that a pong may tell, or neither.
pub type Pong = (Option<String>, Option<String>);

impl Rooms {
    /// In the room of the URL.
    pub fn at(home: &str) -> Rooms {
        let mut rooms = Rooms { home: Some(home.to_owned()), ..Rooms::default() };
        rooms.enter(home.to_owned(), Wanted::Changes, Has::Unsaid);
        rooms
    }

    fn enter(&mut self, room: String, view: Wanted, has: Has) {
        self.visited.insert(room.clone());
        self.all.insert(room, Seat { view, member: None, is_vague: matches!(has, Has::Copy(_)) });
    }

    /// Does what a message asks for, and says what came of it.
    pub fn obey(
        &mut self,
        call: &Call,
        text: &str,
        limits: &Limits,
        tick: u64,
    ) -> Result<Done, ApiError> {
        let request = match &call.request {
            Ok(request) => request,
            Err(error) => return Err(*error),
        };
        match request.action {
            Action::Ping => return Ok(Done::Plain),
            // This client offers no subprotocol.
            Action::Hello(_) => return Err(ApiError::HelloUnexpected),
            _ => {}
        }
        let room = match &request.room {
            Some(room) => canonical_room(room, limits)?,
            None => self.home.clone().ok_or(ApiError::RoomNotEntered)?,
        };
        let is_in = self.all.contains_key(&room);
        if let Action::Enter(wanted, has) = request.action
            && !is_in
        {
            let view = own_view(wanted.unwrap_or(Wanted::Changes))?;
            if self.all.len() >= limits.rooms_per_connection_max as usize {
                return Err(ApiError::TooManyRooms);
            }
            self.enter(room.clone(), view, has);
            return Ok(Done::Enter(room.into()));
        }
        let seat = self.all.get_mut(&room).ok_or(ApiError::RoomNotEntered)?;
        match &request.action {
            Action::Login(name, update) => {
                let bounds = limits.names();
                let name = canonical(name, bounds).map_err(ApiError::Name)?;
                let mut member = seat.member.clone().unwrap_or_default();
                member.name.clone_from(&name);
                member.update(update, text, limits, tick)?;
                seat.member = Some(member);
                return Ok(Done::Login(name.into()));
            }
            Action::Set(update) => {
                let mut member = seat.member.clone().ok_or(ApiError::NameMissing)?;
                member.update(update, text, limits, tick)?;
                seat.member = Some(member);
            }
            Action::Logout => seat.member = None,
            Action::Enter(wanted, has) => {
                seat.view = own_view(wanted.unwrap_or(Wanted::Changes))?;
                seat.is_vague = matches!(has, Has::Copy(_)) || seat.is_vague && *has == Has::Unsaid;
                return Ok(Done::Enter(room.into()));
            }
            Action::View(wanted) => seat.view = own_view(*wanted)?,
            Action::Exit => {
                self.all.remove(&room);
                self.home = self.home.take().filter(|home| *home != room);
            }
            Action::Hello(_) | Action::Ping => {}
        }
        Ok(Done::Plain)
    }

    /// What a pong may say: where several rooms are told change by change, and that of the URL is
    /// none of them, it may be of any.
    pub fn pongs(&self) -> Vec<Pong> {
        let told = |(_, seat): &(&String, &Seat)| seat.view == Wanted::Changes;
        let is_home = |(room, _): &(&String, &Seat)| Some(*room) == self.home.as_ref();
        let pong = |(room, seat): (&String, &Seat)| -> Pong {
            (Some(room.clone()), seat.member.as_ref().map(|member| member.name.clone()))
        };
        let all = || self.all.iter().filter(told);
        if self.all.values().any(|seat| seat.is_vague) {
            return all().map(pong).chain([(None, None)]).collect();
        }
        match all().find(is_home) {
            Some(home) => vec![pong(home)],
            None if all().next().is_none() => vec![(None, None)],
            None => all().map(pong).collect(),
        }
    }
}

impl Member {
    /// Says something else, unless that is too much.
    fn update(
        &mut self,
        update: &Update,
        text: &str,
        limits: &Limits,
        tick: u64,
    ) -> Result<(), ApiError> {
        let mut data = self.data.clone();
        for (key, value) in said_data(text) {
            match value {
                Value::Null => drop(data.remove(&key)),
                value => {
                    let json = serde_json_canonicalizer::to_string(&value).expect("it is JSON");
                    data.insert(key, Field { json, tick });
                }
            }
        }
        // Without data nothing can have become too much.
        if update.data.is_some() && !fits(&data, limits) {
            return Err(ApiError::Data(DataError::TooLarge));
        }
        self.data = data;
        self.status = update.status.unwrap_or(self.status);
        Ok(())
    }
}

/// Whether these are no more than one may say.
pub fn fits(data: &BTreeMap<String, Field>, limits: &Limits) -> bool {
    let length = |(key, field): (&String, &Field)| {
        let key = serde_json::to_string(key).expect("a string is JSON");
        key.len() + field.json.len() + 2
    };
    let bytes = 1 + data.iter().map(length).sum::<usize>();
    data.len() <= limits.data_keys_max as usize && bytes <= limits.data_bytes_max as usize
}

/// The data of a message that has been decoded, and so has none that are refused.
fn said_data(text: &str) -> Map<String, Value> {
    let parts: Vec<&RawValue> = serde_json::from_str(text).expect("it is a message");
    let options = parts.last().map_or("null", |part| part.get());
    let options: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(options).ok();
    let data = options.and_then(|mut options| options.remove("data"));
    let data = data.and_then(|data| serde_json::from_str::<Option<Map<_, _>>>(data.get()).ok());
    data.flatten().unwrap_or_default()
}

/// A view that clients of ours can have.
fn own_view(view: Wanted) -> Result<Wanted, ApiError> {
    match view {
        Wanted::Names | Wanted::Presence => Err(ApiError::ViewUnknown),
        view => Ok(view),
    }
}

fn canonical_room(room: &str, limits: &Limits) -> Result<String, ApiError> {
    match room {
        "" => Ok(String::new()),
        room => canonical(room, limits.room_names()).map_err(ApiError::Room),
    }
}

fn canonical(name: &str, bounds: NameLimits) -> Result<String, names::NameError> {
    names::canonical(name, bounds).map(|name| name.to_string())
}
