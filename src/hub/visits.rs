//! Requests for the roster of a room that other nodes have and this one does not: the room is
//! entered for them, and they wait until it is loaded.

use crate::connection::Connection;
use crate::http::{Method, RequestHead};
use crate::presence::{Name, View};
use crate::time::Time;

use super::context::Context;
use super::table::Hub;
use super::visit::Visit;

/// A room stays for so long after it was asked for, in ms, since who asks once may ask again.
const STAY_MS: u64 = 5_000;

/// So many rooms are entered at most. Without a place a request gets what is known here: nothing.
const VISITS_MAX: usize = 256;

impl Hub {
    /// Responds to requests whose rooms are loaded, and leaves those that nobody has asked for in a
    /// while.
    pub(super) fn end_visits(&mut self, now: Time) {
        for index in 0..self.context.visits.len() {
            let Context { visits, presence, .. } = &mut self.context;
            let visit = &mut visits[index];
            if presence.is_loading(visit.room) {
                continue;
            }
            let Some(request) = visit.request.take() else { continue };
            let name = visit.name.clone();
            self.respond_to_waiting(request, now, |context, sharing| {
                let (_, mut response) = context.whole_roster(&name, now);
                response.head = sharing.add_to(response.head);
                response
            });
            self.agenda.touched.push_back(request);
        }
        let Context { visits, presence, .. } = &mut self.context;
        while let Some(visit) = visits.pop_front_if(|visit| visit.until <= now) {
            presence.exit(visit.room, None, &View::Nothing);
        }
    }
}

impl Context {
    /// Has a request for the roster of a room wait, if only other nodes can have that.
    pub(super) fn visit(
        &mut self,
        connection: &mut Connection,
        room: &str,
        head: &RequestHead<'_>,
        keeps_alive: bool,
        now: Time,
    ) -> bool {
        let can_ask = self.presence.is_linked() && self.visits.len() < VISITS_MAX;
        let Ok(name) = self.room_name(room) else { return false };
        let is_here = |room| !self.presence.is_loading(room);
        if !can_ask || head.method != Method::Get || self.presence.find(&name).is_some_and(is_here)
        {
            return false;
        }
        let (follower, limits) = (connection.id.index, &self.config.limits);
        let entered = self.presence.enter(&name, follower, &View::Nothing, limits);
        let Ok((room, _)) = entered else { return false };
        connection.await_answer(keeps_alive, self.sharing(head));
        let (request, until) = (Some(connection.id), now.after_ms(STAY_MS));
        self.visits.push_back(Visit { room, name: Name::from(name), request, until });
        true
    }
}
