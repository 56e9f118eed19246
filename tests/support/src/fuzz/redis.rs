//! What the server of `--redis` sends, and what other nodes send by way of it.

use headcount::backplane::Backplane;
use headcount::config::{Limits, Redis};
use headcount::presence::{Encoder, Presence, Update, View};
use headcount::time::Time;
use headcount::ws::Deflater;
use serde_json::{Value, json};

use super::splits::{Xorshift, pieces};

/// The reply of a server that will do. It is no part of the input: what counts of a map in which
/// one key stands twice the decoder decides at random.
const HELLO: &[u8] = b"%3\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n\
    $4\r\nrole\r\n$6\r\nmaster\r\n";

/// After this all other nodes are lost, and nobody of theirs is held any more, in ms.
const OVER_MS: u64 = 10_000_000;

/// A node with somebody of its own in a room.
struct Node {
    presence: Presence,
    backplane: Backplane,
    limits: Limits,
    deflater: Deflater,
}

impl Node {
    fn new() -> Node {
        let (limits, mut presence) = (Limits::default(), Presence::new(1));
        let mut backplane = Backplane::new(&Redis { node: 1, ..Redis::default() });
        presence.share(backplane.me());
        backplane.connected(0, Time::ZERO);
        let room = presence.enter("", 0, &View::Nothing, &limits).expect("there is room").0;
        presence.login(room, None, ("Ada", Update::default()), &limits).expect("it has no data");
        Node { presence, backplane, limits, deflater: Deflater::new(1) }
    }

    fn turn(&mut self, now: Time) {
        self.backplane.hear(&mut self.presence, &self.limits, now);
        let mut encoder = Encoder { deflater: &mut self.deflater, deflate_bytes_min: usize::MAX };
        self.presence.commit(&self.limits, &mut encoder, now);
        while self.presence.next_to_tell().is_some() {}
        self.backplane.tell(&mut self.presence, now);
    }

    fn document(&mut self, now: Time) -> Value {
        let (_, _, document) = self.presence.document("", now);
        serde_json::from_slice(&document).expect("it is JSON")
    }
}

/// The target: however it is split, the same comes of it; who is here stays, and who was only
/// talked about is gone in the end.
pub fn redis(input: &[u8]) {
    let bytes = [HELLO, input].concat();
    let (mut whole, mut split) = (Node::new(), Node::new());
    let outcome = whole.backplane.receive(&bytes, Time::ZERO);
    let pieces = pieces(&bytes, &mut Xorshift::seeded_by(input));
    let in_pieces =
        pieces.into_iter().try_for_each(|piece| split.backplane.receive(piece, Time::ZERO));
    assert_eq!(outcome, in_pieces);
    let second = Time::from_ms(1_000);
    for node in [&mut whole, &mut split] {
        node.turn(Time::ZERO);
        node.turn(second);
    }
    let document = whole.document(second);
    let names = document["names"].as_array().expect("there are names");
    assert!(names.iter().any(|name| name == "Ada"), "who is here stays");
    assert_eq!(document, split.document(second));
    assert_eq!(whole.backplane.output(), split.backplane.output());
    assert_eq!(whole.presence.members(), 1);
    whole.backplane.disconnected(second);
    let over = [1, 2, 3].map(|times| Time::from_ms(times * OVER_MS));
    over.into_iter().for_each(|at| whole.turn(at));
    let names = &whole.document(over[2])["names"];
    assert_eq!(*names, json!(["Ada"]), "nobody is there of whom nothing is heard");
    assert_eq!(whole.presence.foreign_members(), 0);
}
