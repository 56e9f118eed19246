//! What clients ask for in rooms: it is done, and they are told what came of it.

use crate::api::{Action, ApiError, Call, Done, Has, Request, Wanted};
use crate::connection::{Answer, Connection};
use crate::names;
use crate::presence::{Leave, MemberId, Name, RoomId, Update, View};
use crate::socketio::Address;
use crate::time::Time;
use crate::ws::Opcode;

use super::context::Context;

impl Context {
    /// Does what a client asks for, and tells it what came of that.
    pub(super) fn answer(
        &mut self,
        connection: &mut Connection,
        call: Call,
        address: Option<Address>,
        now: Time,
    ) {
        let mut news = None;
        let (outcome, room) = match call.request {
            Ok(Request { action, room }) => {
                (self.act(connection, action, room.as_deref(), address, &mut news, now), room)
            }
            Err(error) => (Err(error), None),
        };
        let (id, room) = (call.id.as_deref(), room.as_deref());
        connection.reply(&Answer { id, room, address, outcome });
        // The answer comes before the news that it is about.
        if let Some(message) = news {
            connection.outbox.reply(Opcode::Text, &message);
        }
    }

    /// Does it.
    fn act(
        &mut self,
        connection: &mut Connection,
        action: Action,
        room: Option<&str>,
        address: Option<Address>,
        news: &mut Option<Vec<u8>>,
        now: Time,
    ) -> Result<Done, ApiError> {
        // In Socket.IO a room is a namespace, which is joined and left in another way.
        let is_native = matches!(action, Action::Enter(..) | Action::Exit | Action::Hello(_));
        if address.is_some() && (is_native || room.is_some()) {
            return Err(ApiError::MessageInvalid);
        }
        connection.check_greeting(matches!(action, Action::Hello(_)))?;
        let meant = self.room_meant(connection, room, address);
        match action {
            Action::Login(name, update) => {
                return self.login(connection, meant?, &name, update, now).map(Done::Login);
            }
            Action::Enter(wanted, has) => {
                let room = room.unwrap_or_default();
                let wanted = (wanted, has);
                return self.enter_or_view(connection, room, wanted, news, now).map(Done::Enter);
            }
            Action::Hello(hello) => return self.hello(connection, hello, now),
            Action::Logout => self.leave_roster(connection, meant?),
            Action::Set(update) => {
                let member = connection.subscriptions.member_in(meant?);
                let member = member.ok_or(ApiError::NameMissing)?;
                self.update(connection, member, update, now)?;
            }
            Action::View(wanted) => self.view(connection, meant?, Some(wanted), now)?,
            Action::Exit => {
                let room = meant?;
                self.exit(connection, |one| one.room == room, Leave::Logout);
            }
            Action::Ping => connection.pong(&self.presence),
        }
        Ok(Done::Plain)
    }

    /// The room that a request is for: the one that it names, that of the namespace in which it
    /// was made, or that of the connection's URL.
    fn room_meant(
        &self,
        connection: &Connection,
        room: Option<&str>,
        address: Option<Address>,
    ) -> Result<RoomId, ApiError> {
        let mut all = connection.subscriptions.iter();
        let meant = match (room, address) {
            (Some(text), _) => {
                let named = self.presence.find(&self.room_name(text)?);
                named.filter(|&room| all.any(|one| one.room == room))
            }
            (None, Some(Address { namespace, .. })) => {
                all.find(|one| one.namespace == namespace).map(|one| one.room)
            }
            (None, None) => connection.home,
        };
        meant.ok_or(ApiError::RoomNotEntered)
    }

    /// The peer is in one more room, or is told of one that it is in already in this way.
    /// Says what the room is called.
    fn enter_or_view(
        &mut self,
        connection: &mut Connection,
        room: &str,
        (wanted, has): (Option<Wanted>, Has),
        news: &mut Option<Vec<u8>>,
        now: Time,
    ) -> Result<Name, ApiError> {
        let name = Name::from(self.room_name(room)?);
        let known = self.presence.find(&name);
        let known = known.filter(|&room| connection.subscriptions.has(room));
        if let (Some(room), Has::Unsaid) = (known, has) {
            return self.view(connection, room, wanted, now).map(|()| name);
        }
        let view = connection.view(wanted).ok_or(ApiError::ViewUnknown)?;
        if !connection.may_update(&self.config, now) {
            return Err(ApiError::UpdatesTooFast);
        }
        let room = match known {
            Some(room) => room,
            None => self.enter(connection, &name, View::Nothing)?,
        };
        self.attach(connection, room);
        *news = self.go_on(connection, room, view, has, now);
        Ok(name)
    }

    /// The peer is told of a room in this way from now on.
    fn view(
        &mut self,
        connection: &mut Connection,
        room: RoomId,
        wanted: Option<Wanted>,
        now: Time,
    ) -> Result<(), ApiError> {
        let view = connection.view(wanted).ok_or(ApiError::ViewUnknown)?;
        if !connection.may_update(&self.config, now) {
            return Err(ApiError::UpdatesTooFast);
        }
        let follower = connection.id.index;
        if let Some(one) = connection.subscriptions.find_mut(|one| one.room == room) {
            self.change_view(follower, one, view);
        }
        Ok(())
    }

    /// The peer is in the room under this name from now on. Says what the name is there.
    fn login(
        &mut self,
        connection: &mut Connection,
        room: RoomId,
        name: &str,
        update: Update,
        now: Time,
    ) -> Result<Name, ApiError> {
        let limits = self.config.limits.names();
        let name = Name::from(names::canonical(name, limits).map_err(ApiError::Name)?);
        // A page with Socket.IO does not know that it is back: it is nobody until it is let in.
        let held = || self.presence.held_of(connection.client()?, room);
        let member = connection.subscriptions.member_in(room).or_else(held);
        if let Some(member) = member
            && self.presence.name(member) == Some(&name)
        {
            self.update(connection, member, update, now)?;
            self.attach(connection, room);
            return Ok(name);
        }
        if member.is_none() && self.presence.is_full(room, &self.config.limits) {
            return Err(ApiError::RoomFull);
        }
        // Only a real change costs everyone a message, so only that counts against the rate.
        let is_first = member.is_none() && connection.subscriptions.has_free_login(room);
        let is_free = is_first && connection.may_log_in_once_more(&self.config, now);
        if !is_free && !connection.may_change_name(&self.config, now) {
            return Err(ApiError::RateLimited);
        }
        let limits = &self.config.limits;
        match member {
            Some(member) => {
                self.presence.update(member, update, limits).map_err(ApiError::Data)?;
                self.presence.rename(member, &name);
                self.attach(connection, room);
                self.tally.renames += 1;
            }
            None => {
                let client = connection.client();
                let member = self.presence.login(room, client, (&name, update), limits);
                let member = member.map_err(ApiError::Data)?;
                self.tally.logins += 1;
                if let Some(one) = connection.subscriptions.find_mut(|one| one.room == room) {
                    one.member = Some(member);
                    one.has_free_login = false;
                }
            }
        }
        Ok(name)
    }

    /// The peer says something else of itself. If that is nothing, it costs nothing.
    fn update(
        &mut self,
        connection: &mut Connection,
        member: MemberId,
        update: Update,
        now: Time,
    ) -> Result<(), ApiError> {
        if update == Update::default() {
            return Ok(());
        }
        if !connection.may_update(&self.config, now) {
            return Err(ApiError::UpdatesTooFast);
        }
        self.presence.update(member, update, &self.config.limits).map_err(ApiError::Data)?;
        self.tally.updates += 1;
        Ok(())
    }

    /// The peer has no name in a room any more. That is always allowed; it costs a change to come
    /// back.
    fn leave_roster(&mut self, connection: &mut Connection, room: RoomId) {
        let one = connection.subscriptions.find_mut(|one| one.room == room);
        if let Some(member) = one.and_then(|one| one.member.take()) {
            self.release(member, Leave::Logout);
        }
    }
}
