//! What must be so at any time: a name is there if somebody has it or is held under it, and only
//! then.

use std::collections::BTreeMap;

use headcount::hub::Hub;

use super::requests::ROOMS;
use super::world::World;

/// A server has so much time to let a name go, in µs.
const SLACK_US: u64 = 1_500_000;

/// Who was seen to be there.
#[derive(Debug, Default)]
pub struct Watch {
    /// By client and room: the name, and how often the client had asked for another before.
    seen: BTreeMap<(usize, &'static str), (u64, String)>,
}

impl Watch {
    /// Whoever is there for sure, and was seen, is seen.
    pub fn check(&mut self, hub: &Hub, world: &World) {
        if world.nature.is_stopping {
            return;
        }
        let now_us = world.nature.clock_us;
        for (index, client) in world.clients.iter().enumerate() {
            let tabs = &world.nature.tabs;
            let is_last = |tab: usize| tabs.all[tab].last() == Some(index);
            let is_current = client.tab.is_none_or(is_last);
            if !is_current || !client.is_known(now_us, tabs) {
                continue;
            }
            let asked = client.ledger.namings;
            // Of several names it is not known which of them the server has heard of.
            if asked > 1 {
                continue;
            }
            for (&room, seat) in &client.ledger.seats.all {
                let Some(member) = &seat.member else { continue };
                let key = (index, room);
                if names(hub, room).any(|name| *name == *member.name) {
                    self.seen.insert(key, (asked, member.name.clone()));
                } else if let Some((before, name)) = self.seen.get(&key) {
                    let is_gone = *before == asked && *name == member.name;
                    assert!(!is_gone, "{name} left {room:?} too early: {client:?}");
                }
            }
        }
    }

    /// Whoever is seen may be there.
    pub fn check_names(&self, hub: &Hub, world: &World) {
        let now_us = world.nature.clock_us;
        if world.nature.is_stopping || now_us < world.nature.away_until_us + SLACK_US {
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
