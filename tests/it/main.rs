//! The one integration test binary: behaviour through the boundary.
//!
//! Most tests drive the hub in virtual time with [`world::World`], which plays the driver and the
//! clients; `socket` and `bench` run the real program on real sockets; `tidy` reads the sources.

#![allow(unreachable_pub, reason = "nothing links a test binary")]
#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test may panic")]

mod allowed_origin;
mod bench;
mod causes;
mod close;
mod conformance;
mod corpus;
mod deflate;
mod engine;
mod forwarded;
mod frames;
mod half_characters;
mod handshake;
mod http;
mod http_fields;
mod http_limits;
mod http_pages;
mod limits;
mod limits_set;
mod logs;
mod memory;
mod metrics;
mod names;
mod origin;
mod panics;
mod patience;
mod planted;
mod program;
mod roster;
#[allow(dead_code, reason = "the example tells more of a run")]
#[path = "../sim/mod.rs"]
mod sim;
mod simulator;
mod slow_reader;
mod socket;
mod socketio;
mod socketio_errors;
mod socketio_lists;
mod socketio_suite;
mod stall;
mod tally;
mod threats;
mod tidy;
mod wire;
mod world;
