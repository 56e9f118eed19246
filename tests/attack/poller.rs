//! A client of Socket.IO by long-polling, on real sockets.

use std::net::SocketAddr;

use serde_json::Value;

use crate::program::Client;

const OPEN: &str = "/socket.io/?EIO=4&transport=polling";

/// A session, and the connection on which it is asked what there is to be told.
pub struct Poller {
    pub client: Client,
    pub sid: String,
}

impl Poller {
    pub fn open(address: SocketAddr) -> Poller {
        let mut client = Client::connect(address);
        ask(&mut client, "GET", OPEN, "");
        let opening: Value = serde_json::from_str(&told(&mut client)[1..]).expect("JSON");
        let sid = opening["sid"].as_str().expect("a session has an id").to_owned();
        Poller { client, sid }
    }

    /// The same session by another connection.
    pub fn other(address: SocketAddr, sid: &str) -> Poller {
        Poller { client: Client::connect(address), sid: sid.to_owned() }
    }

    pub fn path(&self) -> String {
        format!("{OPEN}&sid={}", self.sid)
    }

    /// Asks what there is to be told.
    pub fn ask(&mut self) {
        let path = self.path();
        ask(&mut self.client, "GET", &path, "");
    }

    pub fn told(&mut self) -> String {
        told(&mut self.client)
    }

    pub fn get(&mut self) -> String {
        self.ask();
        self.told()
    }

    pub fn post(&mut self, payload: &str) {
        let path = self.path();
        ask(&mut self.client, "POST", &path, payload);
        assert_eq!(self.told(), "ok");
    }
}

/// Sends a request.
pub fn ask(client: &mut Client, method: &str, path: &str, body: &str) {
    let length =
        if method == "GET" { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    client.send(format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n{body}").as_bytes());
}

fn told(client: &mut Client) -> String {
    let answer = client.answer();
    let body = String::from_utf8(answer.body).expect("it is text");
    assert_eq!(answer.status, 200, "{body}");
    body
}
