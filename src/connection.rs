//! One connection, from accept to close. It dies with its socket.
//!
//! Its phases, and every transition between them, are in `phase`. A connection knows what its
//! peer has sent and when the peer is late. It does not know what requests mean (`hub`) or who else
//! is connected (`presence`), and it reads no clock: each call is told the time.
//!
//! - `phase`: the connection, and its life from HTTP to closed; `standing`: where it is in that;
//!   `expiry`: its deadlines
//! - `http`, `waiting`, `websocket`, `polling`: what a phase needs to read its input
//! - `session`: what a session on no socket does
//! - `body`: a request whose body is still coming; `closing`: the closing handshake
//! - `input`: what the peer sends, which becomes one `step` at a time; `rates`: how much
//! - `protocol`: native, echo or Socket.IO on a WebSocket; `socketio`: the last of these
//! - `outbox`, `replier`: what is for this connection alone, sent first
//! - `identity`: who the peer is, if it says so in its `greeting`
//! - `subscriptions`: the rooms that it is in; `delivery`: what is sent of them
//! - `accounting`: what the hub counts of it

mod accounting;
mod body;
mod cause;
mod chunks;
mod closing;
mod delivery;
mod expiry;
mod greeting;
mod half;
mod http;
mod id;
mod identity;
mod input;
mod listener;
mod outbox;
mod phase;
mod polling;
mod protocol;
mod rates;
mod replier;
mod session;
mod socketio;
mod standing;
mod stash;
mod state;
mod step;
mod subscriptions;
mod waiting;
mod websocket;

pub use body::BodyUse;
pub(crate) use body::{Body, WholeRequest};
pub use cause::{Cause, CauseKind, Timeout};
pub use chunks::{CHUNKS_MAX, Chunks};
pub use id::ConnectionId;
pub(crate) use identity::Identity;
pub(crate) use listener::Listener;
pub use phase::Connection;
pub(crate) use phase::Phase;
pub(crate) use protocol::{Answer, Protocol};
pub(crate) use stash::Stash;
pub use state::State;
pub(crate) use step::Step;
pub(crate) use subscriptions::Subscription;
