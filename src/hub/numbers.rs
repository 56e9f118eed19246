//! What the hub can tell of itself in numbers, and who may see it.

use crate::connection::{Listener, State};
use crate::http::{RequestHead, ResponseHead, Status};
use crate::metrics::{self, Snapshot};
use crate::presence::{Leave, Presence};
use crate::tally::Tally;

use super::context::Context;
use super::response::Response;
use super::table::Hub;

/// What a proxy says of whom it asks for.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

impl Hub {
    /// What has happened so far.
    pub fn tally(&self) -> &Tally {
        &self.context.tally
    }

    /// The same, for a driver that counts what only it knows.
    pub fn tally_mut(&mut self) -> &mut Tally {
        &mut self.context.tally
    }

    /// Connections in this state.
    pub fn open(&self, state: State) -> u32 {
        self.context.counts.open(state)
    }

    /// Rooms that there are.
    pub fn rooms(&self) -> usize {
        self.context.presence.rooms()
    }

    /// Who is in them.
    pub fn presence(&self) -> &Presence {
        &self.context.presence
    }

    /// Members that are gone, by the number of why.
    pub fn members_ended(&self) -> [u64; Leave::ALL.len()] {
        self.context.presence.ended()
    }

    /// In a debug build, at the end of each turn: the numbers reconcile.
    pub(super) fn check_tally(&self) {
        let Context { tally, counts, presence, .. } = &self.context;
        let bytes = || self.connections.iter().map(|(_, one)| one.buffered_bytes()).sum::<usize>();
        debug_assert_eq!(counts.buffered_bytes, bytes());
        let taken = tally.accepted + tally.sessions;
        debug_assert_eq!(taken, self.connections.len() as u64 + tally.closed_total());
        let ended = presence.ended().iter().sum::<u64>();
        let came = tally.logins + presence.restored() + presence.adopted();
        debug_assert_eq!(came - ended, presence.members() as u64);
    }
}

impl Context {
    pub(super) fn metrics_response(&self) -> Response {
        let body = metrics::encode(&Snapshot {
            tally: &self.tally,
            open: State::OPEN.map(|(state, _)| self.counts.open(state)),
            rooms: self.presence.rooms(),
            names: self.presence.names(),
            members: self.presence.members(),
            held: self.presence.held(),
            ended: Leave::ALL.iter().map(|(_, name)| *name).zip(self.presence.ended()).collect(),
            returned: self.presence.returned(),
            restored: self.presence.restored(),
            shared: self
                .backplane
                .as_ref()
                .map(|shared| (shared.numbers(), self.presence.foreign_members())),
            buffered_bytes: self.counts.buffered_bytes,
        });
        let response = ResponseHead::new(Status::Ok, &self.date)
            .content_type(metrics::MEDIA_TYPE)
            .content_length(body.len())
            .field("Cache-Control", "no-store");
        Response { head: response, body: body.into_bytes().into(), connection: None }
    }
}

/// Whether metrics are shown to a connection that came in by `listener`. A proxy on this machine
/// comes from here and asks for somebody else.
pub(super) fn shows_metrics(listener: Listener, head: &RequestHead<'_>) -> bool {
    match listener {
        Listener::Public | Listener::Session => false,
        Listener::Local => FORWARDED.iter().all(|name| head.values(name).next().is_none()),
        Listener::Metrics => true,
    }
}
