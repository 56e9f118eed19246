//! Why a connection ended.
//!
//! A phase that leads to the end carries its cause, and nothing gets into such a phase without one:
//! so every connection that ends has exactly one, and the compiler sees to it.

use std::fmt;

use crate::http::Status;
use crate::socketio::ClientError;
use crate::ws::{CloseCode, ProtocolError};

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The peer closed its WebSocket, or what it spoke on it.
    Closed,
    /// The peer said that it sends no more, and closed nothing before.
    Ended,
    /// The connection broke.
    Lost,
    /// HTTP was answered for the last time: the peer asked for that, or had its requests.
    Answered,
    /// A request could not stand, and was answered so.
    Refused(Status),
    /// The peer broke RFC 6455 or RFC 7692, or is over a limit of its messages.
    Protocol(ProtocolError),
    /// The peer broke the protocol of Socket.IO.
    SocketIo(ClientError),
    /// The peer sent more than its rates allow.
    TooFast,
    /// The peer was too late.
    TimedOut(Timeout),
    /// It had not become a WebSocket, and newer ones wanted its place.
    Displaced,
    /// All connections held too much memory, and this one the most.
    Shed,
    /// The server stops.
    Stopping,
    /// We have a bug.
    Panicked,
}

/// What a peer was too late for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// A request head.
    Handshake,
    /// To join a namespace of Socket.IO, or to send attachments.
    Connect,
    /// The answer to a ping.
    Pong,
    /// To take what it was sent.
    Send,
    /// Its part of closing.
    Close,
}

impl Cause {
    /// The names of all causes, without their details.
    pub const NAMES: [&str; 17] = [
        "closed",
        "ended",
        "lost",
        "answered",
        "refused",
        "protocol_error",
        "socket_io_error",
        "too_fast",
        "handshake_timeout",
        "connect_timeout",
        "pong_timeout",
        "send_timeout",
        "close_timeout",
        "displaced",
        "shed",
        "stopping",
        "panicked",
    ];

    /// The place of its name among [all](Self::NAMES).
    pub const fn place(self) -> usize {
        match self {
            Cause::Closed => 0,
            Cause::Ended => 1,
            Cause::Lost => 2,
            Cause::Answered => 3,
            Cause::Refused(_) => 4,
            Cause::Protocol(_) => 5,
            Cause::SocketIo(_) => 6,
            Cause::TooFast => 7,
            Cause::TimedOut(Timeout::Handshake) => 8,
            Cause::TimedOut(Timeout::Connect) => 9,
            Cause::TimedOut(Timeout::Pong) => 10,
            Cause::TimedOut(Timeout::Send) => 11,
            Cause::TimedOut(Timeout::Close) => 12,
            Cause::Displaced => 13,
            Cause::Shed => 14,
            Cause::Stopping => 15,
            Cause::Panicked => 16,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        Cause::NAMES[self.place()]
    }

    /// What a WebSocket is closed with for it.
    pub const fn close_code(self) -> CloseCode {
        match self {
            Cause::Protocol(error) => error.close_code(),
            Cause::SocketIo(error) => error.close_code(),
            Cause::TooFast | Cause::TimedOut(_) => CloseCode::POLICY_VIOLATION,
            Cause::Stopping => CloseCode::GOING_AWAY,
            Cause::Panicked => CloseCode::INTERNAL_ERROR,
            Cause::Closed
            | Cause::Ended
            | Cause::Lost
            | Cause::Answered
            | Cause::Refused(_)
            | Cause::Displaced
            | Cause::Shed => CloseCode::NORMAL,
        }
    }

    /// What counts if a connection was ending for this and then came something `later`: what was
    /// first, for the rest followed from it. But an end that was nobody's fault may become that of
    /// a peer who does not let it come, and a bug is always told.
    #[must_use]
    pub(super) const fn then(self, later: Cause) -> Cause {
        match (self, later) {
            (_, Cause::Panicked)
            | (
                Cause::Closed | Cause::Ended | Cause::Answered | Cause::Stopping,
                Cause::TimedOut(_),
            ) => later,
            _ => self,
        }
    }
}

impl fmt::Display for Cause {
    /// The name, and what more is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Cause::Refused(status) => write!(f, ": {}", status.code()),
            Cause::Protocol(error) => write!(f, ": {error}"),
            Cause::SocketIo(error) => write!(f, ": {error}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_is_shown_with_what_more_is_known() {
        assert_eq!(Cause::Refused(Status::NotFound).to_string(), "refused: 404");
        assert_eq!(Cause::Closed.to_string(), "closed");
        let protocol = Cause::Protocol(ProtocolError::TooLong).to_string();
        assert!(protocol.starts_with("protocol_error: ") && protocol.len() > 20, "{protocol}");
        let socketio = Cause::SocketIo(ClientError::NotConnected).to_string();
        assert!(socketio.starts_with("socket_io_error: ") && socketio.len() > 20, "{socketio}");
    }

    #[test]
    fn every_cause_has_a_name_of_its_own() {
        let protocol = Cause::Protocol(ProtocolError::Unmasked);
        let mut all = vec![Cause::Closed, Cause::Ended, Cause::Lost, Cause::Answered];
        all.extend([Cause::Refused(Status::NotFound), protocol]);
        all.extend([Cause::SocketIo(ClientError::NotConnected), Cause::TooFast]);
        let timeouts = [Timeout::Handshake, Timeout::Connect, Timeout::Pong, Timeout::Send];
        all.extend(timeouts.map(Cause::TimedOut));
        all.extend([Cause::TimedOut(Timeout::Close), Cause::Displaced, Cause::Shed]);
        all.extend([Cause::Stopping, Cause::Panicked]);
        let places: Vec<usize> = all.iter().map(|cause| cause.place()).collect();
        assert!(places.into_iter().eq(0..Cause::NAMES.len()));
        assert_eq!(protocol.to_string(), "protocol_error: frame is not masked");
    }

    #[test]
    fn first_cause_counts_unless_the_peer_makes_a_good_end_late() {
        let late = Cause::TimedOut(Timeout::Close);
        assert_eq!(Cause::TooFast.then(late), Cause::TooFast);
        assert_eq!(Cause::Closed.then(Cause::Lost), Cause::Closed);
        assert_eq!(Cause::Stopping.then(late), late);
        assert_eq!(late.then(Cause::Panicked), Cause::Panicked);
    }
}
