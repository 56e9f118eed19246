//! Why a connection ended.
//!
//! A phase that leads to the end carries its cause, and nothing gets into such a phase without one:
//! so every connection that ends has exactly one, and the compiler sees to it.

use std::fmt;

use crate::http::Status;
use crate::presence::Leave;
use crate::socketio::ClientError;
use crate::ws::{CloseCode, ProtocolError};

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The peer closed its WebSocket, or what it spoke on it.
    Closed,
    /// The same, and it said that this is for good.
    LoggedOut,
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
    /// It was a session of long-polling, and goes on with a WebSocket.
    Upgraded,
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
    /// A request.
    Handshake,
    /// To join a namespace of Socket.IO, to send attachments, or to move to a WebSocket.
    Connect,
    /// The pong for a ping.
    Pong,
    /// To take what it was sent.
    Send,
    /// Its part of closing.
    Close,
}

/// A cause without its details: this is what connections are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the cause of the same name")]
pub enum CauseKind {
    Closed,
    LoggedOut,
    Ended,
    Lost,
    Answered,
    Refused,
    Protocol,
    SocketIo,
    TooFast,
    HandshakeTimeout,
    ConnectTimeout,
    PongTimeout,
    SendTimeout,
    CloseTimeout,
    Upgraded,
    Displaced,
    Shed,
    Stopping,
    Panicked,
}

impl CauseKind {
    /// All of them, in the order of their numbers, and their names.
    pub const ALL: [(CauseKind, &str); 19] = [
        (CauseKind::Closed, "closed"),
        (CauseKind::LoggedOut, "logged_out"),
        (CauseKind::Ended, "ended"),
        (CauseKind::Lost, "lost"),
        (CauseKind::Answered, "answered"),
        (CauseKind::Refused, "refused"),
        (CauseKind::Protocol, "protocol_error"),
        (CauseKind::SocketIo, "socket_io_error"),
        (CauseKind::TooFast, "too_fast"),
        (CauseKind::HandshakeTimeout, "handshake_timeout"),
        (CauseKind::ConnectTimeout, "connect_timeout"),
        (CauseKind::PongTimeout, "pong_timeout"),
        (CauseKind::SendTimeout, "send_timeout"),
        (CauseKind::CloseTimeout, "close_timeout"),
        (CauseKind::Upgraded, "upgraded"),
        (CauseKind::Displaced, "displaced"),
        (CauseKind::Shed, "shed"),
        (CauseKind::Stopping, "stopping"),
        (CauseKind::Panicked, "panicked"),
    ];
}

impl Cause {
    /// The cause without its details.
    pub const fn kind(self) -> CauseKind {
        match self {
            Cause::Closed => CauseKind::Closed,
            Cause::LoggedOut => CauseKind::LoggedOut,
            Cause::Ended => CauseKind::Ended,
            Cause::Lost => CauseKind::Lost,
            Cause::Answered => CauseKind::Answered,
            Cause::Refused(_) => CauseKind::Refused,
            Cause::Protocol(_) => CauseKind::Protocol,
            Cause::SocketIo(_) => CauseKind::SocketIo,
            Cause::TooFast => CauseKind::TooFast,
            Cause::TimedOut(Timeout::Handshake) => CauseKind::HandshakeTimeout,
            Cause::TimedOut(Timeout::Connect) => CauseKind::ConnectTimeout,
            Cause::TimedOut(Timeout::Pong) => CauseKind::PongTimeout,
            Cause::TimedOut(Timeout::Send) => CauseKind::SendTimeout,
            Cause::TimedOut(Timeout::Close) => CauseKind::CloseTimeout,
            Cause::Upgraded => CauseKind::Upgraded,
            Cause::Displaced => CauseKind::Displaced,
            Cause::Shed => CauseKind::Shed,
            Cause::Stopping => CauseKind::Stopping,
            Cause::Panicked => CauseKind::Panicked,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        CauseKind::ALL[self.kind() as usize].1
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
            | Cause::LoggedOut
            | Cause::Ended
            | Cause::Lost
            | Cause::Answered
            | Cause::Refused(_)
            | Cause::Upgraded
            | Cause::Displaced
            | Cause::Shed => CloseCode::NORMAL,
        }
    }

    /// What becomes of those who were in rooms by the connection.
    pub const fn leave(self) -> Leave {
        match self {
            Cause::LoggedOut => Leave::Logout,
            Cause::Closed => Leave::Closed,
            // Nobody's fault, or ours.
            Cause::Ended
            | Cause::Lost
            | Cause::TimedOut(Timeout::Pong | Timeout::Send | Timeout::Close)
            | Cause::Shed
            | Cause::Stopping
            | Cause::Panicked => Leave::Lost,
            Cause::Answered
            | Cause::Refused(_)
            | Cause::Protocol(_)
            | Cause::SocketIo(_)
            | Cause::TooFast
            | Cause::TimedOut(Timeout::Handshake | Timeout::Connect)
            | Cause::Upgraded
            | Cause::Displaced => Leave::Removed,
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
                Cause::Closed | Cause::LoggedOut | Cause::Ended | Cause::Answered | Cause::Stopping,
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
    use std::collections::BTreeSet;

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
        let mut all =
            vec![Cause::Closed, Cause::LoggedOut, Cause::Ended, Cause::Lost, Cause::Answered];
        all.extend([Cause::Refused(Status::NotFound), protocol]);
        all.extend([Cause::SocketIo(ClientError::NotConnected), Cause::TooFast]);
        let timeouts = [Timeout::Handshake, Timeout::Connect, Timeout::Pong, Timeout::Send];
        all.extend(timeouts.map(Cause::TimedOut));
        all.extend([Cause::TimedOut(Timeout::Close), Cause::Upgraded]);
        all.extend([Cause::Displaced, Cause::Shed]);
        all.extend([Cause::Stopping, Cause::Panicked]);
        let kinds = CauseKind::ALL.map(|(kind, _)| kind);
        assert!(all.iter().map(|cause| cause.kind()).eq(kinds));
        assert!(kinds.into_iter().map(|kind| kind as usize).eq(0..kinds.len()));
        let names: BTreeSet<&str> = CauseKind::ALL.into_iter().map(|(_, name)| name).collect();
        assert_eq!(names.len(), kinds.len());
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
