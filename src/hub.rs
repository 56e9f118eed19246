//! The server without I/O: connections, and all that they act on.
//!
//! Its inputs are bytes, ids and time, its outputs are bytes and ids; so the same hub runs under
//! mio, under tests with virtual time, under a simulator and under a fuzzer. The driver owes it a
//! turn in this order, in which no phase calls back into an earlier one:
//!
//! ```text
//!   accepted*  →  received* / resume* / ended* / lost*  →  find_due, expire*, shed
//!              →  meet for each next_to_meet  →  commit
//!              →  for each next_touched, and as many of next_to_tell as a turn has room for:
//!                 (transmit, sent)* or lost, then settle_output unless there is nothing to settle,
//!                 and perhaps half_closed; or if it has no socket, all of that for what carry says
//!              →  reap*
//! ```
//!
//! Every input goes through `Hub::with`, the one place that finds a connection, lets it act on the
//! `Context`, and settles what follows. Output is the exception: `transmit` and `sent` are the path
//! of every delivery, and what they do is settled once after all writes of a turn.
//!
//! A connection affects others only through the rooms, whose next commit tells them. Where one has
//! to act on another (a client that comes back, a session of long-polling and its requests), that
//! is noted, and done for each by itself. The hub knows neither sockets nor the clock.
//!
//! - `table`: the connections, and `with`; `context`: everything else that they act on
//! - `arrivals`, `refusal`: connections that are accepted, and those that are turned away
//! - `input`: bytes → requests and messages; `output`: bytes to send
//! - `sessions`, `meeting`, `polling`: clients of Socket.IO that have no WebSocket
//! - `clients`, `hello`, `returning`: which connection each client has, and how it comes back
//! - `calls`: what clients ask for in rooms; `rooms`: how they come into them and out
//! - `requests`: routes HTTP requests to `upgrade`, `socketio`, `files`, `numbers`, `response`
//! - `bodies`: what follows the head of a request; `visits`: requests that wait for other nodes
//! - `hosts`, `origins`, `forwarded`: who may ask, and under which address a request counts
//! - `turn`, `upkeep`: the other phases of a turn; `agenda`: what they still have to do
//! - `saved`: what is kept over a restart
//! - `settle`, `counts`: what follows from an act; `panics`: what follows from a bug

mod agenda;
mod arrivals;
mod bodies;
mod calls;
mod clients;
mod context;
mod counts;
mod files;
mod forwarded;
mod hello;
mod hosts;
mod input;
mod meeting;
mod numbers;
mod origins;
mod output;
mod panics;
mod polling;
mod refusal;
mod refused_origin;
mod requests;
mod response;
mod returning;
mod rooms;
mod saved;
mod sessions;
mod settle;
mod socketio;
mod table;
mod turn;
mod upgrade;
mod upkeep;
mod visit;
mod visits;

pub use files::Routes;
pub use output::{AfterSend, AfterWrite};
pub use panics::Part;
pub use refusal::Refusal;
pub use refused_origin::RefusedOrigin;
pub use table::Hub;
pub use turn::Reaped;
