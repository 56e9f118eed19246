//! Connections that were refused and are kept until their response has been read.
//!
//! A socket that is closed with unread input, or gets some later, makes the kernel send RST, which
//! can overtake the response; and the request is on its way when a connection is refused. So it is
//! half-closed and kept for a moment. There are few such places, and in a flood each is kept for a
//! shorter time.

use std::collections::VecDeque;

use crate::time::Time;

/// How many are kept. They are among the descriptors that are no connections of the hub.
const PLACES: usize = 16;

/// How long one is kept at most, in ms.
const KEPT_MS: u64 = 1_000;

/// Refused connections, the oldest first.
#[derive(Debug)]
pub(super) struct Leaving<S>(VecDeque<(Time, S)>);

impl<S> Leaving<S> {
    pub(super) fn new() -> Leaving<S> {
        Leaving(VecDeque::with_capacity(PLACES))
    }

    /// Keeps one more; gives back the one to close for it, if there are too many.
    pub(super) fn push(&mut self, stream: S, now: Time) -> Option<S> {
        let oldest = if self.0.len() < PLACES { None } else { self.0.pop_front() };
        self.0.push_back((now.after_ms(KEPT_MS), stream));
        oldest.map(|(_, stream)| stream)
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// When the next is to be closed.
    pub(super) fn due_at(&self) -> Time {
        self.0.front().map_or(Time::NEVER, |(due_at, _)| *due_at)
    }

    /// The next that is to be closed by now.
    pub(super) fn pop(&mut self, now: Time) -> Option<S> {
        self.0.pop_front_if(|(due_at, _)| *due_at <= now).map(|(_, stream)| stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_connections_are_kept_for_a_second_and_few_of_them() {
        let mut leaving = Leaving::new();
        assert_eq!((leaving.due_at(), leaving.pop(Time::NEVER)), (Time::NEVER, None));
        for index in 0..PLACES {
            assert_eq!(leaving.push(index, Time::from_ms(index as u64)), None);
        }
        assert_eq!(leaving.push(PLACES, Time::from_ms(500)), Some(0), "the oldest goes");
        assert_eq!(leaving.due_at(), Time::from_ms(1_001));
        assert_eq!(leaving.pop(Time::from_ms(1_000)), None);
        assert_eq!(leaving.pop(Time::from_ms(1_002)), Some(1));
        assert_eq!(leaving.pop(Time::from_ms(1_002)), Some(2));
        assert_eq!(leaving.pop(Time::from_ms(1_002)), None);
    }
}
