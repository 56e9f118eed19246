//! What everyone is told about who is here, checked against what everyone else is told.
//!
//! A commit has one outcome: whoever hears of commit `n`, by a change or by a whole roster, must
//! arrive at the same names. So each message is taken apart once, whoever hears it, and a client's
//! view is the number of the commit that it has arrived at.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use serde_json::Value;

/// All names at one time.
pub type Names = Rc<BTreeSet<String>>;

/// What a message to one client says.
#[derive(Debug)]
pub enum Message {
    Roster {
        seq: u64,
        names: Names,
    },
    Change {
        seq: u64,
        joined: Vec<String>,
        left: Vec<String>,
    },
    /// All names, as clients of Socket.IO are told.
    List(Names),
    Error(String),
    /// The commit that whoever hears this was told of last.
    Pong(u64),
    Other,
}

/// All rosters that there were.
#[derive(Debug, Default)]
pub struct Rosters {
    read: HashMap<Vec<u8>, Rc<Message>>,
    states: HashMap<u64, Names>,
}

/// The most messages that are kept in mind.
const READ_MAX: usize = 4096;

impl Rosters {
    /// The names after commit `seq`.
    pub fn state(&self, seq: u64) -> &Names {
        &self.states[&seq]
    }

    /// Takes a message apart.
    pub fn read(&mut self, payload: &[u8]) -> Rc<Message> {
        if let Some(message) = self.read.get(payload) {
            return message.clone();
        }
        let message = Rc::new(parse(payload));
        if self.read.len() < READ_MAX {
            self.read.insert(payload.to_vec(), message.clone());
        }
        message
    }

    /// A client at commit `view` hears this; where it is then.
    pub fn hear(&mut self, message: &Message, view: Option<u64>) -> Option<u64> {
        match message {
            Message::Roster { seq, names } => {
                assert!(view.is_none_or(|view| view <= *seq), "a roster from the past");
                let known = self.states.entry(*seq).or_insert_with(|| names.clone());
                assert_eq!(known, names, "two rosters for commit {seq}");
                Some(*seq)
            }
            Message::Change { seq, joined, left } => {
                assert_eq!(view.map(|view| view + 1), Some(*seq), "a change was left out");
                self.change(*seq, joined, left);
                Some(*seq)
            }
            _ => view,
        }
    }

    fn change(&mut self, seq: u64, joined: &[String], left: &[String]) {
        if let Some(names) = self.states.get(&seq) {
            assert!(joined.iter().all(|name| names.contains(name)), "commit {seq}");
            assert!(!left.iter().any(|name| names.contains(name)), "commit {seq}");
            return;
        }
        assert!(!(joined.is_empty() && left.is_empty()), "a change of nothing");
        let mut names = BTreeSet::clone(&self.states[&(seq - 1)]);
        for name in left {
            assert!(names.remove(name), "{name} left and was not there");
        }
        for name in joined {
            assert!(names.insert(name.clone()), "{name} joined and was there");
        }
        self.states.insert(seq, Rc::new(names));
    }
}

fn parse(payload: &[u8]) -> Message {
    let value: Value = serde_json::from_slice(payload).expect("messages are JSON");
    let parts = value.as_array().expect("messages are arrays");
    let body = &parts[1];
    let seq = || body["seq"].as_u64().expect("commits have numbers");
    match parts[0].as_str() {
        Some("roster") => Message::Roster { seq: seq(), names: set(&body["names"]) },
        Some("change") => {
            let (joined, left) = (list(&body["joined"]), list(&body["left"]));
            Message::Change { seq: seq(), joined, left }
        }
        Some("pong") => Message::Pong(seq()),
        Some("login") => Message::List(set(body)),
        Some("error") => Message::Error(body["code"].as_str().expect("codes are words").to_owned()),
        _ => Message::Other,
    }
}

fn list(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).expect("names are strings")
}

fn set(value: &Value) -> Names {
    let names = list(value);
    assert!(names.is_sorted_by(|one, other| one < other), "names are in order, each once");
    Rc::new(names.into_iter().collect())
}
