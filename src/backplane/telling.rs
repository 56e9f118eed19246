//! What other nodes are told, and asked.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::presence::{Content, Name, News, NodeId, PartHead, Presence, Report};
use crate::time::Time;

use super::Backplane;
use super::follow::Follow;
use super::link::Said;
use super::message::{Known, Message};

/// A node tells others that it is there so often, in ms.
const BEAT_MS: u64 = 4_000;

/// At every so many beats the server is asked whether it is still the one that is written to.
const BEATS_PER_ROLE: u64 = 3;

/// A room waits so long for what other nodes have in it, in ms.
pub(super) const LOAD_MS: u64 = 250;

/// A beat tells of so many rooms that have changed, and of so many others.
const ROOMS_PER_BEAT: usize = 8;

/// So many rooms wait to be told of in beats. Others wait for their turn.
const CHANGED_MAX: usize = 1_024;

/// A message asks for no more parts than this.
const KNOWN_PER_MESSAGE: usize = 256;

impl Backplane {
    /// Tells other nodes what has changed.
    pub fn tell(&mut self, presence: &mut Presence, now: Time) {
        for news in presence.take_news() {
            match news {
                News::Opened(name) => self.open(&name, presence, now),
                News::Changed(name, report) => {
                    self.say(&name, report, None);
                    if let Some(follow) = self.follows.get_mut(&name) {
                        follow.told_at = now;
                    }
                    if self.changed.len() < CHANGED_MAX {
                        self.changed.insert(name);
                    }
                }
                News::Closed(name) => {
                    self.follows.remove(&name);
                    self.wanted.remove(&name);
                    self.link.unsubscribe(&self.channel(&name));
                }
            }
        }
        if !self.wanted.is_empty() && self.link.is_up() {
            for name in self.wanted.iter().cloned().collect::<Vec<_>>() {
                let part = presence.find(&name).and_then(|room| presence.own_part(room));
                if let Some(report) = part {
                    self.wanted.remove(&name);
                    self.say(&name, report, None);
                }
            }
        }
        for (node, known) in std::mem::take(&mut self.missing) {
            for known in known.chunks(KNOWN_PER_MESSAGE) {
                self.say_to(node, Vec::new(), known.to_vec());
            }
        }
        if self.beat_at <= now && self.link.is_up() && !self.is_over {
            self.beat_at = now.after_ms(BEAT_MS);
            self.beat(presence, now);
        }
    }

    fn open(&mut self, name: &Name, presence: &mut Presence, now: Time) {
        let is_loading = presence.find(name).is_some_and(|room| presence.is_loading(room));
        self.follows.insert(name.clone(), Follow::new(is_loading.then(|| now.after_ms(LOAD_MS))));
        if !self.link.is_up() {
            // Nobody can be asked now, and all rooms are asked for when that is over.
            return self.give_up_loading(name, presence);
        }
        if is_loading {
            self.timers.insert((now.after_ms(LOAD_MS), name.clone()));
        }
        self.link.subscribe(&self.channel(name));
        self.ask_all(name, presence);
    }

    /// Asks all nodes for what they have in a room, unless that is known.
    pub(super) fn ask_all(&mut self, name: &Name, presence: &Presence) {
        let Some(room) = presence.find(name) else { return };
        let known = presence.heads(room).into_iter();
        let known = known.map(|(node, head)| (name.clone(), node, head.n)).collect();
        let report = Report { head: presence.own_head(room), content: Content::Head };
        self.say(name, report, Some(known));
    }

    /// Says in a room what its own part of that is, if it has the room or not.
    pub(super) fn say_head(&mut self, name: &Name, presence: &Presence) {
        let report = Report { head: self.head(name, presence), content: Content::Head };
        self.say(name, report, None);
    }

    /// What its own part of a room is: nothing by now, if it does not have the room.
    pub(super) fn head(&self, name: &Name, presence: &Presence) -> PartHead {
        match presence.find(name) {
            Some(room) => presence.own_head(room),
            None => PartHead { n: presence.last_change(), ..PartHead::default() },
        }
    }

    fn say(&mut self, name: &Name, report: Report, known: Option<Vec<Known>>) {
        if self.is_over {
            return;
        }
        if !self.link.is_up() {
            self.unsaid.insert(name.clone());
            return;
        }
        let asks = known.is_some();
        let text = Message::Room { from: self.me, report, known }.encode();
        let said = Said { room: name.clone(), asks };
        self.link.publish(&self.channel(name), text.as_bytes(), Some(said));
    }

    /// Says something to one node.
    pub(super) fn say_to(&mut self, node: NodeId, heads: Vec<(Name, PartHead)>, known: Vec<Known>) {
        let text = Message::Node { from: self.me, beat: None, heads, known }.encode();
        self.link.publish(&self.inbox(node), text.as_bytes(), None);
    }

    /// Says that it is there, and of some rooms what it has and knows: so what was lost on the way
    /// is missed, though nothing follows it.
    fn beat(&mut self, presence: &Presence, now: Time) {
        self.beats += 1;
        self.beat_sent = now;
        let mut names = BTreeSet::new();
        while names.len() < ROOMS_PER_BEAT
            && let Some(name) = self.changed.pop_first()
        {
            names.insert(name);
        }
        // … and some of all, in turns.
        let after = self.audited.take().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.follows.range((after, Bound::Unbounded));
        let next: Vec<Name> = next.map(|(name, _)| name.clone()).take(ROOMS_PER_BEAT).collect();
        self.audited = next.last().cloned();
        let known = next.iter().filter_map(|name| Some((name, presence.find(name)?)));
        let known = known.flat_map(|(name, room)| {
            let heads = presence.heads(room).into_iter().filter(|(_, head)| head.count > 0);
            heads.map(|(node, head)| (name.clone(), node, head.n))
        });
        let known = known.collect();
        names.extend(next);
        let head = |name: Name| (name.clone(), self.head(&name, presence));
        let heads = names.into_iter().map(head).collect();
        let beat = Some(self.beats);
        let text = Message::Node { from: self.me, beat, heads, known }.encode();
        self.link.publish(&self.nodes, text.as_bytes(), None);
        if self.beats.is_multiple_of(BEATS_PER_ROLE) {
            self.link.ask_role();
        }
    }
}
