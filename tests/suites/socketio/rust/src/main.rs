//! The roster as clients of the crate `rust_socketio` see it, by each of their transports.
//!
//!     cargo run -- http://127.0.0.1:3000

use std::env;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rust_socketio::client::Client;
use rust_socketio::{ClientBuilder, Payload, TransportType};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// A client and the lists that it is told.
struct Viewer {
    client: Client,
    lists: Receiver<Value>,
    name: String,
}

impl Viewer {
    fn connect(url: &str, namespace: &str, transport: TransportType, name: String) -> Viewer {
        let (told, lists) = channel();
        let client = ClientBuilder::new(url)
            .namespace(namespace)
            .transport_type(transport)
            .reconnect(false)
            .on("login", move |payload, _| {
                // After the test nobody listens.
                let _ = told.send(first(payload));
            })
            .connect()
            .expect("it connects");
        Viewer { client, lists, name }
    }

    /// Waits until it is told these names, and nothing but lists before.
    fn sees(&self, names: &[&str]) {
        let deadline = Instant::now() + PATIENCE;
        let expected = json!(names);
        let mut last = Value::Null;
        while last != expected {
            let rest = deadline.saturating_duration_since(Instant::now());
            last = self.lists.recv_timeout(rest).unwrap_or_else(|_| {
                panic!("{} sees {last} and not {expected}", self.name);
            });
            assert!(last.is_array(), "{last}");
        }
    }

    /// What the server says to a login.
    fn log_in(&self, name: &str) -> Value {
        let (told, answers) = channel();
        self.client
            .emit_with_ack("login", json!(name), PATIENCE, move |payload, _| {
                let _ = told.send(first(payload));
            })
            .expect("it can be sent");
        answers.recv_timeout(PATIENCE).expect("there is an answer")
    }
}

/// The first argument of an event, or of an acknowledgement, which this crate has as one list more.
fn first(payload: Payload) -> Value {
    let Payload::Text(arguments) = payload else { panic!("{payload:?} is no text") };
    arguments.into_iter().next().expect("there is an argument")
}

fn main() {
    let url = env::args().nth(1).expect("the address of a server");
    for (how, transport) in [
        ("by default", TransportType::Any),
        ("by long-polling", TransportType::Polling),
        ("by a WebSocket", TransportType::Websocket),
        ("by long-polling, then a WebSocket", TransportType::WebsocketUpgrade),
    ] {
        let connect = |namespace, who: &str| {
            Viewer::connect(&url, namespace, transport.clone(), format!("{who} {how}"))
        };
        let (ada, han) = (connect("/", "ada"), connect("/", "han"));
        ada.sees(&[]);
        assert_eq!(accepted(ada.log_in("Ada")), None);
        han.sees(&["Ada"]);
        assert_eq!(accepted(han.log_in("韩梅梅")), None);
        for viewer in [&ada, &han] {
            viewer.sees(&["Ada", "韩梅梅"]);
        }
        assert_eq!(accepted(ada.log_in("")).as_deref(), Some("name_empty"));
        let room = connect("/custom", "zoe");
        room.sees(&[]);
        assert_eq!(accepted(room.log_in("Zoë")), None);
        room.sees(&["Zoë"]);
        ada.client.emit("logout", json!({})).expect("it can be sent");
        han.sees(&["韩梅梅"]);
        for viewer in [ada, han, room] {
            viewer.client.disconnect().expect("it can leave");
        }
        println!("ok    rust_socketio, {how}: the roster");
        // The next ones begin with an empty list.
        let last = connect("/", "last");
        last.sees(&[]);
        last.client.disconnect().expect("it can leave");
    }
}

/// The code of a refusal; `None` if the login was accepted.
fn accepted(answer: Value) -> Option<String> {
    let answer = match answer {
        Value::Array(mut arguments) => arguments.remove(0),
        answer => answer,
    };
    if answer.is_null() {
        return None;
    }
    Some(answer["code"].as_str().expect("a refusal has a code").to_owned())
}
