//! How a client that keeps an id comes, goes and comes back.

use std::rc::Rc;

use super::super::nature::Nature;
use super::super::requests::{
    Act, Has, Hello, IMPOSSIBLE, Named, Naming, ROOMS, Request, Update, View,
};
use super::super::rosters::digest_of;
use super::super::script::{Step, Way};
use super::super::tabs::{Asked, Comer, Left, Parting, Said, Tabs};
use crate::wire;

use super::{Client, Reading};

/// A connection that is in the way has a second to answer, and everything takes its time.
const ANSWER_US: u64 = 3_000_000;

/// What happens to a connection may be seen so much later, in us.
const LATE_US: u64 = 300_000;

/// The server counts in whole ms.
const MS_US: u64 = 2_000;

impl Client {
    /// Whether it goes on though it waits for an answer: it is about to go.
    pub(super) fn is_impatient(&self) -> bool {
        self.greets
            && self.script.len() <= 2
            && matches!(self.script.back(), Some(Step::Leave(..)))
            && matches!(self.script.front(), Some(Step::Wait(_) | Step::Leave(..)))
    }

    /// Whether it is known who it is in its rooms, and that it is there or held.
    pub fn is_known(&self, now_us: u64, tabs: &Tabs) -> bool {
        let is_there = match self.parting {
            Some(parting) => tabs.is_roomy && now_us + MS_US < parting.at_us + parting.hold_us,
            None => self.is_live(),
        };
        is_there && self.is_untroubled() && self.ledger.is_named()
    }

    /// Whether it may have been in a room under this name since some time.
    pub fn may_be(&self, room: &'static str, name: &str, since_us: u64, nature: &Nature) -> bool {
        if !self.ledger.asked.contains(&(room, Some(name.to_owned()))) {
            return false;
        }
        let is_certain = self.is_untroubled() && self.ledger.is_named();
        if let Some(closed_us) = self.link.closed_us {
            let is_logout = is_certain && self.parting.is_some_and(|parting| parting.is_logout);
            let hold_us = if is_logout { 0 } else { nature.tabs.hold_us_max() };
            return since_us < closed_us.max(nature.away_until_us) + hold_us;
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
        let mut left = self.ledger.left();
        left.is_sure &= self.is_untroubled() && !nature.is_stopping;
        left.is_sure &= self.parting.is_some() || self.is_live();
        left.parting = self.parting;
        said.left = left;
        said.is_prompt = self.is_prompt();
        said.over_us = self.parting.map(|parting| parting.at_us);
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
            Way::Close(code) if self.is_open && !self.has_sent_close => {
                self.has_sent_close = true;
                self.outgoing.extend(wire::close(code));
                let is_logout = code == 4000;
                let hold_us = if is_logout { 0 } else { nature.tabs.hold_closed_us };
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
            nature.tabs.comers.push(Comer { tab, at_us, kind: self.kind, home: self.home });
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
            let said = Said { order, at_us, is_prompt: true, ..Said::default() };
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
    }

    /// The rooms that it names in its `hello`: all in which somebody may be held for it.
    fn rooms_again(&mut self, left: &Left, nature: &mut Nature) -> Vec<(usize, Has)> {
        let bounds = &self.ledger.bounds;
        if bounds.is_tight || bounds.rooms_max < ROOMS.len() {
            return Vec::new();
        }
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
        rooms
    }

    fn enter_again(&mut self, room: usize, nature: &mut Nature) {
        // It has one copy, and names that once.
        if ROOMS[room].1.is_none_or(|room| self.ledger.waits_in(room)) {
            return;
        }
        let left = self.ledger.left();
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
        let is_quiet = nature.away_until_us == 0 || nature.away_until_us + ANSWER_US < now_us;
        let is_sure = left.is_sure && (is_quiet || before.is_none()) || tab.is_none();
        let left = Left { is_sure, ..left };
        let is_prompt = before.is_some_and(|before| before.is_prompt);
        self.ledger.asked.extend(left.asked.iter().cloned());
        let from_us = self.ledger.hear_welcome(resumed, &left, now_us);
        self.check_wait(from_us, is_prompt, nature);
        if let Some(parting) = left.parting.filter(|_| left.is_sure) {
            self.check_resumed(resumed, &left, parting, from_us, nature);
        }
        if let Some(tab) = self.tab {
            let number = self.number;
            let connections = &mut nature.tabs.all[tab].connections;
            connections.retain(|other, said| {
                said.is_welcome |= *other == number;
                // What it said before it went may still be on its way.
                let is_over = said.over_us.is_some_and(|over| over + ANSWER_US < now_us);
                *other == number || !said.is_welcome && !is_over
            });
        }
        self.forget_who(resumed, &left, nature);
    }

    /// Where it is not known who it is, it is nobody from now on.
    fn forget_who(&mut self, resumed: &[String], left: &Left, nature: &mut Nature) {
        let is_unknown = |room: &&'static str| match self.ledger.seats.all.contains_key(*room) {
            true => !left.is_sure && resumed.iter().any(|resumed| resumed == *room),
            false => left.asked.iter().any(|(asked, name)| *asked == *room && name.is_some()),
        };
        let told = ROOMS[..nature.rooms].iter().filter_map(|(_, told)| *told);
        let unknown: Vec<&str> = told.filter(|room| is_unknown(room)).collect();
        // What it may say no more nobody will know.
        self.is_harmed |= !unknown.is_empty() && (self.has_sent_close || self.has_ended);
        if self.is_harmed && (self.has_sent_close || self.has_ended) {
            return;
        }
        for room in unknown {
            let number = ROOMS.iter().position(|(said, _)| *said == room);
            if !self.ledger.seats.all.contains_key(room) {
                self.ask(&Request::new(Act::Enter(None), number), nature);
            }
            self.ask(&Request::new(Act::Logout, number), nature);
        }
    }

    /// Who is back in time is who it was, and who is not is nobody.
    fn check_resumed(
        &self,
        resumed: &[String],
        left: &Left,
        parting: Parting,
        from_us: u64,
        nature: &Nature,
    ) {
        let end_us = parting.at_us + parting.hold_us;
        assert!(resumed.is_empty() || !parting.is_logout, "who has logged out is held: {self:?}");
        let rooms = self.ledger.seats.all.keys();
        let is_held = |room: &&&str| left.members.contains_key(**room);
        let mut expected: Vec<&str> = rooms.filter(is_held).copied().collect();
        let mut found: Vec<&str> = resumed.iter().map(|room| &**room).collect();
        expected.sort_unstable();
        found.sort_unstable();
        let is_back = nature.clock_us + MS_US < end_us && nature.tabs.is_roomy;
        assert!(!is_back || expected == found, "{expected:?} and not {found:?}: {self:?}");
        let is_quiet = nature.away_until_us + LATE_US < parting.at_us;
        let is_exact = parting.is_seen && parting.hold_us == nature.tabs.hold_us_max();
        let is_late = is_exact && is_quiet && end_us + ANSWER_US < from_us;
        assert!(!is_late || found.is_empty(), "it is back too late: {self:?}");
    }

    /// Another connection has its id, and answers.
    pub(super) fn hear_in_use(&mut self, nature: &mut Nature) {
        let tab = self.tab.take().expect("it said an id");
        let is_quiet = nature.away_until_us + ANSWER_US < nature.clock_us;
        let tab = &mut nature.tabs.all[tab];
        let own = tab.connections.remove(&self.number).unwrap_or_default();
        // One that waits is not read from, and so is in the way for a while though it has gone.
        let is_there = |said: &Said| {
            let waits = said.left.parting.is_some() && !said.left.is_sure;
            let at_us = if waits { said.at_us + ANSWER_US } else { 0 };
            said.over_us.is_none_or(|over| at_us.max(over + LATE_US) > own.at_us)
        };
        let is_fair = tab.connections.values().any(is_there);
        let is_excused = !self.is_untroubled() || !is_quiet;
        assert!(is_fair || is_excused, "nobody else has its id: {own:?}, {tab:?}, {self:?}");
        let is_prompt = tab.connections.values().all(|said| said.is_prompt);
        self.check_wait(own.at_us, is_prompt, nature);
        self.ledger.asked = Asked::new();
        if !self.has_sent_close && !self.has_ended {
            self.tab = (!nature.choices.chance(3)).then(|| nature.tabs.add());
            self.script.push_front(Step::Hello { is_eager: false });
        }
    }

    /// An answer to `hello` comes within about a second.
    fn check_wait(&self, from_us: u64, is_prompt: bool, nature: &Nature) {
        let from_us = from_us.max(self.opened_us);
        let is_quiet = nature.away_until_us + ANSWER_US < from_us;
        let is_prompt = is_prompt && self.is_untroubled() && self.reading == Reading::Fast;
        let is_late = nature.clock_us > from_us + ANSWER_US;
        let ms = nature.clock_us.saturating_sub(from_us) / 1000;
        assert!(!is_late || !is_quiet || !is_prompt, "it had to wait {ms} ms: {self:?}");
    }
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
