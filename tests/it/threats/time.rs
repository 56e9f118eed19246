//! Time (E1, E2, E5): clocks that jump, timers by the ten thousand, and the end.

use std::collections::BTreeSet;

use headcount::config::{Config, Limits};
use headcount::connection::ConnectionId;
use headcount::deadlines::Deadlines;
use headcount::time::Time;

use super::{Bare, cpu, generous, grows_at_most};
use crate::engine;
use crate::wire::{self, Told};
use crate::world::{Peer, World};

/// Answers every ping that came, of both kinds.
fn answer_pings(world: &mut World, peers: &[Peer]) {
    for &peer in peers {
        for told in world.told(peer) {
            match told {
                Told::Ping(data) => world.send_quietly(peer, &wire::frame(0x8A, &data)),
                Told::Text(text) if text == "2" => world.send_quietly(peer, &wire::text("3")),
                _ => {}
            }
        }
    }
    world.turn();
}

/// An hour is missing, as after the machine has slept: whoever answers the next ping stays, also if
/// it was asked just before, and whoever does not is gone.
#[test]
fn e1_clock_that_jumps_ahead_disconnects_nobody_who_answers() {
    // At some of these moments there are peers that were asked and have not answered yet.
    for asked_ms in [0, 1_000, 22_600, 25_000, 27_400] {
        let mut world = World::with(generous());
        let mut peers: Vec<Peer> = (0..200).map(|_| world.watch()).collect();
        peers.extend((0..50).map(|_| engine::join(&mut world)));
        let dead = world.watch();
        world.pass_ms(asked_ms);
        world.now = world.now.after_ms(3_600_000);
        world.turn();
        for _ in 0..600 {
            world.pass_ms(100);
            answer_pings(&mut world, &peers);
        }
        let lost = peers.iter().filter(|&&peer| world.is_closed(peer)).count();
        assert_eq!(lost, 0, "after {asked_ms} ms");
        assert!(world.is_closed(dead), "who is dead is found as always");
    }
}

/// The clock stands still for as long as one likes, or time reaches its end: nothing is negative,
/// nothing overflows, nothing panics.
#[test]
fn e1_clock_that_stands_still_or_ends_harms_nothing() {
    let late = u64::MAX - 100_000;
    for moments in [[5, 5, 5, 5], [late, late + 1, u64::MAX - 1, u64::MAX], [0, 1, late, late]] {
        let mut server = Bare::with(generous());
        for ms in moments {
            server.now = Time::from_ms(ms);
            let (id, page) = (server.open("/ws", ""), server.accept());
            server.send(id, &wire::text(r#"["login","Ada"]"#));
            server.hub.settle_output(page, true, server.now);
            server.turn();
            server.send(id, &wire::close(1000));
            server.take(id);
            server.turn();
            let _ = server.hub.next_wakeup().ms_since(server.now);
        }
        server.hub.stop(server.now);
        server.turn();
    }
}

/// The core knows no wall clock: what day it is, is a text in its answers, and nothing depends on
/// it. That nothing but the driver reads any clock, `tidy` checks.
#[test]
fn e1_wall_clock_that_jumps_changes_a_text_and_nothing_else() {
    let mut world = World::new();
    let peer = world.watch();
    for date in [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Sun, 23 Nov 2036 12:00:00 GMT",
        "Wed, 23 Nov 2016 12:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:60 GMT",
    ] {
        world.hub.set_date(date.to_owned());
        world.turn();
        let page = world.connect();
        world.send(page, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(world.answer(page).field("Date"), Some(date));
        assert_eq!(world.told(peer), []);
        assert!(!world.is_half_closed(peer));
    }
}

#[test]
fn e2_timers_of_one_tick_come_together_and_cost_what_they_must() {
    let time = |count: usize| {
        let mut deadlines = Deadlines::default();
        // Memory that is fresh would cost more than the sweep.
        let mut due = vec![0; count];
        due.clear();
        for index in 0..count {
            deadlines.set(index, Time::from_ms(5_000 - index as u64 % 100));
        }
        deadlines.set(count, Time::from_ms(u64::MAX - 1));
        deadlines.set(count + 1, Time::from_ms(u64::from(u32::MAX) * 1_000));
        deadlines.sweep(Time::from_ms(4_999), usize::MAX, &mut due);
        assert!(due.is_empty(), "none is early");
        let took = cpu(|| deadlines.sweep(Time::from_ms(5_000), usize::MAX, &mut due));
        assert!(due.iter().copied().eq(0..count));
        took
    };
    grows_at_most(16, (12_500, 100_000), "deadlines", time);

    // The same of connections: 20,000 that were accepted in one moment end in one sweep, which may
    // have so many here.
    let mut server = Bare::with(generous());
    for _ in 0..20_000 {
        server.accept();
    }
    server.now = Time::from_ms(9_999);
    assert_eq!(server.turn(), 0);
    server.now = Time::from_ms(10_000);
    assert_eq!(server.turn(), 20_000);
}

#[test]
fn e2_timer_in_the_far_future_neither_overflows_nor_comes() {
    let most = u32::MAX;
    let limits = Limits {
        ping_interval_ms: most,
        pong_timeout_ms: most,
        handshake_timeout_ms: most,
        close_timeout_ms: most,
        send_timeout_ms: most,
        ..generous().limits
    };
    let mut world = World::with(Config { limits, ..Config::default() });
    let (peer, page) = (world.watch(), world.connect());
    for days in [1, 10, 20, 40] {
        world.now = Time::from_ms(days * 86_400_000);
        world.turn();
        assert!(!world.is_closed(peer) && !world.is_closed(page), "{days} days");
    }
    // ±10 % of 50 days: by now it is due.
    world.now = Time::from_ms(u64::from(most) / 10 * 11 + 200);
    world.turn();
    assert_eq!(world.told(peer), [Told::Ping(vec![0, 0, 0, 1])]);
    assert!(world.is_closed(page));
}

/// The place of a connection that is gone has another owner: its deadline is not the old one's.
#[test]
fn e2_timer_of_a_connection_that_is_gone_does_not_end_the_next() {
    let mut server = Bare::with(generous());
    let old: Vec<ConnectionId> = (0..100).map(|_| server.accept()).collect();
    server.now = Time::from_ms(9_900);
    old.iter().for_each(|&id| server.hub.lost(id));
    assert_eq!(server.turn(), 100);
    let new: Vec<ConnectionId> = (0..100).map(|_| server.accept()).collect();
    let places = |ids: &[ConnectionId]| ids.iter().map(|id| id.index()).collect::<BTreeSet<_>>();
    assert_eq!(places(&old), places(&new), "the places are used again");
    server.now = Time::from_ms(19_800);
    assert_eq!(server.turn(), 0, "the old ones' time is long over");
    server.now = Time::from_ms(19_900);
    assert_eq!(server.turn(), 100);
}

/// Everyone is told 1001 at once; those who never read are waited for only as long as a closing
/// handshake may take.
#[test]
fn e5_stopping_server_tells_everyone_and_waits_for_the_stuck_only_so_long() {
    let mut world = World::with(generous());
    let peers: Vec<Peer> = (0..200).map(|_| world.watch()).collect();
    let clients: Vec<Peer> = (0..50).map(|_| engine::join(&mut world)).collect();
    let pages: Vec<Peer> = (0..20).map(|_| world.connect()).collect();
    let (stuck, reading) = peers.split_at(20);
    stuck.iter().for_each(|&peer| world.set_room(peer, 1));
    world.hub.stop(world.now);
    world.turn();
    for &peer in reading.iter().chain(&clients) {
        assert_eq!(world.told(peer).last(), Some(&Told::Close(Some(1001))));
        world.send_quietly(peer, &wire::close(1001));
        world.end(peer);
        assert!(world.is_closed(peer));
    }
    pages.iter().for_each(|&page| world.end(page));
    assert_eq!(world.hub.len(), stuck.len(), "who answers is not waited for");
    assert!(world.connect_from([127, 0, 0, 1].into()).is_err(), "nobody else comes in");
    world.pass_ms(5_100);
    assert!(world.hub.is_empty(), "nor are the others, for longer than they may take");
}
