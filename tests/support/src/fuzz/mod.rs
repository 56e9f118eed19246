//! What must hold for whatever a peer sends: one function a target, from bytes to a panic or not.
//!
//! They run in two ways. `tests/it/corpus.rs` has every file of `fuzz/corpus/`, and some thousands
//! of random inputs, go through them on stable with every `cargo test`. And cargo-fuzz looks for
//! new inputs, which needs a nightly compiler:
//!
//! ```sh
//! cargo install --locked cargo-fuzz
//! cargo +nightly fuzz run connection -- -dict=fuzz/dictionary -max_total_time=300
//! cargo +nightly fuzz run connection fuzz/artifacts/connection/crash-…   # again, with a backtrace
//! cargo +nightly fuzz tmin connection fuzz/artifacts/connection/crash-…  # as short as it gets
//! ```
//!
//! What it finds is added to `fuzz/corpus/<target>/`, which is in git: keep there what is short and
//! says something by its name, and no more. New inputs that libFuzzer thinks interesting are put
//! there too; so a long run is better given a folder of its own before it:
//!
//! ```sh
//! mkdir -p /tmp/hub
//! cargo +nightly fuzz run hub /tmp/hub fuzz/corpus/hub -- -dict=fuzz/dictionary
//! cargo +nightly fuzz cmin hub /tmp/hub    # drops what adds no coverage
//! ```
//!
//! | target | input | oracle |
//! |---|---|---|
//! | [`request_head`] | requests, as they are | all splits agree; what is accepted is unambiguous |
//! | [`body`] | a line about the length, then a body | all splits agree; a slow decoder |
//! | [`frame_decoder`] | frames, as they are | [`reference`], a slow decoder, after every byte |
//! | [`other_decoder`] | frames, as they are | tungstenite, but for a list of [`differences`] |
//! | [`connection`] | `w`, `W` or `e`, then frames; or requests | all splits agree; [`expected`] |
//! | [`hub`] | [`operations`], in ASCII | a model of who is in which room, at every rest |
//! | [`server`] | a schedule for the simulator | all that [`sim`](crate::sim) says must hold |
//! | [`packet`] | a packet, or a payload of Engine.IO v3 | a slow decoder; written and read again |
//!
//! An input is what it looks like: how it is cut is drawn from a generator that the input itself
//! seeds ([`splits`]), so files can be read, and the same file always does the same.

mod bodies;
mod census;
mod connection;
mod copies;
mod differences;
mod expected;
mod frames;
mod heads;
mod hub;
mod inflate;
mod listener;
mod members;
mod operations;
mod other_decoder;
mod packets;
mod payloads;
mod reference;
mod rooms;
mod server;
mod slow_body;
mod splits;

pub use bodies::{body, body_end};
pub use connection::connection;
pub use differences::ALLOWED;
pub use frames::frame_decoder;
pub use heads::request_head;
pub use hub::hub;
pub use other_decoder::{differences, other_decoder};
pub use packets::packet;
pub use server::server;
pub use splits::Xorshift;

/// A function that panics if its input shows something wrong.
pub type Target = fn(&[u8]);

/// The targets by their names.
pub const TARGETS: [(&str, Target); 8] = [
    ("request_head", request_head),
    ("body", body),
    ("frame_decoder", frame_decoder),
    ("other_decoder", other_decoder),
    ("connection", connection),
    ("hub", hub),
    ("packet", packet),
    ("server", server),
];
