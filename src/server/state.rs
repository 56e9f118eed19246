//! The file of `--state`, which keeps rooms over a restart.
//!
//! The loop never waits for a disk: what commits tell goes into a queue, from which a thread of its
//! own writes it. If that fails, or the queue is full, changes are lost; then all that there is is
//! written anew, a part in each turn, as at the start. So there is one way to be whole again,
//! whatever was wrong.
//!
//! - `store`: the file; `opening`: what is done with one that can't be read
//! - `saver`: the loop's end of the queue; `writer`: the thread at its other end

mod opening;
mod saver;
mod store;
mod writer;

pub use opening::State;
pub(super) use saver::Saver;
pub(super) use writer::Writer;
