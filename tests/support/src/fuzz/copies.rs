//! What a client knows of a room, from messages alone.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::digest;

/// What it knows of a room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Copy {
    pub epoch: Option<String>,
    pub seq: Option<u64>,
    pub names: BTreeMap<String, Shown>,
    /// How many names there are, if it is told nothing else.
    pub count: Option<u64>,
    /// Whether it began with a copy that the client named: what is in it only the client knows.
    pub is_vague: bool,
}

/// What it knows of a name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Where it is not the default.
    pub status: Option<String>,
    pub data: Option<Value>,
}

impl Copy {
    /// Takes all of it from a roster, or from the document of the room.
    pub fn replace(&mut self, data: &Value) {
        let (epoch, seq) = (data["epoch"].as_str().map(str::to_owned), data["seq"].as_u64());
        assert!(epoch.as_ref().is_some_and(|epoch| epoch.len() == 16) && seq.is_some(), "{data}");
        assert!(epoch != self.epoch || seq >= self.seq, "a roster that is old: {data}");
        let names = strings(&data["names"]);
        assert!(names.is_sorted_by(|one, other| one < other), "{data}");
        self.names = names.into_iter().map(|name| (name, Shown::default())).collect();
        self.show(data, false);
        (self.epoch, self.seq) = (epoch, seq);
        self.is_vague = false;
        self.check_digest(data);
    }

    /// Goes on from the copy that the client named.
    pub fn resume(&mut self, data: &Value) {
        let epoch = data["epoch"].as_str().map(str::to_owned);
        let seq = data["seq"].as_u64();
        assert!(epoch.as_ref().is_some_and(|epoch| epoch.len() == 16) && seq.is_some(), "{data}");
        *self = Copy { epoch, seq, is_vague: true, ..Copy::default() };
    }

    pub fn change(&mut self, data: &Value) {
        let before = self.seq.expect("the roster comes first");
        assert_eq!(data["seq"].as_u64(), Some(before + 1), "n comes only after n - 1");
        if self.is_vague {
            self.seq = Some(before + 1);
            return;
        }
        let (joined, left) = (strings(&data["joined"]), strings(&data["left"]));
        let is_shown = data.get("status").is_some() || data.get("data").is_some();
        assert!(!joined.is_empty() || !left.is_empty() || is_shown, "{data}");
        for name in left {
            assert!(self.names.remove(&name).is_some(), "{name} was not there");
        }
        for name in joined {
            let known = self.names.insert(name, Shown::default());
            assert_eq!(known, None, "it was there: {data}");
        }
        self.show(data, true);
        self.seq = Some(before + 1);
        self.check_digest(data);
    }

    /// The digest that a message has is that of the copy which it makes.
    fn check_digest(&self, data: &Value) {
        let names = self.names.iter();
        let digest = digest::digest(
            names.map(|(name, shown)| (&**name, shown.status.as_deref(), shown.data.clone())),
        );
        assert_eq!(data["digest"], *digest, "{data}");
    }

    pub fn note_count(&mut self, data: &Value) {
        assert!(data["seq"].is_u64(), "{data}");
        self.count = Some(data["count"].as_u64().expect("a count is a number"));
    }

    /// Takes what is told by name. In a change it is another than before.
    fn show(&mut self, data: &Value, is_change: bool) {
        for key in ["status", "data"] {
            let Some(all) = data.get(key) else { continue };
            let all = all.as_object().expect("it is told by name");
            assert!(!all.is_empty(), "what is empty is left out: {data}");
            for (name, value) in all {
                let shown = self.names.get_mut(name).expect("whoever is told of is there");
                let is_default = *value == "active" || value.is_null();
                assert!(is_change || !is_default, "the default is left out: {data}");
                let before = shown.clone();
                match key {
                    "status" => {
                        shown.status = value.as_str().filter(|_| !is_default).map(Into::into);
                    }
                    _ => shown.data = Some(value.clone()).filter(|_| !is_default),
                }
                assert_ne!(*shown, before, "{data} changes nothing of {name}");
            }
        }
    }
}

fn strings(value: &Value) -> Vec<String> {
    let string = |value: &Value| value.as_str().expect("a name is a string").to_owned();
    value.as_array().expect("names are an array").iter().map(string).collect()
}
