//! What is kept over a restart: one hub says what is to be written down, another is given it.

use std::collections::BTreeMap;

use headcount::config::{Config, Limits};
use headcount::presence::{Saved, SavedCommit, SavedMember, Write};
use serde_json::{Value, json};

use crate::wire::{self, Told};
use crate::world::{Peer, World};

const ADA: &str = "00000000000000000000000000000ada";
const NOTHING: [Value; 0] = [];

/// Whatever writes things down, in memory.
#[derive(Default)]
struct Paper {
    members: BTreeMap<u64, SavedMember>,
    commits: BTreeMap<(Box<str>, u64), SavedCommit>,
}

impl Paper {
    fn write(&mut self, writes: Vec<Write>) {
        for write in writes {
            match write {
                Write::Member(number, member) => drop(self.members.insert(number, member)),
                Write::Gone(number) => drop(self.members.remove(&number)),
                Write::Commit(commit, first) => {
                    let room = commit.room.clone();
                    self.commits.retain(|(of, seq), _| *of != room || *seq >= first);
                    self.commits.insert((room, commit.seq), commit);
                }
                Write::Forgotten(room) => self.commits.retain(|(of, _), _| *of != room),
            }
        }
    }

    fn read(&self) -> Saved {
        let members = self.members.values().cloned().collect();
        Saved { members, commits: self.commits.values().cloned().collect() }
    }
}

/// Nobody is asked whether they are there.
fn config(mut limits: Limits) -> Config {
    limits.ping_interval_ms = 3_600_000;
    Config { limits, saves: true, ..Config::default() }
}

fn world() -> World {
    World::holding(config(Limits::default()))
}

/// The server ends, as if it had never been, and another begins with what was written down.
fn restart(world: &mut World) -> World {
    let mut paper = Paper::default();
    paper.write(world.hub.take_writes());
    let mut next = World::holding(Config { seed: 7, ..config(Limits::default()) });
    next.hub.restore(paper.read());
    next.turn();
    next
}

fn hello(world: &mut World, options: &Value) -> Peer {
    let peer = world.offer("/ws", "headcount.v2");
    world.say(peer, &json!(["hello", options]).to_string());
    peer
}

fn copy(world: &mut World, room: &str) -> Value {
    let roster = world.roster_of(room);
    json!([roster["epoch"], roster["seq"], roster["digest"]])
}

/// What others see of a room.
fn seen(world: &mut World, room: &str) -> Value {
    let mut roster = world.roster_of(room);
    let object = roster.as_object_mut().unwrap();
    object.remove("epoch");
    object.remove("seq");
    roster
}

#[test]
fn who_is_back_after_a_restart_was_never_away_and_others_leave_once() {
    let mut world = world();
    let ada = hello(&mut world, &json!({ "client": ADA, "rooms": { "a": null } }));
    world.say(ada, r#"["login","Ada",{"status":"idle","data":{"b":[1],"a":"x"}}]"#);
    world.say(ada, r#"["login","Countess",{"room":"a"}]"#);
    let bob = world.watch();
    world.login(bob, "Bob");
    world.pass_ms(100);
    let (before, copies) = (seen(&mut world, ""), ["", "a"].map(|room| copy(&mut world, room)));
    let before_in_a = seen(&mut world, "a");
    let mut world = restart(&mut world);
    assert_eq!((seen(&mut world, ""), seen(&mut world, "a")), (before, before_in_a));
    assert_ne!(copy(&mut world, "")[0], copies[0][0], "it is another making of the room");
    assert_eq!(world.hub.presence().held(), 3);

    let other = hello(&mut world, &json!({ "rooms": { "": copies[0] } }));
    let heard = world.heard(other);
    assert_eq!(heard[1][0], "change", "it goes on from its copy: {heard:?}");
    world.pass_ms(10_000);
    let rooms = json!({ "": copies[0], "a": copies[1] });
    let ada = hello(&mut world, &json!({ "client": ADA, "rooms": rooms }));
    let heard = world.heard(ada);
    assert_eq!(heard[0], json!(["welcome", { "client": ADA, "resumed": ["", "a"] }]));
    assert!(heard[1][0] == "change" && heard[2][0] == "change", "{heard:?}");
    world.pass_ms(4_999);
    assert_eq!(world.heard(other), NOTHING, "nobody was away");
    world.pass_ms(1);
    let heard = world.heard(other);
    assert_eq!((heard.len(), &heard[0][1]["left"]), (1, &json!(["Bob"])), "he was held as lost");
    world.pass_ms(60_000);
    assert_eq!(world.heard(other), NOTHING);
    world.say(ada, r#"["set",{"data":{"a":null}}]"#);
    let heard = world.heard(other);
    assert_eq!(heard[0][1]["data"], json!({ "Ada": { "b": [1] } }), "it is the same member");
}

#[test]
fn copy_that_is_some_commits_old_goes_on_from_there_after_a_restart() {
    let mut world = world();
    let ada = world.watch();
    world.login(ada, "Ada");
    world.pass_ms(100);
    let old = copy(&mut world, "");
    for name in ["Bob", "Cleo"] {
        let peer = world.watch();
        world.login(peer, name);
        world.pass_ms(100);
    }
    let mut world = restart(&mut world);
    let back = hello(&mut world, &json!({ "rooms": { "": old } }));
    let heard = world.heard(back);
    assert_eq!((heard.len(), &heard[1][1]["joined"]), (2, &json!(["Bob", "Cleo"])), "{heard:?}");
    // A commit that it was told and that was not written down is one that nobody knows.
    let ahead = json!([old[0], 99, "0123456789abcdef"]);
    let back = hello(&mut world, &json!({ "rooms": { "": ahead } }));
    world.pass_ms(3_000);
    assert_eq!(world.heard(back)[1][0], "roster");
}

/// A room on paper is always as its followers were told of it.
#[test]
fn what_no_commit_has_told_is_not_to_be_written_down() {
    let mut world = world();
    let ada = world.watch();
    world.login(ada, "Ada");
    assert_eq!(world.hub.take_writes().len(), 2, "a member and a commit");
    world.say(ada, r#"["set",{"status":"idle"}]"#);
    world.say(ada, r#"["set",{"status":"hidden"}]"#);
    assert_eq!(world.hub.take_writes(), []);
    world.pass_ms(20);
    let writes = world.hub.take_writes();
    assert!(matches!(writes.last(), Some(Write::Commit(commit, 1)) if commit.seq == 2));
    world.say(ada, r#"["logout"]"#);
    world.pass_ms(20);
    assert!(matches!(world.hub.take_writes()[..], [Write::Gone(_), Write::Commit(..)]));
    let tab = world.watch();
    for peer in [ada, tab] {
        world.login(peer, "Ada");
        world.pass_ms(20);
    }
    let writes = world.hub.take_writes();
    assert!(matches!(writes.last(), Some(Write::Member(..))), "what nobody sees is kept too");
}

#[test]
fn nothing_is_noted_unless_somebody_writes() {
    let mut world = World::holding(Config { saves: false, ..config(Limits::default()) });
    let ada = world.watch();
    world.login(ada, "Ada");
    world.pass_ms(100);
    assert_eq!(world.hub.take_writes(), []);
}

#[test]
fn commits_of_a_room_are_dropped_with_the_room_and_when_it_is_quiet() {
    let forgotten = |world: &mut World| {
        let writes = world.hub.take_writes();
        writes.iter().filter(|write| matches!(write, Write::Forgotten(_))).count()
    };
    let mut world = world();
    let ada = world.watch();
    world.login(ada, "Ada");
    world.pass_ms(59_000);
    assert_eq!(forgotten(&mut world), 0);
    world.pass_ms(2_000);
    assert_eq!(forgotten(&mut world), 1);
    world.send(ada, &wire::close(4000));
    world.pass_ms(100);
    assert_eq!((forgotten(&mut world), world.hub.rooms()), (1, 0));
    let watcher = world.watch();
    world.reset(watcher);
    world.pass_ms(100);
    assert_eq!(forgotten(&mut world), 0, "a room without commits has nothing to be dropped");
}

#[test]
fn all_can_be_written_down_again_in_parts() {
    let mut world = world();
    let mut paper = Paper::default();
    for number in 0..25 {
        let peer = world.watch();
        world.login(peer, &format!("Somebody {number}"));
        if number % 3 == 0 {
            world.send(peer, &wire::close(4000));
        }
    }
    world.pass_ms(100);
    paper.write(world.hub.take_writes());
    let (mut again, mut from, mut parts) = (Paper::default(), Some(0), 0);
    while let Some(place) = from {
        from = world.hub.save_again(place, 4);
        again.write(world.hub.take_writes());
        parts += 1;
    }
    assert_eq!((again.members, parts > 4), (paper.members, true));
}

#[test]
fn no_more_come_back_than_there_is_room_for() {
    let mut world = world();
    for room in ["/ws", "/ws", "/ws", "/ws/a", "/ws/b"] {
        let peer = world.open(room);
        let name = format!("Somebody {}", world.hub.len());
        world.login(peer, &name);
    }
    world.pass_ms(100);
    let mut paper = Paper::default();
    paper.write(world.hub.take_writes());
    for (limits, members) in [
        (Limits::default(), 5),
        (Limits { held_members_max: 4, ..Limits::default() }, 4),
        (Limits { rooms_max: 2, ..Limits::default() }, 4),
        (Limits { members_per_room_max: 2, ..Limits::default() }, 4),
        (Limits { hold_lost_ms: 0, ..Limits::default() }, 0),
    ] {
        let mut next = World::holding(config(limits));
        next.hub.restore(paper.read());
        next.turn();
        assert_eq!(next.hub.presence().members(), members);
        assert_eq!(next.hub.presence().restored(), members as u64);
        next.pass_ms(20_000);
        assert_eq!((next.hub.presence().members(), next.hub.rooms()), (0, 0));
    }
}

/// Whatever happened, the digest says that the same is there again, and each copy goes on.
#[test]
fn rooms_are_the_same_again_whatever_happened() {
    let mut state: u64 = 1;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut world = world();
    let mut paper = Paper::default();
    let mut peers: Vec<Peer> = Vec::new();
    for _ in 0..600 {
        if peers.len() < 3 || random(5) == 0 {
            peers.push(world.open(["/ws", "/ws/a"][random(2) as usize]));
        }
        let index = random(peers.len() as u64) as usize;
        let (peer, number) = (peers[index], random(6));
        match random(6) {
            0 => world.login(peer, &format!("Name {number}")),
            1 => world.say(peer, r#"["logout"]"#),
            2 => world.say(peer, &format!(r#"["set",{{"data":{{"k{number}":{}}}}}]"#, random(9))),
            3 => world.say(peer, &format!(r#"["set",{{"data":{{"k{number}":null}}}}]"#)),
            4 => world.say(peer, r#"["set",{"status":"idle"}]"#),
            _ => world
                .send(peers.swap_remove(index), &wire::close([1001, 4000][number as usize % 2])),
        }
        world.pass_ms(random(3_000));
        peers.retain(|&peer| !world.is_closed(peer));
        paper.write(world.hub.take_writes());
        if random(30) == 0 {
            let mut next = World::holding(config(Limits::default()));
            next.hub.restore(paper.read());
            next.turn();
            for room in ["", "a"] {
                assert_eq!(seen(&mut next, room), seen(&mut world, room));
                let known = paper.commits.keys().filter(|(of, _)| &**of == room).count();
                let log = world.hub.presence().find(room);
                let log = log.map(|id| world.hub.presence().room(id).log());
                let kept = log.map_or(0, |log| log.since(headcount::presence::Seq::START).count());
                assert_eq!(known, kept, "commits of {room:?}");
            }
        }
    }
    assert!(world.told(peers[0]).iter().any(|told| matches!(told, Told::Text(_))));
}
