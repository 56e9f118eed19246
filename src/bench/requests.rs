//! What clients ask for, and what is to be told of them then.

use serde_json::{Map, Value, json};

use super::people::{Data, Entry, Status};
use super::view::View;

/// What the names of clients begin with, unless they stay while the others come back.
pub(crate) const CLIENT: &str = "client-";

/// The name of a client.
pub(crate) fn name(index: usize, observes: bool) -> String {
    let kind = if observes { "observer-" } else { CLIENT };
    format!("{kind}{index:06}")
}

/// The client that has a name, unless it stays while the others come back.
pub(crate) fn index(name: &str) -> Option<usize> {
    name.strip_prefix(CLIENT)?.parse().ok()
}

/// To be known as a client of this run and to go on from a copy of a room, if there is one.
pub(crate) fn hello(run: u64, index: usize, room: &str, view: &View) -> String {
    let mut rooms = Map::new();
    if let Some((epoch, seq)) = view.commit() {
        let digest = view.people.digest.to_string();
        rooms.insert(room.into(), json!([epoch.to_string(), seq, digest]));
    }
    json!(["hello", { "client": format!("{run:016x}{index:016x}"), "rooms": rooms }]).to_string()
}

/// To be sent the roster in place of a copy that is wrong.
pub(crate) fn roster(room: &str) -> String {
    json!(["enter", { "room": room, "at": null }]).to_string()
}

/// To be there. With data, it is a key that stays.
pub(crate) fn login(name: &str, index: usize, has_data: bool) -> String {
    match has_data {
        true => json!(["login", name, { "data": { "seat": index } }]).to_string(),
        false => json!(["login", name]).to_string(),
    }
}

/// To be there no more.
pub(crate) const LOGOUT: &str = "[\"logout\"]";

/// To be told how many are there, and not who.
pub(crate) const COUNT: &str = "[\"view\",{\"view\":\"count\"}]";

/// The data and the status that a client sets for the so-manyth time, and what is to be told of it
/// from then on: one key is given each time, one every other time, and one is that of its login.
pub(crate) fn set(index: usize, number: u64) -> (String, Entry) {
    let is_typing = number % 2 == 1;
    let (word, status) = match number % 3 {
        0 => ("active", Status::Active),
        1 => ("idle", Status::Idle),
        _ => ("hidden", Status::Hidden),
    };
    let typing = if is_typing { Value::Bool(true) } else { Value::Null };
    let said = json!(["set", { "status": word, "data": { "at": number, "typing": typing } }]);
    let mut data = Map::new();
    data.insert("seat".into(), index.into());
    data.insert("at".into(), number.into());
    if is_typing {
        data.insert("typing".into(), true.into());
    }
    (said.to_string(), Entry { status, data: Data::of(&data) })
}
