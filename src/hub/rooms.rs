//! Which rooms a connection is in, and how it comes into them and out.

use crate::api::ApiError;
use crate::connection::{Connection, Subscription};
use crate::names;
use crate::presence::{EnterError, Leave, RoomId, View};
use crate::socketio::MAIN;
use crate::time::Time;

use super::context::Context;

impl Context {
    /// The name of a room in its canonical form, if there may be such a room.
    pub(super) fn room_name(&self, text: &str) -> Result<Box<str>, ApiError> {
        if text.is_empty() {
            return Ok(text.into());
        }
        let limits = self.config.limits.room_names();
        let name = names::canonical(text, limits).map_err(ApiError::Room)?;
        // No URL has such a segment: it is gone before anybody is asked (RFC 3986 §5.2.4).
        if name.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(ApiError::RoomForbidden);
        }
        let patterns = &self.config.rooms;
        match patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(&name)) {
            true => Ok(name),
            false => Err(ApiError::RoomForbidden),
        }
    }

    /// A connection enters a room in which it is not.
    pub(super) fn enter(
        &mut self,
        connection: &mut Connection,
        name: &str,
        view: View,
    ) -> Result<RoomId, ApiError> {
        let limits = &self.config.limits;
        if connection.subscriptions.len() >= limits.rooms_per_connection_max as usize {
            return Err(ApiError::TooManyRooms);
        }
        let follower = connection.id.index;
        let entered = self.presence.enter(name, follower, &view, limits);
        let (room, place) = entered.map_err(ApiError::from)?;
        // Coming back after an interruption must not take as many minutes as it has rooms.
        let has_free_login = !connection.subscriptions.is_empty();
        let (member, namespace) = (None, 0);
        let new = Subscription { room, place, member, view, namespace, has_free_login, wait: 0 };
        connection.subscriptions.push(new);
        Ok(room)
    }

    /// A client that is back in a room is who it was there.
    pub(super) fn attach(&mut self, connection: &mut Connection, room: RoomId) {
        if let Some(client) = connection.client()
            && let Some(one) = connection.subscriptions.find_mut(|one| one.room == room)
            && one.member.is_none()
        {
            one.member = self.presence.attach(client, room);
        }
    }

    /// A connection leaves the room that `matches` selects, and lets go of whoever it is there.
    pub(super) fn exit(
        &mut self,
        connection: &mut Connection,
        matches: impl Fn(&Subscription) -> bool,
        leave: Leave,
    ) {
        let Some(gone) = connection.subscriptions.take(matches) else { return };
        if let Some(member) = gone.member {
            self.release(member, leave);
        }
        self.presence.exit(gone.room, gone.place, &gone.view);
        if connection.home == Some(gone.room) {
            connection.home = None;
        }
    }

    /// A connection is told of a room in another way from now on. One that is told in this way
    /// already goes on where it is.
    pub(super) fn change_view(&mut self, follower: u32, one: &mut Subscription, view: View) {
        if one.wait != 0 || !one.view.is_like(&view) {
            self.set_view(follower, one, view);
        }
    }

    /// It is told of the room like this from now on, whatever it was told before or waited for.
    pub(super) fn set_view(&mut self, follower: u32, one: &mut Subscription, view: View) {
        one.wait = 0;
        one.place = self.presence.change_view(one.room, one.place, (&one.view, &view), follower);
        one.view = view;
    }

    /// A client of Socket.IO wants to join a namespace, which is a room.
    pub(super) fn join(&mut self, connection: &mut Connection, namespace: &str, now: Time) {
        let entered = self.enter_namespace(connection, namespace, now);
        let number = connection.join_namespace(namespace, entered.map(|_| ()), &self.config);
        // It has a number only now that the client is told of it.
        if let (Ok(room), Some(number)) = (entered, number)
            && let Some(one) = connection.subscriptions.find_mut(|one| one.room == room)
        {
            one.namespace = number;
        }
    }

    fn enter_namespace(
        &mut self,
        connection: &mut Connection,
        namespace: &str,
        now: Time,
    ) -> Result<RoomId, ApiError> {
        let name = self.room_name(namespace.strip_prefix(MAIN).unwrap_or(namespace))?;
        // Two namespaces that are one room in its canonical form.
        if self.presence.find(&name).is_some_and(|room| connection.subscriptions.has(room)) {
            return Err(ApiError::RoomTwice);
        }
        if !connection.may_update(&self.config, now) {
            return Err(ApiError::UpdatesTooFast);
        }
        let view = connection.view(None).ok_or(ApiError::ViewUnknown)?;
        self.enter(connection, &name, view)
    }
}

impl From<EnterError> for ApiError {
    fn from(error: EnterError) -> ApiError {
        match error {
            EnterError::TooManyRooms => ApiError::TooManyRooms,
            EnterError::RoomFull => ApiError::RoomFull,
        }
    }
}
