//! What a connection is sent, and in which order: first what its outbox has, then what is new in
//! the rooms that it follows.
//!
//! [`transmit`](Connection::transmit) only looks; [`sent`](Connection::sent) walks the same way
//! once more and moves on as far as bytes were taken. Both ask the room for the next piece of each
//! view, so they can't come to different frames. Whether there is anything to send is derived from
//! the same places, never noted down beside them.

use crate::api::{self, Wanted};
use crate::config::Config;
use crate::presence::{Form, Presence, Room, Seq, View};
use crate::time::Time;
use crate::ws::Opcode;

use super::chunks::Chunks;
use super::phase::{Connection, Phase};
use super::subscriptions::Subscription;

/// What began to be sent, of what everyone is told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Begun {
    /// Frames.
    pub(crate) frames: u32,
    /// Whether one was a checkpoint, for a peer that had been told something before.
    pub(crate) is_catching_up: bool,
}

impl Connection {
    /// What to send next. The rooms have encoded what the views [lack](Room::lacks). `lead` is a
    /// buffer for the words that go before a list.
    pub(crate) fn transmit<'a>(
        &'a self,
        presence: &'a Presence,
        lead: &'a mut Vec<u8>,
    ) -> Chunks<'a> {
        let mut chunks = Chunks::default();
        self.outbox.push_to(&mut chunks);
        let mut lead = Some(lead);
        for subscription in self.subscriptions.iter() {
            let room = presence.room(subscription.room);
            let mut view = subscription.view;
            let prefix = || prefix(&self.phase, subscription.namespace);
            while chunks.has_room()
                && let Some(piece) = room.next(&mut view, prefix, &mut lead)
            {
                chunks.push(piece.lead);
                chunks.push(piece.body);
            }
        }
        chunks
    }

    /// The first `bytes` of what [`transmit`](Self::transmit) gave are sent, and nothing has
    /// changed since. Says what of it everyone is told.
    pub(crate) fn sent(&mut self, presence: &Presence, lead: &mut Vec<u8>, bytes: usize) -> Begun {
        let mut begun = Begun::default();
        let mut left = self.outbox.sent(bytes);
        let mut lead = Some(lead);
        // The outbox came first. The rest of the bytes is of the rooms, in the order of `transmit`.
        let Connection { phase, outbox, subscriptions, .. } = self;
        for Subscription { room, view, namespace, .. } in subscriptions.iter_mut() {
            if left == 0 {
                break;
            }
            let room = presence.room(*room);
            while left > 0 {
                let is_catching_up = is_lagged(view, room);
                let prefix = || prefix(phase, *namespace);
                let Some(piece) = room.next(view, prefix, &mut lead) else { break };
                begun.frames += 1;
                begun.is_catching_up |= is_catching_up;
                left = outbox.begin(piece, left);
            }
        }
        assert!(left == 0, "no more is sent than there was to send");
        begun
    }

    /// Sends a pong. Replies are sent before what is new in a room, so by the time that the
    /// client reads this it has been told of exactly that commit, however slowly it reads. A client
    /// of Socket.IO is told no changes: its ack is the pong.
    ///
    /// It has the connection's name in that room too: a client that has just logged in learns from
    /// it in which form the name is on the roster.
    pub(crate) fn pong(&mut self, presence: &Presence) {
        let Phase::WebSocket(socket) = &self.phase else { return };
        if !socket.protocol.is_native() {
            return;
        }
        let told = |one: &&Subscription| matches!(one.view, View::Changes { .. });
        let is_home = |one: &&Subscription| Some(one.room) == self.home;
        let mut all = self.subscriptions.iter().filter(told);
        let pong = match all.clone().find(is_home).or(all.next()) {
            Some(Subscription { room, member, view: View::Changes { next, .. }, .. }) => {
                let name = member.and_then(|member| presence.name(member));
                let (room, seq) = (presence.room(*room), next.previous());
                let told = (&**room.name(), seq, room.digest_after(seq));
                api::pong(Some(told), name.map(|name| &**name))
            }
            _ => api::pong(None, None),
        };
        self.outbox.reply(Opcode::Text, &pong);
    }

    /// Whether the connection has anything to send.
    pub(crate) fn wants_write(&self, presence: &Presence) -> bool {
        let is_behind = |one: &Subscription| presence.room(one.room).is_ahead_of(&one.view);
        !self.outbox.is_empty() || self.subscriptions.iter().any(is_behind)
    }

    /// Whether it is owed nothing but what is new in a room.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.outbox.is_at_rest() && !self.is_paused
    }

    /// The socket is full. The time for the next request begins when this response is through, or
    /// thereabouts.
    pub(crate) fn blocked(&mut self, config: &Config, now: Time) {
        let limits = &config.limits;
        self.outbox.blocked(now, limits.send_timeout_ms, limits.send_bytes_per_second_min);
        self.subscriptions.rotate();
        if let Some(http) = self.http_mut() {
            http.await_head(config, now);
        }
    }

    /// The view of a room that its peer means by a word, if it is one for what it speaks.
    pub(crate) fn view(&self, wanted: Option<Wanted>) -> Option<View> {
        self.phase.protocol()?.view(wanted, self.form())
    }

    /// The form in which everyone's messages are sent to its peer.
    pub(crate) fn form(&self) -> Form {
        match &self.phase {
            Phase::WebSocket(socket) => socket.form(),
            _ => Form::Unframed,
        }
    }
}

/// The words that go before a list in one namespace.
fn prefix(phase: &Phase, namespace: u32) -> [&str; 3] {
    phase.protocol().map_or([""; 3], |protocol| protocol.list_prefix(namespace))
}

/// Whether a peer that was told something before gets a checkpoint next.
fn is_lagged(view: &View, room: &Room) -> bool {
    match *view {
        View::Changes { next, .. } => next != Seq::START && room.log().is_lagged(next),
        View::Nothing | View::Newest { .. } => false,
    }
}
