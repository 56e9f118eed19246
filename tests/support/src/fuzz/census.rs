//! Who must be in a room, by what all clients have asked for.

use std::collections::{BTreeMap, BTreeSet};

use headcount::config::Limits;
use headcount::presence::Status;
use serde_json::Value;

use super::copies::{Copy, Shown};
use super::rooms::{Field, Member, fits};

/// The members of one room, by their names.
#[derive(Debug, Default)]
pub struct Census<'a>(BTreeMap<&'a str, Vec<&'a Member>>);

impl<'a> Census<'a> {
    pub fn add(&mut self, member: &'a Member) {
        self.0.entry(&member.name).or_default().push(member);
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().copied()
    }

    /// A copy of the room shows them. `is_ordered`: the ticks say what was set last.
    pub fn check(&self, copy: &Copy, limits: &Limits, is_ordered: bool) {
        assert!(copy.names.keys().eq(self.0.keys()), "{:?} is not {:?}", copy.names, self.0);
        for (shown, members) in copy.names.values().zip(self.0.values()) {
            check_entry(shown, members, limits, is_ordered);
        }
    }
}

/// Several members are one entry: its status is the most active, and of its data each key has the
/// value that was set last.
fn check_entry(shown: &Shown, members: &[&Member], limits: &Limits, is_ordered: bool) {
    let status = members.iter().map(|member| member.status).min().unwrap_or_default();
    let status = (status != Status::Active).then(|| status.word().to_owned());
    assert_eq!(shown.status, status, "{members:?}");

    let keys: BTreeSet<&String> = members.iter().flat_map(|member| member.data.keys()).collect();
    let of_key = |key: &String| -> Vec<&Field> {
        members.iter().filter_map(|member| member.data.get(key)).collect()
    };
    let latest = |key: &String| of_key(key).into_iter().max_by_key(|field| field.tick).cloned();
    let merged: BTreeMap<String, Field> =
        keys.iter().filter_map(|key| Some(((*key).clone(), latest(key)?))).collect();
    let none = serde_json::Map::new();
    let told = shown.data.as_ref().map_or(&none, |data| data.as_object().expect("an object"));
    for (key, value) in told {
        let is = |field: &Field| canonical(value) == field.json;
        let is_fair = match is_ordered {
            true => merged.get(key).is_some_and(is),
            false => of_key(key).into_iter().any(is),
        };
        assert!(is_fair, "{key} in {told:?}: {members:?}");
    }
    // What is too much for one entry need not all be told.
    let is_whole = told.len() == merged.len();
    assert!(is_whole || !fits(&merged, limits) || !is_ordered, "{told:?}: {members:?}");
}

fn canonical(value: &Value) -> String {
    serde_json_canonicalizer::to_string(value).expect("it is JSON")
}
