//! headcount: a live roster. One small binary that shows everyone who is here, in every browser,
//! the moment it changes.
//!
//! The server is a state machine without I/O, [`hub::Hub`], and a thin driver around it,
//! [`server`], which is the only module that knows sockets and clocks. `ARCHITECTURE.md` draws the
//! whole; this is the map of the modules, from the bottom up:
//!
//! | module | what it is |
//! |---|---|
//! | [`time`], [`rate`], [`config`] | time, token buckets, every bound of the server |
//! | [`http`] | bytes → request head, answer → bytes |
//! | [`ws`] | RFC 6455 and 7692: handshake, frames, messages, close, compression |
//! | [`names`], [`roster`] | what a name is, who is here |
//! | [`broadcast`], [`outbox`] | what everyone is told, what one connection has to send |
//! | [`api`] | our events in JSON |
//! | [`page`], [`assets`] | the page in one piece, the files beside it |
//! | [`addresses`], [`deadlines`], [`heartbeat`] | limits by address, timeouts |
//! | [`connection`] | one client |
//! | [`tally`], [`metrics`] | what has happened, in numbers; the same for Prometheus |
//! | [`hub`] | all of it together, without I/O |
//! | [`server`] | the mio driver |

pub mod addresses;
pub mod api;
pub mod assets;
pub mod broadcast;
pub mod config;
pub mod connection;
pub mod deadlines;
pub mod heartbeat;
pub mod http;
pub mod hub;
pub mod latest;
pub mod metrics;
pub mod names;
pub mod outbox;
pub mod page;
pub mod rate;
pub mod roster;
pub mod server;
pub mod socketio;
pub mod tally;
pub mod time;
pub mod ws;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("an event's token carries a 64-bit handle");
