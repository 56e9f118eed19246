//! What a client of Socket.IO says and hears: its rooms are namespaces.

use super::super::message::Message;
use super::super::nature::Nature;
use super::super::requests::{Act, Request, View};
use super::super::tabs::{Left, Said};
use super::{Client, ROOMS};

impl Client {
    /// Joins a namespace, and says its id if it has one.
    pub(super) fn enter_namespace(&mut self, room: usize, nature: &mut Nature) {
        let namespace = namespace(room);
        let auth = self.tab.map(|tab| format!("{{\"client\":\"{}\"}}", nature.tabs.all[tab].id));
        let auth = auth.unwrap_or_default();
        self.say(&format!("40{namespace}{auth}"));
        self.claim(nature);
        let request = Request::new(Act::Enter(Some(View::Names)), Some(room));
        self.ledger.ask(request, Some(joined(ROOMS[room].0)), nature.clock_us);
    }

    /// It has said its id. It is that client if nobody is, and nobody if somebody is.
    fn claim(&mut self, nature: &mut Nature) {
        let Some(number) = self.tab else { return };
        self.claiming += 1;
        let tab = &mut nature.tabs.all[number];
        self.ledger.asked.extend(tab.left(self.number).0.asked);
        nature.tabs.said += 1;
        let (order, at_us) = (nature.tabs.said, nature.clock_us);
        let said = Said { order, at_us, is_prompt: true, ..Said::default() };
        tab.connections.entry(self.number).or_insert(said);
    }

    /// A namespace has answered: whether it is that client is decided.
    fn hear_claim(&mut self, nature: &mut Nature) {
        let Some(tab) = self.tab.map(|tab| &mut nature.tabs.all[tab]) else { return };
        self.claiming -= 1;
        let Some(own) = tab.connections.get(&self.number) else { return };
        let (is_first, at_us) = (!std::mem::replace(&mut self.has_claimed, true), own.at_us);
        if own.is_welcome {
            return;
        }
        let left = tab.left(self.number).0;
        // Nobody has said the same id since, and all who said it before were gone.
        let is_gone = |said: &Said| said.closed_us.is_some_and(|closed_us| closed_us < at_us);
        let mut others = tab.connections.iter().filter(|(other, _)| **other != self.number);
        if !is_first || !others.all(|(_, said)| is_gone(said)) {
            return self.ledger.doubt(&left);
        }
        tab.connections.retain(|other, said| {
            said.is_welcome |= *other == self.number;
            *other == self.number
        });
        let is_quiet = nature.tabs.terms.away_until_us < at_us;
        self.ledger.succeed(&Left { is_sure: left.is_sure && is_quiet, ..left });
    }

    /// Asks for something in a namespace. In one that it is not in it says nothing, and one that it
    /// is in it does not join: that would end the connection.
    pub(super) fn ask_in_namespace(&mut self, request: &Request, nature: &mut Nature) {
        let now_us = nature.clock_us;
        let room = request.room.unwrap_or(self.home);
        let is_in = self.ledger.ahead().all.contains_key(ROOMS[room].0);
        match request.act {
            Act::Enter(_) if !is_in => return self.enter_namespace(room, nature),
            _ if !is_in => return,
            Act::Enter(_) | Act::Ping | Act::Open(_) => return,
            _ => {}
        }
        let namespace = namespace(room);
        if request.act == Act::Exit {
            self.say(&format!("41{namespace}"));
            return self.ledger.ask(Request { has_id: false, ..request.clone() }, None, now_us);
        }
        self.asked += 1;
        let is_certain = self.ledger.ahead().may_fail(request, &self.ledger.bounds).is_empty();
        // Who will be back has to know what was done.
        let is_certain = is_certain && self.tab.is_none();
        let ack = (request.has_id || !is_certain).then_some(self.asked);
        let number = ack.map(|ack| ack.to_string()).unwrap_or_default();
        let message = request.message(None, true);
        self.say(&format!("42{namespace}{number}{message}"));
        let id = ack.map(|ack| acknowledged(ROOMS[room].0, ack));
        self.ledger.ask(request.clone(), id, now_us);
    }

    pub(super) fn hear_packet(&mut self, payload: &[u8], nature: &mut Nature) {
        let text = std::str::from_utf8(payload).expect("text is UTF-8");
        if text.starts_with('0') {
            return;
        }
        if text == "2" {
            return self.say("3");
        }
        let rest = text.strip_prefix('4').unwrap_or_else(|| panic!("packet {text}"));
        let (kind, rest) = rest.split_at(1);
        let (room, rest) = match rest.strip_prefix('/') {
            Some(rest) => rest.split_once(',').expect("a comma ends a namespace"),
            None => ("", rest),
        };
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (ack, rest) = rest.split_at(digits);
        let now_us = nature.clock_us;
        match kind {
            "0" => {
                self.hear_claim(nature);
                self.ledger.hear_ok(&joined(room), (None, None), now_us);
            }
            "4" => {
                self.hear_claim(nature);
                self.ledger.hear_refusal(&joined(room), now_us);
            }
            "2" => self.hear_event_of(room, rest, nature),
            "3" => {
                let value: serde_json::Value = serde_json::from_str(rest).expect("JSON");
                let id = acknowledged(room, ack.parse().expect("a number"));
                self.ledger.hear_ack(&id, value[0]["code"].as_str(), now_us);
            }
            _ => panic!("packet {text}"),
        }
    }

    fn hear_event_of(&mut self, room: &str, event: &str, nature: &mut Nature) {
        let message = nature.rosters.read(event.as_bytes());
        let is_of_it = match &*message {
            Message::List(names) => return self.ledger.hear_list(room, names),
            Message::Error { code, .. } => {
                return self.ledger.hear_error(code, None, None, nature.clock_us);
            }
            Message::Presence(whole) => whole.room == room,
            Message::Count { room: other, .. } => other == room,
            _ => false,
        };
        assert!(is_of_it, "{message:?} is no event of Socket.IO's in {room:?}");
        self.hear_message(&message, nature);
    }
}

/// A namespace, as packets have it.
fn namespace(room: usize) -> String {
    match ROOMS[room].0 {
        "" => String::new(),
        room => format!("/{room},"),
    }
}

/// What the answer is known by when it joins.
fn joined(room: &str) -> String {
    format!("40/{room}")
}

/// What an acknowledgement is known by.
fn acknowledged(room: &str, ack: u32) -> String {
    format!("/{room} {ack}")
}
