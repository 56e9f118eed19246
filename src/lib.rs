//! headcount: a presence server. One small binary that shows who is in each room, in every browser,
//! the moment it changes.
//!
//! The server is a state machine without I/O, [`hub::Hub`], and a thin driver around it,
//! [`server`], which is the only module that knows sockets and clocks. `ARCHITECTURE.md` draws the
//! whole; this is the map of the modules, from the bottom up:
//!
//! | module | what it is |
//! |---|---|
//! | [`time`], [`rate`], [`config`], [`shared`] | time, token buckets, every bound of the server |
//! | [`http`] | bytes → request head, response → bytes |
//! | [`ws`] | RFC 6455 and 7692: handshake, frames, messages, close, compression |
//! | [`names`], [`json`] | what a name is; how deep JSON is nested |
//! | [`presence`] | rooms, members, what followers are told, and whom it has yet to reach |
//! | [`api`], [`socketio`] | our events in JSON, and in the packets of Socket.IO |
//! | [`page`], [`assets`] | the page in one piece, the files beside it |
//! | [`addresses`], [`deadlines`], [`heartbeat`] | limits by address, timeouts |
//! | [`connection`] | one connection: its phases, what it has to send, what it follows |
//! | [`backplane`] | other processes that have parts of the same rooms, by way of Redis |
//! | [`tally`], [`metrics`] | what has happened, in numbers; the same for Prometheus |
//! | [`hub`] | all of it together, without I/O |
//! | [`server`] | the mio driver |

pub mod addresses;
pub mod api;
pub mod assets;
pub mod backplane;
pub mod config;
pub mod connection;
pub mod deadlines;
pub mod heartbeat;
pub mod http;
pub mod hub;
pub mod json;
pub mod metrics;
pub mod names;
pub mod page;
pub mod presence;
pub mod rate;
pub mod server;
pub mod shared;
pub mod socketio;
pub mod tally;
pub mod time;
pub mod ws;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("an event's token carries a 64-bit handle");
