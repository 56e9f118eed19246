//! The fast targets: an input is read whole and in one other split, and compared with one more
//! reader that goes over it once. They use their memory again, and leave their time to the parser.
//!
//! | target | what is compared |
//! |---|---|
//! | [`frame`], [`frame_deflate`] | [`walk`], which reads frames in one pass; memory |
//! | [`head`] | [`requests`], which knows what must be accepted, and what must not; linear work |
//! | [`body`] | [`chunks`], which reads a body line by line |
//! | [`packet`] | a packet is the same when it is written and read again; its parts are its text |
//!
//! How an input is cut, and which limits there are, is drawn from its length and its ends
//! ([`cuts`]): so it can be read, and the thorough targets take the same corpora.

mod bodies;
mod chunks;
mod codec;
mod cuts;
mod frames;
mod heads;
mod inflating;
mod outcome;
mod packets;
mod requests;
mod walk;

pub use bodies::body;
pub use headcount::ws::MessageLimits;

pub use codec::{Codec, Ours};
pub use frames::{FrameHarness, frame, frame_deflate};
pub use heads::head;
pub use outcome::{Failure, Kind, Outcome};
pub use packets::packet;
pub use walk::append_unmasked;

/// A longer input is cut off: it takes time, and has nothing that a shorter one can't have.
pub const INPUT_MAX: usize = 4096;
