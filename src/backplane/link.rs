//! The connection to the server: what was asked on it, and what came.

use std::collections::VecDeque;
use std::fmt;

use crate::config::Redis;
use crate::presence::{Name, NodeId};
use crate::time::Time;

use super::redis::{self, Reply};

/// A server that answers nothing for so long is away, in ms.
const SILENT_MS: u64 = 5_000;

/// A server that answers nothing for so long may not hand on messages either, in ms.
const LATE_MS: u64 = 1_000;

/// Why a connection to the server is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// It is none of ours, and will be none if it is tried again: a sentence says why.
    Refused(String),
    /// It may do later.
    Failed(String),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Refused(text) | LinkError::Failed(text) => f.write_str(text),
        }
    }
}

/// What came.
#[derive(Debug)]
pub(super) enum Inbound {
    /// The server knows who this is.
    Up,
    /// So many have heard what was asked in a room.
    Asked(Name, u64),
    /// A node has not heard the question of this number.
    Unheard(NodeId, u64),
    /// A message on a channel.
    Message(String, Vec<u8>),
}

/// Something of which it matters who has heard it.
#[derive(Debug)]
pub(super) enum Said {
    /// What a node's own part of a room is.
    Part(Name),
    /// The same, and a question to all who are in that room.
    Asked(Name),
    /// A question to a node, and its number.
    Question(NodeId, u64),
}

/// A reply that is outstanding.
#[derive(Debug)]
enum Expected {
    Hello,
    Role,
    Published(Option<Said>),
}

#[derive(Debug)]
pub(super) struct Link {
    redis: Redis,
    stage: Stage,
    pub(super) output: Vec<u8>,
    input: Vec<u8>,
    expected: VecDeque<Expected>,
    pub(super) inbound: VecDeque<Inbound>,
    /// Whether it has let through something that was to be said to others.
    is_proven: bool,
    /// Since when a reply is outstanding, and none came.
    waits_since: Time,
    pub(super) commands: u64,
    /// The latest time that is known here.
    pub(super) now: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Down,
    Greeting,
    Up,
}

impl Link {
    pub(super) fn new(redis: Redis) -> Link {
        Link {
            redis,
            stage: Stage::Down,
            output: Vec::new(),
            input: Vec::new(),
            expected: VecDeque::new(),
            inbound: VecDeque::new(),
            is_proven: false,
            waits_since: Time::NEVER,
            commands: 0,
            now: Time::ZERO,
        }
    }

    /// Whether the user of the URL may do all that is needed: what was asked for before the first
    /// message was not refused.
    pub(super) fn is_proven(&self) -> bool {
        self.is_proven
    }

    pub(super) fn is_up(&self) -> bool {
        self.stage == Stage::Up
    }

    pub(super) fn connected(&mut self, server: usize, now: Time) {
        self.disconnected();
        self.now = now;
        self.stage = Stage::Greeting;
        let mut words: Vec<&[u8]> = vec![b"HELLO", b"3"];
        let redis = self.redis.clone();
        if let (user, Some(password)) = redis.credentials(server) {
            words.extend([&b"AUTH"[..], user.unwrap_or("default").as_bytes()]);
            words.push(password.as_bytes());
        }
        words.extend([&b"SETNAME"[..], b"headcount"]);
        self.command(&words, Some(Expected::Hello));
    }

    /// Gives the rooms in which something was said that the server may not have heard.
    pub(super) fn disconnected(&mut self) -> Vec<Name> {
        (self.stage, self.is_proven) = (Stage::Down, false);
        self.output.clear();
        self.input.clear();
        let expected = self.expected.drain(..);
        let unheard = expected.filter_map(|expected| match expected {
            Expected::Published(Some(Said::Part(room) | Said::Asked(room))) => Some(room),
            Expected::Published(_) | Expected::Hello | Expected::Role => None,
        });
        let unheard = unheard.collect();
        // What came before the end was said all the same.
        self.inbound.retain(|inbound| matches!(inbound, Inbound::Message(..)));
        self.waits_since = Time::NEVER;
        unheard
    }

    /// Whether nothing is late.
    pub(super) fn is_answering(&self, now: Time) -> bool {
        self.waits_since == Time::NEVER || now.ms_since(self.waits_since) <= LATE_MS
    }

    pub(super) fn is_silent(&self, now: Time) -> bool {
        self.due() <= now
    }

    pub(super) fn due(&self) -> Time {
        self.waits_since.after_ms(SILENT_MS)
    }

    pub(super) fn subscribe(&mut self, channel: &str) {
        if self.is_up() {
            self.command(&[b"SUBSCRIBE", channel.as_bytes()], None);
        }
    }

    pub(super) fn unsubscribe(&mut self, channel: &str) {
        if self.is_up() {
            self.command(&[b"UNSUBSCRIBE", channel.as_bytes()], None);
        }
    }

    pub(super) fn publish(&mut self, channel: &str, message: &[u8], said: Option<Said>) {
        if self.is_up() {
            let words = [b"PUBLISH", channel.as_bytes(), message];
            self.command(&words, Some(Expected::Published(said)));
        }
    }

    pub(super) fn ask_role(&mut self) {
        self.command(&[b"ROLE"], Some(Expected::Role));
    }

    fn command(&mut self, words: &[&[u8]], expected: Option<Expected>) {
        redis::push_command(words, &mut self.output);
        self.commands += 1;
        if let Some(expected) = expected {
            if self.expected.is_empty() {
                self.waits_since = self.now;
            }
            self.expected.push_back(expected);
        }
    }

    pub(super) fn receive(&mut self, bytes: &[u8], now: Time) -> Result<(), LinkError> {
        self.now = now;
        self.input.extend_from_slice(bytes);
        let mut used = 0;
        let input = std::mem::take(&mut self.input);
        while let Some((reply, length)) = redis::decode(input.get(used..).unwrap_or_default())
            .map_err(|_| LinkError::Refused("it does not speak RESP3".into()))?
        {
            used += length;
            self.take(reply)?;
        }
        self.input = input;
        self.input.drain(..used);
        Ok(())
    }

    fn take(&mut self, reply: Reply) -> Result<(), LinkError> {
        if let Reply::Push { data, .. } = reply {
            self.pushed(data);
            return Ok(());
        }
        let expected = self.expected.pop_front();
        self.waits_since = if self.expected.is_empty() { Time::NEVER } else { self.now };
        if let Some(error) = redis::error(&reply) {
            return Err(refusal(&error));
        }
        match expected {
            Some(Expected::Hello) => {
                check_hello(&reply)?;
                self.stage = Stage::Up;
                self.inbound.push_back(Inbound::Up);
            }
            Some(Expected::Role) => {
                let is_replica = match &reply {
                    Reply::Array { data, .. } => {
                        data.first().and_then(redis::text).is_some_and(|role| role != "master")
                    }
                    _ => false,
                };
                if is_replica {
                    return Err(LinkError::Failed("it has become a replica".into()));
                }
            }
            Some(Expected::Published(said)) => {
                self.is_proven = true;
                let heard = match reply {
                    Reply::Number { data, .. } => u64::try_from(data).unwrap_or_default(),
                    _ => 0,
                };
                match said {
                    Some(Said::Asked(room)) => self.inbound.push_back(Inbound::Asked(room, heard)),
                    Some(Said::Question(node, number)) if heard == 0 => {
                        self.inbound.push_back(Inbound::Unheard(node, number));
                    }
                    _ => {}
                }
            }
            None => {}
        }
        Ok(())
    }

    fn pushed(&mut self, data: Vec<Reply>) {
        let Ok([kind, channel, payload]) = <[Reply; 3]>::try_from(data) else { return };
        if redis::text(&kind) != Some("message") {
            return;
        }
        let channel = redis::bytes(channel).and_then(|bytes| String::from_utf8(bytes).ok());
        if let (Some(channel), Some(payload)) = (channel, redis::bytes(payload)) {
            self.inbound.push_back(Inbound::Message(channel, payload));
        }
    }
}

/// Whether the server is one that will do.
fn check_hello(reply: &Reply) -> Result<(), LinkError> {
    if !matches!(reply, Reply::Map { .. }) {
        return Err(LinkError::Refused("it is no Redis: its reply to HELLO is none".into()));
    }
    let field = |word| redis::field(reply, word).unwrap_or_default();
    if !redis::is_recent(reply) {
        let (least, version) = (redis::VERSION_MIN, field("version"));
        let text = format!("version {least} or later is needed, and this is {version}");
        return Err(LinkError::Refused(text));
    }
    match &*field("mode") {
        "standalone" => {}
        "cluster" => {
            return Err(LinkError::Refused("it is part of a cluster; name a single server".into()));
        }
        mode => return Err(LinkError::Refused(format!("it is a {mode}, and no single server"))),
    }
    match &*field("role") {
        "master" => Ok(()),
        role => Err(LinkError::Failed(format!("it is a {role}, and no master"))),
    }
}

/// What an error of the server means.
fn refusal(error: &str) -> LinkError {
    let code = error.split(' ').next().unwrap_or_default();
    match code {
        "WRONGPASS" => LinkError::Refused("the user or the password is wrong".into()),
        "NOAUTH" => LinkError::Refused("it requires a password: see --redis-password-file".into()),
        "NOPERM" => LinkError::Refused(format!("the user may not do that: {error}")),
        "ERR" if error.contains("unknown command") => {
            LinkError::Refused(format!("it is too old: {error}"))
        }
        // HELLO of a user that has no password.
        "ERR" if error.contains("AUTH") => LinkError::Refused(error.to_owned()),
        _ => LinkError::Failed(error.to_owned()),
    }
}
