//! What must be so once all is quiet: every live client knows what the server says of each room
//! that it follows, and that is what those who are there asked for last.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::client::Client;
use super::message::{Seen, State};
use super::requests::View;
use super::rosters::At;
use super::seats::Member;
use super::world::World;

/// Checks all rooms. `last` is a client that follows every room of which there may be something to
/// tell, or as many as it was let into; the server says that it has so many rooms.
pub fn check(world: &mut World, last: usize, rooms: usize) {
    let now_us = world.nature.clock_us;
    for client in &world.clients {
        // Who goes on answering pings may have gone in this moment, before the server was told.
        let is_told = !client.link.has_edge();
        let is_ghost = client.is_over() && client.link.is_held() && is_told;
        assert!(!is_ghost, "a connection without a client: {client:?}");
    }
    for (index, client) in world.clients.iter().enumerate() {
        let mut unanswered = client.unanswered(now_us).map(|carrier| &world.clients[carrier]);
        let waits = |one: &Client| one.session_of() == Some(index) && one.waits_for_answer();
        assert!(!unanswered.any(waits), "a request is not answered: {client:?}");
    }
    let is_sure = |client: &Client| client.is_live() && client.is_untroubled();
    for client in world.clients.iter_mut().filter(|client| is_sure(client)) {
        client.ledger.settle(now_us);
    }
    check_rooms(world, rooms, now_us);
    let newest: BTreeMap<&str, At> = world.clients[last]
        .ledger
        .seats
        .all
        .keys()
        .filter_map(|room| Some((*room, world.clients[last].ledger.told_of(room)?.at.clone()?)))
        .collect();
    for (room, at) in &newest {
        let state = world.nature.rosters.state(at).expect("it was told of it");
        check_members(room, state, &world.clients, now_us);
        for client in world.clients.iter().filter(|client| is_sure(client)) {
            check_view(client, room, at, state);
        }
    }
}

/// Whether a client is there, or the server may not know yet that it is not.
fn may_be_there(client: &Client, now_us: u64) -> bool {
    client.is_live() || client.may_linger(now_us)
}

/// There are the rooms that somebody is in, and no others.
fn check_rooms(world: &World, rooms: usize, now_us: u64) {
    let (mut sure, mut possible) = (BTreeSet::new(), BTreeSet::new());
    for client in world.clients.iter().filter(|client| may_be_there(client, now_us)) {
        match client.is_live() && client.is_untroubled() {
            true => sure.extend(client.ledger.seats.all.keys()),
            false => possible.extend(client.ledger.asked.iter().map(|(room, _)| *room)),
        }
    }
    let most = sure.union(&possible).count();
    let is_right = (sure.len()..=most).contains(&rooms);
    assert!(is_right, "{rooms} rooms, and there are people in {sure:?}, perhaps in {possible:?}");
}

/// A client knows what the newest commit of a room made of it.
fn check_view(client: &Client, room: &str, at: &At, state: &State) {
    let Some(seat) = client.ledger.seats.all.get(room) else { return };
    let told = client.ledger.told_of(room).expect("a room that it is in");
    let is_right = match seat.view {
        View::Nothing => true,
        View::Changes | View::Presence => told.at.as_ref() == Some(at),
        View::Names => told.list.as_ref().is_some_and(|list| list.iter().eq(state.keys())),
        View::Count => told.count.is_some_and(|(_, count)| count == state.len() as u64),
    };
    assert!(is_right, "not at {at:?} of {room:?}, {state:?}: {client:?}");
}

/// Who is told of is there, and is told of as it wants to be.
fn check_members(room: &str, state: &State, clients: &[Client], now_us: u64) {
    let mut members: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
    let mut possible: BTreeSet<&str> = BTreeSet::new();
    for client in clients.iter().filter(|client| may_be_there(client, now_us)) {
        let ledger = &client.ledger;
        if client.is_live() && client.is_untroubled() {
            let member = ledger.seats.all.get(room).and_then(|seat| seat.member.as_ref());
            if let Some(member) = member {
                members.entry(&member.name).or_default().push(member);
            }
        } else {
            let asked = ledger.asked.iter().filter(|(other, _)| *other == room);
            possible.extend(asked.filter_map(|(_, name)| name.as_deref()));
        }
    }
    for name in members.keys() {
        assert!(state.contains_key(*name), "{name} is in {room:?} and not on its roster");
    }
    for (name, seen) in state {
        if possible.contains(&**name) {
            continue;
        }
        let members = members.get(&**name);
        let members = members.unwrap_or_else(|| panic!("{name} is told of and not in {room:?}"));
        check_entry(name, seen, members);
    }
}

/// What is told of a name is merged from all who have it.
fn check_entry(name: &str, seen: &Seen, members: &[&Member]) {
    let most_active = members.iter().map(|member| member.status).min();
    assert_eq!(Some(seen.status), most_active, "the status of {name}: {members:?}");
    let keys: BTreeSet<&str> =
        members.iter().flat_map(|member| member.data.keys().copied()).collect();
    let decoded: BTreeSet<String> = keys.iter().map(|key| key_of(key)).collect();
    let told: BTreeSet<String> = seen.data.keys().cloned().collect();
    assert_eq!(told, decoded, "the keys of {name}: {members:?}");
    for key in keys {
        check_value(name, key, &seen.data, members);
    }
}

/// A key has the value that was set last by one who is there. Which that is may not be known, where
/// two set it at about the same time.
fn check_value(name: &str, key: &str, told: &Map<String, Value>, members: &[&Member]) {
    let fields: Vec<_> = members.iter().filter_map(|member| member.data.get(key)).collect();
    let latest = fields.iter().map(|field| field.set.from_us).max().unwrap_or(0);
    let mut values = fields.iter().filter(|field| field.set.until_us >= latest);
    let is = |json: &str| {
        serde_json::from_str::<Value>(json).is_ok_and(|value| value == told[&key_of(key)])
    };
    assert!(values.any(|field| is(&field.json)), "{key} of {name} in {told:?}: {members:?}");
}

fn key_of(key: &str) -> String {
    serde_json::from_str(&format!("\"{key}\"")).expect("a key is a string")
}
