//! What a client of Socket.IO says and hears: its rooms are namespaces.

use super::super::message::Message;
use super::super::nature::Nature;
use super::super::requests::{Act, Request, View};
use crate::wire;

use super::{Client, ROOMS};

impl Client {
    /// Joins a namespace.
    pub(super) fn enter_namespace(&mut self, room: usize, now_us: u64) {
        let namespace = namespace(room);
        self.outgoing.extend(wire::text(&format!("40{namespace}")));
        let request = Request::new(Act::Enter(Some(View::Names)), Some(room));
        self.ledger.ask(request, Some(joined(ROOMS[room].0)), now_us);
    }

    /// Asks for something in a namespace. In one that it is not in it says nothing, and one that it
    /// is in it does not join: that would end the connection.
    pub(super) fn ask_in_namespace(&mut self, request: &Request, now_us: u64) {
        let room = request.room.unwrap_or(self.home);
        let is_in = self.ledger.ahead().all.contains_key(ROOMS[room].0);
        match request.act {
            Act::Enter(_) if !is_in => return self.enter_namespace(room, now_us),
            _ if !is_in => return,
            Act::Enter(_) | Act::Ping | Act::Open(_) => return,
            _ => {}
        }
        let namespace = namespace(room);
        if request.act == Act::Exit {
            self.outgoing.extend(wire::text(&format!("41{namespace}")));
            return self.ledger.ask(Request { has_id: false, ..request.clone() }, None, now_us);
        }
        self.asked += 1;
        let is_certain = self.ledger.ahead().may_fail(request, &self.ledger.bounds).is_empty();
        let ack = (request.has_id || !is_certain).then_some(self.asked);
        let number = ack.map(|ack| ack.to_string()).unwrap_or_default();
        let message = request.message(None, true);
        self.outgoing.extend(wire::text(&format!("42{namespace}{number}{message}")));
        let id = ack.map(|ack| acknowledged(ROOMS[room].0, ack));
        self.ledger.ask(request.clone(), id, now_us);
    }

    pub(super) fn hear_packet(&mut self, payload: &[u8], nature: &mut Nature) {
        let text = std::str::from_utf8(payload).expect("text is UTF-8");
        if text.starts_with('0') {
            return;
        }
        if text == "2" {
            return self.outgoing.extend(wire::text("3"));
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
            "0" => self.ledger.hear_ok(&joined(room), (None, None), now_us),
            "4" => self.ledger.hear_refusal(&joined(room), now_us),
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
