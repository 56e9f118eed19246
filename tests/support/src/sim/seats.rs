//! Where a client is, after all that it asked for: what a server must make of its requests.

use std::collections::BTreeMap;

use super::requests::{Act, BAD, FLAWS, ROOMS, Request, Status, Update, View};

/// What a client may have, and what others may take away from it.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub rooms_max: usize,
    pub count_interval_us: u64,
    /// Whether there may be too many rooms in all, or too many in one of them.
    pub is_tight: bool,
    /// Whether its rooms are namespaces, which have views of their own.
    pub is_socket_io: bool,
}

/// The rooms that a client is in.
#[derive(Clone, Debug, Default)]
pub struct Seats {
    /// The room of the URL, until it is left.
    home: Option<&'static str>,
    pub all: BTreeMap<&'static str, Seat>,
}

/// In one room.
#[derive(Clone, Debug)]
pub struct Seat {
    pub view: View,
    pub member: Option<Member>,
}

/// Under a name.
#[derive(Clone, Debug)]
pub struct Member {
    pub name: String,
    pub status: Status,
    pub data: BTreeMap<&'static str, Field>,
}

/// The value of a key.
#[derive(Clone, Debug)]
pub struct Field {
    pub json: String,
    pub set: Span,
}

/// The time in which something happened at the server, on the world's clock.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from_us: u64,
    pub until_us: u64,
}

/// What becomes of a request: it is done, and gives a name; or it is refused with one of these
/// codes.
pub type Fate = Result<Option<String>, Vec<&'static str>>;

impl Seats {
    /// The room that a request is for, unless there is none; whether the client is in it or not.
    pub fn room(&self, request: &Request) -> Result<&'static str, &'static str> {
        match request.room {
            Some(room) => ROOMS[room].1.ok_or("room_invalid"),
            None => self.home.ok_or("room_not_entered"),
        }
    }

    /// What becomes of a request.
    pub fn fate(&self, request: &Request, bounds: &Bounds) -> Fate {
        let mut codes: Vec<&'static str> = Vec::new();
        let room = self.room(request);
        let seat = room.ok().and_then(|room| self.all.get(room));
        match &request.act {
            Act::Open(_) | Act::Hello(_) | Act::Ping => return Ok(None),
            Act::Bad(how) => return Err(vec![BAD[*how].2]),
            Act::Enter(_) if request.room.is_none() => return Err(vec!["message_invalid"]),
            Act::Enter(Some(view)) | Act::View(view) => {
                let is_of_native = *view == View::Changes;
                let is_of_socket_io = matches!(view, View::Names | View::Presence);
                let is_other = if bounds.is_socket_io { is_of_native } else { is_of_socket_io };
                codes.extend(is_other.then_some("message_invalid"));
            }
            _ => {}
        }
        codes.extend(room.err());
        match &request.act {
            Act::Enter(_) if seat.is_none() && self.all.len() >= bounds.rooms_max => {
                codes.push("rooms_too_many");
            }
            Act::Enter(_) => {}
            _ if seat.is_none() && room.is_ok() => codes.push("room_not_entered"),
            Act::Set(_) if seat.is_some_and(|seat| seat.member.is_none()) => {
                codes.push("name_missing");
            }
            _ => {}
        }
        if let Act::Login(_, update) | Act::Set(update) = &request.act
            && let Some(flaw) = update.flaw
        {
            codes.extend(FLAWS[flaw].1);
        }
        let name = match &request.act {
            Act::Login(name, _) => Some(&name.canonical),
            _ => None,
        };
        codes.extend(name.and_then(|name| name.as_ref().err()));
        match codes.is_empty() {
            true => Ok(name.and_then(|name| name.clone().ok())),
            false => Err(codes),
        }
    }

    /// Whether somebody else can be the reason that it is refused: with which codes.
    pub fn may_fail(&self, request: &Request, bounds: &Bounds) -> &'static [&'static str] {
        let seat = self.room(request).ok().and_then(|room| self.all.get(room));
        match &request.act {
            Act::Enter(_) if bounds.is_tight && seat.is_none() => &["rooms_too_many", "room_full"],
            Act::Login(..) if bounds.is_tight && seat.is_some_and(|seat| seat.member.is_none()) => {
                &["room_full"]
            }
            Act::Hello(hello) if hello.id.is_some() => &["client_in_use"],
            _ => &[],
        }
    }

    /// The request was done, at some time. Says in which room there is another view now.
    pub fn apply(&mut self, request: &Request, set: Span) -> Option<&'static str> {
        let room = self.room(request).ok()?;
        match &request.act {
            Act::Open(view) => {
                self.home = Some(room);
                let view = view.unwrap_or(View::Changes);
                self.all.insert(room, Seat { view, member: None });
                return Some(room);
            }
            Act::Enter(view) if request.at.is_some() || !self.all.contains_key(room) => {
                let view = view.unwrap_or(View::Changes);
                let member = self.all.remove(room).and_then(|seat| seat.member);
                self.all.insert(room, Seat { view, member });
                return Some(room);
            }
            Act::Hello(hello) => {
                let rooms = hello.rooms.iter().filter_map(|(room, _)| ROOMS[*room].1);
                for room in self.home.into_iter().chain(rooms) {
                    let view = hello.view.unwrap_or(View::Changes);
                    self.all.insert(room, Seat { view, member: None });
                }
                return None;
            }
            Act::Exit => {
                self.all.remove(room);
                self.home = self.home.filter(|home| *home != room);
                return Some(room);
            }
            _ => {}
        }
        let seat = self.all.get_mut(room)?;
        match &request.act {
            Act::Login(name, update) => {
                let name = name.canonical.clone().ok()?;
                let member = seat.member.get_or_insert_with(|| Member::new(String::new()));
                member.name = name;
                member.update(update, set);
            }
            Act::Logout => seat.member = None,
            Act::Set(update) => seat.member.as_mut()?.update(update, set),
            Act::View(view) | Act::Enter(Some(view)) => {
                let before = std::mem::replace(&mut seat.view, *view);
                return (before != *view).then_some(room);
            }
            // In a room that it is in already: as a view.
            Act::Enter(None) => {
                let before = std::mem::replace(&mut seat.view, View::Changes);
                return (before != View::Changes).then_some(room);
            }
            _ => {}
        }
        None
    }
}

impl Member {
    fn new(name: String) -> Member {
        Member { name, status: Status::Active, data: BTreeMap::new() }
    }

    fn update(&mut self, update: &Update, set: Span) {
        self.status = update.status.unwrap_or(self.status);
        for (key, json) in &update.data {
            match json {
                Some(json) => drop(self.data.insert(key, Field { json: json.clone(), set })),
                None => drop(self.data.remove(key)),
            }
        }
    }
}
