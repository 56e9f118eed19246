//! A session of Engine.IO that is on no socket: HTTP requests have what its client says, and their
//! responses what the client is told.
//!
//! The hub brings the two together (`hub::sessions`). The outbox of such a connection has whole
//! packets, one after the other, as a payload has them.

use crate::config::Config;
use crate::heartbeat::Heartbeat;
use crate::presence::RoomId;
use crate::socketio::{Engine, Transport};
use crate::time::Time;

use super::id::ConnectionId;
use super::identity::Identity;
use super::outbox::Outbox;
use super::protocol::Protocol;
use super::rates::Rates;
use super::subscriptions::Subscriptions;

/// A session that is on no socket.
#[derive(Debug)]
pub(crate) struct Polling {
    pub(super) protocol: Protocol,
    pub(super) heartbeat: Heartbeat,
}

/// All of a session that moves to a WebSocket.
#[derive(Debug)]
pub(crate) struct HandedOver {
    pub(super) polling: Polling,
    /// What it was to be told.
    pub(super) packets: Vec<u8>,
    pub(crate) subscriptions: Subscriptions,
    pub(super) home: Option<RoomId>,
    pub(super) rates: Option<Box<Rates>>,
    pub(super) identity: Option<Box<Identity>>,
}

impl Polling {
    /// A new session, whose open packet waits in the outbox.
    pub(super) fn new(
        id: ConnectionId,
        engine: Engine,
        outbox: &mut Outbox,
        config: &Config,
        now: Time,
    ) -> Polling {
        let protocol = Protocol::socket_io(id, (Transport::Polling, engine), outbox, config, now);
        let heartbeat = Heartbeat::new(protocol.pace(id.generation, config), now);
        Polling { protocol, heartbeat }
    }

    /// When the client is late, or is pinged.
    pub(super) fn deadline(&self) -> Time {
        self.heartbeat.deadline().min(self.protocol.owed_by())
    }
}
