//! The mio driver: sockets, signals, and the only clock.
//!
//! One thread, one event loop. Each pass is a turn of the hub, with fixed phases:
//!
//! ```text
//!   wait → accept → read → sweep deadlines → commit → write → reap
//! ```
//!
//! mio is edge-triggered: it reports once that a socket is ready, and not again until a read or
//! write has found that it is not. So whatever is left undone (because a budget is spent, an outbox
//! is full, or there are no file descriptors) is remembered: a listener in `is_ready`, a connection
//! in `ready` or `unsent`, or in the hub among those that are still to be told of a commit. While
//! any of these is not empty, the next wait returns at once.
//!
//! Each phase has a budget, so that no turn is long: a stranger that comes in the middle of a storm
//! waits for a turn, and not for the storm.
//!
//! - `event_loop`: the server and its turn; `net`: what it asks of the machine
//! - `accept`, `events`, `transfer`, `reap`, `upkeep`: the phases of a turn
//! - `socket`, `leaving`: the sockets of connections, and of those that were turned away
//! - `guard`: panics; `journal`: what is logged, and how often; `stopwatch`: how long a turn took
//! - `link`, `linking`: the connection to the server of `--redis`
//! - `mio_net`, `listener`: the real machine; `www`: the folder of `--www`; `state`,
//!   `keep`: the file of `--state`

mod accept;
mod event_loop;
mod events;
mod guard;
mod journal;
mod keep;
mod leaving;
mod link;
mod linking;
mod listener;
mod mio_net;
mod net;
mod reap;
mod socket;
mod state;
mod stopwatch;
mod transfer;
mod upkeep;
mod www;

pub use event_loop::{Ended, Server};
pub use mio_net::MioNet;
pub use net::{Event, Net, Readiness};
pub use state::State;
