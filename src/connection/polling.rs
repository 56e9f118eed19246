//! A session of Engine.IO that is on no socket: HTTP requests have what its client says, and their
//! responses what the client is told.
//!
//! The hub brings the two together (`hub::sessions`). The outbox of such a connection has whole
//! packets, one after the other, as a payload has them.

use crate::config::Config;
use crate::heartbeat::Heartbeat;
use crate::presence::RoomId;
use crate::socketio::{Transport, payload};
use crate::time::Time;

use super::identity::Identity;
use super::protocol::Protocol;
use super::rates::Rates;
use super::socketio;
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
    /// A new session of this number, and its open packet.
    pub(crate) fn open(session: u32, config: &Config, now: Time) -> (Polling, Vec<u8>) {
        let (client, opening) = socketio::open(session, Transport::Polling, config, now);
        let protocol = Protocol::SocketIo(Box::new(client));
        let heartbeat = Heartbeat::new(protocol.pace(session, config), now);
        let mut packets = Vec::new();
        payload::push(&opening, &mut packets);
        (Polling { protocol, heartbeat }, packets)
    }

    /// When the client is late, or is pinged.
    pub(super) fn deadline(&self) -> Time {
        self.heartbeat.deadline().min(self.protocol.owed_by())
    }
}
