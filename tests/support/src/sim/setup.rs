//! Who takes part in a run, and what happens to the machine.

use std::net::{IpAddr, Ipv4Addr};

use headcount::config::{Compression, Config, Limits, Secret};

use super::choices::Choices;
use super::client::Client;
use super::client::carrier::Carrier;
use super::client::session::Session;
use super::faults::Fault;
use super::pages::BODY_BYTES_MAX;
use super::requests::{self, View};
use super::script::{self, Kind, Step};
use super::seats::Bounds;
use super::tabs::Comer;
use super::world::{Act, World};
use crate::made_once;
use crate::wire;

/// A server of this run, and whether it may turn clients away that did nothing wrong.
pub fn config(choices: &mut Choices, clients: usize) -> (Config, bool) {
    let mut config = Config {
        echo: true,
        seed: u64::from(choices.below(1 << 16)),
        secret: Secret::new([7; 32]),
        compression: choices.pick(&[Compression::On, Compression::Takeover]),
        ..made_once::config()
    };
    let limits = &mut config.limits;
    limits.pending_max = choices.pick(&[1024, 1024, 1024, 3]);
    limits.connections_max = choices.pick(&[1 << 20, 1 << 20, 1 << 20, 5]);
    limits.body_bytes_max = BODY_BYTES_MAX;
    limits.requests_max = choices.pick(&[100, 100, 2]);
    limits.reply_bytes_max = choices.pick(&[64 * 1024, 64 * 1024, 300]);
    limits.log_bytes_min = choices.pick(&[4096, 120]);
    limits.commit_interval_ms = choices.pick(&[20, 20, 1, 200]);
    limits.accepts_per_turn = choices.pick(&[128, 128, 1]);
    limits.connections_per_turn = choices.pick(&[256, 3, 1]);
    limits.send_bytes_per_turn = choices.pick(&[1 << 20, 1 << 20, 500]);
    limits.read_bytes_per_turn = choices.pick(&[64 * 1024, 4096, 512]);
    limits.deflate_bytes_min = choices.pick(&[1024, 20]);
    limits.buffered_mebibytes_max = if choices.chance(8) { 1 } else { 1024 };
    limits.resume_bytes_max = choices.pick(&[128 * 1024, 128 * 1024, 1000]);
    limits.hold_closed_ms = choices.pick(&[3_000, 300, 0]);
    limits.hold_lost_ms = choices.pick(&[15_000, 1_500, 0]);
    limits.held_members_max = choices.pick(&[MANY, MANY, MANY, 1]);
    // Nobody comes to the rates: when they would, others do not know.
    limits.name_changes_per_minute = 1000;
    limits.count_interval_ms = choices.pick(&[1000, 200, 5000]);
    limits.rooms_per_connection_max = choices.pick(&[32, 32, 32, 2]);
    if choices.chance(3) {
        limits.rooms_max = choices.pick(&[MANY, 2]);
        limits.followers_per_room_max = choices.pick(&[MANY, 3]);
        limits.members_per_room_max = choices.pick(&[MANY, 2]);
    }
    // Each may come back, and whoever polls has a session and several requests.
    let most = CONNECTIONS_EACH * clients as u32;
    let is_crowded =
        limits.pending_max < most || limits.connections_max < MANY || limits.requests_max < 100;
    (config, is_crowded)
}

const MANY: u32 = 100_000;

/// As many connections there are for each client, on average, at most.
pub const CONNECTIONS_EACH: u32 = 3;

/// What a client of a server with these limits may have.
fn bounds(limits: &Limits, kind: Kind) -> Bounds {
    let least = limits.rooms_max.min(limits.followers_per_room_max);
    Bounds {
        rooms_max: limits.rooms_per_connection_max as usize,
        count_interval_us: 1000 * u64::from(limits.count_interval_ms),
        is_tight: least.min(limits.members_per_room_max) < MANY,
        is_socket_io: kind == Kind::SocketIo,
    }
}

/// A client that connects at this time.
pub fn add(world: &mut World, limits: &Limits, kind: Kind, is_remote: bool, at_us: u64) -> usize {
    let number = world.clients.len();
    let rooms = world.nature.rooms;
    let choices = &mut world.nature.choices;
    // Now and then a room that can't be, or the form of a name that is not canonical.
    let home = match (kind, choices.below(40)) {
        (Kind::Native { .. }, 0) => requests::IMPOSSIBLE,
        (Kind::Native { .. }, 1) => requests::ALIASES,
        _ => choices.below(rooms as u32) as usize,
    };
    let views = [None, None, Some(View::Changes), Some(View::Count), Some(View::Nothing)];
    let first_view = choices.pick(&views);
    let script = script::script(kind, number, rooms, choices);
    let window = choices.pick(&[65_536, 65_536, 16_384, 2000, 200]);
    let address = match is_remote {
        true => Ipv4Addr::new(192, 0, 2, choices.below(3) as u8 + 1),
        false => Ipv4Addr::LOCALHOST,
    };
    let address = IpAddr::V4(address);
    let bounds = bounds(limits, kind);
    let mut client = Client::new(number, kind, address, script, window, (home, first_view, bounds));
    client.is_harmed = world.nature.is_scarce;
    let choices = &mut world.nature.choices;
    let may_come_back = matches!(kind, Kind::Native { .. } | Kind::SocketIo);
    if may_come_back && home < requests::ALIASES && choices.chance(2) {
        client.greets = kind != Kind::SocketIo;
        client.set_script(script::script_of_tab(kind, number, rooms, choices));
        client.tab = Some(world.nature.tabs.add());
    }
    connect(world, client, at_us);
    number
}

/// A client begins. Some of those of Socket.IO do so without a socket of their own.
fn connect(world: &mut World, mut client: Client, at_us: u64) {
    let number = world.clients.len();
    let may_poll = client.kind == Kind::SocketIo && world.nature.may_poll;
    let choices = &mut world.nature.choices;
    let polls = may_poll && choices.chance(2);
    if polls {
        client.address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        client.session = Some(Box::new(Session::new(choices)));
        client.twist(choices);
    }
    world.clients.push(client);
    match polls {
        true => world.wake(number, at_us),
        false => world.plan(at_us, Act::Connect(number)),
    }
}

/// A socket for requests of a session.
pub fn add_carrier(world: &mut World, session: usize) -> usize {
    let place = world.spare_place();
    add_socket(world, session, Kind::Carrier, Vec::new(), place)
}

/// A WebSocket that is tried for a session.
pub fn add_try(world: &mut World, session: usize, mut script: Vec<Step>) -> usize {
    let sid = world.clients[session].sid().unwrap_or_default();
    let path = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
    script.insert(0, Step::Send(wire::handshake(&path, "")));
    let number = add_socket(world, session, Kind::Try, script, None);
    world.clients[number].expect_upgrade();
    number
}

fn add_socket(
    world: &mut World,
    session: usize,
    kind: Kind,
    script: Vec<Step>,
    place: Option<usize>,
) -> usize {
    let number = place.unwrap_or(world.clients.len());
    let window = world.nature.choices.pick(&[65_536, 65_536, 2000, 200]);
    let bounds = world.clients[session].ledger.bounds;
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mut client = Client::new(number, kind, address, script, window, (0, None, bounds));
    client.carrier = Some(Carrier::new(session));
    client.is_harmed = world.nature.is_scarce;
    match place {
        Some(place) => {
            client.link.bytes = world.clients[place].link.bytes;
            world.clients[place] = client;
        }
        None => world.clients.push(client),
    }
    number
}

/// A client that comes back, or comes twice.
pub fn add_comer(world: &mut World, comer: Comer, bounds: Bounds) {
    let bounds = Bounds { is_socket_io: comer.kind == Kind::SocketIo, ..bounds };
    let number = world.clients.len();
    let rooms = world.nature.rooms;
    let choices = &mut world.nature.choices;
    let script = script::script_of_tab(comer.kind, number, rooms, choices);
    let window = choices.pick(&[65_536, 65_536, 2000]);
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let home = (comer.home, None, bounds);
    let mut client = Client::new(number, comer.kind, address, script, window, home);
    client.is_harmed = world.nature.is_scarce;
    (client.greets, client.tab) = (comer.kind != Kind::SocketIo, Some(comer.tab));
    connect(world, client, comer.at_us);
}

/// What happens to the machine.
pub fn plan_faults(world: &mut World, storm_us: u64) {
    for fault in [Fault::Freeze, Fault::Stall, Fault::DateJump, Fault::Sigterm] {
        let choices = &mut world.nature.choices;
        if world.nature.rates.of(fault) == 0 || !choices.chance(2) {
            continue;
        }
        let at_us = u64::from(choices.below(1000)) * storm_us / 1000;
        let act = match fault {
            Fault::Freeze => Act::Freeze(1000 * u64::from(choices.between(1, 3_600_000))),
            Fault::Stall => Act::Stall(1000 * u64::from(choices.between(1, 60_000))),
            Fault::DateJump => Act::SetDate(86_400 * (i64::from(choices.below(7300)) - 3650)),
            _ => Act::Signal(15),
        };
        world.plan(at_us, act);
    }
}
