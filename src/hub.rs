//! The server without I/O: connections, and all that they act on.
//!
//! Its inputs are bytes, ids and time, its outputs are bytes and ids; so the same hub runs under
//! mio, under tests with virtual time, under a simulator and under a fuzzer. The driver owes it a
//! turn in this order, in which no phase calls back into an earlier one:
//!
//! ```text
//!   accepted*  →  received* / resume* / ended* / lost*  →  find_due, expire*, shed  →  commit
//!              →  for each next_touched, and as many of next_to_tell as a turn has room for:
//!                 (transmit, sent)* or lost, then settle_output, and perhaps half_closed
//!              →  reap*
//! ```
//!
//! Every input goes through [`Hub::with`], the one place that finds a connection, lets it act on
//! the [`Context`], and settles what follows. Whatever a connection does to others goes through the
//! rooms and is told by their next commit; nothing else crosses from one connection to another.

mod agenda;
mod arrivals;
mod context;
mod counts;
mod files;
mod forwarded;
mod hosts;
mod input;
mod numbers;
mod origins;
mod output;
mod panics;
mod refusal;
mod refused_origin;
mod requests;
mod response;
mod settle;
mod socketio;
mod table;
mod turn;
mod upgrade;
mod upkeep;

pub use files::routes;
pub use output::AfterWrite;
pub use panics::Part;
pub use refusal::Refusal;
pub use refused_origin::RefusedOrigin;
pub use table::Hub;
pub use turn::Reaped;
