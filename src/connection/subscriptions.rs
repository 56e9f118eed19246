//! The rooms that one connection is in, each once.

use crate::presence::{MemberId, Place, RoomId, View};

/// A room that a connection is in.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) room: RoomId,
    /// Where the connection stands among the room's followers, if it is told anything.
    pub(crate) place: Option<Place>,
    /// Who is in the room by this connection, if somebody is.
    pub(crate) member: Option<MemberId>,
    /// What is sent of the room.
    pub(crate) view: View,
    /// The number that a client of Socket.IO has for it.
    pub(crate) namespace: u32,
    /// Whether the first login is free: in the rooms that were entered beside one.
    pub(crate) has_free_login: bool,
    /// The number of the wait until others are back, before it is told anything; 0: none.
    pub(crate) wait: u16,
}

/// All rooms that a connection is in. Nearly every connection is in one, which is held
/// without a list for it.
#[derive(Debug, Default)]
pub(crate) enum Subscriptions {
    #[default]
    None,
    One(Subscription),
    #[expect(clippy::box_collection, reason = "a vector is three words, and one is the rule")]
    Many(Box<Vec<Subscription>>),
}

impl Subscriptions {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Subscription> {
        match self {
            Subscriptions::None => [].iter(),
            Subscriptions::One(one) => std::slice::from_ref(one).iter(),
            Subscriptions::Many(many) => many.iter(),
        }
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Subscription> {
        match self {
            Subscriptions::None => [].iter_mut(),
            Subscriptions::One(one) => std::slice::from_mut(one).iter_mut(),
            Subscriptions::Many(many) => many.iter_mut(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Subscriptions::None)
    }

    pub(crate) fn push(&mut self, new: Subscription) {
        *self = match std::mem::take(self) {
            Subscriptions::None => Subscriptions::One(new),
            Subscriptions::One(one) => Subscriptions::Many(Box::new(vec![one, new])),
            Subscriptions::Many(mut many) => {
                many.push(new);
                Subscriptions::Many(many)
            }
        };
    }

    /// Takes out the first subscription that `matches` selects.
    pub(crate) fn take(&mut self, matches: impl Fn(&Subscription) -> bool) -> Option<Subscription> {
        let index = self.iter().position(matches)?;
        let (taken, rest) = match std::mem::take(self) {
            Subscriptions::None => unreachable!("one of them was found"),
            Subscriptions::One(one) => (one, Subscriptions::None),
            Subscriptions::Many(mut many) => {
                let taken = many.remove(index);
                let rest = match (many.len(), many.pop()) {
                    (1, Some(last)) => Subscriptions::One(last),
                    (_, last) => {
                        many.extend(last);
                        Subscriptions::Many(many)
                    }
                };
                (taken, rest)
            }
        };
        *self = rest;
        Some(taken)
    }

    /// Puts the first behind all others, so that with a peer which reads slowly none has to wait
    /// for ever.
    pub(crate) fn rotate(&mut self) {
        if let Subscriptions::Many(many) = self {
            many.rotate_left(1);
        }
    }

    /// Whether the connection is in `room`.
    pub(crate) fn has(&self, room: RoomId) -> bool {
        self.iter().any(|one| one.room == room)
    }

    /// Whether the next login in `room` is the first, in a room that was entered beside another.
    pub(crate) fn has_free_login(&self, room: RoomId) -> bool {
        self.iter().any(|one| one.room == room && one.has_free_login)
    }

    /// Who is in `room` by this connection.
    pub(crate) fn member_in(&self, room: RoomId) -> Option<MemberId> {
        self.iter().find(|one| one.room == room)?.member
    }

    /// Rooms that there are.
    pub(crate) fn len(&self) -> usize {
        self.iter().len()
    }

    /// The first that `matches` selects.
    pub(crate) fn find_mut(
        &mut self,
        matches: impl Fn(&Subscription) -> bool,
    ) -> Option<&mut Subscription> {
        self.iter_mut().find(|one| matches(one))
    }

    /// Bytes of memory held beside the struct.
    pub(crate) fn buffered_bytes(&self) -> usize {
        match self {
            Subscriptions::None | Subscriptions::One(_) => 0,
            Subscriptions::Many(many) => {
                size_of::<Vec<Subscription>>() + many.capacity() * size_of::<Subscription>()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Limits;
    use crate::presence::Presence;

    use super::*;

    fn namespaces(subscriptions: &Subscriptions) -> Vec<u32> {
        subscriptions.iter().map(|one| one.namespace).collect()
    }

    #[test]
    fn each_comes_first_in_its_turn_and_any_can_be_taken() {
        let (mut presence, view) = (Presence::new(0), View::Nothing);
        let mut subscriptions = Subscriptions::default();
        for namespace in 1..5 {
            let entered = presence.enter(&namespace.to_string(), 0, &view, &Limits::default());
            let (room, place) = entered.unwrap();
            let member = None;
            let has_free_login = false;
            subscriptions.push(Subscription {
                room,
                place,
                member,
                view,
                namespace,
                has_free_login,
                wait: 0,
            });
        }
        subscriptions.rotate();
        assert_eq!(namespaces(&subscriptions), [2, 3, 4, 1]);
        subscriptions.rotate();
        let mut take = |wanted: u32| {
            let taken = subscriptions.take(|one| one.namespace == wanted);
            (taken.is_some(), namespaces(&subscriptions))
        };
        for (wanted, left) in [(3, vec![4, 1, 2]), (1, vec![4, 2]), (2, vec![4]), (4, vec![])] {
            assert_eq!(take(wanted), (true, left));
        }
        assert_eq!(take(4), (false, vec![]));
        assert!(subscriptions.is_empty() && subscriptions.buffered_bytes() == 0);
    }
}
