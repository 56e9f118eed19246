//! A room that is here for a request.

use crate::connection::ConnectionId;
use crate::presence::{Name, RoomId};
use crate::time::Time;

/// A room that is here for a request, and for others that may follow.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) room: RoomId,
    pub(super) name: Name,
    /// The request, until it is responded to.
    pub(super) request: Option<ConnectionId>,
    pub(super) until: Time,
}
