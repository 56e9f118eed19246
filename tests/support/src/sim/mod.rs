//! The simulator: the real server and the real loop, on a machine in which time is a number, calls
//! fail, events are late, and hundreds of clients do what clients do.
//!
//! ```text
//!   run ──→ headcount::server::Server<World>       one run: storm, rest, end; what must hold
//!    └────→ world, net ──→ link    the machine: agenda, events; system calls; one connection
//!             └──────→ client ──→ ear, script      what a client hears, says and does
//!                        ├──────→ ledger, seats    what it asked for, what it may be told
//!                        │          └──→ arrivals  into which rooms of its hello it is let
//!                        ├──────→ tabs, returns    who comes back, and what it left behind
//!                        └──────→ rosters, told    what all of them heard, compared
//!                        └──────→ session, carrier    long-polling: one client on several sockets
//!           errands, twist   what such sockets want of each other, and what sessions do besides
//!           setup            who takes part
//!           audit, watch     what must be so in the end, and at any time
//!           requests, pages, message               the words of both sides
//!           nature, choices, faults                chance, time, and what is written down
//! ```
//!
//! Everything that may go one way or another is decided by [`choices`]: by a seed, or by the bytes
//! of a fuzzer. The same choices make the same run, to the byte.
//!
//! What must hold:
//!
//! 1. No panic and no overflow.
//! 2. After a rest, longer than any hold, every live client's copy of each room is the server's, as
//!    its view has it; no name is there without a live connection; status and data are what those
//!    who are there set last; a room that nobody is in is gone (`audit`).
//! 3. A commit of a room has one outcome, and is net; who joined was not there, who left was, and
//!    what changed is another; a room that is made again begins again (`rosters`).
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
//! 14. Each request is answered once and in order, as it must be (`ledger`, `seats`).
//! 15. Nobody is told of a room that it is not in, or in a way that it did not ask for; counts come
//!     at most once in their interval (`Ledger::told`, `told::Pace`).
//! 16. A name is there if somebody has it or is held under it, and only then; at the end nobody is
//!     held (`watch`, `Run::end`).
//! 17. Who is back in time is who it was, with its status and data: by `hello`, by entering the
//!     room later, and in Socket.IO by the next login that is accepted. Who has logged out or is
//!     late is nobody (`Held::outcome`, `ledger`). Of two with one id the one that is there has it,
//!     and both know that soon (`client::returns`).
//! 18. What is told to one who comes back makes the roster of its copy, and is not much longer than
//!     the roster (`told::arrive`).
//! 19. Of the rooms that a `hello` names, the client is let into the first so many as it may have;
//!     of each of the others it is told why not, and whom it has there stays held (`arrivals`).
//!
//! 20. A session of long-polling is one client, whatever socket has its requests: nothing is lost,
//!     doubled or out of order on the way to a WebSocket, and it is not told on two ways at once
//!     (`client::session`, and 14 and 15, which do not know the way).
//! 21. One that is over answers all its requests, after all that it had to tell; one whose request
//!     is given up is over at once (`audit`, `World::note_closed`).
//!
//! Besides, a client that did nothing wrong and to which nothing happened is never cut off, and
//! gets the last words (`Client::check_end`).

mod arrivals;
mod audit;
pub mod choices;
mod client;
mod ear;
mod errands;
pub mod faults;
mod ledger;
mod link;
mod message;
mod nature;
mod net;
mod pages;
mod pending;
mod requests;
mod rosters;
pub mod run;
mod script;
mod seats;
mod setup;
mod tabs;
mod told;
mod twist;
mod watch;
mod world;
