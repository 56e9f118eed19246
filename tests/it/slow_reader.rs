//! Clients that do not read: they cost little, hold nobody up, and get the newest state.

use serde_json::json;

use crate::digest;
use crate::wire::{self, Told};
use crate::world::{Peer, World};

/// `count` changes, one every 20 ms, none of which changes how many names there are for long.
fn churn(world: &mut World, count: usize) {
    let mut peer: Option<Peer> = None;
    for index in 0..count {
        if let Some(before) = peer.take() {
            world.reset(before);
        }
        let next = world.open("/ws");
        world.login(next, &format!("churn {index:05}"));
        world.pass_ms(20);
        peer = Some(next);
    }
    world.reset(peer.expect("there was one"));
    world.pass_ms(20);
}

#[test]
fn reader_that_comes_back_gets_one_fresh_roster() {
    let mut world = World::new();
    let (ada, slow) = (world.watch(), world.watch());
    world.login(ada, "Ada");
    world.pass_ms(20);
    world.told(slow);
    world.set_room(slow, 0);
    churn(&mut world, 300);
    assert_eq!(world.hub.buffered_bytes(), 0, "nothing is kept for it");

    world.set_room(slow, usize::MAX);
    world.turn();
    let heard = world.heard(slow);
    assert_eq!(heard, [digest::without(json!(["roster", world.roster()]))]);
}

#[test]
fn reader_that_is_a_little_behind_gets_the_changes() {
    let mut world = World::new();
    let (ada, slow) = (world.watch(), world.watch());
    world.set_room(slow, 0);
    world.login(ada, "Ada");
    world.pass_ms(20);
    world.login(ada, "Countess");
    world.pass_ms(20);
    world.set_room(slow, usize::MAX);
    world.turn();
    let heard = world.heard(slow);
    assert_eq!(
        heard,
        [
            json!(["change", { "seq": 1, "joined": ["Ada"], "left": [] }]),
            json!(["change", { "seq": 2, "joined": ["Countess"], "left": ["Ada"] }]),
        ]
    );
}

/// A frame of which some bytes are gone must be sent to its end, whatever happened to the log.
#[test]
fn half_written_frame_is_finished_before_anything_else() {
    let mut world = World::new();
    let (ada, slow) = (world.watch(), world.watch());
    world.set_room(slow, 5);
    world.login(ada, "Ada");
    world.pass_ms(20);
    world.send(slow, &wire::frame(0x89, b"are you there?"));
    churn(&mut world, 200);
    world.set_room(slow, usize::MAX);
    world.turn();
    let told = world.told(slow);
    assert!(matches!(&told[0], Told::Text(text) if text.contains("Ada")), "{told:?}");
    assert_eq!(told[1], Told::Pong(b"are you there?".to_vec()), "what is private goes first");
    assert!(matches!(&told[2], Told::Text(text) if text.starts_with("[\"roster\"")));
    assert_eq!(told.len(), 3);
}

/// Bytes trickled out of a frame do not keep it: it has a deadline from its first to its last.
#[test]
fn reader_that_trickles_is_cut_off() {
    let mut world = World::new();
    let (ada, slow) = (world.watch(), world.watch());
    world.set_room(slow, 1);
    world.login(ada, "Ada");
    for _ in 0..12 {
        world.pass_ms(1_000);
        world.set_room(slow, 1);
        world.turn();
    }
    assert!(world.is_closed(slow));
    assert!(!world.is_closed(ada));
}

/// A large frame has the time that it needs at the lowest rate that is allowed.
#[test]
fn slow_reader_of_a_large_roster_is_not_cut_off() {
    let mut world = World::new();
    for index in 0..5_000 {
        let peer = world.open("/ws");
        world.login(peer, &format!("somebody with a long name {index:05}"));
    }
    world.pass_ms(100);
    let slow = world.connect();
    world.set_room(slow, 1_000);
    world.send(slow, &wire::handshake("/ws", ""));
    for _ in 0..7 {
        world.pass_ms(1_000);
        world.set_room(slow, 24 * 1024);
        world.turn();
    }
    world.set_room(slow, usize::MAX);
    world.turn();
    assert_eq!(world.answer(slow).status, 101);
    let heard = world.heard(slow);
    assert_eq!(heard[0][1]["names"].as_array().map(Vec::len), Some(5_000));
}

#[test]
fn answers_that_nobody_reads_stop_the_reading() {
    let mut world = World::with_echo();
    let slow = world.open("/echo");
    world.set_room(slow, 0);
    let messages = wire::frame(0x82, &[7; 10_000]).repeat(6);
    world.send(slow, &messages);
    world.send(slow, &messages);
    assert!(!world.hub.wants_read(world.id(slow)), "64 KiB wait for it");
    assert!(world.hub.buffered_bytes() < 256 * 1024, "{}", world.hub.buffered_bytes());
    world.set_room(slow, usize::MAX);
    world.turn();
    let told = world.told(slow);
    assert_eq!(told, vec![Told::Binary(vec![7; 10_000]); 12], "and none of them is lost");
    assert_eq!(world.hub.buffered_bytes(), 0);
}

#[test]
fn pings_are_all_answered_in_order_while_there_is_room() {
    let mut world = World::with_echo();
    let peer = world.open("/echo");
    let pings: Vec<u8> = (0..10).flat_map(|index| wire::frame(0x89, &[index; 125])).collect();
    world.send(peer, &pings);
    let expected: Vec<Told> = (0..10).map(|index| Told::Pong(vec![index; 125])).collect();
    assert_eq!(world.told(peer), expected);
}
