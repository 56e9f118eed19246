//! What the server of `--redis` sends, and what other nodes send by way of it.

use headcount::config::Limits;
use headcount::presence::{Update, View};
use headcount::time::Time;
use headcount::ws::Deflater;
use serde_json::json;

use super::splits::{Xorshift, pieces};
use crate::nodes::broker::HELLO;
use crate::nodes::node::{Node, ROOMS};

/// After this all other nodes are lost, and nobody of theirs is held any more, in ms.
const OVER_MS: u64 = 10_000_000;

/// A node with somebody of its own in the first room.
fn with_somebody(limits: &Limits) -> Node {
    let mut node = Node::new(1, 0);
    node.backplane.connected(0, Time::ZERO);
    let entered = node.presence.enter(ROOMS[0], 0, &View::Nothing, limits);
    let room = entered.expect("there is room").0;
    let update = ("Ada", Update::default());
    node.presence.login(room, None, update, limits).expect("it has no data");
    node
}

/// The target: however it is split, the same comes of it; who is here stays, and who was only
/// talked about is gone in the end. The reply to HELLO is no part of the input: which one counts of
/// two that are the same key of a map the decoder decides at random.
pub fn redis(input: &[u8]) {
    let bytes = [HELLO, input].concat();
    let (limits, mut deflater) = (Limits::default(), Deflater::new(1));
    let [mut whole, mut split] = [(); 2].map(|()| with_somebody(&limits));
    let outcome = whole.backplane.receive(&bytes, Time::ZERO);
    let pieces = pieces(&bytes, &mut Xorshift::seeded_by(input));
    let in_pieces =
        pieces.into_iter().try_for_each(|piece| split.backplane.receive(piece, Time::ZERO));
    assert_eq!(outcome, in_pieces);
    for node in [&mut whole, &mut split] {
        node.work(&limits, &mut deflater, Time::ZERO);
        node.work(&limits, &mut deflater, Time::from_ms(1_000));
    }
    let document = whole.document(0, 1_000);
    let names = document["names"].as_array().expect("there are names");
    assert!(names.iter().any(|name| name == "Ada"), "who is here stays");
    assert_eq!(document, split.document(0, 1_000));
    assert_eq!(whole.backplane.output(), split.backplane.output());
    assert_eq!(whole.presence.members(), 1);
    whole.backplane.disconnected(Time::from_ms(1_000));
    for times in 1..=3 {
        whole.work(&limits, &mut deflater, Time::from_ms(times * OVER_MS));
    }
    let names = &whole.document(0, 3 * OVER_MS)["names"];
    assert_eq!(*names, json!(["Ada"]), "nobody is there of whom nothing is heard");
    assert_eq!(whole.presence.foreign_members(), 0);
}
