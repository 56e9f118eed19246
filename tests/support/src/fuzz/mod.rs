//! What must hold for whatever a peer sends: one function a target, from bytes to a panic or not.
//!
//! They run in two ways. `tests/it/corpus.rs` has every file of `fuzz/corpus/`, and some thousands
//! of random inputs, go through them on stable with every `cargo test`. And cargo-fuzz looks for
//! new inputs, which needs a nightly compiler: `fuzz/README.md` says how.
//!
//! | target | input | oracle |
//! |---|---|---|
//! | [`frame`], [`frame_deflate`] | frames, as they are | [`fast`]: a split, a second reader |
//! | [`frame_thorough`] | the same | [`reference`], a slow decoder, in every split |
//! | [`other_decoder`] | the same | tungstenite, but for a list of [`differences`] |
//! | [`head`] | requests, as they are | [`fast`]: one other split; what must be accepted |
//! | [`head_thorough`] | the same | all splits agree; what is accepted is unambiguous |
//! | [`fields`] | a setting, then the value of a field | what was let in is what was set |
//! | [`body`] | a line about the length, then a body | [`fast`]: one other split, a second reader |
//! | [`body_thorough`] | the same | all splits agree; a slow decoder |
//! | [`packet`] | a packet of Socket.IO, as it is | [`fast`]: a slow decoder; written and read |
//! | [`packet_thorough`] | the same | the same with all limits |
//! | [`redis`] | what Redis sends after HELLO | two splits agree; who is here stays |
//! | [`connection`] | `w`, `W` or `e`, then frames; or requests | all splits agree; [`expected`] |
//! | [`hub`] | [`operations`], in ASCII | a model of who is in which room, at every rest |
//! | [`server`] | a schedule for the simulator | all that [`sim`](crate::sim) says must hold |
//!
//! An input is what it looks like: how it is cut is drawn from a generator that the input itself
//! seeds ([`splits`]), so files can be read, and the same file always does the same.

mod bodies;
mod census;
mod connection;
mod copies;
mod differences;
mod expected;
pub mod fast;
mod fields;
mod frames;
pub mod grammar;
mod heads;
mod hub;
mod inflate;
mod listener;
mod members;
mod operations;
mod other_decoder;
mod packets;
mod payloads;
mod redis;
mod reference;
mod rooms;
mod server;
mod slow_body;
mod splits;
mod wire;
mod written;

pub use bodies::{body_end, body_thorough};
pub use connection::connection;
pub use differences::ALLOWED;
pub use fast::{body, frame, frame_deflate, head, packet};
pub use fields::fields;
pub use frames::frame_thorough;
pub use heads::head_thorough;
pub use hub::hub;
pub use other_decoder::{differences, other_decoder};
pub use packets::packet_thorough;
pub use redis::redis;
pub use reference::Deflate;
pub use server::server;
pub use splits::Xorshift;
pub use wire::Wire;

/// A function that panics if its input shows something wrong.
pub type Target = fn(&[u8]);

/// The targets by their names, and the corpora that each is run over.
pub const TARGETS: [(&str, Target, &[&str]); 15] = [
    ("frame", frame, &["frame"]),
    ("frame_deflate", frame_deflate, &["frame_deflate"]),
    ("frame_thorough", frame_thorough, &["frame", "frame_deflate"]),
    ("other_decoder", other_decoder, &["other_decoder"]),
    ("head", head, &["head"]),
    ("head_thorough", head_thorough, &["head"]),
    ("fields", fields, &["fields"]),
    ("body", body, &["body"]),
    ("body_thorough", body_thorough, &["body"]),
    ("packet", packet, &["packet"]),
    ("packet_thorough", packet_thorough, &["packet"]),
    ("redis", redis, &["redis"]),
    ("connection", connection, &["connection"]),
    ("hub", hub, &["hub"]),
    ("server", server, &["server"]),
];
