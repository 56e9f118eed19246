//! rust_socketio against a running headcount, by each of its transports.
//!
//!     cargo run -- http://127.0.0.1:3000
//!
//! Prints a line for each, and panics at the first thing that is not so.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Payload, TransportType};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

/// A client in a namespace, and the lists that it is told.
struct Person {
    client: Client,
    lists: Receiver<Vec<Value>>,
}

impl Person {
    fn connect(url: &str, namespace: &str, by: TransportType) -> Person {
        let (told, lists) = channel();
        let client = ClientBuilder::new(url)
            .namespace(namespace)
            .transport_type(by)
            .reconnect(false)
            .on("login", move |payload, _| {
                let [Value::Array(names)] = &texts(payload)[..] else { panic!("no list") };
                let _ = told.send(names.clone());
            })
            .connect()
            .expect("a connection");
        Person { client, lists }
    }

    /// Waits for this list.
    fn sees(&self, names: Value) {
        let end = Instant::now() + PATIENCE;
        loop {
            let rest = end.saturating_duration_since(Instant::now());
            let list = self.lists.recv_timeout(rest).unwrap_or_else(|_| panic!("never {names}"));
            if Value::from(list) == names {
                return;
            }
        }
    }

    /// The answer to a login, which has nothing in it unless that is refused.
    fn login(&self, name: &str) -> Value {
        let (told, answer) = channel();
        let hear = move |payload, _| {
            let _ = told.send(texts(payload));
        };
        self.client.emit_with_ack("login", json!(name), PATIENCE, hear).expect("it is sent");
        // The arguments come as one, which is their list.
        let answer = answer.recv_timeout(PATIENCE).expect("an answer");
        let [Value::Array(arguments)] = &answer[..] else { panic!("{answer:?}") };
        let [argument] = &arguments[..] else { panic!("{arguments:?}") };
        argument.clone()
    }
}

fn texts(payload: Payload) -> Vec<Value> {
    match payload {
        Payload::Text(values) => values,
        other => panic!("{other:?}"),
    }
}

/// All that happens on one roster.
fn roster(url: &str, by: TransportType) {
    for namespace in ["/", "/custom"] {
        let ada = Person::connect(url, namespace, by.clone());
        ada.sees(json!([]));
        assert_eq!(ada.login("Ada"), Value::Null);
        ada.sees(json!(["Ada"]));
        let han = Person::connect(url, namespace, by.clone());
        han.sees(json!(["Ada"]));
        assert_eq!(han.login("")["code"], "name_empty");
        assert_eq!(han.login("韩梅梅"), Value::Null);
        for one in [&ada, &han] {
            one.sees(json!(["Ada", "韩梅梅"]));
        }
        ada.client.emit("logout", Payload::Text(Vec::new())).expect("it is sent");
        han.sees(json!(["韩梅梅"]));
        ada.client.disconnect().expect("a connection");
        han.client.emit("logout", Payload::Text(Vec::new())).expect("it is sent");
        han.sees(json!([]));
        han.client.disconnect().expect("a connection");
    }
}

fn main() {
    let url = std::env::args().nth(1).expect("the server's address");
    for (by, transport) in [
        ("by default", TransportType::Any),
        ("long-polling", TransportType::Polling),
        ("a WebSocket alone", TransportType::Websocket),
        ("a WebSocket after long-polling", TransportType::WebsocketUpgrade),
    ] {
        roster(&url, transport);
        println!("ok    rust_socketio, {by}: roster");
    }
}
