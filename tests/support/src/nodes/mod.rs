//! Several nodes with the same rooms, and a Redis server between them that fails: it is killed and
//! forgets, it is slow, it cuts connections; nodes are killed and stopped; clients go from one to
//! another. In the end all nodes have the same rooms, with those in them who are there, and until
//! then nobody has seen somebody leave who did not.
//!
//! - `broker`: the server, in RESP3; `node`: a process without its sockets; `world`: a run

pub mod broker;
pub mod node;
mod world;

pub use world::{Outcome, run};
