//! A bug in what was done for one connection is the end of that connection, and of no other.

use crate::connection::{Cause, ConnectionId, Phase};
use crate::time::Time;

use super::table::Hub;

/// What was done for a connection when it panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its input was used, or its deadline had come.
    Input,
    /// It was sent something. How much of that is gone is not known.
    Output,
}

impl Hub {
    /// What was done for connection `id` has panicked, and was caught. Its WebSocket is closed with
    /// 1011, if it is known that a frame can follow what was sent; any other connection just ends.
    pub fn panicked(&mut self, id: ConnectionId, part: Part, now: Time) {
        self.context.tally.panics += 1;
        // It is everyone's, and may be in the middle of a message.
        self.context.renew_codec();
        self.with(id, |connection, context| match (connection.phase(), part) {
            (Phase::WebSocket(_), Part::Input) => {
                connection.fail(Cause::Panicked, &context.config, now);
            }
            // One that drains too: twice is once too often.
            _ => connection.end(Cause::Panicked),
        });
        self.agenda.touched.push_back(id);
    }
}
