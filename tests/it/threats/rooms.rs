//! What rooms can cost (I1, I2, I5): memory, work in other rooms, data that pile up.

use std::time::Duration;

use allocation_counter::measure;
use headcount::config::Limits;
use headcount::presence::{Encoder, Form, Leave, Patch, Presence, Update, View};
use headcount::time::Time;
use headcount::ws::Deflater;

use super::{Bare, cpu, generous, takes_less};
use crate::wire;

/// Rooms without a hub around them.
struct Rooms {
    presence: Presence,
    limits: Limits,
    deflater: Deflater,
    now: Time,
}

impl Rooms {
    fn new() -> Rooms {
        let limits = Limits { rooms_max: 1 << 24, ..Limits::default() };
        let deflater = Deflater::new(1);
        Rooms { presence: Presence::new(0), limits, deflater, now: Time::ZERO }
    }

    /// Time passes, and everyone is told.
    fn pass_ms(&mut self, ms: u64) {
        self.now = self.now.after_ms(ms);
        let mut encoder = Encoder { deflater: &mut self.deflater, deflate_bytes_min: 1024 };
        self.presence.commit(&self.limits, &mut encoder, self.now);
        while self.presence.next_to_tell().is_some() {}
    }

    /// One member in each room.
    fn fill(&mut self, members: u32, room_of: impl Fn(u32) -> String) {
        let view = View::changes(Form::Plain);
        for member in 0..members {
            let entered = self.presence.enter(&room_of(member), member, &view, &self.limits);
            let (room, _) = entered.unwrap();
            let name = format!("somebody {member:06}");
            self.presence.login(room, None, (&name, Update::default()), &self.limits).unwrap();
        }
        self.pass_ms(1_000);
        self.pass_ms(70_000);
    }
}

#[test]
fn i1_quiet_room_of_one_costs_at_most_400_bytes_beside_its_member() {
    const ROOMS: u32 = 100_000;
    let mut kept = Vec::new();
    let mut bytes = |room_of: fn(u32) -> String| {
        let memory = measure(|| {
            let mut rooms = Rooms::new();
            rooms.fill(ROOMS, room_of);
            kept.push(rooms);
        });
        memory.bytes_current as f64 / f64::from(ROOMS)
    };
    let in_one = bytes(|_| "room".to_owned());
    let in_many = bytes(|member| format!("room {member:06}"));
    let each = in_many - in_one;
    println!("a member: {in_one:.0} B; a room of one: {each:.0} B more");
    assert!(each <= 400.0, "{each} B");
    assert_eq!(kept[1].presence.rooms(), ROOMS as usize);
}

#[test]
fn i1_rooms_that_are_gone_leave_no_memory() {
    let mut rooms = Rooms::new();
    let view = View::changes(Form::Plain);
    let round = |rooms: &mut Rooms, first: u32| {
        let entered = (first..first + 1_000).map(|number| {
            let name = format!("room {number}");
            let entered = rooms.presence.enter(&name, number, &view, &rooms.limits);
            let (room, place) = entered.unwrap();
            let login = rooms.presence.login(room, None, ("Ada", Update::default()), &rooms.limits);
            (room, place, login.unwrap())
        });
        let entered: Vec<_> = entered.collect();
        rooms.pass_ms(100);
        for (room, place, member) in entered {
            rooms.presence.release(member, Leave::Logout, &rooms.limits);
            rooms.presence.exit(room, place, &view);
        }
        rooms.pass_ms(100);
        assert_eq!((rooms.presence.rooms(), rooms.presence.names()), (0, 0));
    };
    // Once for what is kept whoever comes.
    (0..350).for_each(|number| round(&mut rooms, number * 1_000));
    let memory = measure(|| (350..1_000).for_each(|number| round(&mut rooms, number * 1_000)));
    assert!(memory.bytes_current <= 64 * 1024, "{} B after a million", memory.bytes_current);
}

/// Counted, not timed: a turn looks at the rooms in which something is due, and at no others.
#[test]
fn i2_turn_does_no_work_for_a_room_in_which_nothing_is_due() {
    let mut server = Bare::with(generous());
    let connections: Vec<_> =
        (0..1_000).map(|room| server.open(&format!("/ws/room{room}"), "")).collect();
    for &id in &connections {
        server.send(id, &wire::login("Ada"));
    }
    let visits = |server: &mut Bare, turns: u32| {
        let before = server.hub.tally().room_visits;
        for _ in 0..turns {
            server.now = server.now.after_ms(1);
            server.turn();
        }
        server.hub.tally().room_visits - before
    };
    assert_eq!(visits(&mut server, 30), 1_000);
    assert_eq!(visits(&mut server, 1_000), 0);
    server.send(connections[7], &wire::login("Eve"));
    assert_eq!(visits(&mut server, 1_000), 1);
    // When they were quiet for a minute, each gives up what it has encoded: a look at
    // first whether they were.
    let quiet = visits(&mut server, 70_000);
    assert!((1_000..=2_001).contains(&quiet), "{quiet}");
    assert_eq!(visits(&mut server, 70_000), 0);
}

/// A name that very many have, each with keys of its own: what is told of it stays small, and it is
/// put together in no time.
#[test]
fn i5_data_of_very_many_under_one_name_are_bounded() {
    let mut rooms = Rooms::new();
    let (room, _) = rooms.presence.enter("", 0, &View::Nothing, &rooms.limits).unwrap();
    let mut members = Vec::new();
    for member in 0..10_000 {
        let keys = (0..8).map(|key| format!(r#""{member} {key}":"{}""#, "x".repeat(40)));
        let json = format!("{{{}}}", keys.collect::<Vec<_>>().join(","));
        let data = Some(Patch::decode(&json, 8).unwrap());
        let update = Update { data, status: None };
        members.push(rooms.presence.login(room, None, ("Ada", update), &rooms.limits).unwrap());
    }
    rooms.pass_ms(1_000);
    let (_, _, document) = rooms.presence.document("", rooms.now);
    assert!(document.len() < 1_200, "{} bytes", document.len());
    takes_less(Duration::from_millis(50), "one commit", || {
        let data = Some(Patch::decode(r#"{"a":1}"#, 8).unwrap());
        let update = Update { data, status: None };
        cpu(|| {
            let _ = rooms.presence.update(members[0], update, &rooms.limits);
            rooms.pass_ms(1_000);
        })
    });
}
