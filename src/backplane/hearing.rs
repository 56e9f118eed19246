//! What other nodes say, and what becomes of rooms by that.

use crate::config::Limits;
use crate::presence::{Content, Name, NodeId, Presence, Report, Taken};
use crate::time::Time;

use super::Backplane;
use super::follow::Follow;
use super::link::Inbound;
use super::message::{Known, Message};
use super::peers::Peers;
use super::telling::LOAD_MS;

/// What was asked of one node is asked again after this, in ms.
const ASK_AGAIN_MS: u64 = 1_000;

/// A node that was asked longer ago than this, and tells that it has more, is asked again at once;
/// in ms.
const IN_FLIGHT_MS: u64 = 20;

/// What was told so long ago is known to those who hear anything at all, in ms.
const QUIET_MS: u64 = 2_000;

/// When the server is there again, all nodes are after this, in ms.
const BACK_MS: u64 = 2_000;

/// No change has this number.
const NOTHING: u64 = u64::MAX;

impl Backplane {
    /// Brings what other nodes have said into rooms.
    pub fn hear(&mut self, presence: &mut Presence, limits: &Limits, now: Time) {
        self.link.now = now;
        while let Some(inbound) = self.link.inbound.pop_front() {
            match inbound {
                Inbound::Up => self.up(presence, now),
                Inbound::Published(room, receivers) => {
                    if let Some(follow) = self.follows.get_mut(&room) {
                        follow.expect(receivers.saturating_sub(1));
                    }
                    self.finish_loading(&room, presence);
                }
                Inbound::Message(channel, payload) => {
                    self.message(&channel, &payload, presence, limits, now);
                }
            }
        }
        if self.frozen_since.is_some() && presence.is_linked() && !self.link.is_up() {
            presence.set_linked(false);
            self.beat_at = Time::NEVER;
            for name in self.follows.keys().cloned().collect::<Vec<_>>() {
                self.give_up_loading(&name, presence);
            }
        }
        let grace = u64::from(limits.nodes.partition_grace_ms);
        let can_hear = self.link.is_up() && self.link.is_answering(now);
        if !can_hear && !self.peers.is_empty() {
            let until = self.frozen_since.map_or(now.after_ms(BACK_MS), |at| at.after_ms(grace));
            presence.end_holds_from(until);
        }
        if self.frozen_since.is_some_and(|since| since.after_ms(grace) <= now) {
            self.unsaid.clear();
            // Once: this looks at all rooms.
            if !self.peers.is_empty() || presence.foreign_members() > 0 {
                self.peers = Peers::default();
                presence.forget_nodes();
            }
        }
        while let Some((at, name)) = self.timers.first().cloned()
            && at <= now
        {
            self.timers.remove(&(at, name.clone()));
            self.look_at(&name, presence, now);
        }
        // While the server answers nothing, nobody is heard.
        if can_hear {
            while let Some(node) = self.peers.next_silent(now) {
                presence.lose_node(node, limits);
            }
        }
    }

    /// The server knows who this is: from now on it hears what others say, and what they said
    /// before it asks for.
    fn up(&mut self, presence: &mut Presence, now: Time) {
        self.frozen_since = None;
        self.numbers.connects += 1;
        let is_back = !self.peers.is_empty();
        if is_back {
            self.peers.all_heard(now);
            presence.end_holds_from(now.after_ms(BACK_MS));
        }
        presence.set_linked(true);
        self.link.subscribe(&self.nodes);
        self.link.subscribe(&self.inbox(self.me));
        self.beat_at = now;
        for name in self.follows.keys().cloned().collect::<Vec<_>>() {
            self.link.subscribe(&self.channel(&name));
            self.ask_all(&name, presence);
            let Some(room) = presence.find(&name) else { continue };
            if is_back {
                presence.commit_from(room, now.after_ms(LOAD_MS));
            }
            // Whoever has ceased to have a part of it is not there to answer.
            for (node, head) in presence.heads(room) {
                if head.count > 0 {
                    self.miss(&name, node, head.n, now);
                }
            }
        }
        for name in std::mem::take(&mut self.unsaid) {
            self.say_head(&name, presence);
        }
    }

    fn message(
        &mut self,
        channel: &str,
        payload: &[u8],
        presence: &mut Presence,
        limits: &Limits,
        now: Time,
    ) {
        let Some(message) = Message::decode(payload) else {
            self.numbers.foreign += 1;
            return;
        };
        if message.from() == self.me {
            if matches!(message, Message::Node { beat: Some(beat), .. } if beat == self.beats) {
                self.beat_heard = self.beats;
                self.numbers.lag_ms = now.ms_since(self.beat_sent);
            }
            return;
        }
        self.numbers.messages += 1;
        match message {
            Message::Node { from, heads, known, .. } => {
                self.heard(from, now);
                for (name, head) in heads {
                    if let Some(room) = presence.find(&name) {
                        let report = Report { head, content: Content::Head };
                        let taken = presence.apply(room, from, report);
                        self.took(&name, from, (taken, false), presence, now);
                    }
                }
                let is_asked = channel == self.inbox(self.me);
                self.answer(from, known, is_asked, presence, now);
            }
            Message::Bye { from } => {
                self.peers.forget(from);
                presence.lose_node(from, limits);
            }
            Message::Room { from, report, known } => {
                self.heard(from, now);
                let Some(name) = channel.strip_prefix(&*self.rooms).map(Name::from) else { return };
                let Some(room) = presence.find(&name) else { return };
                if let Some(known) = known {
                    let mine = known.iter().find(|(_, node, _)| *node == self.me);
                    if mine.is_none_or(|(_, _, n)| *n != presence.own_head(room).n) {
                        self.wanted.insert(name.clone());
                    }
                }
                // A question says of the own part what it is, and an answer what it has.
                let is_answer = report.content != Content::Head;
                let is_change = matches!(report.content, Content::Delta { .. });
                let taken = presence.apply(room, from, report);
                if is_change && taken == Taken::Applied {
                    presence.fall_in(room, limits, now);
                }
                self.took(&name, from, (taken, is_answer), presence, now);
            }
        }
    }

    /// Tells a node what is not as it knows it of the own parts. Where this one was asked, the
    /// other waits for an answer in any case.
    fn answer(
        &mut self,
        from: NodeId,
        known: Vec<Known>,
        is_asked: bool,
        presence: &Presence,
        now: Time,
    ) {
        let mut heads = Vec::new();
        for (name, node, n) in known {
            let head = self.head(&name, presence);
            match presence.find(&name) {
                _ if node != self.me => {}
                _ if is_asked && head.n == n => heads.push((name, head)),
                None if is_asked => heads.push((name, head)),
                None if head.n != n => self.say_head(&name, presence),
                // What was told just now may be on its way to those who know less.
                Some(_) if head.n != n && (is_asked || self.is_quiet(&name, now)) => {
                    self.wanted.insert(name);
                }
                _ => {}
            }
        }
        if !heads.is_empty() {
            self.say_to(from, heads, Vec::new());
        }
    }

    /// Whether nothing was told of the own part of a room in the last seconds.
    fn is_quiet(&self, name: &Name, now: Time) -> bool {
        let told_at = self.follows.get(name).map_or(Time::ZERO, |follow| follow.told_at);
        told_at.after_ms(QUIET_MS) <= now
    }

    /// A node has said something. One that was taken for gone knows nothing of that, so it is asked
    /// for all that it has.
    fn heard(&mut self, from: NodeId, now: Time) {
        if self.peers.heard(from, now) {
            for name in self.follows.keys().cloned().collect::<Vec<_>>() {
                self.miss(&name, from, NOTHING, now);
            }
        }
    }

    /// A node has said something of its part, from which this came.
    fn took(
        &mut self,
        name: &Name,
        from: NodeId,
        (taken, is_answer): (Taken, bool),
        presence: &mut Presence,
        now: Time,
    ) {
        let Some(follow) = self.follows.get_mut(name) else { return };
        match taken {
            Taken::Known | Taken::Applied => {
                follow.answered(from, is_answer);
                return self.finish_loading(name, presence);
            }
            Taken::Hole => self.numbers.holes += 1,
            Taken::Differs => self.numbers.differences += 1,
        }
        if !is_answer {
            // It says so when it is back, and may not have heard what it was asked until then.
            follow.forget_asked(from, now.after_ms(ASK_AGAIN_MS - IN_FLIGHT_MS));
        }
        // Whatever is known of it is not what it is.
        self.miss(name, from, NOTHING, now);
    }

    /// A node is to be asked for its part of a room, of which change `n` is known, unless it was
    /// just now.
    fn miss(&mut self, name: &Name, node: NodeId, n: u64, now: Time) {
        let again = now.after_ms(ASK_AGAIN_MS);
        if let Some(follow) = self.follows.get_mut(name)
            && follow.ask(node, again)
        {
            self.timers.insert((again, name.clone()));
            self.missing.entry(node).or_default().push((name.clone(), node, n));
        }
    }

    /// The time has come at which something of a room was to be there.
    fn look_at(&mut self, name: &Name, presence: &mut Presence, now: Time) {
        let Some(follow) = self.follows.get_mut(name) else { return };
        let has_waited = follow.has_waited(now);
        let late = follow.take_late(now, now.after_ms(ASK_AGAIN_MS), |node| self.peers.has(node));
        if has_waited {
            self.give_up_loading(name, presence);
        }
        for node in late {
            self.timers.insert((now.after_ms(ASK_AGAIN_MS), name.clone()));
            self.missing.entry(node).or_default().push((name.clone(), node, NOTHING));
        }
    }

    /// Has the followers of a room told, if all have said what they have in it.
    fn finish_loading(&mut self, name: &Name, presence: &mut Presence) {
        if self.follows.get(name).is_some_and(Follow::is_loaded) {
            self.give_up_loading(name, presence);
        }
    }

    /// Has the followers of a room told, whoever has yet to say something.
    pub(super) fn give_up_loading(&mut self, name: &Name, presence: &mut Presence) {
        if let Some(follow) = self.follows.get_mut(name) {
            follow.loading = None;
        }
        if let Some(room) = presence.find(name) {
            presence.loaded(room);
        }
    }
}
