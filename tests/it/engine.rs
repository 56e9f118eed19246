//! Clients of Socket.IO, written from the protocol's text: what they say and hear on a WebSocket.

use serde_json::Value;

use crate::wire::{self, Told};
use crate::world::{Peer, World};

/// Where clients ask for a session on a WebSocket.
pub const PATH: &str = "/socket.io/?EIO=4&transport=websocket";

/// What a client offers that can compress.
pub const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// Opens a session and gives the open packet.
pub fn open_at(world: &mut World, path: &str) -> (Peer, Value) {
    let peer = world.open(path);
    let opening = text(world, peer);
    let json = opening.strip_prefix('0').expect("an open packet");
    (peer, serde_json::from_str(json).expect("it is JSON"))
}

/// Opens a session.
pub fn open(world: &mut World) -> Peer {
    open_at(world, PATH).0
}

/// Opens a session, and joins the main namespace: the list comes with the answer.
pub fn join(world: &mut World) -> Peer {
    let peer = open(world);
    world.say(peer, "40");
    let texts = texts(world, peer);
    let [connected, list] = &texts[..] else { panic!("{texts:?}") };
    assert!(connected.starts_with("40{\"sid\":\""), "{connected}");
    assert!(list.starts_with("42[\"login\",["), "{list}");
    peer
}

/// The messages that came, which must all be text.
pub fn texts(world: &mut World, peer: Peer) -> Vec<String> {
    let text = |told| match told {
        Told::Text(text) => text,
        other => panic!("{other:?}"),
    };
    world.told(peer).into_iter().map(text).collect()
}

/// The one message that came.
pub fn text(world: &mut World, peer: Peer) -> String {
    let mut texts = texts(world, peer);
    assert_eq!(texts.len(), 1, "{texts:?}");
    texts.remove(0)
}

/// The names in a list, as they were sent, from this namespace's point of view.
pub fn names(prefix: &str, text: &str) -> Vec<String> {
    let json = text.strip_prefix(prefix).unwrap_or_else(|| panic!("{text}"));
    let (event, names): (String, Vec<String>) = serde_json::from_str(json).expect("a list");
    assert_eq!(event, "login");
    names
}

/// Logs in on the main namespace.
pub fn login(world: &mut World, peer: Peer, name: &str) {
    world.say(peer, &format!("42{}", serde_json::json!(["login", name])));
}

/// A binary message.
pub fn bytes(payload: &[u8]) -> Vec<u8> {
    wire::frame(0x82, payload)
}
