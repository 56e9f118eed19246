//! Clients that say who they are, come back, and go on from the copies that they have.

use crate::api::{self, ApiError, Done, Has, Hello, Wanted};
use crate::connection::{Connection, Identity};
use crate::presence::{ClientId, RoomId, View};
use crate::time::Time;
use crate::ws::Opcode;

use super::clients::Claim;
use super::context::Context;
use super::returning::Returning;
use super::table::Hub;

/// For so long after a start, clients come back that were here before it.
const RETURN_MS: u64 = 30_000;

/// For so long a client that has a copy waits until the others are back too, so that the room is
/// what it was and nobody needs to be sent it.
const WAIT_MS: u64 = 2_000;

impl Hub {
    /// Goes on with clients that had to wait: for an id, or for others.
    pub(super) fn meet_clients(&mut self, now: Time) {
        while let Some((client, id)) = self.context.clients.next_asked() {
            self.with(id, |connection, context| {
                if !connection.probe(&context.config, now) {
                    context.clients.is_here(client);
                }
            });
            self.agenda.touched.push_back(id);
        }
        while let Some((id, is_free)) = self.context.clients.next_answered() {
            self.with(id, |connection, context| context.answer_claim(connection, is_free, now));
            // What it said after that was held back, and is gone on with when this is sent.
            self.agenda.touched.push_back(id);
        }
        while let Some(next) = self.context.returning.front()
            && next.until <= now
            && let Some(ended) = self.context.returning.pop_front()
        {
            let id = ended.connection;
            self.with(id, |connection, context| context.end_wait(connection, &ended));
            self.agenda.touched.push_back(id);
        }
    }

    /// Welcomes clients that waited for what other nodes have in their rooms.
    pub(super) fn welcome_loaded(&mut self, now: Time) {
        for id in std::mem::take(&mut self.context.loading) {
            let is_welcome = self.with(id, |connection, context| {
                if context.is_loading(connection) {
                    context.loading.push(id);
                    return false;
                }
                if let Some(hello) = connection.take_hello() {
                    context.welcome(connection, hello, now);
                }
                true
            });
            if is_welcome == Some(true) {
                // What it said after that was held back.
                self.agenda.touched.push_back(id);
            }
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
        let hello = self.check_hello(connection, hello)?;
        let claim = match hello.client {
            Some(client) => self.clients.claim(client, connection.id),
            None => Claim::Granted,
        };
        match claim {
            Claim::Granted => self.load(connection, hello, now),
            Claim::Waits => connection.identify(Identity::Waiting(hello)),
        }
        Ok(Done::Hello)
    }

    /// Checks what can be refused whole, and brings the names of rooms into their form: that of the
    /// URL is the first of them.
    fn check_hello(&self, connection: &Connection, mut hello: Hello) -> Result<Hello, ApiError> {
        connection.view(hello.view).ok_or(ApiError::ViewUnknown)?;
        if hello.rooms.len() > self.config.limits.rooms_per_connection_max as usize {
            return Err(ApiError::TooManyRooms);
        }
        for (name, _) in &mut hello.rooms {
            // One that can't be is refused by itself, as it was written.
            if let Ok(canonical) = self.room_name(name) {
                *name = canonical.into();
            }
        }
        let mut names: Vec<&str> = hello.rooms.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ApiError::RoomTwice);
        }
        if let Some(home) = connection.home {
            let home = self.presence.room(home).name();
            let said = hello.rooms.iter().position(|(name, _)| **name == **home);
            let has = said.map_or(Has::Nothing, |index| hello.rooms.remove(index).1);
            hello.rooms.insert(0, (home.to_string(), has));
        }
        Ok(hello)
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
    fn answer_claim(&mut self, connection: &mut Connection, is_free: bool, now: Time) {
        let Some(hello) = connection.take_hello() else { return };
        if is_free {
            return self.load(connection, hello, now);
        }
        let error = api::error(ApiError::ClientInUse, None, None);
        connection.outbox.reply(Opcode::Text, &error);
    }

    /// Welcomes a client, but not before it is known what other nodes have in its rooms: it may be
    /// there.
    fn load(&mut self, connection: &mut Connection, hello: Hello, now: Time) {
        if self.presence.is_linked() {
            for (name, _) in &hello.rooms {
                let Ok(name) = self.room_name(name) else { continue };
                let known = self.presence.find(&name);
                if !known.is_some_and(|room| connection.subscriptions.has(room)) {
                    // If it can't be entered, that is told with the welcome.
                    let _ = self.enter(connection, &name, View::Nothing);
                }
            }
            if self.is_loading(connection) {
                self.loading.push(connection.id);
                return connection.identify(Identity::Waiting(hello));
            }
        }
        self.welcome(connection, hello, now);
    }

    /// Whether a connection is in a room that waits for what other nodes say.
    fn is_loading(&self, connection: &Connection) -> bool {
        connection.subscriptions.iter().any(|one| self.presence.is_loading(one.room))
    }

    /// Welcomes a client, and brings it into its rooms.
    fn welcome(&mut self, connection: &mut Connection, hello: Hello, now: Time) {
        connection.identify(Identity::Known(hello.client));
        let (mut messages, mut news) = (Vec::new(), Vec::new());
        for (name, has) in hello.rooms {
            match self.enter_again(connection, &name, hello.view, has, now) {
                Ok(change) => news.extend(change),
                Err(error) => messages.push(api::error(error, None, Some(&name))),
            }
        }
        let resumed = connection.subscriptions.iter().filter(|one| one.member.is_some());
        let resumed = resumed.map(|one| &**self.presence.room(one.room).name());
        messages.insert(0, api::welcome(hello.client, resumed));
        for message in messages.into_iter().chain(news) {
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
            Some(room) => room,
            None => self.enter(connection, &name, View::Nothing)?,
        };
        self.attach(connection, room);
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
            let is_mended = has == Has::Nothing && matches!(one.view, View::Changes { .. });
            self.tally.drifts += u64::from(is_mended);
            self.set_view(follower, one, view);
            return None;
        };
        if let Some(resumed) = self.presence.resume(room, &at) {
            self.tally.resumed += 1;
            self.set_view(follower, one, View::Changes { next: resumed.next, form });
            return Some(resumed.change);
        }
        if self.presence.is_young(RETURN_MS, now) || self.presence.is_loading(room) {
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

    /// A client has waited long enough for the others, unless it wants something else by now.
    fn end_wait(&mut self, connection: &mut Connection, ended: &Returning) {
        let &Returning { room, number, ref at, .. } = ended;
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
        if let Some(client) = connection.claimed() {
            self.clients.ended(client, connection.id);
        }
        if connection.carried().is_none() {
            connection.forget_identity();
        }
    }
}
