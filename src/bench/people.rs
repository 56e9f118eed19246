//! Those who are in a room, as far as two rooms can be compared.
//!
//! A hundred thousand clients that each know a hundred thousand names don't fit into memory. They
//! need not: whether two rosters are equal can be told from the number of their names and the sum
//! of hashes, one of each name with its status and data. A change adds and subtracts, a whole
//! roster starts over. So [`People`] are 32 bytes, and they are others as soon as one status in
//! them is, but for a chance of 2⁻¹²⁸.

use serde::Deserialize;
use serde_json::{Map, Value};
use sha1::{Digest, Sha1};

/// Some people, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct People {
    pub(crate) count: u64,
    /// Of the hashes of what is told of each, modulo 2^128.
    sum: u128,
}

/// What is told of one person beside the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) status: Status,
    pub(crate) data: Data,
}

/// How somebody is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    #[default]
    Active,
    Idle,
    Hidden,
}

/// Presence data, as their hash; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Data(Option<u128>);

impl Data {
    /// Of an object, in whichever order its keys were written.
    pub(crate) fn of(object: &Map<String, Value>) -> Data {
        // The keys of a `Map` are in order.
        let text = serde_json::to_vec(object).expect("what was JSON can be written");
        Data(Some(hash(&[&text])))
    }
}

impl People {
    /// One person.
    pub(crate) fn one(name: &str, entry: Entry) -> People {
        let (has_data, data) = entry.data.0.map_or((0, 0), |data| (1, data));
        let fixed = [&[entry.status as u8, has_data][..], &data.to_le_bytes()].concat();
        People { count: 1, sum: hash(&[&fixed, name.as_bytes()]) }
    }

    /// These and some others.
    pub(crate) fn with(self, others: People) -> People {
        People { count: self.count + others.count, sum: self.sum.wrapping_add(others.sum) }
    }

    /// These but for some of them, unless those are more.
    pub(crate) fn without(self, some: People) -> Option<People> {
        let count = self.count.checked_sub(some.count)?;
        Some(People { count, sum: self.sum.wrapping_sub(some.sum) })
    }

    /// So many of whom no more is known.
    pub(crate) fn nameless(count: u64) -> People {
        People { count, sum: 0 }
    }
}

fn hash(parts: &[&[u8]]) -> u128 {
    let mut hasher = Sha1::new();
    for part in parts {
        hasher.update(part);
    }
    let hash: [u8; 20] = hasher.finalize().into();
    let (first, _) = hash.split_first_chunk().expect("a SHA-1 hash has 20 bytes");
    u128::from_le_bytes(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_told_of_somebody_makes_other_people() {
        let data = |text: &str| Data::of(&serde_json::from_str(text).unwrap());
        let entry = |status, data| Entry { status, data };
        let all = [
            ("Ada", Entry::default()),
            ("Bob", Entry::default()),
            ("Ada", entry(Status::Idle, Data::default())),
            ("Ada", entry(Status::Hidden, Data::default())),
            ("Ada", entry(Status::Active, data("{}"))),
            ("Ada", entry(Status::Active, data(r#"{"a":1}"#))),
            ("Ada", entry(Status::Active, data(r#"{"a":2}"#))),
            ("Ada", entry(Status::Idle, data(r#"{"a":2}"#))),
        ]
        .map(|(name, entry)| People::one(name, entry));
        for (index, people) in all.iter().enumerate() {
            assert!(!all[..index].contains(people), "{index}");
        }
        assert_eq!(data(r#"{"b":[1.0],"a":"é"}"#), data(r#"{"a":"\u00e9","b":[1.0]}"#));
    }

    #[test]
    fn people_are_the_same_in_any_order_and_by_any_way() {
        let [ada, bob, eve] = ["Ada", "Bob", "Eve"].map(|name| People::one(name, Entry::default()));
        let all = ada.with(bob).with(eve);
        assert_eq!(all, eve.with(ada).with(bob));
        assert_eq!(all.without(bob), Some(ada.with(eve)));
        assert_eq!(ada.without(bob.with(eve)), None);
    }
}
