//! The mio driver: sockets, signals, and the only clock.
//!
//! One thread, one event loop. Each pass is a turn of the hub, with fixed phases:
//!
//! ```text
//!   wait → accept → read → sweep deadlines → commit → write → reap
//! ```
//!
//! mio is edge-triggered: it tells once that a socket is ready and not again until the socket was
//! found not to be. So what is left undone for whatever reason (a budget, a full outbox, no file
//! descriptors) stays noted: a listener in `is_ready`, a connection in `ready` or `unsent`, or in
//! the hub among those that are still to be told of a commit. While any of these is not empty, the
//! next wait is not a wait.
//!
//! Each phase has a budget, so that no turn is long: a stranger that comes in the middle of a storm
//! waits for a turn, and not for the storm.

mod accept;
mod event_loop;
mod events;
mod guard;
mod journal;
mod leaving;
mod listener;
mod mio_net;
mod net;
mod reap;
mod socket;
mod stopwatch;
mod transfer;
mod upkeep;
mod www;

pub use event_loop::{Ended, Server};
pub use mio_net::MioNet;
pub use net::{Event, Net, Readiness};
