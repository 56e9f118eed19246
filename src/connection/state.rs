//! What a connection is to everyone else.

use super::spoken::Spoken;
use super::{Connection, Phase};

/// What a connection is to everyone else, derived from its phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It speaks HTTP and may still become a WebSocket.
    Http,
    /// It speaks Socket.IO and is in no namespace.
    Unjoined,
    /// It follows the roster without a name on it.
    Watching,
    /// It follows the roster and is on it.
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
    pub const OPEN: [(State, &str); 7] = [
        (State::Http, "http"),
        (State::Unjoined, "unjoined"),
        (State::Watching, "watching"),
        (State::Present, "present"),
        (State::Echo, "echo"),
        (State::Closing, "closing"),
        (State::Draining, "draining"),
    ];

    /// Whether a connection in this state can be on the roster.
    pub(crate) const fn takes_part(self) -> bool {
        matches!(self, State::Watching | State::Present)
    }
}

impl Connection {
    /// What the connection is to others.
    pub(crate) fn state(&self) -> State {
        let socket = match &self.phase {
            Phase::Http(_) => return State::Http,
            Phase::Draining(_) => return State::Draining,
            Phase::Closed(_) => return State::Gone,
            Phase::WebSocket(socket) => socket,
        };
        match &socket.spoken {
            _ if socket.is_closing() || self.is_at_eof => State::Closing,
            Spoken::Echo => State::Echo,
            Spoken::SocketIo(client) if !client.takes_part() => State::Unjoined,
            Spoken::Events | Spoken::SocketIo(_) if self.name.is_some() => State::Present,
            Spoken::Events | Spoken::SocketIo(_) => State::Watching,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_of_a_state_is_its_place_among_the_open_ones() {
        let numbers = State::OPEN.map(|(state, _)| state as usize);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(State::Gone as usize, State::OPEN.len());
    }
}
