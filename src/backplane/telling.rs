//! What other nodes are told, and asked.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::presence::{Content, Name, News, NodeId, PartHead, Presence, Report};
use crate::time::Time;

use super::Backplane;
use super::fetch::NOTHING;
use super::follow::Follow;
use super::link::Said;
use super::message::{Known, Message};

/// A node tells others that it is there so often, in ms.
const BEAT_MS: u64 = 4_000;

/// At every so many beats the server is asked whether it is still the one that is written to.
const BEATS_PER_ROLE: u64 = 3;

/// A room waits so long for what other nodes have in it, in ms.
pub(super) const LOAD_MS: u64 = 250;

/// A new room waits so long if it knows what it lacks, in ms: until then nobody knows who came.
pub(super) const LOAD_MS_MAX: u64 = 500;

/// When the server is there again, all nodes are after this, in ms. No room waits for longer.
pub(super) const BACK_MS: u64 = 2_000;

/// A beat tells of so many rooms that have changed, and of so many others.
const ROOMS_PER_BEAT: usize = 8;

/// So many rooms wait to be told of in beats. Others wait for their turn.
const CHANGED_MAX: usize = 1_024;

/// A message says of no more rooms than this what its own part of them is.
const HEADS_PER_MESSAGE: usize = 256;

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
                    self.link.unsubscribe(&self.channel(&name));
                }
            }
        }
        for (node, names) in std::mem::take(&mut self.owed) {
            let heads: Vec<_> =
                names.into_iter().map(|name| (name.clone(), self.head(&name, presence))).collect();
            for heads in heads.chunks(HEADS_PER_MESSAGE) {
                let heads = heads.to_vec();
                let head = Message::Node { from: self.me, beat: None, heads, known: Vec::new() };
                self.say_to(node, &head, None);
            }
        }
        self.answer(presence);
        if self.link.is_up() {
            self.ask(presence, now);
        }
        if self.beat_at <= now && self.link.is_up() && !self.is_over {
            self.beat_at = now.after_ms(BEAT_MS);
            self.beat(presence, now);
        }
    }

    /// Sends other nodes what they have asked for, or as much of that as there is room for in one
    /// message.
    fn answer(&mut self, presence: &Presence) {
        for (node, (number, wanted)) in std::mem::take(&mut self.questions) {
            let (mut parts, mut bytes) = (Vec::new(), self.answer_bytes);
            for (name, n, from) in &wanted {
                let head = self.head(name, presence);
                let part = match presence.find(name) {
                    Some(room) if head.n != *n => presence.own_piece(room, *from, &mut bytes),
                    _ => Some(Report { head, content: Content::Head }),
                };
                let Some(part) = part else { break };
                parts.push((name.clone(), part));
                if bytes == 0 {
                    break;
                }
            }
            if !parts.is_empty() {
                self.say_to(node, &Message::Answer { from: self.me, number, parts }, None);
            } else if !wanted.is_empty() && self.peers.has(node) {
                // The first room is new here, and is told when more is known of it.
                self.questions.insert(node, (number, wanted));
            }
        }
    }

    /// Asks other nodes for what is to be fetched from them.
    fn ask(&mut self, presence: &mut Presence, now: Time) {
        let peers = &self.peers;
        self.fetches.retain(|&node, fetch| peers.has(node) && !fetch.is_over());
        let mut questions = Vec::new();
        for (&node, fetch) in &mut self.fetches {
            let number = self.asked + 1;
            let mut wanted = Vec::new();
            let Some(rooms) = fetch.ask(number, now) else { continue };
            for (name, n) in rooms {
                let Some(room) = presence.find(&name) else {
                    fetch.got(&name);
                    continue;
                };
                // What the parts of a room are is told at the same time, if that can be.
                if let Some(follow) = self.follows.get(&name)
                    && follow.loading.is_none()
                {
                    let until = follow.asked_at.after_ms(BACK_MS).min(now.after_ms(LOAD_MS));
                    presence.commit_from(room, until);
                }
                let from = presence.copied_to(room, node);
                wanted.push((name, if from > 0 { NOTHING } else { n }, from));
            }
            if wanted.is_empty() {
                fetch.give_up();
                continue;
            }
            self.asked = number;
            let question = Message::Ask { from: self.me, number, wanted };
            questions.push((node, Said::Question(node, number), question));
        }
        for (node, said, question) in questions {
            self.say_to(node, &question, Some(said));
        }
    }

    fn open(&mut self, name: &Name, presence: &mut Presence, now: Time) {
        let is_loading = presence.find(name).is_some_and(|room| presence.is_loading(room));
        self.follows.insert(name.clone(), Follow::new(is_loading.then_some(now)));
        if !self.link.is_up() {
            // Nobody can be asked now, and all rooms are asked for when that is over.
            return self.give_up_loading(name, presence);
        }
        if is_loading {
            self.timers.insert((now.after_ms(LOAD_MS), name.clone()));
        }
        self.link.subscribe(&self.channel(name));
        self.ask_all(name, presence, now);
    }

    /// Asks all nodes for what they have in a room, unless that is known.
    pub(super) fn ask_all(&mut self, name: &Name, presence: &Presence, now: Time) {
        let Some(room) = presence.find(name) else { return };
        if let Some(follow) = self.follows.get_mut(name) {
            follow.asked_at = now;
        }
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
        let said = if asks { Said::Asked } else { Said::Part };
        self.link.publish(&self.channel(name), text.as_bytes(), Some(said(name.clone())));
    }

    /// Says something to one node.
    fn say_to(&mut self, node: NodeId, message: &Message, said: Option<Said>) {
        if self.is_over {
            return;
        }
        self.link.publish(&self.inbox(node), message.encode().as_bytes(), said);
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
        // From the first on: of a user that may not ask that is known before anything is said.
        if self.beats % BEATS_PER_ROLE == 1 {
            self.link.ask_role();
        }
        self.link.publish(&self.nodes, text.as_bytes(), None);
    }
}
