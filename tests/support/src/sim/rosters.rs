//! What everyone is told of rooms, checked against what everyone else is told.
//!
//! A commit has one outcome: whoever hears of commit `n` of one making of a room, by a change or by
//! a whole roster, must arrive at the same names, status and data. So each message is taken apart
//! once, whoever hears it, and what a client knows of a room is a making and a number.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use crate::digest;

use super::message::{Change, Message, Seen, State, Whole};
use super::requests::Status;

/// The commit that a client has arrived at.
pub type At = (Rc<str>, u64);

/// All rooms that there were.
#[derive(Debug, Default)]
pub struct Rosters {
    read: HashMap<Vec<u8>, Rc<Message>>,
    /// By epoch.
    makings: HashMap<Rc<str>, Making>,
    /// What was told of each room, in the order in which it was heard.
    history: HashMap<String, Vec<At>>,
}

/// A room from when it was made to when it was gone.
#[derive(Debug)]
struct Making {
    room: String,
    states: HashMap<u64, Rc<State>>,
    changes: HashMap<u64, Rc<Message>>,
}

/// The most messages that are kept in mind.
const READ_MAX: usize = 4096;

/// The epoch of a room that is not there.
const NO_EPOCH: &str = "0000000000000000";

impl Rosters {
    /// All that is told of a room after a commit, if anybody has heard of it.
    pub fn state(&self, (epoch, seq): &At) -> Option<&Rc<State>> {
        self.makings.get(epoch)?.states.get(seq)
    }

    /// Takes a message apart.
    pub fn read(&mut self, payload: &[u8]) -> Rc<Message> {
        if let Some(message) = self.read.get(payload) {
            return message.clone();
        }
        let message = Rc::new(Message::parse(payload));
        if self.read.len() < READ_MAX {
            self.read.insert(payload.to_vec(), message.clone());
        }
        message
    }

    /// Somebody who was at commit `at` of this room hears the whole of it.
    pub fn hear_whole(&mut self, whole: &Whole, at: Option<&At>) -> At {
        let Whole { room, epoch, seq, digest, state } = whole;
        check_digest(state, digest);
        assert_ne!(&**epoch, NO_EPOCH, "{room:?} is there");
        assert!(at.is_none_or(|(_, last)| last <= seq), "a roster from the past");
        let making = self.makings.entry(epoch.clone()).or_insert_with(|| Making {
            room: room.clone(),
            states: HashMap::new(),
            changes: HashMap::new(),
        });
        assert_eq!(making.room, *room, "two rooms have one epoch");
        let known = making.states.entry(*seq).or_insert_with(|| {
            self.history.entry(room.clone()).or_default().push((epoch.clone(), *seq));
            state.clone()
        });
        assert_eq!(known, state, "two rosters for commit {seq} of {room:?}");
        (epoch.clone(), *seq)
    }

    /// Somebody who has a copy as of commit `from` hears what leads from there to another.
    pub fn hear_resumed(&mut self, epoch: &Rc<str>, change: &Change, from: &At) -> At {
        let before = self.state(from).expect("a copy is one that was told").clone();
        let after = Rc::new(changed(&before, change, false));
        check_digest(&after, &change.digest);
        let (epoch, room, seq) = (epoch.clone(), change.room.clone(), change.seq);
        let digest = change.digest.clone();
        self.hear_whole(&Whole { room, epoch, seq, digest, state: after }, None)
    }

    /// All that was told of a room, the oldest first.
    pub fn history(&self, room: &str) -> &[At] {
        self.history.get(room).map_or(&[], |all| all)
    }

    /// Somebody who asks for a document gets this one.
    pub fn hear_document(&mut self, whole: &Whole) {
        if &*whole.epoch == NO_EPOCH {
            assert!(whole.seq == 0 && whole.state.is_empty(), "a room that is not there");
        } else {
            self.hear_whole(whole, None);
        }
    }

    /// Somebody who is at commit `at` hears of the next.
    pub fn hear_change(&mut self, message: &Rc<Message>, at: &At) -> At {
        let Message::Change(change) = &**message else { panic!("{message:?} is no change") };
        let (epoch, last) = at;
        let seq = change.seq;
        assert_eq!(seq, last + 1, "a change was left out");
        let making = self.makings.get_mut(epoch).expect("the roster comes first");
        assert_eq!(making.room, change.room, "a change of another room");
        match making.changes.get(&seq) {
            Some(known) if Rc::ptr_eq(known, message) => {}
            Some(known) => {
                let Message::Change(known) = &**known else { panic!("{known:?} is no change") };
                assert_eq!(known, change, "two changes for commit {seq}");
            }
            None => {
                let after = changed(&making.states[last], change, true);
                check_digest(&after, &change.digest);
                let known = making.states.entry(seq).or_insert_with(|| {
                    let at = (epoch.clone(), seq);
                    self.history.entry(change.room.clone()).or_default().push(at);
                    Rc::new(after.clone())
                });
                assert_eq!(**known, after, "commit {seq} has two outcomes");
                making.changes.insert(seq, message.clone());
            }
        }
        (epoch.clone(), seq)
    }
}

/// What a client computes from its copy.
pub fn digest_of(state: &State) -> String {
    digest::digest(state.iter().map(|(name, seen)| {
        let data = (!seen.data.is_empty()).then(|| Value::Object(seen.data.clone()));
        (&**name, Some(seen.status.word()), data)
    }))
}

fn check_digest(state: &State, told: &str) {
    assert_eq!(digest_of(state), told, "the digest of {state:?}");
}

/// What a change makes of a state. If it is told to all it has to be net, and never empty.
fn changed(before: &State, change: &Change, is_net: bool) -> State {
    let Change { joined, left, status, data, .. } = change;
    let is_empty = joined.is_empty() && left.is_empty() && status.is_empty() && data.is_empty();
    assert!(!is_empty || !is_net, "a change of nothing");
    let mut state = before.clone();
    for name in left {
        assert!(state.remove(name).is_some(), "{name} left and was not there");
    }
    for name in joined {
        assert!(!left.contains(name), "{name} left and joined in one change");
        let was_there = state.insert(name.clone(), Seen::default()).is_some();
        assert!(!was_there, "{name} joined and was there");
    }
    for (name, status) in status {
        let before =
            change_of(&mut state, name, |seen| std::mem::replace(&mut seen.status, *status));
        assert!(
            before != *status || !is_net,
            "{name} had that status: {:?}",
            Status::word(*status)
        );
    }
    for (name, data) in data {
        let before =
            change_of(&mut state, name, |seen| std::mem::replace(&mut seen.data, data.clone()));
        assert!(before != *data || !is_net, "{name} had these data");
    }
    state
}

fn change_of<T>(state: &mut State, name: &str, change: impl FnOnce(&mut Seen) -> T) -> T {
    change(state.get_mut(name).unwrap_or_else(|| panic!("{name} changed and is not there")))
}
