//! What is to be done with connections, by their ids.

use std::collections::VecDeque;

use crate::connection::ConnectionId;
use crate::deadlines::Deadlines;

/// What is to be done with connections, by their ids.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    pub(super) deadlines: Deadlines,
    /// Places of the connections whose deadline has come, the last of them first.
    pub(super) due: Vec<usize>,
    /// Connections in the order in which they were accepted, while they are pending.
    pub(super) pending: VecDeque<ConnectionId>,
    /// Connections that may have something to send, in the order in which that came about.
    pub(super) touched: VecDeque<ConnectionId>,
    /// Connections that have ended and are not reaped, in the order in which they ended.
    pub(super) closed: VecDeque<ConnectionId>,
    pub(super) is_stopping: bool,
}
