//! Deadlines of a connection: there is one next, and when it comes the peer is pinged, or late.

use crate::config::Config;
use crate::heartbeat::Beat;
use crate::time::Time;

use super::cause::{Cause, Timeout};
use super::phase::{Connection, Phase};
use super::polling::Polling;
use super::websocket::{Liveness, WebSocket};

impl Connection {
    /// The one next deadline.
    pub(crate) fn deadline(&self) -> Time {
        let phase = match &self.phase {
            // While a response is on its way nothing new is asked.
            Phase::Http(_) if !self.outbox.is_empty() => Time::NEVER,
            Phase::Http(http) => http.deadline,
            // The session has deadlines of its own, and answers when one has come.
            Phase::Waiting(_) => Time::NEVER,
            Phase::Polling(polling) => polling.deadline(),
            Phase::WebSocket(socket) => socket.deadline(),
            Phase::Draining(draining) => draining.deadline,
            Phase::Closed(_) => return Time::NEVER,
        };
        phase.min(self.outbox.deadline())
    }

    /// A deadline has come: pings, or gives up.
    pub(crate) fn expire(&mut self, config: &Config, now: Time) {
        // It may have been put off since it was found.
        if now < self.deadline() {
            return;
        }
        // A peer that takes nothing would not read a Close frame either.
        if self.outbox.deadline() <= now {
            return self.end(Cause::TimedOut(Timeout::Send));
        }
        match &self.phase {
            // A connection that was kept for another request, of which nothing came.
            Phase::Http(http)
                if http.requests > 0 && !http.awaits_body() && self.stash.is_empty() =>
            {
                self.end(Cause::Answered);
            }
            Phase::Http(_) => self.end(Cause::TimedOut(Timeout::Handshake)),
            Phase::WebSocket(_) => self.expire_socket(config, now),
            Phase::Polling(_) => self.expire_polling(config, now),
            Phase::Draining(_) => self.end(Cause::TimedOut(Timeout::Close)),
            Phase::Waiting(_) | Phase::Closed(_) => {}
        }
    }

    /// Somebody waits for the place of this connection's client: asks whether it is there. One that
    /// can't be asked, as it pings itself (Engine.IO v3), counts as being there: false.
    pub(crate) fn probe(&mut self, config: &Config, now: Time) -> bool {
        let generation = self.id.generation;
        let (Phase::WebSocket(WebSocket {
            liveness: Liveness::Beating(heartbeat), protocol, ..
        })
        | Phase::Polling(Polling { heartbeat, protocol })) = &mut self.phase
        else {
            return true;
        };
        if !protocol.has_ping() {
            return false;
        }
        if let Some(data) = heartbeat.probe(protocol.pace(generation, config), now) {
            protocol.ping(data, &mut self.outbox);
        }
        true
    }

    fn expire_socket(&mut self, config: &Config, now: Time) {
        let generation = self.id.generation;
        let Phase::WebSocket(socket) = &mut self.phase else { return };
        let Liveness::Beating(heartbeat) = &mut socket.liveness else {
            return self.end(Cause::TimedOut(Timeout::Close));
        };
        if socket.protocol.owed_by() <= now {
            return self.close(Cause::TimedOut(Timeout::Connect), config, now);
        }
        let pace = socket.protocol.pace(generation, config);
        // A peer that is slowly taking what it was sent has another deadline for that: its pong
        // waits. Our ping does not, since a client may count on it (Engine.IO).
        if self.outbox.deadline() < Time::NEVER && heartbeat.is_patient() {
            return heartbeat.put_off(pace, now);
        }
        match heartbeat.beat(pace, now) {
            Beat::Ping(data) => socket.protocol.ping(data, &mut self.outbox),
            Beat::Lost => self.end(Cause::TimedOut(Timeout::Pong)),
        }
    }
}
