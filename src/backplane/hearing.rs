//! What other nodes say, and what becomes of rooms by that.

use crate::config::Limits;
use crate::presence::{Content, Name, NodeId, Presence, Report, Taken};
use crate::time::Time;

use super::Backplane;
use super::fetch::NOTHING;
use super::follow::Follow;
use super::link::Inbound;
use super::message::{Known, Message, Wanted};
use super::peers::Peers;
use super::telling::{BACK_MS, LOAD_MS, LOAD_MS_MAX};

/// What was told so long ago is known to those who hear anything at all, in ms.
const QUIET_MS: u64 = 2_000;

impl Backplane {
    /// Brings what other nodes have said into rooms.
    pub fn hear(&mut self, presence: &mut Presence, limits: &Limits, now: Time) {
        self.link.now = now;
        while let Some(inbound) = self.link.inbound.pop_front() {
            match inbound {
                Inbound::Up => self.up(presence, now),
                Inbound::Unheard(node, number) => {
                    if let Some(fetch) = self.fetches.get_mut(&node) {
                        fetch.unheard(number);
                    }
                }
                Inbound::Asked(room, receivers) => {
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
        let can_hear = self.can_hear();
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
            let Some(since) = self.follows.get(&name).and_then(Follow::waits_since) else {
                continue;
            };
            // What is known to be missing may be on its way.
            let is_missing = self.fetches.values().any(|fetch| fetch.wants(&name));
            let until = since.after_ms(if is_missing { LOAD_MS_MAX } else { LOAD_MS });
            match until > now {
                true => drop(self.timers.insert((until, name))),
                false => self.give_up_loading(&name, presence),
            }
        }
        self.fetches.values_mut().for_each(|fetch| fetch.give_up_late(now));
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
            self.ask_all(&name, presence, now);
            let Some(room) = presence.find(&name) else { continue };
            if is_back {
                presence.commit_from(room, now.after_ms(LOAD_MS));
            }
            // Whoever has ceased to have a part of it is not there to answer.
            for (node, head) in presence.heads(room) {
                if head.count > 0 {
                    self.want(&name, node, head.n);
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
                let is_answer = channel == self.inbox(self.me);
                for (name, head) in heads {
                    let report = Report { head, content: Content::Head };
                    self.take(&name, from, (report, is_answer), presence);
                }
                self.compare(from, known, presence, now);
            }
            Message::Bye { from } => {
                self.peers.forget(from);
                presence.lose_node(from, limits);
            }
            Message::Ask { from, number, wanted } => {
                self.heard(from, now);
                self.take_question(from, (number, wanted), presence, limits);
            }
            Message::Answer { from, number, parts } => {
                self.heard(from, now);
                let last = parts.last().map(|(name, _)| name.clone());
                let mut differs = false;
                for (name, report) in parts {
                    let taken = self.take(&name, from, (report, true), presence);
                    differs |= taken == Some(Taken::Differs);
                }
                // What can't be is not asked for all the time, but when the question is late.
                if let Some(fetch) = self.fetches.get_mut(&from).filter(|_| !differs) {
                    fetch.answered(number, last);
                }
            }
            Message::Room { from, report, known } => {
                self.heard(from, now);
                let name = channel.strip_prefix(&*self.rooms).map(Name::from);
                let room = name.and_then(|name| Some((presence.find(&name)?, name)));
                let Some((room, name)) = room else { return };
                if let Some(known) = known {
                    let mine = known.iter().find(|(_, node, _)| *node == self.me);
                    if mine.is_none_or(|(_, _, n)| *n != presence.own_head(room).n) {
                        self.owe(from, name.clone());
                    }
                }
                let is_change = matches!(report.content, Content::Delta { .. });
                let taken = self.take(&name, from, (report, false), presence);
                if is_change && taken == Some(Taken::Applied) {
                    presence.fall_in(room, limits, now);
                }
            }
        }
    }

    /// A node asks for parts, and is told all that is so by now.
    fn take_question(
        &mut self,
        from: NodeId,
        (number, wanted): (u64, Vec<Wanted>),
        presence: &mut Presence,
        limits: &Limits,
    ) {
        for (name, n, _) in &wanted {
            if let Some(room) = presence.find(name)
                && presence.own_head(room).n != *n
            {
                presence.report_at_once(room, limits);
            }
        }
        self.questions.insert(from, (number, wanted));
    }

    /// A node is to be told what its own part of a room is.
    fn owe(&mut self, node: NodeId, name: Name) {
        self.owed.entry(node).or_default().insert(name);
    }

    /// Tells a node what is not as it knows it of the own parts.
    fn compare(&mut self, from: NodeId, known: Vec<Known>, presence: &Presence, now: Time) {
        for (name, node, n) in known {
            if node != self.me || self.head(&name, presence).n == n {
                continue;
            }
            // What was told just now may be on its way to those who know less.
            if presence.find(&name).is_none() || self.is_quiet(&name, now) {
                self.owe(from, name);
            }
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
                self.want(&name, from, NOTHING);
            }
        }
        if let Some(fetch) = self.fetches.get_mut(&from) {
            fetch.is_there();
        }
    }

    /// A node has said something of its part of a room, as an answer or not.
    fn take(
        &mut self,
        name: &Name,
        from: NodeId,
        (report, is_answer): (Report, bool),
        presence: &mut Presence,
    ) -> Option<Taken> {
        let room = presence.find(name)?;
        let follow = self.follows.get_mut(name)?;
        let taken = presence.apply(room, from, report);
        match taken {
            Taken::Known | Taken::Applied => {
                if let Some(fetch) = self.fetches.get_mut(&from) {
                    fetch.got(name);
                }
                if is_answer {
                    follow.answered(from);
                }
                self.finish_loading(name, presence);
                return Some(taken);
            }
            Taken::Copying => {}
            // Of a new room nothing is missing that was known before.
            Taken::Hole => self.numbers.holes += u64::from(follow.loading.is_none()),
            Taken::Differs => self.numbers.differences += 1,
        }
        // Whatever is known of it is not what it is.
        self.want(name, from, NOTHING);
        Some(taken)
    }

    /// A node is to be asked for its part of a room, of which change `n` is known.
    fn want(&mut self, name: &Name, node: NodeId, n: u64) {
        self.fetches.entry(node).or_default().want(name, n);
    }

    /// Has the followers of a room told, if all have said what they have in it. If others have yet
    /// to answer, it is looked at again: it may have waited for this alone.
    fn finish_loading(&mut self, name: &Name, presence: &mut Presence) {
        let Some(follow) = self.follows.get(name) else { return };
        if follow.is_loaded() {
            self.give_up_loading(name, presence);
        } else if follow.loading.is_some() {
            self.timers.insert((Time::ZERO, name.clone()));
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
