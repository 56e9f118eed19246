//! What a session on no socket does: it takes packets, gives what there is to be told, and moves
//! to a WebSocket.

use crate::config::Config;
use crate::heartbeat::Beat;
use crate::presence::Presence;
use crate::socketio::{Engine, Message, payload};
use crate::time::Time;
use crate::ws::Opcode;

use super::cause::{Cause, Timeout};
use super::delivery::Begun;
use super::phase::{Connection, Phase};
use super::polling::{HandedOver, Polling};
use super::protocol::{Protocol, Upgrade};
use super::rates::Rates;
use super::step::Step;
use super::subscriptions::Subscription;
use super::websocket::Liveness;

/// While a session moves to a WebSocket it is not pinged, and looked at again after this, in ms.
const PUT_OFF_MS: u64 = 100;

impl Connection {
    /// Whether its request waits for a session.
    pub(crate) fn awaits_answer(&self) -> bool {
        matches!(self.phase(), Phase::Waiting(_))
    }

    /// Whether it has a request of a session, or is a WebSocket to which one may move.
    pub(crate) fn is_carrying(&self) -> bool {
        match self.phase() {
            Phase::Waiting(_) => true,
            Phase::Http(http) => http.body.is_some(),
            Phase::WebSocket(socket) => {
                self.takes_part() && matches!(socket.protocol, Protocol::Upgrading(..))
            }
            _ => false,
        }
    }

    /// Whether it is a WebSocket that waits for its session to come.
    pub(crate) fn has_upgraded(&self) -> bool {
        let protocol = match self.phase() {
            Phase::WebSocket(socket) => &socket.protocol,
            _ => return false,
        };
        matches!(protocol, Protocol::Upgrading(_, Upgrade::Done))
    }

    /// Whether it is a session on no socket.
    pub(crate) fn is_polling(&self) -> bool {
        matches!(self.phase(), Phase::Polling(_))
    }

    /// The version of Engine.IO that is spoken.
    pub(crate) fn engine(&self) -> Engine {
        self.phase.protocol().map_or_else(Engine::default, Protocol::engine)
    }

    /// Takes a packet of a session on no socket, and says what comes of it.
    pub(crate) fn receive_packet(
        &mut self,
        message: Message<'_>,
        config: &Config,
        now: Time,
    ) -> Step {
        let generation = self.id.generation;
        let Phase::Polling(Polling { protocol, heartbeat }) = &mut self.phase else {
            unreachable!("only a session on no socket has packets")
        };
        if !Rates::of(&mut self.rates, config, now).allow_message(config, now) {
            return Step::Failed(Cause::TooFast);
        }
        let step = protocol.receive_packet(message, &mut self.outbox, config, now);
        heartbeat.heard(protocol.pace(generation, config), now);
        if matches!(step, Step::PongReceived) {
            if !heartbeat.message_pong(protocol.pace(generation, config), now) {
                return Step::Handled;
            }
            Rates::forget_pong(&mut self.rates, config, now);
        }
        step
    }

    /// All that a session on no socket is to be told, and what of it is news of rooms. Once there
    /// are `bytes_max` no more is added.
    pub(crate) fn collect(
        &mut self,
        presence: &Presence,
        lead: &mut Vec<u8>,
        bytes_max: usize,
    ) -> (Vec<u8>, Begun) {
        let (mut packets, mut begun) = (self.outbox.take_replies(), Begun::default());
        let Connection { phase, subscriptions, .. } = self;
        let Phase::Polling(Polling { protocol, .. }) = phase else { return (packets, begun) };
        for Subscription { room, view, namespace, .. } in subscriptions.iter_mut() {
            if packets.len() >= bytes_max {
                break;
            }
            let prefix = || protocol.list_prefix(*namespace);
            if let Some(piece) = presence.room(*room).next(view, prefix, &mut Some(lead)) {
                payload::push_text(&[piece.lead, piece.body], protocol.engine(), &mut packets);
                begun.frames += 1;
            }
        }
        subscriptions.rotate();
        (packets, begun)
    }

    /// The session moves to a WebSocket, and is not asked anything meanwhile.
    pub(crate) fn put_off_ping(&mut self, now: Time) {
        if let Phase::Polling(Polling { heartbeat, .. }) = &mut self.phase {
            heartbeat.wait_until(now.after_ms(PUT_OFF_MS));
        }
    }

    pub(super) fn expire_polling(&mut self, config: &Config, now: Time) {
        let generation = self.id.generation;
        let Phase::Polling(Polling { protocol, heartbeat }) = &mut self.phase else { return };
        if protocol.owed_by() <= now {
            return self.end(Cause::TimedOut(Timeout::Connect));
        }
        match heartbeat.beat(protocol.pace(generation, config), now) {
            Beat::Ping(data) => protocol.ping(data, &mut self.outbox),
            Beat::Lost => self.end(Cause::TimedOut(Timeout::Pong)),
        }
    }

    /// This WebSocket has a session from now on that was on no socket before. Its subscriptions are
    /// not told of anything yet.
    pub(crate) fn take_over(&mut self, from: HandedOver, config: &Config, now: Time) {
        let generation = self.id.generation;
        let Phase::WebSocket(socket) = &mut self.phase else { return };
        let HandedOver { polling, packets, subscriptions, home, rates, identity } = from;
        let Polling { protocol, mut heartbeat } = polling;
        socket.protocol = protocol;
        socket.protocol.upgrade();
        // That it moves shows that it is there.
        heartbeat.heard(socket.protocol.pace(generation, config), now);
        socket.liveness = Liveness::Beating(heartbeat);
        let engine = socket.protocol.engine();
        self.subscriptions = subscriptions;
        self.home = home;
        self.rates = rates;
        self.identity = identity;
        for packet in payload::texts(&packets, engine) {
            self.outbox.reply(Opcode::Text, packet.as_bytes());
        }
    }
}
