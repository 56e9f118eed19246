//! What one client hears, understood as a client must understand it.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::copies::Copy;
use super::inflate::{Inflated, Inflater};
use super::reference::Deflate;
use super::rooms::Pong;
use crate::wire::{self, Answer, Told};

/// A client's ears. Whatever a server must not say makes it panic.
#[derive(Debug, Default)]
pub struct Listener {
    pub answers: Vec<Answer>,
    pub stage: Stage,
    /// What was said to this client alone, in order and without the server's pings. Of an answer
    /// on the WebSocket of a room what matters is kept, and of a pong only that it is one.
    pub private: Vec<Told>,
    /// What each of these pongs told.
    pub told: Vec<Pong>,
    /// The data of the server's pings.
    pub pings: Vec<Vec<u8>>,
    /// What it knows of each room that it was told of.
    pub copies: BTreeMap<String, Copy>,
    inflater: Option<Inflater>,
}

/// More than anything that a server says.
const MESSAGE_BYTES_MAX: usize = 64 << 20;

/// What the client is listening to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    #[default]
    Http,
    Echo,
    Roster,
    /// The server's Close came.
    Closed,
}

/// What decides how the answer to a request is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub is_head: bool,
    pub is_echo: bool,
}

impl Listener {
    /// Takes all that is whole from `inbox`. The requests that were sent are `asked`.
    pub fn read(&mut self, inbox: &mut Vec<u8>, asked: &[Asked]) {
        while self.stage == Stage::Http && !inbox.is_empty() {
            let asked = asked.get(self.answers.len()).copied().unwrap_or_default();
            let Some(answer) = wire::take_answer(inbox, asked.is_head) else { return };
            let last = self.answers.last();
            let is_over = last.is_some_and(|last| last.field("connection").is_some());
            assert!(!is_over, "an answer after the last one: {answer:?}");
            if answer.status == 101 {
                self.stage = if asked.is_echo { Stage::Echo } else { Stage::Roster };
                self.inflater = answer
                    .field("sec-websocket-extensions")
                    .map(|agreed| Inflater::new(!agreed.contains("server_no_context_takeover")));
            }
            self.answers.push(answer);
        }
        while let Some(length) = frame_length(inbox) {
            let frame = inbox.drain(..length).collect();
            let told = self.inflated(frame);
            self.hear(told);
        }
    }

    /// How the client may compress what it sends.
    pub fn deflate(&self) -> Deflate {
        let answer = self.answers.iter().find(|answer| answer.status == 101);
        match answer.and_then(|answer| answer.field("sec-websocket-extensions")) {
            None => Deflate::No,
            Some(agreed) if agreed.contains("client_no_context_takeover") => Deflate::Fresh,
            Some(_) => Deflate::Takeover,
        }
    }

    /// A frame as it would be without compression.
    fn inflated(&mut self, mut frame: Vec<u8>) -> Told {
        let first = frame[0];
        let is_compressed = matches!(first, 0xC1 | 0xC2) && self.inflater.is_some();
        if is_compressed {
            frame[0] = 0x82; // It is bytes until it is inflated.
        }
        let told = wire::take_frames(&mut frame).pop().expect("it is whole");
        let (Told::Binary(payload), true, Some(inflater)) =
            (&told, is_compressed, &mut self.inflater)
        else {
            return told;
        };
        match inflater.inflate(payload, MESSAGE_BYTES_MAX) {
            Inflated::Message(bytes) if first == 0xC1 => {
                Told::Text(String::from_utf8(bytes).expect("text is UTF-8"))
            }
            Inflated::Message(bytes) => Told::Binary(bytes),
            other => panic!("{other:?} of {}", payload.escape_ascii()),
        }
    }

    fn hear(&mut self, told: Told) {
        // RFC 6455 §5.5.2: pings are answered until the client's own Close.
        let may_follow_close = matches!(told, Told::Pong(_));
        assert!(self.stage != Stage::Closed || may_follow_close, "after Close: {told:?}");
        match told {
            Told::Ping(data) => self.pings.push(data),
            Told::Text(text) if self.stage == Stage::Roster => self.hear_event(&text),
            Told::Close(_) => {
                self.private.push(told);
                self.stage = Stage::Closed;
            }
            _ => self.private.push(told),
        }
    }

    fn hear_event(&mut self, text: &str) {
        let message: Value = serde_json::from_str(text).expect("messages are JSON");
        let [Value::String(event), data] = &message.as_array().expect("an array")[..] else {
            panic!("{text}")
        };
        let room = data["room"].as_str().unwrap_or_default().to_owned();
        match event.as_str() {
            "roster" => self.copies.entry(room).or_default().replace(data),
            "change" if data.get("epoch").is_some() => {
                self.copies.entry(room).or_default().resume(data);
            }
            "change" => {
                let copy = self.copies.get_mut(&room);
                copy.expect("the roster comes first").change(data);
            }
            "count" => self.copies.entry(room).or_default().note_count(data),
            "error" | "ok" => {
                let code = if event == "ok" { event.clone() } else { word(&data["code"], "") };
                let (name, room) = (word(&data["name"], " "), word(&data["room"], " of "));
                let id = as_sent(text, "id");
                self.private.push(Told::Text(format!("{code}{id}{name}{room}")));
            }
            "pong" => {
                let name = data["name"].as_str().map(str::to_owned);
                let seq = data["seq"].as_u64();
                if let Some(seq) = seq {
                    let last = self.copies.get(&room).and_then(|copy| copy.seq);
                    assert_eq!(seq, last.unwrap_or(0), "{text}");
                }
                self.told.push((seq.map(|_| room), name));
                self.private.push(Told::Text("pong".to_owned()));
            }
            // Of a client that says hello, as whoever writes all of the bytes may.
            "welcome" | "bye" => self.private.push(Told::Text(event.clone())),
            _ => panic!("{text}"),
        }
    }
}

/// A string after `start`; nothing, if it is not there.
fn word(value: &Value, start: &str) -> String {
    value.as_str().map(|word| format!("{start}{word}")).unwrap_or_default()
}

/// A space and a value of the message's argument, as it was sent; nothing, if it is not there.
fn as_sent(text: &str, key: &str) -> String {
    let parts: Vec<&RawValue> = serde_json::from_str(text).expect("an array");
    let argument: BTreeMap<String, &RawValue> =
        serde_json::from_str(parts[1].get()).expect("an object");
    argument.get(key).map(|value| format!(" {value}")).unwrap_or_default()
}

/// The length of the frame that `bytes` begin with, if it is whole.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let (start, length) = match *bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, 127, ..] => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?) as usize),
        [_, 126] | [_, 126, _] => return None,
        [_, short, ..] => (2, usize::from(short)),
        _ => return None,
    };
    (bytes.len() >= start + length).then_some(start + length)
}
