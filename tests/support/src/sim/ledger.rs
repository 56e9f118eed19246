//! What a client has asked for, what of that was answered, and what it was told of each room.
//!
//! Answers come in the order of the requests, and before what is new in a room. So from an answer
//! on a client knows exactly what it may be told, and what not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::message::{Message, Whole};
use super::requests::{Act, Request, View};
use super::rosters::{At, Rosters};
use super::seats::{Bounds, Fate, Seats, Span};

/// What a client has asked for, and what it was told.
#[derive(Debug)]
pub struct Ledger {
    pub bounds: Bounds,
    /// Where it is after all that is known to be done.
    pub seats: Seats,
    told: BTreeMap<&'static str, Told>,
    pending: VecDeque<Pending>,
    /// The names that it asked for in each room, and the rooms that it asked for.
    pub asked: BTreeSet<(&'static str, Option<String>)>,
}

/// A request that is not known to be done.
#[derive(Debug)]
struct Pending {
    request: Request,
    /// What it is known by in the answer.
    id: Option<String>,
    from_us: u64,
    fate: Fate,
    may_fail: &'static [&'static str],
    /// The error that came before its acknowledgement.
    error: Option<String>,
}

/// What it was told of a room since it has this view of it.
#[derive(Debug, Default)]
pub struct Told {
    /// The making of the room, if that is known: it stays the same while somebody is in it.
    epoch: Option<Rc<str>>,
    pub at: Option<At>,
    pub list: Option<BTreeSet<String>>,
    /// A commit, and how many names there were.
    pub count: Option<(u64, u64)>,
    counts: Pace,
}

/// How often a count came.
#[derive(Debug, Default)]
struct Pace {
    began_us: u64,
    times: u64,
    /// When each of the last few came.
    last_us: VecDeque<u64>,
}

/// So many counts may come at once to somebody who could not be told before: what was half sent,
/// what was new then, and what is new now. The first of all is one more.
const COUNTS_AT_ONCE: usize = 4;

impl Ledger {
    pub fn new(bounds: Bounds) -> Ledger {
        Ledger {
            bounds,
            seats: Seats::default(),
            told: BTreeMap::new(),
            pending: VecDeque::new(),
            asked: BTreeSet::new(),
        }
    }

    /// Where it will be when all is done that it has asked for.
    pub fn ahead(&self) -> Seats {
        let mut seats = self.seats.clone();
        for pending in self.pending.iter().filter(|pending| pending.fate.is_ok()) {
            seats.apply(&pending.request, Span { from_us: 0, until_us: u64::MAX });
        }
        seats
    }

    /// Whether it has a name in some room, or has asked for one.
    pub fn is_present(&self) -> bool {
        let asks = |pending: &Pending| matches!(pending.request.act, Act::Login(..));
        self.seats.all.values().any(|seat| seat.member.is_some()) || self.pending.iter().any(asks)
    }

    /// Whether it has asked for something that others may have taken from it.
    pub fn is_in_doubt(&self) -> bool {
        self.pending.iter().any(|pending| !pending.may_fail.is_empty() && pending.fate.is_ok())
    }

    /// Whether all that must be answered is.
    pub fn is_answered(&self) -> bool {
        self.pending.iter().all(Pending::is_silent)
    }

    /// It asks for something, to be known by this in the answer.
    pub fn ask(&mut self, request: Request, id: Option<String>, now_us: u64) {
        let ahead = self.ahead();
        let fate = ahead.fate(&request, &self.bounds);
        let may_fail = ahead.may_fail(&request, &self.bounds);
        let mut then = ahead;
        then.apply(&request, Span { from_us: 0, until_us: u64::MAX });
        for (room, seat) in &then.all {
            let name = seat.member.as_ref().map(|member| member.name.clone());
            self.asked.insert((*room, name));
        }
        self.pending.push_back(Pending {
            request,
            id,
            from_us: now_us,
            fate,
            may_fail,
            error: None,
        });
    }

    fn done(&mut self, pending: &Pending, now_us: u64) {
        let set = Span { from_us: pending.from_us, until_us: now_us };
        if let Some(room) = self.seats.apply(&pending.request, set) {
            let before = self.told.remove(room);
            if self.seats.all.contains_key(room) {
                let epoch = before.and_then(|told| told.epoch);
                let counts = Pace { began_us: pending.from_us, ..Pace::default() };
                self.told.insert(room, Told { epoch, counts, ..Told::default() });
            }
        }
    }

    /// All that it asked for and that is not answered must be done by now.
    pub fn settle(&mut self, now_us: u64) {
        while let Some(pending) = self.pending.pop_front() {
            assert!(pending.is_silent(), "{:?} was not answered", pending.request);
            self.done(&pending, now_us);
        }
    }

    /// The first request that an answer can be for, by `is_it`. Those before it are done.
    fn answered(&mut self, now_us: u64, is_it: impl Fn(&Pending) -> bool) -> Pending {
        loop {
            let first = self.pending.pop_front().expect("an answer to nothing");
            if is_it(&first) {
                return first;
            }
            assert!(first.is_silent(), "{:?} was not answered", first.request);
            self.done(&first, now_us);
        }
    }

    /// The request of this id, or the connection, was accepted. Said are the name that it has, and
    /// the room that was entered.
    pub fn hear_ok(
        &mut self,
        id: &str,
        (name, room): (Option<&String>, Option<&str>),
        now_us: u64,
    ) {
        let pending = self.answered(now_us, |pending| pending.id.as_deref() == Some(id));
        let fate = pending.fate.as_ref();
        let expected = fate.unwrap_or_else(|codes| panic!("{:?}: not {codes:?}", pending.request));
        assert_eq!(expected.as_ref(), name, "the name of {:?}", pending.request);
        let entered = match pending.request.act {
            Act::Enter(_) if !self.bounds.is_socket_io => pending.request.room_told(),
            _ => None,
        };
        assert_eq!(room, entered, "the room of {:?}", pending.request);
        assert_eq!(pending.error, None, "an error and an acknowledgement");
        self.done(&pending, now_us);
    }

    /// A request was refused. Where it has an acknowledgement, that comes after this.
    pub fn hear_error(&mut self, code: &str, id: Option<&str>, room: Option<&str>, now_us: u64) {
        let mut pending = match id {
            Some(id) => self.answered(now_us, |pending| pending.id.as_deref() == Some(id)),
            None => self.answered(now_us, |pending| {
                !pending.is_silent() && (pending.id.is_none() || pending.is_acknowledged())
            }),
        };
        pending.check_code(code);
        // Of what could not be understood the room may be unknown.
        let is_of_it = room.is_none() || room == pending.request.room_said();
        assert!(is_of_it, "{room:?}: the room of {:?}", pending.request);
        if pending.is_acknowledged() && id.is_none() {
            assert_eq!(pending.error.replace(code.to_owned()), None);
            self.pending.push_front(pending);
        }
    }

    /// A request was acknowledged: with an error, which came before, or without.
    pub fn hear_ack(&mut self, id: &str, code: Option<&str>, now_us: u64) {
        let Some(code) = code else {
            let pending = self.answered(now_us, |pending| pending.id.as_deref() == Some(id));
            let is_fair = pending.fate.is_ok() && pending.error.is_none();
            assert!(is_fair, "{:?} was done", pending.request);
            return self.done(&pending, now_us);
        };
        let pending = self.answered(now_us, |pending| pending.id.as_deref() == Some(id));
        pending.check_code(code);
        assert_eq!(pending.error.as_deref(), Some(code), "the error comes first");
    }

    /// A namespace was refused.
    pub fn hear_refusal(&mut self, id: &str, now_us: u64) {
        let pending = self.answered(now_us, |pending| pending.id.as_deref() == Some(id));
        let is_fair = pending.fate.is_err() || !pending.may_fail.is_empty();
        assert!(is_fair, "{:?} was refused", pending.request);
    }

    /// What it hears of rooms, and answers. `is_prompt`: it takes everything at once.
    pub fn hear(
        &mut self,
        message: &Rc<Message>,
        rosters: &mut Rosters,
        now_us: u64,
        is_prompt: bool,
    ) {
        let interval_us = self.bounds.count_interval_us;
        match &**message {
            Message::Ok { id, name, room } => {
                self.hear_ok(id, (name.as_ref(), room.as_deref()), now_us);
            }
            Message::Error { code, id, room } => {
                self.hear_error(code, id.as_deref(), room.as_deref(), now_us);
            }
            Message::Pong { told, name } => self.hear_pong(told.as_ref(), name.as_ref(), now_us),
            Message::Roster(whole) => {
                let told = self.told(&whole.room, View::Changes);
                told.hear_whole(whole, rosters);
            }
            Message::Presence(whole) => {
                let told = self.told(&whole.room, View::Presence);
                let is_new = told.at.as_ref().is_none_or(|(_, seq)| *seq < whole.seq);
                assert!(is_new, "{:?} is told commit {} twice", whole.room, whole.seq);
                told.hear_whole(whole, rosters);
            }
            Message::Change(change) => {
                let told = self.told(&change.room, View::Changes);
                let at = told.at.as_ref().expect("a roster comes before changes");
                told.at = Some(rosters.hear_change(message, at));
            }
            Message::Count { room, seq, count } => {
                let told = self.told(room, View::Count);
                told.hear_count(*seq, *count, rosters);
                told.counts.note(now_us, interval_us, is_prompt);
            }
            Message::List(_) | Message::Other => panic!("{message:?} is no event of ours"),
        }
    }

    /// In Socket.IO a list does not say of which room it is.
    pub fn hear_list(&mut self, room: &str, names: &BTreeSet<String>) {
        self.told(room, View::Names).list = Some(names.clone());
    }

    fn hear_pong(&mut self, told: Option<&(String, u64)>, name: Option<&String>, now_us: u64) {
        let pending = self.answered(now_us, |pending| pending.request.act == Act::Ping);
        self.done(&pending, now_us);
        let Some((room, seq)) = told else {
            let has_changes = self.seats.all.values().any(|seat| seat.view == View::Changes);
            assert!(!has_changes, "a pong that says nothing");
            return assert_eq!(name, None, "a name in no room");
        };
        let seat = self.seats.all.get(&**room).expect("a pong of a room that it is in");
        assert_eq!(seat.view, View::Changes, "a pong of {room:?}, whose changes it is not told");
        assert_eq!(name, seat.member.as_ref().map(|member| &member.name), "whose name is that?");
        let last = self.told.get(&**room).and_then(|told| told.at.as_ref());
        assert_eq!(*seq, last.map_or(0, |(_, seq)| *seq), "a pong of another commit");
    }

    /// What it was told of a room, of which it may be told more in this view.
    fn told(&mut self, room: &str, view: View) -> &mut Told {
        let found = self.seats.all.get(room).map(|seat| seat.view);
        assert!(found == Some(view), "told {view:?} of {room:?}, and not {found:?}: {self:?}");
        self.told.get_mut(room).expect("a room that it is in")
    }

    /// What it was told of a room.
    pub fn told_of(&self, room: &str) -> Option<&Told> {
        self.told.get(room)
    }
}

impl Pending {
    /// Whether there is no answer to it.
    fn is_silent(&self) -> bool {
        self.id.is_none() && self.fate.is_ok() && self.request.act != Act::Ping
    }

    /// Whether it is a request of Socket.IO with an acknowledgement.
    fn is_acknowledged(&self) -> bool {
        self.id.as_ref().is_some_and(|id| id.starts_with('/'))
    }

    fn check_code(&self, code: &str) {
        let is_expected = match &self.fate {
            Err(codes) => codes.contains(&code),
            Ok(_) => false,
        };
        let is_fair = is_expected || self.may_fail.contains(&code);
        assert!(is_fair, "{:?} got {code}, not {:?}", self.request, self.fate);
    }
}

impl Told {
    fn hear_whole(&mut self, whole: &Whole, rosters: &mut Rosters) {
        let epoch = self.epoch.get_or_insert_with(|| whole.epoch.clone());
        assert_eq!(*epoch, whole.epoch, "{:?} was made again with somebody in it", whole.room);
        self.at = Some(rosters.hear_whole(whole, self.at.as_ref()));
    }

    fn hear_count(&mut self, seq: u64, count: u64, rosters: &Rosters) {
        let at = self.epoch.clone().map(|epoch| (epoch, seq));
        if let Some(state) = at.and_then(|at| rosters.state(&at)) {
            assert_eq!(state.len() as u64, count, "the count of commit {seq}");
        }
        if let Some((last, before)) = self.count {
            assert!(seq > last, "the count of commit {seq} after that of {last}");
            // It went away and came back in between.
            assert!(count != before || seq > last + 1, "the same count once more");
        }
        self.count = Some((seq, count));
    }
}

impl Pace {
    fn note(&mut self, now_us: u64, interval_us: u64, is_prompt: bool) {
        self.times += 1;
        let passed = (now_us - self.began_us + 5_000) / interval_us;
        assert!(self.times <= passed + 2, "{} counts", self.times);
        self.last_us.push_back(now_us);
        if self.last_us.len() > COUNTS_AT_ONCE {
            let first_us = self.last_us.pop_front().unwrap_or(now_us);
            let is_fair = now_us - first_us + 5_000 >= interval_us;
            assert!(is_fair || !is_prompt, "{COUNTS_AT_ONCE} counts and one more at once");
        }
    }
}
