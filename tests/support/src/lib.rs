//! What tests, the simulator's example and the fuzz targets share.
//!
//! | module | what |
//! |---|---|
//! | [`wire`] | the client's side of HTTP and WebSocket, written from the RFCs |
//! | [`world`] | the hub in virtual time, with a driver that obeys its contract, and clients |
//! | [`sim`] | the simulator: the real server and the real loop on a machine that fails |
//! | [`nodes`] | several nodes, a Redis server that fails, and whether all of them agree |
//! | [`seeds`] | runs seeds on several threads until one fails |
//! | [`fuzz`] | the fuzz targets, as functions from bytes to a panic or not |
//! | [`made_once`] | what every world begins with |
//! | [`digest`] | the digest of a copy of a roster |
//! | [`suite`] | the application of the official Socket.IO suites, for their server |
//! | [`program`], [`process`] | the program as a child process, clients of it, and its figures |
//!
//! It is a crate so that each of them is compiled once, and so that whoever needs one depends on
//! it. It takes nothing from the server but its public interface.

#![allow(missing_docs, unreachable_pub, reason = "nobody but our tests uses it")]
#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a test may panic")]
#![allow(clippy::new_without_default, reason = "a test says what kind of world it is")]

pub mod digest;
pub mod fuzz;
pub mod made_once;
pub mod nodes;
#[cfg(target_os = "linux")]
pub mod process;
pub mod program;
pub mod seeds;
pub mod sim;
pub mod suite;
pub mod wire;
pub mod world;
