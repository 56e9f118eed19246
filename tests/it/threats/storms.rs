//! Many at once (E3, E4, D2, D6, D15): herds, joins, floods, and those who do not read.

use headcount::config::{Config, Limits};
use headcount::connection::ConnectionId;
use headcount::hub::Refusal;

use super::{Bare, generous};
use crate::wire::{self, Told};
use crate::world::{Peer, World};
use headcount_support::fuzz::Xorshift;

/// The server was killed and is back: all its clients come again, each after its own wait, as the
/// client module has it, or all at once. In a turn there are 128 accepts, as the driver does.
#[test]
fn e3_herd_of_clients_is_back_in_ten_seconds_and_nobody_is_lost() {
    const CLIENTS: usize = 5_000;
    for is_jittered in [true, false] {
        let mut random = Xorshift::new(3);
        let mut wait = |_| if is_jittered { 500 + random.below(4_500) as u64 } else { 1_000 };
        let mut due: Vec<u64> = (0..CLIENTS).map(&mut wait).collect();
        due.sort_unstable_by(|a, b| b.cmp(a));
        let mut server = Bare::with(generous());
        let mut back: Vec<ConnectionId> = Vec::new();
        let mut sent = 0;
        while back.len() < CLIENTS {
            server.now = server.now.after_ms(20);
            assert!(server.now.as_ms() <= 10_000, "{} are back", back.len());
            let mut accepts = 128;
            while accepts > 0 && due.pop_if(|at| *at <= server.now.as_ms()).is_some() {
                accepts -= 1;
                let id = server.accept();
                server.send(id, &wire::handshake("/ws", ""));
                server.send(id, &wire::login(&format!("client {}", back.len())));
                back.push(id);
            }
            server.turn();
            sent += back.iter().map(|&id| server.flush(id)).sum::<usize>();
        }
        server.now = server.now.after_ms(1_000);
        server.turn();
        sent += back.iter().map(|&id| server.flush(id)).sum::<usize>();
        assert_eq!(server.hub.len(), CLIENTS, "nobody was dropped on the way");
        // Who comes now sees all of them.
        let last = server.accept();
        server.send(last, &wire::handshake("/ws", ""));
        let roster = server.take(last);
        assert_eq!(String::from_utf8_lossy(&roster).matches("client ").count(), CLIENTS);
        // Each is told the roster that it finds, and then who comes: not N² rosters.
        let roster_bytes = roster.len() * CLIENTS;
        assert!(sent <= 3 * roster_bytes, "{sent} bytes, of {roster_bytes} for a roster each");
    }
}

/// Everyone is told of everyone: at most three rosters for each, and one frame in a tick.
#[test]
fn e4_storm_of_joins_is_one_frame_in_a_tick_and_three_rosters_at_most() {
    const CLIENTS: usize = 1_000;
    for joins_in_a_turn in [1, 10, 100, CLIENTS] {
        let mut server = Bare::with(generous());
        let ids: Vec<ConnectionId> = (0..CLIENTS).map(|_| server.open("/ws", "")).collect();
        let (mut total, mut most_frames, mut told) = (0, 0, 0);
        for (index, &id) in ids.iter().enumerate() {
            server.send(id, &wire::login(&format!("client number {index:05}")));
            if (index + 1) % joins_in_a_turn != 0 {
                continue;
            }
            // Where there is one join in a turn, there are many turns in a tick.
            server.now = server.now.after_ms(if joins_in_a_turn == 1 { 1 } else { 20 });
            server.turn();
            // One is looked at, frame by frame; the others are counted.
            let mut bytes = server.take(ids[0]);
            total += bytes.len();
            let frames = wire::take_frames(&mut bytes).len();
            told += frames;
            most_frames = most_frames.max(frames);
            total += ids[1..].iter().map(|&id| server.flush(id)).sum::<usize>();
        }
        server.now = server.now.after_ms(20);
        server.turn();
        total += ids.iter().map(|&id| server.flush(id)).sum::<usize>();
        let names = CLIENTS * "\"client number 00000\",".len();
        assert!(total <= 3 * names * CLIENTS, "{total} bytes for {joins_in_a_turn} in a turn");
        assert!(most_frames <= 1, "{most_frames} frames in a turn");
        let ticks = server.now.as_ms() / 20 + 1;
        assert!(told as u64 <= ticks, "{told} frames in {ticks} ticks");
    }
}

#[test]
fn d2_connection_too_many_is_refused_politely_and_at_once() {
    let limits = Limits { connections_max: 100, ..Limits::default() };
    let mut world = World::with(Config { limits, ..Config::default() });
    let peers: Vec<Peer> = (0..100).map(|_| world.watch()).collect();
    for _ in 0..1_000 {
        let refused = world.connect_from([127, 0, 0, 1].into());
        assert_eq!(refused, Err(Refusal::Full));
    }
    let mut bytes = world.hub.refusal(Refusal::Full);
    let answer = wire::take_answer(&mut bytes, false).unwrap();
    assert_eq!((answer.status, answer.field("Connection")), (503, Some("close")));
    assert_eq!(world.hub.len(), 100, "who is refused takes no place");
    assert!(peers.iter().all(|&peer| !world.is_half_closed(peer)));
    // There is room again as soon as one goes.
    world.reset(peers[7]);
    world.watch();
    assert_eq!(world.connect_from([127, 0, 0, 1].into()), Err(Refusal::Full));
}

/// A thousand that stop reading while everything changes: nothing is kept for them, they are cut
/// off in time, and who reads is told everything.
#[test]
fn d6_peers_that_do_not_read_cost_nothing_and_are_cut_off() {
    let mut server = Bare::with(generous());
    let talker = server.open("/ws", "");
    let stuck: Vec<ConnectionId> = (0..1_000).map(|_| server.open("/ws", "")).collect();
    let (mut heard, mut gone) = (0, 0);
    for second in 1..=14 {
        for tick in 0..50 {
            server.now = server.now.after_ms(20);
            server.send(talker, &wire::login(&format!("{second} {tick} {}", "x".repeat(24))));
            gone += server.turn();
            heard += wire::take_frames(&mut server.take(talker)).len();
            for &id in &stuck {
                let bytes = server.hub.transmit(id).total();
                // A byte of a frame went out, and then the socket was full.
                if tick == 0 && second == 1 && bytes > 0 {
                    server.hub.sent(id, 1);
                }
                if bytes > 0 {
                    server.hub.settle_output(id, true, server.now);
                }
            }
        }
        assert!(server.hub.buffered_bytes() <= 1_000 * 256, "{}", server.hub.buffered_bytes());
    }
    assert_eq!(gone, 1_000, "all of them, ten seconds after the first byte");
    assert_eq!(heard, 14 * 50, "and the one who reads missed nothing");
}

/// A flood of messages is closed with 1008 when the burst is used up, whatever the messages are;
/// nobody else is held back by it.
#[test]
fn d15_flood_of_messages_is_closed_with_1008_and_the_others_are_fine() {
    for message in [r#"["login","Eve"]"#, r#"["logout"]"#, "x", ""] {
        let mut world = World::new();
        let (ada, eve) = (world.watch(), world.watch());
        let flood = wire::text(message).repeat(1_000);
        for round in 0..100 {
            if round % 25 == 0 {
                world.login(ada, &format!("Ada {}", round / 25));
            }
            if world.hub.wants_read(world.id(eve)) && !world.is_closed(eve) {
                world.send(eve, &flood);
            }
            world.pass_ms(10);
        }
        let told = world.told(eve);
        assert!(told.contains(&Told::Close(Some(1008))), "{message}");
        let answers = told.iter().filter(|told| format!("{told:?}").contains("error")).count();
        assert!(answers <= 40, "{answers} answers to {message}");
        assert!(world.is_closed(eve), "it went on: it is cut off");
        assert_eq!(world.names(), ["Ada 3"]);
        let changes = world.heard(ada).len();
        assert!(changes <= 12, "{changes} changes, of which eight may be of Eve's");
    }
    // As fast as is allowed, it may go on for ever.
    let mut world = World::new();
    let peer = world.watch();
    for _ in 0..2_000 {
        world.say(peer, "x");
        world.pass_ms(50);
        for told in world.told(peer) {
            if let Told::Ping(data) = told {
                world.send(peer, &wire::frame(0x8A, &data));
            }
        }
    }
    assert!(!world.is_half_closed(peer));
}
