//! What comes of a connection's input, one piece at a time.

use crate::api::{ApiError, Request};
use crate::socketio::Address;
use crate::ws::CloseCode;

use super::cause::Cause;

/// What came of one look at the input of a WebSocket.
#[derive(Debug)]
pub(crate) enum Step {
    /// All input is used and nothing more is in it.
    NeedsInput,
    /// Something that the connection itself took care of.
    Handled,
    /// A pong, in a message.
    PongReceived,
    /// What the peer asks for, or why it can't be known; and where to reply, if that must be said.
    Request(Result<Request, ApiError>, Option<Address>),
    /// The peer joined the namespace of this number.
    Joined(u32),
    /// The peer left that one.
    Left(u32),
    /// The peer wants to be closed.
    Ended,
    /// The peer's Close frame.
    Closed(Option<CloseCode>),
    /// The connection is to be failed, for this.
    Failed(Cause),
}
