//! Which rooms a connection is in, and how it comes into them and out.

use crate::api::ApiError;
use crate::connection::{Connection, Subscription};
use crate::names;
use crate::presence::{EnterError, RoomId, View};
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
        namespace: u32,
    ) -> Result<RoomId, ApiError> {
        let limits = &self.config.limits;
        self.check_number_of_rooms(connection)?;
        let follower = connection.id.index;
        let entered = self.presence.enter(name, follower, &view, limits);
        let (room, place) = entered.map_err(ApiError::from)?;
        // Coming back after an interruption must not take as many minutes as it has rooms.
        let has_free_login = !connection.subscriptions.is_empty();
        let member = None;
        let new = Subscription { room, place, member, view, namespace, has_free_login };
        connection.subscriptions.push(new);
        Ok(room)
    }

    fn check_number_of_rooms(&self, connection: &Connection) -> Result<(), ApiError> {
        let max = self.config.limits.rooms_per_connection_max as usize;
        match connection.subscriptions.len() < max {
            true => Ok(()),
            false => Err(ApiError::TooManyRooms),
        }
    }

    /// A connection leaves the room that `matches` selects, and whoever it is there logs out.
    pub(super) fn exit(
        &mut self,
        connection: &mut Connection,
        matches: impl Fn(&Subscription) -> bool,
    ) {
        let Some(gone) = connection.subscriptions.take(matches) else { return };
        if let Some(member) = gone.member {
            self.logout(member);
        }
        self.presence.exit(gone.room, gone.place, &gone.view);
        if connection.home == Some(gone.room) {
            connection.home = None;
        }
    }

    /// A connection is told of a room in another way from now on. One that is told in this way
    /// already goes on where it is.
    pub(super) fn change_view(&mut self, follower: u32, one: &mut Subscription, view: View) {
        if !one.view.is_like(&view) {
            one.place =
                self.presence.change_view(one.room, one.place, (&one.view, &view), follower);
            one.view = view;
        }
    }

    /// A client of Socket.IO wants to join a namespace, which is a room.
    pub(super) fn join(&mut self, connection: &mut Connection, namespace: &str, now: Time) {
        let checked = self.check_join(connection, namespace);
        let is_too_fast = !connection.may_update(&self.config, now);
        let (name, view) = match checked.and_then(|checked| match is_too_fast {
            true => Err(ApiError::UpdatesTooFast),
            false => Ok(checked),
        }) {
            Ok(checked) => checked,
            Err(error) => {
                connection.join_namespace(namespace, Err(error), &self.config);
                return;
            }
        };
        if let Some(number) = connection.join_namespace(namespace, Ok(()), &self.config) {
            let entered = self.enter(connection, &name, view, number);
            debug_assert!(entered.is_ok(), "nothing has changed since that was checked");
        }
    }

    /// The room that a namespace is, and how it is told at first.
    fn check_join(
        &self,
        connection: &Connection,
        namespace: &str,
    ) -> Result<(Box<str>, View), ApiError> {
        let name = self.room_name(namespace.strip_prefix(MAIN).unwrap_or(namespace))?;
        // Two namespaces that are one room in its canonical form.
        if self.presence.find(&name).is_some_and(|room| connection.subscriptions.has(room)) {
            return Err(ApiError::RoomTwice);
        }
        self.check_number_of_rooms(connection)?;
        self.presence.check_room(&name, &self.config.limits)?;
        let view = connection.view(None).ok_or(ApiError::ViewUnknown)?;
        Ok((name, view))
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
