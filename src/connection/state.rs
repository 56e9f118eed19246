//! What a connection is to everyone else.

/// What a connection is to everyone else, derived from its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It speaks HTTP and may still become a WebSocket.
    Http,
    /// It has the requests of a session of Socket.IO: one waits, or was the last.
    Carrying,
    /// It speaks Socket.IO and is in no namespace.
    Unjoined,
    /// It has a name in no room.
    Watching,
    /// It has a name in a room.
    Present,
    /// It is sent what it says.
    Echo,
    /// It is a WebSocket that does no more than end.
    Closing,
    /// It says its last words.
    Draining,
    /// It has ended.
    Gone,
}

impl State {
    /// All states of a connection that has not ended, and their names.
    pub const OPEN: [(State, &str); 8] = [
        (State::Http, "http"),
        (State::Carrying, "carrying"),
        (State::Unjoined, "unjoined"),
        (State::Watching, "watching"),
        (State::Present, "present"),
        (State::Echo, "echo"),
        (State::Closing, "closing"),
        (State::Draining, "draining"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_a_state_is_its_place_among_the_open_ones() {
        let numbers = State::OPEN.map(|(state, _)| state as usize);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(State::Gone as usize, State::OPEN.len());
    }
}
