//! One run: a storm of clients and faults, a rest in which everything must come right, and the end.

use std::collections::VecDeque;

use headcount::connection::ConnectionId;
use headcount::server::Server;
use headcount::time::Time;

use super::audit;
use super::choices::Choices;
use super::client::Client;
use super::faults::{Rates, Tally};
use super::nature::Nature;
use super::requests::{ALIASES, Act as Asked, EMPTY_ROOM, Request};
use super::rosters::Rosters;
use super::script::{self, Kind, Step};
use super::setup::{CONNECTIONS_EACH, add, config, plan_faults};
use super::tabs::{Tabs, Terms};
use super::watch::Watch;
use super::world::{Act, World};
use crate::made_once;

const SECOND_US: u64 = 1_000_000;

/// Longer than it takes to find that a peer is there no more.
const REST_US: u64 = 150 * SECOND_US;

/// What came of one run.
#[derive(Debug)]
pub struct Outcome {
    pub simulated_us: u64,
    pub clients: usize,
    pub turns: u64,
    pub calls: u64,
    pub bytes: u64,
    pub tally: Tally,
    /// The same for the same choices.
    pub trace: u64,
}

/// Runs what `choices` decide, with so many clients if that is given. Panics if anything is wrong.
pub fn run(choices: Choices, clients: Option<usize>) -> Outcome {
    let mut run = Run::new(choices, clients);
    run.storm();
    if !run.has_ended {
        run.rest();
        run.end();
    }
    run.outcome()
}

struct Run {
    server: Server<World>,
    storm_us: u64,
    /// When it was told to stop, by its own time.
    stopped_at: Option<Time>,
    has_ended: bool,
    watch: Watch,
}

impl Run {
    fn new(mut choices: Choices, clients: Option<usize>) -> Run {
        let clients = clients.unwrap_or_else(|| match choices.below(200) {
            0..=119 => choices.between(1, 8) as usize,
            120..=193 => choices.between(9, 32) as usize,
            194..=198 => choices.between(33, 100) as usize,
            _ => choices.between(101, 400) as usize,
        });
        let rates = Rates::draw(&mut choices);
        let (config, is_crowded) = config(&mut choices, clients);
        let storm_us = SECOND_US * choices.pick(&[1, 4, 15, 60]);
        let latest_us = if choices.chance(3) { 20_000 } else { storm_us };
        let are_remote = choices.chance(6);
        let rooms = choices.pick(&[1, 2, 3, ALIASES as u32]) as usize;
        let nature = Nature {
            choices,
            rates,
            tally: Tally::NONE,
            rosters: Rosters::default(),
            rooms,
            clock_us: 0,
            tabs: Tabs {
                all: Vec::new(),
                comers: Vec::new(),
                said: 0,
                comers_left: (CONNECTIONS_EACH - 1) * clients as u32,
                terms: Terms {
                    hold_closed_us: 1000 * u64::from(config.limits.hold_closed_ms),
                    hold_lost_us: 1000 * u64::from(config.limits.hold_lost_ms),
                    is_roomy: config.limits.held_members_max > 1,
                    away_until_us: 0,
                },
            },
            errands: VecDeque::new(),
            sessions_opened: 0,
            is_narrow: config.limits.send_bytes_per_turn < 1 << 20,
            may_poll: config.limits.reply_bytes_max >= 64 * 1024,
            is_stopping: false,
            is_scarce: config.limits.buffered_mebibytes_max == 1,
            is_crowded: is_crowded || are_remote && CONNECTIONS_EACH as usize * clients > 40,
            trace: 0,
        };
        let mut world = World::new(nature);
        for _ in 0..clients {
            let at_us = u64::from(world.nature.choices.below(1000)) * latest_us / 1000;
            let kind = script::kind(&mut world.nature.choices);
            add(&mut world, &config.limits, kind, are_remote, at_us);
        }
        plan_faults(&mut world, storm_us);
        let server = Server::new(config, made_once::assets(), world, 1);
        Run { server, storm_us, stopped_at: None, has_ended: false, watch: Watch::default() }
    }

    fn world(&mut self) -> &mut World {
        self.server.net_mut()
    }

    /// Turns, until so much time has passed.
    fn advance(&mut self, us: u64) {
        let world = self.world();
        world.wake_by_us = world.nature.clock_us + us;
        while !self.has_ended && self.server.net().nature.clock_us < self.server.net().wake_by_us {
            let ended = self.server.turn().expect("the event queue does not fail");
            self.has_ended = ended.is_some();
            if self.server.net().has_stopped_listening() && self.stopped_at.is_none() {
                self.stopped_at = Some(self.server.now());
            }
            if self.has_ended {
                self.check_end();
            } else {
                self.check();
            }
        }
    }

    fn storm(&mut self) {
        self.advance(self.storm_us);
        for _ in 0..6 {
            if self.server.net().clients.iter().any(Client::is_busy) {
                self.advance(5 * SECOND_US);
            }
        }
        if self.world().nature.is_stopping {
            self.await_end();
        }
    }

    /// It has stopped: when it was told to, and everyone was told, or the time for that was over.
    fn check_end(&self) {
        let stopped_at = self.stopped_at.expect("it stops when it is told to");
        let timeout_ms = u64::from(self.server.hub().config().limits.shutdown_timeout_ms);
        let is_late = self.server.now().ms_since(stopped_at) + 100 >= timeout_ms;
        assert!(is_late || self.server.hub().is_empty(), "it went before the others");
    }

    /// The server was told to stop: it does so in time.
    fn await_end(&mut self) {
        let timeout_ms = self.server.hub().config().limits.shutdown_timeout_ms;
        self.advance(1000 * u64::from(timeout_ms) + SECOND_US);
        assert!(self.has_ended, "it was told to stop and did not");
    }

    /// No more faults: everyone reads, and who is dead is found to be.
    fn rest(&mut self) {
        let world = self.world();
        world.nature.rates = Rates::NONE;
        world.nature.tabs.comers_left = 0;
        let now = world.nature.clock_us;
        for index in 0..world.clients.len() {
            world.clients[index].hurry();
            world.wake(index, now);
        }
        self.advance(REST_US);
        let last = self.add_last();
        self.advance(2 * SECOND_US);
        let rooms = self.server.hub().rooms();
        let world = self.world();
        let client = &world.clients[last];
        let is_excused = world.nature.is_crowded || client.ledger.bounds.is_tight;
        assert!(is_excused || client.is_live(), "the last is let in");
        audit::check(world, last, rooms);
    }

    /// Somebody who comes last and sees what there is in every room.
    fn add_last(&mut self) -> usize {
        let limits = self.server.hub().config().limits.clone();
        let world = self.world();
        let now = world.nature.clock_us;
        let last = add(world, &limits, Kind::Native { deflates: false }, false, now);
        let mut steps = vec![Step::Open];
        for room in (0..world.nature.rooms).chain([EMPTY_ROOM]) {
            steps.push(Step::Request(Request::new(Asked::Enter(None), Some(room))));
        }
        (world.clients[last].greets, world.clients[last].tab) = (false, None);
        world.clients[last].begin_in(0, steps);
        last
    }

    /// The server goes, or everyone else does.
    fn end(&mut self) {
        let world = self.server.net_mut();
        let now = world.nature.clock_us;
        if world.nature.choices.chance(2) {
            world.plan(now, Act::Signal(15));
            return self.await_end();
        }
        for index in 0..world.clients.len() {
            let step = script::go(&mut world.nature.choices);
            // Who has no WebSocket to close just goes.
            world.clients[index].set_script(vec![step, Step::Wait(1), Step::Fin]);
            world.wake(index, now);
        }
        self.advance(REST_US);
        let (hub, world) = (self.server.hub(), self.server.net());
        assert!(hub.is_empty(), "connections without a client: {:?}", world.clients);
        assert_eq!(hub.buffered_bytes(), 0);
        assert_eq!(hub.presence().members(), 0, "nobody is held for ever");
        assert_eq!(hub.presence().held(), 0);
        assert_eq!(hub.rooms(), 0, "rooms that nobody is in");
        assert_eq!(world.open_sockets(), 0);
        assert_eq!(hub.next_wakeup(), Time::NEVER, "nothing is left to be done");
    }

    // What holds after every turn.

    fn check(&mut self) {
        let (hub, world) = (self.server.hub(), self.server.net());
        let sockets = (hub.len() + self.server.leaving()) as u64;
        assert_eq!(sockets, world.open_sockets(), "a socket without a connection");
        let tally = hub.tally();
        let refused = tally.refused_full + tally.refused_address;
        // When it stops, who asks for a session is refused, too.
        let opened = if world.nature.is_stopping { world.nature.sessions_opened } else { 0 };
        let counted = tally.accepted + refused;
        let is_right = (world.accepted..=world.accepted + opened).contains(&counted);
        assert!(is_right, "{counted} are accepted or refused, of {}", world.accepted);
        let taken = tally.accepted + tally.sessions;
        let sessions = taken.checked_sub(hub.len() as u64 + tally.closed_total());
        let is_right = sessions.is_some_and(|sessions| sessions <= tally.sessions);
        assert!(is_right, "open, or closed: {sessions:?} sessions are on no socket");
        let rooms_max = hub.config().limits.rooms_max as usize;
        assert!(hub.rooms() <= rooms_max, "{} rooms, of {rooms_max}", hub.rooms());
        let held_max = hub.config().limits.held_members_max;
        assert!(hub.presence().held() <= held_max, "more are held than may be");
        let every = 1 + world.clients.len() as u64 / 16;
        if world.turn.is_multiple_of(every) {
            self.check_connections();
            let (hub, world) = (self.server.hub(), self.server.net());
            self.watch.check(hub, world);
            if world.turn.is_multiple_of(8 * every) {
                self.watch.check_names(hub, world);
            }
        }
    }

    fn check_connections(&mut self) {
        let (hub, world) = (self.server.hub(), self.server.net());
        let budget = (hub.config().limits.buffered_mebibytes_max as usize) << 20;
        let is_open = |client: &&Client| client.link.is_held() || client.session.is_some();
        let open = world.clients.iter().filter(is_open);
        let most: usize = open.map(|client| client.held_bytes_max(&hub.config().limits)).sum();
        let held = hub.buffered_bytes();
        assert!(held <= most.min(budget + (1 << 20)), "{held} bytes are held");
        for index in 0..self.server.net().clients.len() {
            self.check_connection(index);
        }
    }

    fn check_connection(&mut self, index: usize) {
        let (hub, world) = (self.server.hub(), self.server.net());
        let client = &world.clients[index];
        let link = &client.link;
        // One that has ended is closed in this turn or in one of the next.
        let is_open = |id: &ConnectionId| !link.is_closed && hub.is_live(*id);
        let Some(id) = link.id.filter(is_open) else { return };
        let (wants_read, wants_write) = (hub.wants_read(id), hub.wants_write(id));
        // How many turns it may take until all others had theirs.
        let limits = &hub.config().limits;
        let writes = (limits.send_bytes_per_turn >> 16).clamp(1, limits.connections_per_turn);
        let patience = 4 + (world.nature.rooms * world.clients.len()) as u64 / u64::from(writes);
        let is_hungry = wants_read
            && link.is_told_readable
            && link.has_input()
            && link.read_turn + 3 < world.turn;
        let is_writable = wants_write && !link.awaits_room;
        let is_mute = is_writable && link.write_turn + 3 < world.turn;
        let deadline = hub.deadline(id);
        // One whose request waits has those of its session.
        let waits = client.has_request();
        assert!(deadline < Time::NEVER || is_writable || waits, "a connection without a deadline");
        // Not before its turn has come to be read, or to be written to.
        let is_unread = wants_read && link.is_told_readable && link.has_input();
        // A process that was held meets it when those who made room in time have had their turn.
        let away_until_ms = world.nature.tabs.terms.away_until_us / 1000;
        let due_ms = deadline.as_ms().max(away_until_ms);
        let is_met = due_ms.saturating_add(200) > self.server.now().as_ms();
        assert!(is_met || is_unread || is_writable, "a deadline was missed");
        // Until its answers are through, or their time is over; then until it closes. Who reads
        // slowly what an echo owes him has more time.
        let limits = &hub.config().limits;
        let most_ms = u64::from(limits.send_timeout_ms + limits.close_timeout_ms) + 8_000;
        let now_ms = self.server.now().as_ms();
        let client = &mut self.server.net_mut().clients[index];
        let is_prompt = client.is_untroubled() && client.kind != Kind::Echo;
        let link = &mut client.link;
        if link.is_told_ended && is_prompt {
            let ended_at_ms = *link.ended_at_ms.get_or_insert(now_ms);
            assert!(now_ms < ended_at_ms + most_ms, "client {index} has gone, and is still here");
        }
        link.hungry = if is_hungry { link.hungry + 1 } else { 0 };
        link.mute = if is_mute { link.mute + 1 } else { 0 };
        assert!(link.hungry < patience, "client {index} is not read from");
        assert!(link.mute < patience, "client {index} is not written to");
    }

    fn outcome(&self) -> Outcome {
        let world = self.server.net();
        let seconds = world.nature.clock_us / SECOND_US;
        let most = 20 * seconds + 50 * world.clients.len() as u64 + 500;
        assert!(world.timer_wakes <= most, "{} wake-ups in {seconds} s", world.timer_wakes);
        Outcome {
            simulated_us: world.nature.clock_us,
            clients: world.clients.len(),
            turns: world.turn,
            calls: world.calls,
            bytes: world.clients.iter().map(|client| client.link.bytes).sum(),
            tally: world.nature.tally.clone(),
            trace: world.nature.trace,
        }
    }
}
