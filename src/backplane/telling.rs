//! What other nodes are told, and asked.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::presence::{Content, Name, News, Presence, Report};
use crate::time::Time;

use super::Backplane;
use super::follow::Follow;
use super::message::{Ask, Message};

/// A node tells others that it is there so often, in ms.
const BEAT_MS: u64 = 4_000;

/// At every so many beats the server is asked whether it is still the one that is written to.
const BEATS_PER_ROLE: u64 = 3;

/// A new room waits so long for what other nodes have in it, in ms.
const LOAD_MS: u64 = 250;

/// A beat tells of so many rooms.
const HEADS_PER_BEAT: usize = 16;

impl Backplane {
    /// Tells other nodes what has changed.
    pub fn tell(&mut self, presence: &mut Presence, now: Time) {
        for news in presence.take_news() {
            match news {
                News::Opened(name) => self.open(name, presence, now),
                News::Changed(name, report) => {
                    self.say(&name, report, None);
                    self.changed.insert(name);
                }
                News::Closed(name) => {
                    self.follows.remove(&name);
                    self.wanted.remove(&name);
                    self.changed.remove(&name);
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
        if self.beat_at <= now && self.link.is_up() && !self.is_over {
            self.beat_at = now.after_ms(BEAT_MS);
            self.beat(presence, now);
        }
    }

    fn open(&mut self, name: Name, presence: &mut Presence, now: Time) {
        let is_loading = presence.find(&name).is_some_and(|room| presence.is_loading(room));
        self.follows.insert(name.clone(), Follow::new(is_loading.then(|| now.after_ms(LOAD_MS))));
        if !self.link.is_up() {
            // Nobody can be asked now, and all rooms are asked for when that is over.
            return self.give_up_loading(&name, presence);
        }
        if is_loading {
            self.timers.insert((now.after_ms(LOAD_MS), name.clone()));
        }
        self.link.subscribe(&self.channel(&name));
        self.ask_all(&name, presence);
    }

    /// Asks all nodes for what they have in a room, unless that is known.
    pub(super) fn ask_all(&mut self, name: &Name, presence: &Presence) {
        let Some(room) = presence.find(name) else { return };
        let report = Report { head: presence.own_head(room), content: Content::Head };
        self.say(name, report, Some(Ask { known: presence.heads(room), of: None }));
    }

    pub(super) fn say(&mut self, name: &Name, report: Report, ask: Option<Ask>) {
        if self.is_over {
            return;
        }
        let asks_all = ask.as_ref().is_some_and(|ask| ask.of.is_none());
        let text = Message::Room { from: self.me, report, ask }.encode();
        self.link.publish(&self.channel(name), text.as_bytes(), asks_all.then(|| name.clone()));
    }

    /// Says that it is there, and what it has in some rooms: so that what was lost on the way is
    /// missed, though nothing follows it.
    fn beat(&mut self, presence: &Presence, now: Time) {
        self.beats += 1;
        self.beat_sent = now;
        let mut names = BTreeSet::new();
        while names.len() < HEADS_PER_BEAT / 2
            && let Some(name) = self.changed.pop_first()
        {
            names.insert(name);
        }
        // … and some of all, in turns.
        let after = self.audited.take().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.follows.range((after, Bound::Unbounded));
        let next: Vec<Name> = next.map(|(name, _)| name.clone()).take(HEADS_PER_BEAT / 2).collect();
        self.audited = next.last().cloned();
        names.extend(next);
        let head = |name: Name| Some((name.clone(), presence.own_head(presence.find(&name)?)));
        let heads = names.into_iter().filter_map(head).collect();
        let beat = Message::Beat { from: self.me, number: self.beats, heads }.encode();
        self.link.publish(&self.nodes, beat.as_bytes(), None);
        if self.beats.is_multiple_of(BEATS_PER_ROLE) {
            self.link.ask_role();
        }
    }
}
