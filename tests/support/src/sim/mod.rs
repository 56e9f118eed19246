//! The simulator: the real server and the real loop, on a machine in which time is a number, calls
//! fail, events are late, and hundreds of clients do what clients do.
//!
//! ```text
//!   run ──→ headcount::server::Server<World>       one run: storm, rest, end; what must hold
//!    └────→ world, net ──→ link    the machine: agenda, events; system calls; one connection
//!             └──────→ client ──→ ear, script      what a client hears, says and does
//!                        └──────→ rosters          what all of them heard, compared
//!           nature, choices, faults                chance, time, and what is written down
//! ```
//!
//! Everything that may go one way or another is decided by [`choices`]: by a seed, or by the bytes
//! of a fuzzer. The same choices make the same run, to the byte.
//!
//! What must hold:
//!
//! 1. No panic and no overflow.
//! 2. After a rest every live client's roster is the server's, and no name is on it without a live
//!    connection (`Run::check_views`).
//! 3. Who joined was not there, and who left was (`rosters`).
//! 4. What is held in memory is bounded (`Run::check_connections`).
//! 5. There are as many connections as sockets, and none when all are gone (`Run::check`,
//!    `Run::end`).
//! 6. Each connection has a deadline and meets it (`Run::check_connection`).
//! 7. Who is ready is served within a few turns (`Run::check_connection`).
//! 8. A stale event makes no call (`Link::check_read`, `Link::check_write`).
//! 9. Everything that is sent can be read, and nothing but pongs follows Close (`ear`).
//! 10. The loop does not spin: it wakes up for something (`net`: `poll`, `accept`).
//! 11. Nobody is told another one's secret (`Client::marker`).
//! 12. The same choices make the same trace (`examples/simulate.rs`).
//! 13. What is counted adds up: who was accepted is open or closed (`Run::check`).
//!
//! Besides, a client that did nothing wrong and to which nothing happened is never cut off, and
//! gets the last words (`Client::check_end`).

pub mod choices;
mod client;
mod ear;
pub mod faults;
mod link;
mod nature;
mod net;
mod rosters;
pub mod run;
mod script;
mod world;
