//! Engine.IO v4 and Socket.IO v5, and on request v3 and v4: an adapter to our events, beside `api`.
//!
//! The events are those of [`api`](crate::api), and their JSON is an event's payload here as it is
//! a message there. This is what lies around them:
//!
//! ```text
//!   4               Engine.IO: a message                                        engine
//!   |2/room,        Socket.IO: an event, in the namespace /room ...             packet
//!   ||      12      ... whose acknowledgement has the number 12
//!   42/room,12["login","Ada"]
//! ```
//!
//! - [`handshake`]: a request for `/socket.io/` → a session, or why not
//! - [`Client`]: what a session has said and is owed, from its open packet to its end
//! - [`payload`]: several packets in one request or response of long-polling
//! - `lengths`: the same in Engine.IO v3
//! - `list`: the names in a room as such clients want them
//!
//! Knows no room, no connection and no socket, reads no clock and returns all that is to be sent:
//! a [`Client`] lives as well without a connection, as long-polling has it.

mod client;
mod engine;
mod error;
pub mod handshake;
mod json;
mod lengths;
mod list;
mod message;
mod namespaces;
mod packet;
pub mod payload;
mod sid;

pub use client::{Client, Terms, Transport};
pub use engine::{CLOSE, Engine, EnginePacket, NOOP, Opening, PING, PROBE, PROBED, UPGRADE};
pub use error::{ClientError, PacketError};
pub use list::list;
pub use message::{Address, Event, Message, Outcome, Outgoing};
pub use packet::{Kind, MAIN, Packet, PacketLimits};
pub use sid::{Sid, Sids};
