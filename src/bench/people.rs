//! Those who are in a room, as far as two rooms can be compared.
//!
//! A hundred thousand clients that each know a hundred thousand names don't fit into memory. They
//! need not: whether two rosters are equal can be told from the number of their names and the sum
//! of hashes, one of each name with its status and data. A change adds and subtracts, a whole
//! roster starts over. So [`People`] are 48 bytes, and they are others as soon as one status in
//! them is, but for a chance of 2⁻¹²⁸. Beside that sum stands the digest, which the server sends.

use std::rc::Rc;

use serde::Deserialize;
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};

use super::digest::Digest;

/// Some people, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct People {
    pub(crate) count: u64,
    /// Of the hashes of what is told of each, modulo 2^128.
    sum: u128,
    pub(crate) digest: Digest,
}

/// What is told of one person beside the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

impl Status {
    /// The word on the wire.
    const fn word(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Idle => "idle",
            Status::Hidden => "hidden",
        }
    }
}

/// Presence data, as they are told; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Data(Option<Rc<str>>);

impl Data {
    /// An object as a message has it. The server tells equal data in one form, that of RFC 8785.
    pub(crate) fn told(text: &str) -> Data {
        Data(Some(text.into()))
    }

    /// What is to be told of data that have short keys and whole numbers.
    pub(crate) fn of(object: &Map<String, Value>) -> Data {
        // The keys of a `Map` are in order.
        Data::told(&serde_json::to_string(object).expect("what was JSON can be written"))
    }
}

impl People {
    /// One person.
    pub(crate) fn one(name: &str, entry: &Entry) -> People {
        let Entry { status, data: Data(data) } = entry;
        let data = data.as_deref();
        let fixed = [*status as u8, u8::from(data.is_some())];
        let text = data.unwrap_or_default();
        let length = (text.len() as u64).to_le_bytes();
        let sum = hash(&[&fixed, &length, text.as_bytes(), name.as_bytes()]);
        People { count: 1, sum, digest: Digest::of(name, status.word(), data) }
    }

    /// These and some others.
    pub(crate) fn with(self, others: People) -> People {
        People {
            count: self.count + others.count,
            sum: self.sum.wrapping_add(others.sum),
            digest: self.digest.with(others.digest),
        }
    }

    /// These but for some of them, unless those are more.
    pub(crate) fn without(self, some: People) -> Option<People> {
        let count = self.count.checked_sub(some.count)?;
        let sum = self.sum.wrapping_sub(some.sum);
        Some(People { count, sum, digest: self.digest.without(some.digest) })
    }

    /// So many of whom no more is known.
    pub(crate) fn nameless(count: u64) -> People {
        People { count, ..People::default() }
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
        let data = Data::told;
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
        .map(|(name, entry)| People::one(name, &entry));
        for (index, people) in all.iter().enumerate() {
            assert!(!all[..index].contains(people), "{index}");
        }
        assert_eq!(
            Data::of(&serde_json::from_str(r#"{ "b":1,"a":2}"#).unwrap()),
            data(r#"{"a":2,"b":1}"#)
        );
    }

    #[test]
    fn people_are_the_same_in_any_order_and_by_any_way() {
        let [ada, bob, eve] =
            ["Ada", "Bob", "Eve"].map(|name| People::one(name, &Entry::default()));
        let all = ada.with(bob).with(eve);
        assert_eq!(all, eve.with(ada).with(bob));
        assert_eq!(all.without(bob), Some(ada.with(eve)));
        assert_eq!(ada.without(bob.with(eve)), None);
    }
}
