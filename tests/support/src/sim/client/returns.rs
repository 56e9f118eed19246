//! How a client that keeps an id comes, goes and comes back.

use std::rc::Rc;

use super::super::nature::Nature;
use super::super::requests::{
    Act, Has, Hello, IMPOSSIBLE, Named, Naming, ROOMS, Request, Update, View,
};
use super::super::rosters::digest_of;
use super::super::script::{Kind, Step, Way};
use super::super::tabs::{ANSWER_US, Asked, Comer, LATE_US, Left, MS_US, Parting, Said, Terms};
use crate::wire;

use super::{Client, Reading};

impl Client {
    /// Whether it goes on though it waits for an answer: it is about to go.
    pub(super) fn is_impatient(&self) -> bool {
        (self.greets || self.tab.is_some())
            && self.script.len() <= 2
            && matches!(self.script.back(), Some(Step::Leave(..)))
            && matches!(self.script.front(), Some(Step::Wait(_) | Step::Leave(..)))
    }

    /// Whether it is known who it is in its rooms, and that it is there or held.
    pub fn is_known(&self, now_us: u64, terms: &Terms) -> bool {
        let is_there = match self.parting {
            Some(parting) => terms.is_roomy && now_us + MS_US < parting.at_us + parting.hold_us,
            None => self.is_live(),
        };
        is_there && self.is_untroubled() && self.ledger.is_named()
    }

    /// Whether its connection has ended, as far as it knows.
    pub fn has_parted(&self) -> bool {
        self.parting.is_some()
    }

    /// Whether it may have been in a room under this name since some time.
    pub fn may_be(&self, room: &'static str, name: &str, since_us: u64, nature: &Nature) -> bool {
        if !self.ledger.asked.contains(&(room, Some(name.to_owned()))) {
            return false;
        }
        let is_certain = self.is_untroubled() && self.ledger.is_named();
        if let Some(closed_us) = self.closed_us() {
            let is_logout = is_certain && self.parting.is_some_and(|parting| parting.is_logout);
            let hold_us = if is_logout { 0 } else { nature.tabs.terms.hold_us_max() };
            let tab = self.tab.map(|tab| &nature.tabs.all[tab]);
            let closed_us =
                tab.map_or(Some(closed_us), |tab| tab.closed_us(self.number, closed_us));
            return closed_us.is_none_or(|closed_us| {
                since_us < closed_us.max(nature.tabs.terms.away_until_us) + hold_us
            });
        }
        let member = self.ledger.seats.all.get(room).and_then(|seat| seat.member.as_ref());
        let is_it = member.is_some_and(|member| member.name == name);
        is_it || !is_certain || since_us < self.ledger.named_us
    }

    /// Its connection ends: whoever is in rooms by it is held so long, at least.
    pub(super) fn part(&mut self, hold_us: u64, is_seen: bool, now_us: u64) {
        let before = self.parting.map_or((now_us, hold_us), |one| (one.at_us, one.hold_us));
        let (at_us, hold_us) = (before.0, hold_us.min(before.1));
        self.parting = Some(Parting { at_us, hold_us, is_seen, is_logout: false });
    }

    /// Notes what its tab has by it.
    pub fn leave_word(&self, nature: &mut Nature) {
        let Some(tab) = self.tab else { return };
        let Some(said) = nature.tabs.all[tab].connections.get_mut(&self.number) else { return };
        let mut left = self.ledger.left(self.parting);
        left.is_sure &= self.is_untroubled() && !nature.is_stopping;
        left.is_sure &= self.parting.is_some() || self.is_live();
        said.left = left;
        said.closed_us = self.closed_us();
        let is_prompt = self.is_prompt() && !self.is_moving();
        if is_prompt && !said.is_prompt {
            said.prompt_from_us = nature.clock_us;
        }
        said.is_prompt = is_prompt;
        said.over_us = match self.polls() {
            true => self.closed_us(),
            false => self.parting.map(|parting| parting.at_us),
        };
    }

    pub(super) fn come_and_go(&mut self, step: &Step, nature: &mut Nature) {
        match *step {
            Step::Hello { is_eager } => self.greet(is_eager, nature),
            Step::Torn(bytes) => {
                let hello = Hello { id: None, view: None, rooms: Vec::new() };
                let hello = Request::new(Act::Hello(hello), None).message(None, false);
                let frame = wire::text(&hello);
                let length = frame.len().saturating_sub(1).min(bytes as usize);
                self.outgoing.extend(&frame[..length]);
            }
            Step::EnterAgain(room) => self.enter_again(room, nature),
            Step::Double(ms) => self.send_for(ms, nature),
            Step::Leave(way, ms) => {
                self.send_for(ms, nature);
                self.leave(way, nature);
            }
            _ => unreachable!("it is about coming and going"),
        }
    }

    /// Goes. Who has no WebSocket to close just goes.
    fn leave(&mut self, way: Way, nature: &mut Nature) {
        self.script.clear();
        match way {
            Way::Close(code) if self.is_open && !self.has_sent_close && !self.polls() => {
                self.has_sent_close = true;
                self.outgoing.extend(wire::close(code));
                let is_logout = code == 4000;
                let hold_us = if is_logout { 0 } else { nature.tabs.terms.hold_closed_us };
                self.part(hold_us, true, nature.clock_us);
                self.parting = self.parting.map(|parting| Parting { is_logout, ..parting });
            }
            Way::Close(_) | Way::Fin => self.change(&Step::Fin, nature),
            Way::Reset => self.change(&Step::Reset, nature),
            Way::Vanish => self.change(&Step::Vanish, nature),
        }
    }

    /// The same tab comes on another connection.
    fn send_for(&mut self, ms: u32, nature: &mut Nature) {
        let Some(tab) = self.tab else { return };
        if nature.tabs.comers_left > 0 {
            nature.tabs.comers_left -= 1;
            let at_us = nature.clock_us + 1000 * u64::from(ms);
            // The same id by the other protocol.
            let kind = match (nature.choices.chance(8), self.kind) {
                (false, kind) => kind,
                (true, Kind::SocketIo) => Kind::Native { deflates: false },
                (true, _) => Kind::SocketIo,
            };
            nature.tabs.comers.push(Comer { tab, at_us, kind, home: self.home });
        }
    }

    fn greet(&mut self, is_eager: bool, nature: &mut Nature) {
        let (mut left, mut id) = (Left::default(), None);
        if let Some(number) = self.tab {
            nature.tabs.said += 1;
            let order = nature.tabs.said;
            let tab = &mut nature.tabs.all[number];
            id = Some(tab.id.clone());
            left = tab.left(self.number).0;
            let at_us = nature.clock_us;
            let said = Said { order, at_us, is_native: true, is_prompt: true, ..Said::default() };
            tab.connections.insert(self.number, said);
        }
        self.ledger.asked.extend(left.asked.iter().cloned());
        let rooms = self.rooms_again(&left, nature);
        let view = nature.choices.pick(&[None, None, Some(View::Changes), Some(View::Count)]);
        let hello = Act::Hello(Hello { id, view, rooms });
        self.ask(&Request::new(hello, Some(self.home)), nature);
        if is_eager {
            let said = format!("eager {}", self.number);
            let naming = Naming { canonical: Ok(said.clone()), said };
            self.ask(&Request::new(Act::Login(naming, Update::default()), None), nature);
        }
        // Behind the answer to this it is known into which rooms it is let.
        self.ask(&Request::new(Act::Ping, None), nature);
    }

    /// The rooms that it names in its `hello`: all in which somebody may be held for it, if these
    /// are not too many.
    fn rooms_again(&mut self, left: &Left, nature: &mut Nature) -> Vec<(usize, Has)> {
        let mut rooms: Vec<(usize, Has)> = Vec::new();
        for (room, (_, told)) in ROOMS.iter().enumerate().take(nature.rooms) {
            let is_known = left.asked.iter().any(|(asked, _)| Some(*asked) == *told);
            if is_known || nature.choices.chance(4) {
                rooms.push((room, copy(room, left, nature)));
            }
        }
        if nature.choices.chance(12) {
            rooms.push((IMPOSSIBLE, None));
        }
        // With more it would be refused whole. That of its URL is one more.
        rooms.truncate(self.ledger.bounds.rooms_max);
        rooms
    }

    fn enter_again(&mut self, room: usize, nature: &mut Nature) {
        // It has one copy, and names that once.
        if ROOMS[room].1.is_none_or(|room| self.ledger.waits_in(room)) {
            return;
        }
        let left = self.ledger.left(None);
        let view = nature.choices.pick(&[None, None, Some(View::Changes), Some(View::Count)]);
        let at = Some(copy(room, &left, nature));
        self.ask(&Request { at, ..Request::new(Act::Enter(view), Some(room)) }, nature);
    }

    pub(super) fn hear_welcome(
        &mut self,
        id: Option<&str>,
        resumed: &[String],
        nature: &mut Nature,
    ) {
        let now_us = nature.clock_us;
        let tab = self.tab.map(|tab| &nature.tabs.all[tab]);
        assert_eq!(id, tab.map(|tab| &*tab.id), "it is not who it is");
        let (left, before) = tab.map(|tab| tab.left(self.number)).unwrap_or_default();
        let away_until_us = nature.tabs.terms.away_until_us;
        let is_quiet = away_until_us == 0 || away_until_us + ANSWER_US < now_us;
        let is_sure = left.is_sure && (is_quiet || before.is_none()) || tab.is_none();
        let left = Left { is_sure, ..left };
        // The one that had the id until now may be any of them.
        let others = tab.into_iter().flat_map(|tab| &tab.connections);
        let others = others.filter(|(other, _)| **other != self.number);
        let prompt_from_us = prompt_from_us(others.map(|(_, said)| said));
        let from_us = self.ledger.hear_welcome(resumed, &left, now_us);
        self.check_wait(from_us, prompt_from_us.filter(|_| before.is_some()), nature);
        if let Some(tab) = self.tab {
            let number = self.number;
            let connections = &mut nature.tabs.all[tab].connections;
            connections.retain(|other, said| {
                said.is_welcome |= *other == number;
                // What others said before it may still be on its way.
                let is_over = said.closed_us.is_some_and(|closed_us| closed_us < from_us);
                *other == number || !said.is_welcome && !is_over
            });
        }
    }

    /// Where it does not know as whom it is back, it is nobody from now on.
    pub(super) fn forget_who(&mut self, nature: &mut Nature) {
        for room in std::mem::take(&mut self.ledger.doubts) {
            if self.has_sent_close || self.has_ended {
                // What it may say no more nobody will know.
                self.is_harmed = true;
                return;
            }
            let number = ROOMS.iter().position(|(said, _)| *said == room);
            self.ask(&Request::new(Act::Logout, number), nature);
        }
    }

    /// Another connection has its id, and answers.
    pub(super) fn hear_in_use(&mut self, nature: &mut Nature) {
        let tab = self.tab.take().expect("it said an id");
        let is_quiet = nature.tabs.terms.away_until_us + ANSWER_US < nature.clock_us;
        let tab = &mut nature.tabs.all[tab];
        let own = tab.connections.remove(&self.number).unwrap_or_default();
        // One that waits is not read from, and so is in the way for a while though it has gone.
        let is_there = |said: &Said| {
            let waits = said.over_us.is_some() && !said.left.is_sure;
            let at_us = if waits { said.at_us + ANSWER_US } else { 0 };
            said.over_us.is_none_or(|over| at_us.max(over + LATE_US) > own.at_us)
        };
        let is_fair = tab.connections.values().any(is_there);
        let is_excused = !self.is_untroubled() || !is_quiet;
        assert!(is_fair || is_excused, "nobody else has its id: {own:?}, {tab:?}, {self:?}");
        let prompt_from_us = prompt_from_us(tab.connections.values());
        self.check_wait(own.at_us, prompt_from_us, nature);
        self.ledger.asked = Asked::new();
        if !self.has_sent_close && !self.has_ended {
            self.tab = (!nature.choices.chance(3)).then(|| nature.tabs.add());
            self.script.push_front(Step::Hello { is_eager: false });
        }
    }

    /// An answer to `hello` comes within about a second, if all others that had the id answer, and
    /// since they do.
    fn check_wait(&self, from_us: u64, prompt_from_us: Option<u64>, nature: &Nature) {
        let from_us = from_us.max(self.opened_us).max(prompt_from_us.unwrap_or(0));
        let is_quiet = nature.tabs.terms.away_until_us + ANSWER_US < from_us;
        let is_prompt = self.is_untroubled() && self.reading == Reading::Fast;
        let is_prompt = is_prompt && prompt_from_us.is_some();
        let is_late = nature.clock_us > from_us + ANSWER_US;
        let ms = nature.clock_us.saturating_sub(from_us) / 1000;
        assert!(!is_late || !is_quiet || !is_prompt, "it had to wait {ms} ms: {self:?}");
    }
}

/// Since when all of these take what they are sent, and answer, if they do.
fn prompt_from_us<'a>(mut all: impl Iterator<Item = &'a Said>) -> Option<u64> {
    all.try_fold(0, |last, said| said.is_prompt.then_some(said.prompt_from_us.max(last)))
}

/// What a client says that it has of a room: most often what it has, and sometimes something older,
/// or what is of another epoch, or from the future, or none.
fn copy(room: usize, left: &Left, nature: &mut Nature) -> Has {
    let room = ROOMS[room].1?;
    let choices = &mut nature.choices;
    let history = nature.rosters.history(room);
    let at = match choices.below(8) {
        1 => return None,
        2 => {
            let said = r#"["00000000000000aa",3,"0123456789abcdef"]"#.to_owned();
            return Some(Rc::new(Named { said, of: None }));
        }
        3 | 4 if !history.is_empty() => {
            let back = choices.below(history.len().min(20) as u32) as usize;
            history[history.len() - 1 - back].clone()
        }
        _ => left.copies.get(room)?.clone(),
    };
    let digest = digest_of(nature.rosters.state(&at)?);
    let (epoch, seq): (&str, u64) = match choices.below(8) {
        4 => ("00000000000000aa", at.1),
        5 => (&at.0, at.1 + 1),
        6 => (&at.0, u64::MAX),
        7 => (&at.0, at.1.saturating_sub(1)),
        _ => (&at.0, at.1),
    };
    Some(Rc::new(Named { said: format!("[\"{epoch}\",{seq},\"{digest}\"]"), of: Some(at) }))
}
