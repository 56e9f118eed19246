//! A client of Socket.IO by long-polling, written from the protocol's text.

use serde_json::Value;

use crate::wire::Answer;
use crate::world::{Peer, World};

/// Where sessions are opened, and where those of v3 are.
pub const OPEN: &str = "/socket.io/?EIO=4&transport=polling";

pub const OPEN_V3: &str = "/socket.io/?EIO=3&transport=polling";

/// A client: the connection with which it asked last what there is to be told, and its session.
pub struct Client {
    pub poll: Peer,
    pub sid: String,
    open: &'static str,
}

impl Client {
    pub fn open(world: &mut World) -> Client {
        let poll = world.connect();
        let answer = get(world, poll, OPEN);
        let text = body(&answer);
        Client::opened(poll, text.strip_prefix('0').unwrap(), OPEN)
    }

    /// One whose session was opened at `open`, with this in the open packet.
    pub fn opened(poll: Peer, opening: &str, open: &'static str) -> Client {
        let opening: Value = serde_json::from_str(opening).unwrap();
        let sid = opening["sid"].as_str().unwrap().to_owned();
        Client { poll, sid, open }
    }

    /// One that is in the main namespace and has its list.
    pub fn joined(world: &mut World) -> Client {
        let mut client = Client::open(world);
        assert_eq!(client.post(world, "40"), (200, "ok".into()));
        let told = client.get(world);
        assert!(told.starts_with("40{\"sid\":\""), "{told}");
        let list = told.split('\u{1e}').nth(1);
        assert!(list.is_some_and(|list| list.starts_with("42[\"login\",[")), "{told}");
        client
    }

    pub fn path(&self) -> String {
        format!("{}&sid={}", self.open, self.sid)
    }

    /// Asks for what there is to be told.
    pub fn ask(&mut self, world: &mut World) {
        self.poll = world.connect();
        world.send(self.poll, request("GET", &self.path(), "").as_bytes());
    }

    /// What it is told, which waits already or is said at once.
    pub fn get(&mut self, world: &mut World) -> String {
        self.ask(world);
        self.told(world)
    }

    pub fn told(&self, world: &mut World) -> String {
        let answer = world.answer(self.poll);
        assert_eq!(answer.status, 200, "{}", body(&answer));
        body(&answer)
    }

    pub fn post(&self, world: &mut World, payload: &str) -> (u16, String) {
        self.post_bytes(world, payload.as_bytes())
    }

    pub fn post_bytes(&self, world: &mut World, payload: &[u8]) -> (u16, String) {
        let (path, length) = (self.path(), payload.len());
        let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        let peer = world.connect();
        world.send(peer, &[head.as_bytes(), payload].concat());
        let answer = world.answer(peer);
        (answer.status, body(&answer))
    }

    /// Sends a packet that is taken, and says by which connection.
    pub fn post_from(&self, world: &mut World, payload: &str) -> Peer {
        let peer = world.connect();
        world.send(peer, request("POST", &self.path(), payload).as_bytes());
        assert_eq!(world.answer(peer).status, 200);
        peer
    }

    /// A WebSocket to which the session may move.
    pub fn socket(&self, world: &mut World) -> Peer {
        world.open(&self.path().replace("polling", "websocket"))
    }
}

pub fn request(method: &str, path: &str, body: &str) -> String {
    let length = match method {
        "GET" => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n{body}")
}

pub fn get(world: &mut World, peer: Peer, path: &str) -> Answer {
    world.send(peer, request("GET", path, "").as_bytes());
    world.answer(peer)
}

pub fn body(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

pub fn is_refused(answer: &Answer, code: u64) -> bool {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    answer.status == 400 && body["code"] == code
}

/// Its session is gone.
#[track_caller]
pub fn check_gone(world: &mut World, client: &Client) {
    let peer = world.connect();
    let answer = get(world, peer, &client.path());
    assert!(is_refused(&answer, 1), "{} {}", answer.status, body(&answer));
}
