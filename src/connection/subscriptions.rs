//! The rooms that one connection follows, or the same room several times.

use crate::presence::{MemberId, Place, RoomId, View};

/// A room that a connection follows.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) room: RoomId,
    /// Where the connection stands among the room's followers.
    pub(crate) place: Place,
    /// Who is in the room by this connection, if somebody is.
    pub(crate) member: Option<MemberId>,
    /// What is sent of the room.
    pub(crate) view: View,
}

/// All rooms that a connection follows. Nearly every connection follows one, which is held without
/// a list for it.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    first: Option<Subscription>,
    #[expect(clippy::box_collection, reason = "a vector is three words even when it is empty")]
    others: Option<Box<Vec<Subscription>>>,
}

impl Subscriptions {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Subscription> {
        self.first.iter().chain(self.others.iter().flat_map(|others| others.iter()))
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Subscription> {
        self.first.iter_mut().chain(self.others.iter_mut().flat_map(|others| others.iter_mut()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn push(&mut self, subscription: Subscription) {
        match &mut self.first {
            None => self.first = Some(subscription),
            Some(_) => self.others.get_or_insert_default().push(subscription),
        }
    }

    /// Takes out the first subscription that `is_it`.
    pub(crate) fn take(&mut self, is_it: impl Fn(&Subscription) -> bool) -> Option<Subscription> {
        if self.first.as_ref().is_some_and(&is_it) {
            let next = self.others.as_mut().map(|others| others.remove(0));
            let taken = std::mem::replace(&mut self.first, next);
            self.drop_empty_list();
            return taken;
        }
        let others = self.others.as_mut()?;
        let index = others.iter().position(is_it)?;
        let taken = others.remove(index);
        self.drop_empty_list();
        Some(taken)
    }

    fn drop_empty_list(&mut self) {
        if self.others.as_ref().is_some_and(|others| others.is_empty()) {
            self.others = None;
        }
    }

    /// Puts the first behind all others, so that with a peer which reads slowly none has to wait
    /// for ever.
    pub(crate) fn rotate(&mut self) {
        if let (Some(first), Some(others)) = (&mut self.first, &mut self.others) {
            std::mem::swap(first, &mut others[0]);
            others.rotate_left(1);
        }
    }

    /// Who is in `room` by this connection: there is one at most, whichever subscription has it.
    pub(crate) fn member_in(&self, room: RoomId) -> Option<MemberId> {
        self.iter().filter(|subscription| subscription.room == room).find_map(|one| one.member)
    }

    /// Bytes of memory held beside the struct.
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.others.as_ref().map_or(0, |others| {
            size_of::<Vec<Subscription>>() + others.capacity() * size_of::<Subscription>()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::presence::{Form, Presence};

    use super::*;

    fn namespaces(subscriptions: &Subscriptions) -> Vec<u32> {
        let namespace = |subscription: &Subscription| match subscription.view {
            View::Lists { namespace, .. } => namespace,
            View::Changes { .. } => unreachable!("there are none"),
        };
        subscriptions.iter().map(namespace).collect()
    }

    #[test]
    fn each_comes_first_in_its_turn_and_any_can_be_taken() {
        let mut presence = Presence::new();
        let room = presence.main_room();
        let mut subscriptions = Subscriptions::default();
        for namespace in 1..5 {
            let view = View::lists(namespace, Form::Plain);
            let place = presence.room_mut(room).follow(0, &view);
            subscriptions.push(Subscription { room, place, member: None, view });
        }
        subscriptions.rotate();
        assert_eq!(namespaces(&subscriptions), [2, 3, 4, 1]);
        subscriptions.rotate();
        let is = |wanted| move |one: &Subscription| matches!(one.view, View::Lists { namespace, .. } if namespace == wanted);
        for (taken, left) in [(3, &[4, 1, 2][..]), (1, &[4, 2]), (2, &[4]), (4, &[])] {
            assert!(subscriptions.take(is(taken)).is_some());
            assert_eq!(namespaces(&subscriptions), left);
        }
        assert!(subscriptions.is_empty() && subscriptions.buffered_bytes() == 0);
        assert!(subscriptions.take(is(4)).is_none());
    }
}
