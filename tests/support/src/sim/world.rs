//! The machine that the server runs on, and everyone who is connected to it: a [`Net`] in which
//! time is a number and every call can fail.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use headcount::connection::ConnectionId;
use headcount::server::{Event, Readiness};

use super::client::Client;
use super::faults::{Fault, STAGES, Stage};
use super::nature::Nature;
use super::setup;

/// What a system call takes, in µs.
pub(super) const CALL_US: u64 = 2;

/// Sessions that ended, of whom something may still be told: the last of them.
const STALE_MAX: usize = 16;

/// The socket of a client, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream(pub usize);

/// Something that is going to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// A client acts, if it has not done so before.
    Wake(usize),
    /// A client connects.
    Connect(usize),
    /// The process sleeps, and so does its clock (a virtual machine is suspended).
    Freeze(u64),
    /// The process sleeps, and its clock does not.
    Stall(u64),
    /// Somebody sets the date, by so many seconds.
    SetDate(i64),
    Signal(i32),
}

/// A time in which the process does not run.
#[derive(Clone, Copy, Debug)]
struct Hold {
    from_us: u64,
    until_us: u64,
    is_freeze: bool,
}

/// The machine, and everyone who is connected to it.
#[derive(Debug)]
pub struct World {
    pub nature: Nature,
    pub clients: Vec<Client>,
    agenda: BinaryHeap<Reverse<(u64, u64, Act)>>,
    /// Numbers the agenda, so that what is due at once comes in order.
    order: u64,
    pub(super) backlog: VecDeque<usize>,
    pub(super) is_listening: bool,
    /// It was told that connections wait, and has not found the end of them.
    pub(super) is_told_waiting: bool,
    has_waiting: bool,
    pending: Vec<usize>,
    stale: VecDeque<ConnectionId>,
    /// Places of carriers whose sockets are closed.
    pub(super) spare: Vec<usize>,
    signals: Vec<i32>,
    hold: Option<Hold>,
    /// How far the process's clock is behind.
    pub(super) frozen_us: u64,
    /// How long it was held, in all.
    pub(super) held_us: u64,
    /// Turns in which nothing is late, so that who was in time for the clock is so for the server.
    pub(super) grace_turns: u32,
    /// When accepting failed for want of something.
    pub(super) shortage_at_us: Option<u64>,
    pub(super) date_offset_s: i64,
    /// The process is to wake up at this time at the latest.
    pub wake_by_us: u64,
    /// The turn that the server is in.
    pub turn: u64,
    /// The last wait did not wait, and told of nothing.
    pub(super) is_turn_idle: bool,
    pub(super) idle_turns: u32,
    /// Wake-ups by nothing but time.
    pub timer_wakes: u64,
    pub calls: u64,
    pub accepted: u64,
    pub closed: u64,
}

impl World {
    pub fn new(nature: Nature) -> World {
        World {
            nature,
            clients: Vec::new(),
            agenda: BinaryHeap::new(),
            order: 0,
            backlog: VecDeque::new(),
            is_listening: true,
            is_told_waiting: false,
            has_waiting: false,
            pending: Vec::new(),
            stale: VecDeque::new(),
            spare: Vec::new(),
            signals: Vec::new(),
            hold: None,
            frozen_us: 0,
            held_us: 0,
            grace_turns: 0,
            shortage_at_us: None,
            date_offset_s: 0,
            wake_by_us: u64::MAX,
            turn: 0,
            is_turn_idle: false,
            idle_turns: 0,
            timer_wakes: 0,
            calls: 0,
            accepted: 0,
            closed: 0,
        }
    }

    /// Puts something on the agenda.
    pub fn plan(&mut self, at_us: u64, act: Act) {
        self.order += 1;
        self.agenda.push(Reverse((at_us, self.order, act)));
    }

    /// A client acts at this time, unless it does so before.
    pub fn wake(&mut self, client: usize, at_us: u64) {
        if at_us < self.clients[client].wake_at_us {
            self.clients[client].wake_at_us = at_us;
            self.plan(at_us, Act::Wake(client));
        }
    }

    /// The sockets that the server holds.
    pub fn open_sockets(&self) -> u64 {
        self.accepted - self.closed
    }

    /// Whether the server takes no one more.
    pub fn has_stopped_listening(&self) -> bool {
        !self.is_listening
    }

    fn act(&mut self, act: Act) {
        let now = self.nature.clock_us;
        match act {
            Act::Wake(index) => {
                if self.clients[index].wake_at_us > now {
                    return;
                }
                self.clients[index].wake_at_us = u64::MAX;
                let next = self.clients[index].act(&mut self.nature);
                self.note_edge(index);
                if let Some(delay_us) = next {
                    self.wake(index, now + delay_us.max(1));
                }
                self.bring_back(index);
                self.run_errands();
            }
            Act::Connect(index) if self.is_listening => {
                self.clients[index].link.connected_us = now;
                self.backlog.push_back(index);
                self.has_waiting |= !self.is_told_waiting || self.nature.choices.chance(4);
                self.wake(index, now);
            }
            Act::Connect(index) => self.turn_away(index),
            Act::Freeze(us) | Act::Stall(us) => {
                let is_freeze = matches!(act, Act::Freeze(_));
                self.note_everywhere(if is_freeze { Fault::Freeze } else { Fault::Stall });
                if self.hold.is_none() {
                    self.nature.tabs.terms.away_until_us = now + us;
                    self.hold = Some(Hold { from_us: now, until_us: now + us, is_freeze });
                }
            }
            Act::SetDate(seconds) => {
                self.note_everywhere(Fault::DateJump);
                self.date_offset_s = seconds;
            }
            Act::Signal(signal) => {
                self.note_everywhere(Fault::Sigterm);
                self.nature.is_stopping = true;
                self.signals.push(signal);
            }
        }
    }

    /// Those come whom a client has sent for.
    fn bring_back(&mut self, index: usize) {
        let bounds = self.clients[index].ledger.bounds;
        for comer in std::mem::take(&mut self.nature.tabs.comers) {
            setup::add_comer(self, comer, bounds);
        }
    }

    /// Something happened to the machine: to all that connections are doing now.
    fn note_everywhere(&mut self, fault: Fault) {
        let mut seen = [false; STAGES.len()];
        for client in &self.clients {
            if !client.is_gone && !client.link.is_closed && !client.has_no_socket() {
                seen[client.stage() as usize] = true;
            }
        }
        for (stage, _) in STAGES.iter().zip(seen).filter(|(_, seen)| *seen) {
            self.nature.tally.note(fault, *stage);
        }
        self.nature.note(&[fault as u8]);
    }

    /// Whether a fault happens to the machine.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let strikes = self.nature.choices.chance(self.nature.rates.of(fault));
        if strikes {
            self.note_everywhere(fault);
        }
        strikes
    }

    /// Puts a connection on the list of those of whom something is to be told.
    pub(super) fn note_edge(&mut self, index: usize) {
        let link = &mut self.clients[index].link;
        if link.has_edge() && !link.is_pending && link.id.is_some() && !link.is_closed {
            link.is_pending = true;
            self.pending.push(index);
        }
    }

    /// Keeps in mind a connection that has ended, of whom something may still be told.
    pub(super) fn note_stale(&mut self, id: ConnectionId) {
        if self.stale.len() == STALE_MAX {
            self.stale.pop_front();
        }
        self.stale.push_back(id);
    }

    /// A call that the server made about a connection.
    pub(super) fn note_call(&mut self, stream: Stream) -> Stage {
        self.calls += 1;
        self.is_turn_idle = false;
        self.nature.clock_us += CALL_US;
        self.clients[stream.0].stage()
    }

    /// Lets the world go on until there is something to tell, or until a time on its clock.
    pub(super) fn go_on_until(&mut self, mut limit_us: u64) {
        loop {
            let now = self.nature.clock_us;
            while let Some(Reverse((at, _, act))) = self.agenda.peek().copied()
                && at <= now
            {
                self.agenda.pop();
                self.act(act);
            }
            let next = self.agenda.peek().map_or(u64::MAX, |Reverse((at, ..))| *at);
            if let Some(hold) = self.hold {
                if now < hold.until_us {
                    self.nature.clock_us = next.clamp(now, hold.until_us);
                    continue;
                }
                let us = now - hold.from_us;
                self.frozen_us += if hold.is_freeze { us } else { 0 };
                self.held_us += us;
                self.wake_by_us = self.wake_by_us.saturating_add(us);
                limit_us = limit_us.saturating_add(us);
                self.hold = None;
                self.grace_turns = 4;
            }
            let is_anything = !self.pending.is_empty()
                || !self.signals.is_empty()
                || self.has_waiting && self.is_listening;
            if is_anything || now >= limit_us {
                return;
            }
            self.nature.clock_us = next.clamp(now, limit_us);
        }
    }

    /// Tells what there is to tell, in some order, and perhaps more than that.
    pub(super) fn gather(&mut self, events: &mut Vec<Event>) {
        let is_graced = self.grace_turns > 0;
        self.grace_turns = self.grace_turns.saturating_sub(1);
        events.extend(self.signals.drain(..).map(Event::Signal));
        if std::mem::take(&mut self.has_waiting) && self.is_listening {
            self.is_told_waiting = true;
            events.push(Event::Listener(0));
        }
        for index in std::mem::take(&mut self.pending) {
            let stage = self.clients[index].stage();
            self.clients[index].link.is_pending = false;
            if self.clients[index].link.is_closed {
                continue;
            }
            if !is_graced && self.nature.strikes(Fault::LateEvent, stage) {
                self.note_edge(index);
                continue;
            }
            let edge = std::mem::take(&mut self.clients[index].link.edge);
            events.extend(self.tell(index, edge));
        }
        self.add_spurious_event(events);
        self.add_stale_event(events);
        let length = events.len() as u32;
        if length > 1 && self.nature.choices.chance(4) {
            let choices = &mut self.nature.choices;
            events.swap(choices.below(length) as usize, choices.below(length) as usize);
        }
        // What is late comes some time later.
        self.nature.clock_us += if events.is_empty() { 50 } else { 0 };
    }

    /// Notes that the server is told this of a connection.
    fn tell(&mut self, index: usize, edge: Readiness) -> Option<Event> {
        let link = &mut self.clients[index].link;
        let id = link.id?;
        link.is_told_readable |= edge.is_readable;
        link.is_told_ended |= edge.is_read_closed;
        link.awaits_room &= !edge.is_writable;
        link.was_told_writable |= edge.is_writable;
        link.read_turn = self.turn;
        link.write_turn = self.turn;
        Some(Event::Connection(id, edge))
    }

    /// An event that tells of nothing.
    fn add_spurious_event(&mut self, events: &mut Vec<Event>) {
        let rate = self.nature.rates.of(Fault::SpuriousEvent);
        if self.clients.is_empty() || !self.nature.choices.chance(rate) {
            return;
        }
        let index = self.nature.choices.below(self.clients.len() as u32) as usize;
        let link = &self.clients[index].link;
        if link.id.is_some() && !link.is_closed {
            let stage = self.clients[index].stage();
            self.nature.tally.note(Fault::SpuriousEvent, stage);
            let is_readable = self.nature.choices.chance(2);
            let edge = Readiness { is_readable, is_read_closed: false, is_writable: !is_readable };
            events.extend(self.tell(index, edge));
        }
    }

    /// An event that tells of somebody who is gone, and whose place may have a new owner.
    fn add_stale_event(&mut self, events: &mut Vec<Event>) {
        let rate = self.nature.rates.of(Fault::StaleEvent);
        if self.stale.is_empty() || !self.nature.choices.chance(rate) {
            return;
        }
        let id = self.stale[self.nature.choices.below(self.stale.len() as u32) as usize];
        let owner = self.clients.iter().find(|client| {
            let place = client.link.id.filter(|_| !client.link.is_closed);
            place.is_some_and(|other| other.index() == id.index())
        });
        if let Some(owner) = owner {
            self.nature.tally.note(Fault::StaleEvent, owner.stage());
        }
        let edge = Readiness { is_readable: true, is_read_closed: true, is_writable: true };
        events.push(Event::Connection(id, edge));
    }
}
