//! Clients that say who they are, come back, and go on from the copies that they have.

use crate::api::{self, ApiError, Done, Has, Hello, Wanted};
use crate::connection::{Connection, Identity};
use crate::presence::{At, ClientId, RoomId, View};
use crate::time::Time;
use crate::ws::Opcode;

use super::clients::{Claim, Returning};
use super::context::Context;
use super::table::Hub;

/// For so long after a start, clients come back that were here before it.
const RETURN_MS: u64 = 30_000;

/// For so long a client that has a copy waits until the others are back too, so that the room is
/// what it was and nobody needs to be sent it.
const WAIT_MS: u64 = 2_000;

impl Hub {
    /// Goes on with clients that had to wait: for an id, or for others.
    pub(super) fn meet_clients(&mut self, now: Time) {
        while let Some(id) = self.context.clients.next_asked() {
            self.with(id, |connection, _| connection.probe(now));
            self.agenda.touched.push_back(id);
        }
        while let Some((id, claim)) = self.context.clients.next_answered() {
            self.with(id, |connection, context| context.answer_claim(connection, claim, now));
            // What it said after that was held back.
            self.resume(id, now);
        }
        while let Some(next) = self.context.returning.front()
            && next.until <= now
            && let Some(Returning { connection: id, room, at, number, .. }) =
                self.context.returning.pop_front()
        {
            self.with(id, |connection, context| {
                context.end_wait(connection, (room, number), &at);
            });
            self.agenda.touched.push_back(id);
        }
    }
}

impl Context {
    /// A client says who it is.
    pub(super) fn hello(
        &mut self,
        connection: &mut Connection,
        hello: Hello,
        now: Time,
    ) -> Result<Done, ApiError> {
        let claim = match hello.client {
            Some(client) => self.clients.claim(client, connection.id),
            None => Claim::Granted,
        };
        match claim {
            Claim::Granted => self.welcome(connection, hello, now),
            Claim::Waits => connection.identify(Identity::Waiting(hello)),
            Claim::InUse => return Err(ApiError::ClientInUse),
        }
        Ok(Done::Hello)
    }

    /// A client of Socket.IO has said who it is. It is that if nobody else is, or else nobody: an
    /// old connection of its own that seems to be there keeps its name until the hold is over,
    /// and by then the new one has the same.
    pub(super) fn be(&mut self, connection: &mut Connection, client: Option<ClientId>) {
        if let Some(client) = client
            && connection.claimed().is_none()
            && self.clients.is_free(client)
            && self.clients.claim(client, connection.id) == Claim::Granted
        {
            connection.identify(Identity::Known(Some(client)));
        }
    }

    /// A connection that waited for an id has it, or has to take another.
    fn answer_claim(&mut self, connection: &mut Connection, claim: Claim, now: Time) {
        let Some(hello) = connection.take_hello() else { return };
        match claim {
            Claim::Granted => self.welcome(connection, hello, now),
            Claim::InUse | Claim::Waits => {
                let error = api::error(ApiError::ClientInUse, None, None);
                connection.outbox.reply(Opcode::Text, &error);
            }
        }
    }

    /// Welcomes a client, and brings it into its rooms.
    fn welcome(&mut self, connection: &mut Connection, hello: Hello, now: Time) {
        connection.identify(Identity::Known(hello.client));
        let mut messages = Vec::new();
        let mut rooms = hello.rooms;
        if let Some(home) = connection.home {
            let name = self.presence.room(home).name().to_string();
            let said = rooms.iter().position(|(room, _)| *room == name);
            let has = said.map_or(Has::Nothing, |index| rooms.remove(index).1);
            rooms.insert(0, (name, has));
        }
        for (name, has) in rooms {
            let entered = self.enter_again(connection, &name, hello.view, has, now);
            match entered {
                Ok(change) => messages.extend(change),
                Err(error) => messages.push(api::error(error, None, Some(&name))),
            }
        }
        let resumed = connection.subscriptions.iter().filter(|one| one.member.is_some());
        let resumed = resumed.map(|one| &**self.presence.room(one.room).name());
        messages.insert(0, api::welcome(hello.client, resumed));
        for message in messages {
            connection.outbox.reply(Opcode::Text, &message);
        }
    }

    /// Enters a room, unless the connection is in it, and goes on from a copy.
    fn enter_again(
        &mut self,
        connection: &mut Connection,
        name: &str,
        wanted: Option<Wanted>,
        has: Has,
        now: Time,
    ) -> Result<Option<Vec<u8>>, ApiError> {
        let name = self.room_name(name)?;
        let known = self.presence.find(&name).filter(|&id| connection.subscriptions.has(id));
        let room = match known {
            Some(room) => {
                self.attach(connection, room);
                room
            }
            None if !connection.may_update(&self.config, now) => {
                return Err(ApiError::UpdatesTooFast);
            }
            None => self.enter(connection, &name, View::Nothing)?,
        };
        let view = connection.view(wanted).ok_or(ApiError::ViewUnknown)?;
        Ok(self.go_on(connection, room, view, has, now))
    }

    /// The peer is told of a room from now on, beginning with its own copy if that can be. Says
    /// what it is told before anything else.
    pub(super) fn go_on(
        &mut self,
        connection: &mut Connection,
        room: RoomId,
        view: View,
        has: Has,
        now: Time,
    ) -> Option<Vec<u8>> {
        let follower = connection.id.index;
        let one = connection.subscriptions.find_mut(|one| one.room == room)?;
        let (View::Changes { form, .. }, Has::Copy(at)) = (view, has) else {
            self.tally.drifts += u64::from(has == Has::Nothing && one.view.is_like(&view));
            self.set_view(follower, one, view);
            return None;
        };
        if let Some(resumed) = self.presence.resume(room, &at) {
            self.tally.resumed += 1;
            self.set_view(follower, one, View::Changes { next: resumed.next, form });
            return Some(resumed.change);
        }
        if self.presence.is_young(RETURN_MS, now) {
            self.set_view(follower, one, View::Nothing);
            // Each that is not over has a number of its own.
            let number = self.returning.back().map_or(1, |last| last.number % u16::MAX + 1);
            one.wait = number;
            let (until, connection) = (now.after_ms(WAIT_MS), connection.id);
            self.returning.push_back(Returning { number, until, connection, room, at });
            return None;
        }
        self.set_view(follower, one, view);
        None
    }

    /// A client has waited long enough for the others.
    fn end_wait(&mut self, connection: &mut Connection, (room, number): (RoomId, u16), at: &At) {
        let (follower, view) = (connection.id.index, connection.view(Some(Wanted::Changes)));
        let one = connection.subscriptions.find_mut(|one| one.room == room && one.wait == number);
        let (Some(one), Some(View::Changes { form, .. })) = (one, view) else { return };
        match self.presence.resume(room, at) {
            Some(resumed) => {
                self.tally.resumed += 1;
                self.set_view(follower, one, View::Changes { next: resumed.next, form });
                connection.outbox.reply(Opcode::Text, &resumed.change);
            }
            None => self.set_view(follower, one, View::changes(form)),
        }
    }

    /// A client has answered a ping: whoever waits for its place waits no longer.
    pub(super) fn heard_of(&mut self, connection: &Connection) {
        if let Some(client) = connection.client() {
            self.clients.is_here(client);
        }
    }

    /// The connection has ended, so the client that it was, or would have been, is not here.
    pub(super) fn forget_client(&mut self, connection: &mut Connection) {
        let client: Option<ClientId> = connection.claimed();
        if let Some(client) = client {
            self.clients.ended(client, connection.id);
        }
        connection.forget_identity();
    }
}
