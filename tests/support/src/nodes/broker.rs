//! A Redis server as nodes know it: PUBLISH and SUBSCRIBE, and connections that can be cut.

use std::collections::{BTreeSet, VecDeque};

use crate::sim::choices::Choices;

/// What a server says of itself that will do.
pub const HELLO: &[u8] = b"%4\r\n+version\r\n+7.0.0\r\n+proto\r\n:3\r\n+mode\r\n+standalone\r\n\
    +role\r\n+master\r\n";

/// What goes wrong with messages on a connection that stays. A real server does none of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wildness {
    /// One in so many messages is lost, delivered twice, or delivered after the next; 0: none.
    pub one_in: u32,
}

#[derive(Debug, Default)]
pub struct Broker {
    pub is_up: bool,
    /// Whether nothing is answered.
    pub is_paused: bool,
    pub connections: Vec<Option<Connection>>,
    pub commands: u64,
    /// The longest message that was published, in bytes.
    pub longest: usize,
}

/// The connection of one node: bytes on their way, each with when it arrives.
#[derive(Debug, Default)]
pub struct Connection {
    channels: BTreeSet<String>,
    to_server: VecDeque<(u64, Vec<u8>)>,
    to_node: VecDeque<(u64, Vec<u8>)>,
    latency_ms: u64,
    input: Vec<u8>,
}

impl Connection {
    pub fn new(latency_ms: u64) -> Connection {
        Connection { latency_ms, ..Connection::default() }
    }

    pub fn send(&mut self, bytes: Vec<u8>, now: u64) {
        push(&mut self.to_server, bytes, now + self.latency_ms);
    }

    /// What has arrived at the node.
    pub fn received(&mut self, now: u64) -> Vec<u8> {
        take(&mut self.to_node, now)
    }

    fn reply(&mut self, bytes: Vec<u8>, now: u64) {
        push(&mut self.to_node, bytes, now + self.latency_ms);
    }
}

/// Nothing overtakes what was sent before.
fn push(queue: &mut VecDeque<(u64, Vec<u8>)>, bytes: Vec<u8>, at: u64) {
    let last = queue.back().map_or(0, |(at, _)| *at);
    queue.push_back((at.max(last), bytes));
}

fn take(queue: &mut VecDeque<(u64, Vec<u8>)>, now: u64) -> Vec<u8> {
    let mut taken = Vec::new();
    while let Some((_, bytes)) = queue.pop_front_if(|(at, _)| *at <= now) {
        taken.extend(bytes);
    }
    taken
}

impl Broker {
    /// Takes what has arrived, in an order that the choices decide.
    pub fn serve(&mut self, choices: &mut Choices, wildness: Wildness, now: u64) {
        if !self.is_up || self.is_paused {
            return;
        }
        let count = self.connections.len();
        let first = choices.below(count as u32) as usize;
        for index in (first..count).chain(0..first) {
            let Some(connection) = &mut self.connections[index] else { continue };
            let bytes = take(&mut connection.to_server, now);
            connection.input.extend(bytes);
            while let Some(words) =
                self.connections[index].as_mut().and_then(|one| command(&mut one.input))
            {
                self.commands += 1;
                self.obey(index, &words, choices, wildness, now);
            }
        }
    }

    fn obey(
        &mut self,
        index: usize,
        words: &[Vec<u8>],
        choices: &mut Choices,
        wildness: Wildness,
        now: u64,
    ) {
        let text = |index: usize| String::from_utf8(words[index].clone()).unwrap();
        let reply = match &*text(0) {
            "HELLO" => HELLO.to_vec(),
            "ROLE" => b"*3\r\n+master\r\n:0\r\n*0\r\n".to_vec(),
            "PUBLISH" => {
                let heard = self.publish(&text(1), &words[2], choices, wildness, now);
                format!(":{heard}\r\n").into_bytes()
            }
            kind @ ("SUBSCRIBE" | "UNSUBSCRIBE") => {
                let connection = self.connections[index].as_mut().unwrap();
                if kind == "SUBSCRIBE" {
                    connection.channels.insert(text(1));
                } else {
                    connection.channels.remove(&text(1));
                }
                let (kind, channel) = (kind.to_lowercase(), text(1));
                format!(">3\r\n+{kind}\r\n${}\r\n{channel}\r\n:1\r\n", channel.len()).into_bytes()
            }
            other => panic!("a node says {other}"),
        };
        self.connections[index].as_mut().unwrap().reply(reply, now);
    }

    fn publish(
        &mut self,
        channel: &str,
        message: &[u8],
        choices: &mut Choices,
        wildness: Wildness,
        now: u64,
    ) -> usize {
        self.longest = self.longest.max(message.len());
        let mut pushed =
            format!(">3\r\n+message\r\n${}\r\n{channel}\r\n", channel.len()).into_bytes();
        pushed.extend(format!("${}\r\n", message.len()).bytes());
        pushed.extend(message);
        pushed.extend(b"\r\n");
        let mut heard = 0;
        for connection in self.connections.iter_mut().flatten() {
            if !connection.channels.contains(channel) {
                continue;
            }
            heard += 1;
            if !choices.chance(wildness.one_in) {
                connection.reply(pushed.clone(), now);
                continue;
            }
            match choices.below(3) {
                0 => {}
                1 => {
                    connection.reply(pushed.clone(), now);
                    connection.reply(pushed.clone(), now);
                }
                _ => {
                    // Before the one that was sent last.
                    let last = connection.to_node.pop_back();
                    connection.reply(pushed.clone(), now);
                    if let Some((_, bytes)) = last {
                        connection.reply(bytes, now);
                    }
                }
            }
        }
        heard
    }
}

/// Takes a command, if it has come as a whole.
fn command(input: &mut Vec<u8>) -> Option<Vec<Vec<u8>>> {
    let mut at = 0;
    let mut number = |mark: u8, skip: usize| {
        at += skip;
        let rest = input.get(at..)?;
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        assert_eq!(rest[0], mark);
        let number: usize = std::str::from_utf8(&rest[1..end]).unwrap().parse().unwrap();
        at += end + 2;
        Some((number, at))
    };
    let (count, _) = number(b'*', 0)?;
    let mut words = Vec::new();
    let mut skip = 0;
    for _ in 0..count {
        let (length, start) = number(b'$', skip)?;
        words.push(input.get(start..start + length)?.to_vec());
        skip = length + 2;
    }
    let end = at + skip;
    if input.len() < end {
        return None;
    }
    input.drain(..end);
    Some(words)
}
