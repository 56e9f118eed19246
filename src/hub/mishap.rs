//! A bug in what was done for one session is the end of that session, and of no other.

use crate::session::{Cause, Phase, SessionId};
use crate::time::Time;
use crate::ws::{Codec, Deflater, Inflater};

use super::{Hub, find};

/// What was done for a session when it panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its input was used, or its deadline had come.
    Input,
    /// It was sent something. How much of that is gone is not known.
    Output,
}

impl Hub {
    /// What was done for session `id` has panicked, and was caught. Its WebSocket is closed with
    /// 1011, if it is known that a frame can follow what was sent; any other connection just ends.
    pub fn panicked(&mut self, id: SessionId, part: Part, now: Time) {
        self.tally.panics += 1;
        // They are everyone's, and may be in the middle of a message.
        let deflater = Deflater::new(self.config.limits.deflate_level);
        self.codec = Codec { inflater: Inflater::default(), deflater };
        let Some(session) = find(&mut self.sessions, id) else { return };
        match (&session.phase, part) {
            (Phase::WebSocket(_), Part::Input) => {
                session.fail(Cause::Panicked, &self.config, now);
            }
            // One that drains too: twice is once too often.
            _ => session.end(Cause::Panicked),
        }
        self.settle(id);
        self.touched.push(id);
    }
}
