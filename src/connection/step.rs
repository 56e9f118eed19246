//! What comes of a connection's input, one piece at a time.

use crate::api::Call;
use crate::presence::ClientId;
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
    /// The pong for our ping.
    PongReceived,
    /// What the peer asks for, and from where in a session of Socket.IO.
    Call(Call, Option<Address>),
    /// The peer wants to join the namespace of this name, as this client if it has an id.
    Join(Box<str>, Option<ClientId>),
    /// The peer left that one.
    Left(u32),
    /// The peer has tried the WebSocket to which its session may move.
    Probed,
    /// It is to move there.
    Upgraded,
    /// The peer wants to be closed.
    Ended,
    /// The peer's Close frame.
    Closed(Option<CloseCode>),
    /// The connection is to be failed, for this.
    Failed(Cause),
}
