//! Full lists: only the newest, once for all, whole or not at all.

use flate2::{Decompress, FlushDecompress};
use headcount::config::{Config, Limits};

use crate::engine::{self, OFFER, PATH, join, login, names, text, texts};
use crate::wire::{self, Told};
use crate::world::{Peer, World};

/// `count` commits, each with another name.
fn rename(world: &mut World, peer: Peer, count: usize) {
    for index in 0..count {
        world.login(peer, &format!("name {index}"));
        world.pass_ms(20);
    }
}

/// A world without a limit on renames.
fn world() -> World {
    let limits = Limits {
        name_changes_per_minute: 1 << 20,
        messages_burst: 1 << 20,
        bytes_per_second: 1 << 30,
        ..Limits::default()
    };
    World::with(Config { limits, ..Config::default() })
}

#[test]
fn slow_client_gets_the_newest_list_and_none_before_it() {
    let mut world = world();
    let (native, slow) = (world.watch(), join(&mut world));
    world.set_room(slow, 0);
    rename(&mut world, native, 50);
    assert_eq!(world.hub.buffered_bytes(), 0, "nothing is kept for it");
    assert!(world.hub.wants_write(world.id(slow)));
    world.set_room(slow, usize::MAX);
    world.turn();
    assert_eq!(names("42", &text(&mut world, slow)), ["name 49"]);
    assert!(!world.hub.wants_write(world.id(slow)));
}

/// A list of which only the beginning is sent is sent to its end, wherever it was cut, and then
/// comes the newest.
#[test]
fn list_is_cut_anywhere() {
    for path in ["40", "40/a-room,"] {
        let prefix = path.replace("40", "42");
        let mut world = world();
        let native = world.open(if path == "40" { "/ws" } else { "/ws/a-room" });
        let slow = engine::open(&mut world);
        world.say(slow, path);
        texts(&mut world, slow);
        world.login(native, "first");
        world.pass_ms(20);
        let length = 2 + text(&mut world, slow).len();
        for room in 0..=length {
            world.login(native, "first");
            world.pass_ms(20);
            texts(&mut world, slow);
            world.login(native, "other");
            world.pass_ms(20);
            texts(&mut world, slow);
            world.set_room(slow, room);
            world.login(native, "first");
            world.pass_ms(20);
            assert_eq!(world.inbox(slow).len(), room);
            // Something for it alone, in the middle of the list.
            world.say(slow, &format!("{prefix}1[\"x\"]"));
            rename(&mut world, native, 3);
            world.set_room(slow, usize::MAX);
            world.turn();
            let told = texts(&mut world, slow);
            let mut lists = told.clone();
            lists.retain(|text| text.contains("[\"login\","));
            assert_eq!(told.len() - lists.len(), 2, "an error and an acknowledgement: {told:?}");
            assert_eq!(names(&prefix, lists.last().unwrap()), ["name 2"]);
            assert_eq!(lists.len(), if room == 0 { 1 } else { 2 }, "{room}: {told:?}");
            if room > 0 {
                assert_eq!(names(&prefix, &told[0]), ["first"], "what was begun comes first");
            }
            world.pass_ms(500);
            assert_eq!(world.hub.buffered_bytes(), if prefix == "42" { 0 } else { BYTES });
        }
    }
}

/// What a connection holds that is in another namespace than the main one: a list of them, with
/// room for four, and a name.
const BYTES: usize = 24 + 4 * 24 + "/a-room".len();

#[test]
fn nothing_follows_close() {
    for room in [0, 1, 5, 12] {
        let mut world = world();
        let (native, slow) = (world.watch(), join(&mut world));
        world.set_room(slow, room);
        rename(&mut world, native, 3);
        world.say(slow, "2"); // Only a server pings.
        world.set_room(slow, usize::MAX);
        world.turn();
        let told = world.told(slow);
        let (close, before) = told.split_last().unwrap();
        assert_eq!(*close, Told::Close(Some(1007)));
        assert_eq!(before.len(), usize::from(room > 0), "what was begun: {told:?}");
        assert!(world.is_half_closed(slow));
        world.end(slow);
        world.reset(native);
        world.pass_ms(100);
        assert!(world.hub.is_empty());
        assert_eq!(world.hub.buffered_bytes(), 0);
    }
}

/// In a client that is always behind, each namespace has its turn.
#[test]
fn no_namespace_waits_for_ever() {
    let mut world = world();
    let slow = join(&mut world);
    for namespace in ["/a", "/b"] {
        world.say(slow, &format!("40{namespace},"));
    }
    let natives = ["/ws", "/ws/a", "/ws/b"].map(|path| world.open(path));
    texts(&mut world, slow);
    let mut counts = [0; 3];
    for index in 0..30 {
        world.set_room(slow, 1); // A byte of the next list is taken, and so it has begun.
        natives.iter().for_each(|&native| world.login(native, "first"));
        world.pass_ms(20);
        world.set_room(slow, 30);
        let name = format!("name {index}b");
        natives.iter().for_each(|&native| world.login(native, &name));
        world.pass_ms(20);
        for text in texts(&mut world, slow) {
            let namespace = ["42[", "42/a,", "42/b,"].iter().position(|p| text.starts_with(p));
            counts[namespace.unwrap()] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count >= 8), "{counts:?}");
}

/// What a compressed frame says.
fn inflated(frame: &[u8]) -> String {
    assert_eq!(frame[0], 0xC1);
    let start = if frame[1] < 126 { 2 } else { 4 };
    let whole = [&frame[start..], &[0, 0, 0xFF, 0xFF]].concat();
    let mut out = Vec::with_capacity(1 << 20);
    Decompress::new(false).decompress_vec(&whole, &mut out, FlushDecompress::Sync).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn list_is_compressed_for_those_who_take_it_in_every_namespace() {
    let mut world = world();
    for path in ["/ws", "/ws/a-room"] {
        let natives: Vec<Peer> = (0..100).map(|_| world.open(path)).collect();
        for (index, &native) in natives.iter().enumerate() {
            world.login(native, &format!("somebody {index}"));
        }
    }
    world.pass_ms(100);
    let peer = world.connect();
    world.send(peer, &wire::handshake(PATH, OFFER));
    assert_eq!(world.answer(peer).status, 101);
    texts(&mut world, peer);
    let plain = join(&mut world);
    world.say(plain, "41");
    for prefix in ["42", "42/a-room,"] {
        world.say(peer, &prefix.replacen('2', "0", 1));
        let answer = world.inbox(peer).clone();
        let end = 2 + usize::from(answer[1]);
        let compressed = &answer[end..];
        let list = inflated(compressed);
        assert_eq!(names(prefix, &list).len(), 100);
        assert!(compressed.len() * 3 < list.len(), "{} of {}", compressed.len(), list.len());
        world.inbox(peer).clear();

        world.say(plain, &prefix.replacen('2', "0", 1));
        assert_eq!(texts(&mut world, plain)[1], list, "others get it as it is");
    }
}

#[test]
fn burst_of_logins_is_a_few_lists() {
    let mut world = world();
    let peers: Vec<Peer> = (0..200).map(|_| join(&mut world)).collect();
    for (index, &peer) in peers.iter().enumerate() {
        login(&mut world, peer, &format!("name {index:03}"));
        if index % 10 == 0 {
            world.pass_ms(1);
        }
    }
    world.pass_ms(100);
    let told = texts(&mut world, peers[0]);
    assert!(told.len() <= 3, "{} lists", told.len());
    assert_eq!(names("42", told.last().unwrap()).len(), 200);
}
