//! The rooms that a `hello` names, into which a client is let one after the other, or not.

use std::collections::VecDeque;

use super::requests::{Hello, ROOMS};
use super::seats::Bounds;

/// Rooms of a `hello` of which it is not known whether the client is in them.
#[derive(Debug)]
pub struct Arrivals {
    /// As they are said and as they are told, in the order in which the server comes to them.
    rooms: VecDeque<(&'static str, Option<&'static str>)>,
    /// The rooms that it is in, that of the URL among them.
    entered: usize,
    /// Rooms in which it is somebody still.
    pub resumed: Vec<String>,
    /// When it said `hello`.
    pub from_us: u64,
}

impl Arrivals {
    pub fn new(hello: &Hello, home: &str, resumed: &[String], from_us: u64) -> Arrivals {
        let rooms = hello.rooms.iter().map(|(room, _)| ROOMS[*room]);
        let mut rooms: Vec<_> = rooms.filter(|(_, told)| *told != Some(home)).collect();
        rooms.sort_unstable();
        Arrivals { rooms: rooms.into(), entered: 1, resumed: resumed.to_vec(), from_us }
    }

    /// Whether it is not known of this room.
    pub fn names(&self, room: &str) -> bool {
        self.rooms.iter().any(|(said, _)| *said == room)
    }

    /// It is not let into this room, and so into all before it. Says what the room is called if
    /// there can be such a room.
    pub fn refuse(&mut self, room: &str, code: &str, bounds: &Bounds) -> Option<&'static str> {
        loop {
            let (said, told) = self.rooms.pop_front().expect("a room that it said");
            if said != room {
                self.enter(told, bounds);
                continue;
            }
            let is_fair = match (told, code) {
                (None, code) => code == "room_invalid",
                (Some(_), "rooms_too_many") => bounds.is_tight || self.entered == bounds.rooms_max,
                (Some(_), code) => bounds.is_tight && code == "room_full",
            };
            assert!(is_fair, "{room:?} is refused with {code}");
            return told;
        }
    }

    /// It is in all the others.
    pub fn end(mut self, bounds: &Bounds) -> Arrivals {
        while let Some((_, told)) = self.rooms.pop_front() {
            self.enter(told, bounds);
        }
        self
    }

    fn enter(&mut self, told: Option<&str>, bounds: &Bounds) {
        assert!(told.is_some(), "there can't be a room that it is let into");
        self.entered += 1;
        assert!(self.entered <= bounds.rooms_max, "it is in {} rooms", self.entered);
    }
}
