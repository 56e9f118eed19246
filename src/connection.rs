//! One connection, from accept to close. It dies with its socket.
//!
//! What it is at any time, and every way from one phase to the next, stands in [`phase`]. A
//! connection knows what its peer sent and when that peer is late. It knows neither what the words
//! mean (`hub`) nor who else is there (`presence`).
//!
//! - [`phase`]: HTTP, WebSocket, draining, closed, and what leads from each to the next
//! - [`http`], [`websocket`]: what a phase needs to read its input
//! - [`protocol`]: the protocol on a WebSocket; [`socketio`]: one of them
//! - [`subscriptions`]: the rooms that it follows; [`delivery`]: what is sent of them
//! - [`outbox`]: what has to be sent first; [`rates`]: how much a peer may say
//! - [`state`]: what it is to everyone else

mod accounting;
mod cause;
mod chunks;
mod delivery;
mod expiry;
mod half;
mod http;
mod id;
mod input;
mod listener;
mod outbox;
mod phase;
mod protocol;
mod rates;
mod replier;
mod socketio;
mod stash;
mod state;
mod step;
mod subscriptions;
mod websocket;

pub use cause::{Cause, CauseKind, Timeout};
pub use chunks::{CHUNKS_MAX, Chunks};
pub use id::ConnectionId;
pub(crate) use listener::Listener;
pub use phase::Connection;
pub(crate) use phase::Phase;
pub(crate) use protocol::Protocol;
pub(crate) use stash::Stash;
pub use state::State;
pub(crate) use step::Step;
pub(crate) use subscriptions::Subscription;
