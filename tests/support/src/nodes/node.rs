//! A process without its sockets: its rooms, and its link to the server.

use headcount::backplane::Backplane;
use headcount::config::{Limits, Redis};
use headcount::presence::{Encoder, Presence, RoomId, View};
use headcount::time::Time;
use headcount::ws::Deflater;
use serde_json::Value;

use super::broker::{Broker, Connection};
use crate::sim::choices::Choices;

/// The rooms that there are.
pub const ROOMS: [&str; 3] = ["", "hall", "yard"];

/// The pause before another attempt to connect, in ms.
const PAUSE_MS: u64 = 300;

pub struct Node {
    pub presence: Presence,
    pub backplane: Backplane,
    /// Its clock is behind the world's by this: it was started later, and stops while the node is
    /// stopped.
    behind_ms: u64,
    /// It does nothing from then on, and until then.
    stopped_from: u64,
    pub stopped_until: u64,
    /// When it may connect again.
    connect_from: u64,
    /// The rooms in which somebody follows all the time, and since when.
    pub watched: [Option<(RoomId, u64)>; ROOMS.len()],
    /// Whether there was a commit that was not looked at.
    pub has_told: bool,
    /// Since when it has its link, and when it had one last, and how long.
    linked_since: u64,
    linked_last: (u64, u64),
}

impl Node {
    pub fn new(number: u64, now: u64) -> Node {
        let redis = Redis { node: number, ..Redis::default() };
        let backplane = Backplane::new(&redis);
        let mut presence = Presence::new(number);
        presence.share(backplane.me());
        let watched = [None; ROOMS.len()];
        let (stopped_from, stopped_until) = (0, 0);
        let (connect_from, linked_since) = (now, u64::MAX);
        Node {
            presence,
            backplane,
            behind_ms: now,
            stopped_from,
            stopped_until,
            connect_from,
            watched,
            has_told: false,
            linked_since,
            linked_last: (0, 0),
        }
    }

    pub fn time(&self, now: u64) -> Time {
        Time::from_ms(now.max(self.stopped_until) - self.behind_ms)
    }

    /// It is stopped, and its time with it.
    pub fn stop_for(&mut self, ms: u64, now: u64) {
        (self.stopped_from, self.stopped_until) = (now, now + ms);
        self.behind_ms += ms;
    }

    /// From when until when it was stopped last.
    pub fn stopped(&self) -> (u64, u64) {
        (self.stopped_from, self.stopped_until)
    }

    /// Somebody follows a room from now on, or does not any more.
    pub fn watch(&mut self, room: usize, limits: &Limits, now: u64) {
        match self.watched[room].take() {
            Some((id, _)) => self.presence.exit(id, None, &View::Nothing),
            None => {
                let entered = self.presence.enter(ROOMS[room], 0, &View::Nothing, limits);
                self.watched[room] = Some((entered.expect("there is room").0, now));
            }
        }
    }

    /// One turn of its loop.
    pub fn turn(
        &mut self,
        connection: &mut Option<Connection>,
        broker_is_up: bool,
        (choices, limits, deflater): (&mut Choices, &Limits, &mut Deflater),
        now: u64,
    ) {
        let time = self.time(now);
        if let Some(link) = connection {
            let bytes = link.received(now);
            let outcome = match bytes.is_empty() {
                true => Ok(()),
                false => self.backplane.receive(&bytes, time),
            };
            if let Err(error) = outcome {
                panic!("a node does not understand the server: {error}");
            }
            if self.backplane.is_silent(time) {
                *connection = None;
                self.cut(now);
            }
        } else if self.connect_from <= now {
            match broker_is_up {
                true => {
                    let latency_ms = choices.pick(&[0, 0, 1, 3, 20]);
                    *connection = Some(Connection::new(latency_ms));
                    self.backplane.connected(0, time);
                }
                false => self.connect_from = now + PAUSE_MS,
            }
        }
        self.work(limits, deflater, time);
        let is_up = self.backplane.numbers().is_up;
        self.linked_since = if is_up { self.linked_since.min(now) } else { u64::MAX };
        if let Some(link) = connection {
            let output = std::mem::take(self.backplane.output());
            if !output.is_empty() {
                link.send(output, now);
            }
        }
    }

    /// Does what there is to be done with what it has received.
    pub fn work(&mut self, limits: &Limits, deflater: &mut Deflater, time: Time) {
        self.backplane.hear(&mut self.presence, limits, time);
        let mut encoder = Encoder { deflater, deflate_bytes_min: usize::MAX };
        let work = self.presence.commit(limits, &mut encoder, time);
        self.has_told |= work.commits > 0;
        while self.presence.next_to_tell().is_some() {}
        self.backplane.tell(&mut self.presence, time);
    }

    /// Its connection has ended.
    pub fn cut(&mut self, now: u64) {
        self.backplane.disconnected(self.time(now));
        self.connect_from = now + PAUSE_MS;
        if self.linked_since < now {
            // While it is stopped it hears nothing.
            let until = if now < self.stopped_until { self.stopped_from } else { now };
            self.linked_last = (self.linked_since, until);
        }
        self.linked_since = u64::MAX;
    }

    /// Until when it knows what was so `ms` before, if it has had its link for so long.
    pub fn knows_until(&self, ms: u64, now: u64) -> Option<u64> {
        let (from, until) = match self.linked_since {
            u64::MAX => self.linked_last,
            // What came while it was stopped it is yet to hear.
            since => (since.max(self.stopped_until), now),
        };
        (self.stopped_until <= now && from + ms < until).then_some(until)
    }

    /// Until when it knew that before its link was cut last.
    pub fn knew_until(&self, ms: u64, now: u64) -> Option<u64> {
        let (from, until) = self.linked_last;
        (self.stopped_until <= now && from + ms < until).then_some(until)
    }

    /// What it had to ask for again.
    pub fn repairs(&self) -> u64 {
        let numbers = self.backplane.numbers();
        numbers.holes + numbers.differences
    }

    /// When it has something to do next, if nothing comes.
    pub fn due(&self, limits: &Limits) -> u64 {
        let due = self.presence.commit_due().min(self.backplane.due(limits)).as_ms();
        due.saturating_add(self.behind_ms).max(self.stopped_until)
    }

    /// What its room is, without what is its own: the epoch and the number of the commit.
    pub fn document(&mut self, room: usize, now: u64) -> Value {
        let (_, _, document) = self.presence.document(ROOMS[room], self.time(now));
        let mut document: Value = serde_json::from_slice(&document).unwrap();
        document.as_object_mut().unwrap().retain(|key, _| key != "epoch" && key != "seq");
        document
    }
}

impl Broker {
    /// Cuts the connection of a node, with all that is on its way.
    pub fn cut(&mut self, node: usize) -> bool {
        self.connections[node].take().is_some()
    }
}
