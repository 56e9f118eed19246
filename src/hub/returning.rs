//! Clients that have a copy and wait, after a start, until the others are back.

use crate::connection::ConnectionId;
use crate::presence::{At, RoomId};
use crate::time::Time;

/// A client that waits until the others are back.
#[derive(Debug)]
pub(super) struct Returning {
    /// Tells it from others of the same connection.
    pub(super) number: u16,
    /// For how long.
    pub(super) until: Time,
    pub(super) connection: ConnectionId,
    pub(super) room: RoomId,
    /// The copy that it has.
    pub(super) at: At,
}
