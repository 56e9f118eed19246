//! What one client hears, understood as a client must understand it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::inflate::{Inflated, Inflater};
use super::reference::Deflate;
use crate::wire::{self, Answer, Told};

/// A client's ears. Whatever a server must not say makes it panic.
#[derive(Debug, Default)]
pub struct Listener {
    pub answers: Vec<Answer>,
    pub stage: Stage,
    /// What was said to this client alone, in order and without the server's pings. Of an error on
    /// the roster's WebSocket only the code is kept, and of a pong only that it is one.
    pub private: Vec<Told>,
    /// The data of the server's pings.
    pub pings: Vec<Vec<u8>>,
    pub view: View,
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

/// The roster as this client knows it, from messages alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    pub seq: Option<u64>,
    pub names: BTreeSet<String>,
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
        match event.as_str() {
            "roster" => self.view.replace(data),
            "change" => self.view.change(data),
            "error" => {
                let code = data["code"].as_str().expect("an error has a code");
                self.private.push(Told::Text(code.to_owned()));
            }
            "pong" => {
                assert_eq!(data["seq"].as_u64(), Some(self.view.seq.unwrap_or(0)), "{text}");
                self.private.push(Told::Text("pong".to_owned()));
            }
            _ => panic!("{text}"),
        }
    }
}

impl View {
    fn replace(&mut self, data: &Value) {
        let seq = data["seq"].as_u64();
        assert!(seq > self.seq, "a roster that says nothing new: {data} after {:?}", self.seq);
        let names = strings(&data["names"]);
        self.names = names.iter().cloned().collect();
        assert!(names.is_sorted() && names.len() == self.names.len(), "{data}");
        self.seq = seq;
    }

    fn change(&mut self, data: &Value) {
        let before = self.seq.expect("the roster comes first");
        assert_eq!(data["seq"].as_u64(), Some(before + 1), "n comes only after n - 1");
        let (joined, left) = (strings(&data["joined"]), strings(&data["left"]));
        assert!(!joined.is_empty() || !left.is_empty(), "{data}");
        for name in left {
            assert!(self.names.remove(&name), "{name} was not there");
        }
        for name in joined {
            assert!(self.names.insert(name), "it was there: {data}");
        }
        self.seq = Some(before + 1);
    }
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

fn strings(value: &Value) -> Vec<String> {
    let string = |value: &Value| value.as_str().expect("a name is a string").to_owned();
    value.as_array().expect("names are an array").iter().map(string).collect()
}
