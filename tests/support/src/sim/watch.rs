//! What must be so at any time: a name is there if somebody has it or is held under it, and only
//! then.

use std::collections::{BTreeMap, BTreeSet};

use headcount::hub::Hub;

use super::requests::ROOMS;
use super::world::World;

/// A server has so much time to let a name go, in µs.
const SLACK_US: u64 = 1_500_000;

/// Who was seen to be there.
#[derive(Debug, Default)]
pub struct Watch {
    /// By client and room: how often the client had asked for another name before.
    seen: BTreeMap<(usize, &'static str), u64>,
}

impl Watch {
    /// Whoever is there for sure, and was seen, is seen: under one of the names that the client has
    /// asked for, as it is not known how many of its requests have arrived.
    pub fn check(&mut self, hub: &Hub, world: &World) {
        if world.nature.is_stopping {
            return;
        }
        let now_us = world.nature.clock_us;
        let mut rooms: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (index, client) in world.clients.iter().enumerate() {
            let tabs = &world.nature.tabs;
            let is_current = |tab: usize| tabs.all[tab].is_current(index, client.has_parted());
            if !client.tab.is_none_or(is_current) || !client.is_known(now_us, &tabs.terms) {
                continue;
            }
            let asked = client.ledger.namings;
            for (&room, seat) in &client.ledger.seats.all {
                if seat.member.is_none() {
                    continue;
                }
                let here = rooms.entry(room).or_insert_with(|| names(hub, room).collect());
                let mut own = client.ledger.asked.iter().filter(|(of, _)| *of == room);
                let is_here =
                    own.any(|(_, name)| name.as_deref().is_some_and(|n| here.contains(n)));
                if is_here {
                    self.seen.insert((index, room), asked);
                } else {
                    let is_gone = self.seen.get(&(index, room)) == Some(&asked);
                    assert!(!is_gone, "somebody left {room:?} too early: {client:?}");
                }
            }
        }
    }

    /// Whoever is seen may be there.
    pub fn check_names(&self, hub: &Hub, world: &World) {
        let now_us = world.nature.clock_us;
        if world.nature.is_stopping || now_us < world.nature.tabs.terms.away_until_us + SLACK_US {
            return;
        }
        for (_, room) in &ROOMS[..world.nature.rooms] {
            let Some(room) = *room else { continue };
            for name in names(hub, room) {
                let mut clients = world.clients.iter();
                let is_possible = clients
                    .any(|client| client.may_be(room, name, now_us - SLACK_US, &world.nature));
                assert!(is_possible, "{name} is seen in {room:?}, and nobody has that name");
            }
        }
    }
}

fn names<'a>(hub: &'a Hub, room: &str) -> impl Iterator<Item = &'a str> {
    let presence = hub.presence();
    let room = presence.find(room);
    room.into_iter().flat_map(|room| presence.committed_names(room).0)
}
