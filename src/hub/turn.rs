//! The phases of a turn: due deadlines, commits, whom to write to, and the end.

use crate::addresses::AddressKey;
use crate::backplane::Backplane;
use crate::connection::{Cause, ConnectionId, Listener, Phase};
use crate::time::Time;

use super::context::{Context, encoder};
use super::table::Hub;

/// A connection that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaped {
    /// Its handle, good for nothing more.
    pub id: ConnectionId,
    /// Why it ended.
    pub cause: Cause,
    /// Where it came from, unless that is exempt.
    pub address: Option<AddressKey>,
}

impl Hub {
    /// Commits what changed in the rooms, where that is due. Their followers then have something to
    /// send, and are given out by [`next_to_tell`](Self::next_to_tell).
    pub fn commit(&mut self, now: Time) {
        self.meet_clients(now);
        let Context { presence, backplane, config, codec, tally, .. } = &mut self.context;
        if let Some(backplane) = backplane {
            backplane.hear(presence, &config.limits, now);
        }
        let mut encoder = encoder(codec, config);
        let work = presence.commit(&config.limits, &mut encoder, now);
        tally.commits += work.commits;
        tally.room_visits += work.visits;
        if let Some(backplane) = backplane {
            backplane.tell(presence, now);
        }
        self.end_visits(now);
        // After the commit, by which the rooms are what others have told.
        self.welcome_loaded(now);
    }

    /// This node among others, if there are others.
    pub fn backplane_mut(&mut self) -> Option<&mut Backplane> {
        self.context.backplane.as_mut()
    }

    /// Takes the next connection that may have something to send, besides what is new in rooms.
    pub fn next_touched(&mut self) -> Option<ConnectionId> {
        self.agenda.touched.pop_front()
    }

    /// Takes the next connection that is to be told of a commit, in a fair order. A driver that
    /// stops before there are no more goes on with them in its next turn.
    pub fn next_to_tell(&mut self) -> Option<ConnectionId> {
        let index = self.context.presence.next_to_tell()?;
        self.connections.get(index as usize).map(|connection| connection.id)
    }

    /// Whether connections are still to be told of a commit.
    pub fn is_telling(&self) -> bool {
        self.context.presence.is_telling()
    }

    /// Takes a connection that has ended, to close its socket. Its place is free from now on, so
    /// this is the last phase of the turn: no event of this turn can mean the place's next owner.
    pub fn reap(&mut self) -> Option<Reaped> {
        loop {
            let Some(id) = self.agenda.closed.pop_front() else {
                self.check_tally();
                self.check_requests();
                return None;
            };
            let (listener, reaped) = self.forget(id);
            // Of a session on no socket there is nothing to be closed.
            if listener != Listener::Session {
                return Some(reaped);
            }
        }
    }

    fn forget(&mut self, id: ConnectionId) -> (Listener, Reaped) {
        let mut connection = self.connections.remove(id.index());
        debug_assert!(connection.matches(id) && connection.subscriptions.is_empty());
        let &Phase::Closed(cause) = connection.phase() else {
            unreachable!("only a connection that has ended is to be reaped")
        };
        // From here on it is in no count of open connections, so it must be in one of closed ones.
        self.context.tally.closed[cause.kind() as usize] += 1;
        match connection.listener {
            Listener::Metrics => self.context.counts.for_metrics -= 1,
            Listener::Session => self.context.counts.sessions -= 1,
            Listener::Public | Listener::Local => {}
        }
        let address = connection.address;
        if let Some(key) = connection.take_counted() {
            self.context.addresses.disconnect(key);
        }
        (connection.listener, Reaped { id, cause, address })
    }

    /// Whether connections have ended that are not reaped.
    pub fn has_ended(&self) -> bool {
        !self.agenda.closed.is_empty()
    }

    /// When the next turn must be, if nothing happens before.
    pub fn next_wakeup(&self) -> Time {
        let Context { presence, backplane, config, clients, sessions, returning, visits, .. } =
            &self.context;
        if clients.is_due() || sessions.next().is_some() {
            return Time::ZERO;
        }
        let returns = returning.front().map_or(Time::NEVER, |next| next.until);
        let visits = visits.front().map_or(Time::NEVER, |visit| visit.until);
        let shared = backplane.as_ref().map_or(Time::NEVER, |all| all.due(&config.limits));
        self.agenda.deadlines.next().min(presence.commit_due()).min(returns).min(shared).min(visits)
    }

    /// Stops: takes no new connections, closes all WebSockets with 1001, ends the others when they
    /// are answered.
    pub fn stop(&mut self, now: Time) {
        self.agenda.is_stopping = true;
        if let Some(backplane) = &mut self.context.backplane {
            backplane.end();
        }
        let ids: Vec<ConnectionId> =
            self.connections.iter().map(|(_, connection)| connection.id).collect();
        for id in ids {
            self.with(id, |connection, context| match connection.phase() {
                Phase::Http(_) => connection.drain(Cause::Stopping, Time::NEVER),
                // Its session is about to answer it, for the last time.
                Phase::Waiting(_) => {}
                _ => connection.close(Cause::Stopping, &context.config, now),
            });
            self.agenda.touched.push_back(id);
        }
    }
}
