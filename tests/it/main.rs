//! The one integration test binary: behaviour through the boundary.
//!
//! Most tests drive the hub in virtual time with [`world::World`], which plays the driver and the
//! clients; `socket` and `bench` run the real program on real sockets; `tidy` reads the sources.

#![allow(unreachable_pub, reason = "nothing links a test binary")]
#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test may panic")]

mod allowed_origin;
mod bench;
mod bench_nodes;
mod causes;
mod close;
mod conformance;
mod corpus;
mod crowd;
mod deflate;
mod eio3;
mod eio3_polling;
mod engine;
mod example_app;
mod files;
mod forwarded;
mod frames;
mod half_characters;
mod handshake;
mod health;
mod holds;
mod http;
mod http_bodies;
mod http_fields;
mod http_limits;
mod http_pages;
mod limits;
mod limits_page;
mod limits_set;
mod links;
mod logs;
mod memory;
mod metrics;
mod names;
mod nodes;
mod operators;
mod origin;
mod panics;
mod patience;
mod planted;
mod poller;
mod polling;
mod polling_bodies;
mod polling_room;
mod polling_suite;
mod preflight;
mod presence_data;
mod protocol_page;
mod resume;
mod rooms;
mod roster;
mod saved;
mod simulator;
mod slow_reader;
mod socket;
mod socketio;
mod socketio_errors;
mod socketio_lists;
mod socketio_suite;
mod stall;
mod state;
mod tally;
mod threats;
mod tidy;
mod turns;
mod views;
mod www;

// So that a test names them as what lies beside it.
use headcount_support::{digest, program, sim, wire, world};
