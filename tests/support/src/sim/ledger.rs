//! What a client has asked for, what of that was answered, and what it was told of each room.
//!
//! Answers come in the order of the requests, and before what is new in a room. So from an answer
//! on a client knows exactly what it may be told, and what not.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::arrivals::Arrivals;
use super::message::{Change, Message};
use super::pending::{Pending, is_naming};
use super::requests::{Act, ROOMS, Request, View};
use super::rosters::Rosters;
use super::seats::{Bounds, Member, Seat, Seats, Span};
use super::tabs::{Asked, Held, Left, Outcome, Parting, Terms};
use super::told::{self, Pace, Told};

/// What a client has asked for, and what it was told.
#[derive(Debug)]
pub struct Ledger {
    pub bounds: Bounds,
    /// Where it is after all that is known to be done.
    pub seats: Seats,
    told: BTreeMap<&'static str, Told>,
    pending: VecDeque<Pending>,
    /// The names that it asked for in each room, and the rooms that it asked for.
    pub asked: Asked,
    /// How often it asked for something that is another name, or none, and when the last such was
    /// done.
    pub namings: u64,
    pub named_us: u64,
    /// The rooms of its `hello`, until it is known into which of them it is let.
    arrivals: Option<Arrivals>,
    /// Those whom its tab has in rooms in which it is nobody yet.
    held: BTreeMap<&'static str, Held>,
    /// Rooms in which it does not know as whom it is back.
    pub doubts: Vec<&'static str>,
    pub terms: Terms,
}

impl Ledger {
    pub fn new(bounds: Bounds) -> Ledger {
        Ledger {
            bounds,
            seats: Seats::default(),
            told: BTreeMap::new(),
            pending: VecDeque::new(),
            asked: Asked::new(),
            namings: 0,
            named_us: 0,
            arrivals: None,
            held: BTreeMap::new(),
            doubts: Vec::new(),
            terms: Terms::default(),
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
        let is_open = |pending: &Pending| !pending.may_fail.is_empty() && pending.fate.is_ok();
        let is_in_doubt =
            |pending: &Pending| is_open(pending) || pending.is_hello() || pending.is_return;
        self.arrivals.is_some() || self.pending.iter().any(is_in_doubt)
    }

    /// Whether it has named a copy of a room, and was told nothing yet.
    pub fn waits_in(&self, room: &str) -> bool {
        let is_asked = |pending: &Pending| {
            pending.request.at.is_some() && pending.request.room_told() == Some(room)
        };
        let is_asked = self.pending.iter().any(is_asked);
        is_asked || self.told.get(room).is_some_and(Told::waits)
    }

    /// Whether it is known which names it has.
    pub fn is_named(&self) -> bool {
        let is_settled = self.arrivals.is_none() && self.doubts.is_empty();
        is_settled && !self.pending.iter().any(|pending| is_naming(&pending.request))
    }

    /// Whether somebody else can be the reason that a request is refused.
    pub fn may_fail(&self, request: &Request) -> &'static [&'static str] {
        match self.pending.iter().any(Pending::is_hello) {
            true if self.bounds.is_tight => &["hello_missing", "room_full"],
            true => &["hello_missing"],
            false => self.ahead().may_fail(request, &self.bounds),
        }
    }

    /// What is left of it when the connection ends, or has ended like this.
    pub fn left(&self, parting: Option<Parting>) -> Left {
        let mut members = self.held.clone();
        for (room, seat) in &self.seats.all {
            if seat.member.is_some() {
                members.insert(room, Held { member: seat.member.clone(), parting });
            }
        }
        Left {
            is_sure: self.pending.is_empty() && self.arrivals.is_none(),
            members,
            asked: self.asked.clone(),
            copies: self
                .told
                .iter()
                .filter_map(|(room, told)| Some((*room, told.at.clone()?)))
                .collect(),
        }
    }

    /// Its tab has nobody but these in rooms.
    pub fn succeed(&mut self, left: &Left) {
        self.asked.extend(left.asked.iter().cloned());
        self.held = left.held();
    }

    /// In which rooms its tab may have somebody it is not known.
    pub fn doubt(&mut self, left: &Left) {
        self.asked.extend(left.asked.iter().cloned());
        let named = left.asked.iter().filter(|(_, name)| name.is_some());
        self.held.extend(named.map(|(room, _)| (*room, Held::default())));
    }

    /// Whether it may be somebody by this request who was held.
    pub fn is_return(&self, request: &Request) -> bool {
        let is_it = match request.act {
            Act::Login(..) => true,
            Act::Enter(_) => !self.bounds.is_socket_io,
            _ => false,
        };
        is_it && self.ahead().room(request).is_ok_and(|room| self.held.contains_key(room))
    }

    /// Whether all that must be answered is.
    pub fn is_answered(&self) -> bool {
        self.pending.iter().all(Pending::is_silent)
    }

    /// It asks for something, to be known by this in the answer.
    pub fn ask(&mut self, request: Request, id: Option<String>, now_us: u64) {
        let ahead = self.ahead();
        let fate = ahead.fate(&request, &self.bounds);
        let may_fail = self.may_fail(&request);
        let is_return = self.is_return(&request);
        self.namings += u64::from(is_naming(&request));
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
            is_return,
            error: None,
            resumed: None,
        });
    }

    fn done(&mut self, pending: &Pending, now_us: u64) {
        let set = Span { from_us: pending.from_us, until_us: now_us };
        if is_naming(&pending.request) {
            self.named_us = now_us;
        }
        let back = self.come_back(pending, now_us);
        if let (Some((room, Some(member))), Act::Login(..)) = (&back, &pending.request.act) {
            self.seats.all.get_mut(room).expect("it is in that room").member = Some(member.clone());
        }
        let entered = self.seats.apply(&pending.request, set);
        if let (Some((room, Some(member))), Act::Enter(_)) = (back, &pending.request.act) {
            self.seats.all.get_mut(room).expect("it is in that room").member = Some(member);
        }
        if let Some(room) = entered {
            let before = self.told.remove(room);
            if self.seats.all.contains_key(room) {
                let epoch = before.and_then(|told| told.epoch);
                let counts = Pace::from(pending.from_us);
                let copy = match &pending.resumed {
                    None => pending.request.at.clone().flatten(),
                    Some(_) => None,
                };
                let at = pending.resumed.clone();
                self.told.insert(room, Told { epoch, counts, at, copy, ..Told::default() });
            }
        }
    }

    /// A request is done by which it may be somebody who was held: in which room, and whom.
    fn come_back(
        &mut self,
        pending: &Pending,
        now_us: u64,
    ) -> Option<(&'static str, Option<Member>)> {
        let room = self.seats.room(&pending.request).ok().filter(|_| pending.is_return)?;
        if self.seats.all.get(room).is_some_and(|seat| seat.member.is_some()) {
            return None;
        }
        let held = self.held.remove(room)?;
        match held.outcome(pending.from_us, now_us, &self.terms) {
            Outcome::Here => return Some((room, held.member)),
            Outcome::Gone => {}
            Outcome::Unknown => self.doubts.push(room),
        }
        None
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

    /// It is who it said to be, and is somebody still in these rooms. Says when it had asked.
    pub fn hear_welcome(&mut self, resumed: &[String], left: &Left, now_us: u64) -> u64 {
        let pending = self.answered(now_us, Pending::is_hello);
        assert!(pending.fate.is_ok());
        self.done(&pending, now_us);
        let Act::Hello(hello) = &pending.request.act else { unreachable!("it is hello") };
        let home = pending.request.room_told().map(|room| (room, None));
        let rooms =
            hello.rooms.iter().filter_map(|(room, has)| Some((ROOMS[*room].1?, has.clone())));
        for (room, copy) in home.into_iter().chain(rooms) {
            let counts = Pace::from(pending.from_us);
            self.told.insert(room, Told { counts, copy, ..Told::default() });
        }
        self.succeed(left);
        for room in resumed {
            let seat = self.seats.all.get_mut(&**room).expect("a room that it entered");
            let held = self.held.get(&**room);
            assert!(held.is_some() || !left.is_sure, "nobody was in {room}: {left:?}, {self:?}");
            seat.member = held.and_then(|held| held.member.clone());
        }
        let home = pending.request.room_told().expect("the room of its URL");
        self.arrivals = Some(Arrivals::new(hello, home, resumed, pending.from_us));
        pending.from_us
    }

    /// It is known into which rooms it is let. Who is back in time is who it was there, and who is
    /// not is nobody.
    pub fn arrive(&mut self, now_us: u64) {
        let Some(arrivals) = self.arrivals.take() else { return };
        let Arrivals { resumed, from_us, .. } = arrivals.end(&self.bounds);
        let rooms: Vec<&'static str> = self.seats.all.keys().copied().collect();
        for room in rooms {
            let is_back = resumed.iter().any(|resumed| resumed == room);
            let held = self.held.remove(room);
            let outcome = held.as_ref().map(|held| held.outcome(from_us, now_us, &self.terms));
            let is_fair = match outcome {
                Some(Outcome::Here) => is_back,
                Some(Outcome::Gone) => !is_back,
                Some(Outcome::Unknown) | None => true,
            };
            assert!(is_fair, "back in {room:?}: {is_back}, and not {held:?}: {self:?}");
            if is_back && held.is_none_or(|held| held.member.is_none()) {
                self.doubts.push(room);
            }
        }
    }

    /// A request was refused. Where it has an acknowledgement, that comes after this.
    pub fn hear_error(&mut self, code: &str, id: Option<&str>, room: Option<&str>, now_us: u64) {
        if let (None, Some(room), Some(arrivals)) = (id, room, &mut self.arrivals)
            && arrivals.names(room)
        {
            if let Some(told) = arrivals.refuse(room, code, &self.bounds) {
                self.seats.all.remove(told);
                self.told.remove(told);
            }
            return;
        }
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
            Message::Resumed { epoch, change, bytes } => {
                self.hear_resumed((epoch, change, *bytes), rosters);
            }
            Message::Count { room, seq, count } => {
                let told = self.told(room, View::Count);
                told.hear_count(*seq, *count, rosters);
                told.counts.note(now_us, interval_us, is_prompt);
            }
            Message::List(_) | Message::Welcome { .. } | Message::Bye | Message::Other => {
                panic!("{message:?} is no event of ours")
            }
        }
    }

    /// In Socket.IO a list does not say of which room it is.
    pub fn hear_list(&mut self, room: &str, names: &BTreeSet<String>) {
        self.told(room, View::Names).list = Some(names.clone());
    }

    /// A change leads from its own copy to a commit.
    fn hear_resumed(&mut self, said: (&Rc<str>, &Change, usize), rosters: &mut Rosters) {
        let (epoch, change, _) = said;
        let is_told = |seat: &Seat| seat.view == View::Changes;
        if self.seats.all.get(&*change.room).is_some_and(is_told)
            && let Some(told) = self.told.get_mut(&*change.room)
            && let Some(named) = told.copy.take()
        {
            let at = told::arrive(&named, said, rosters);
            let known = told.epoch.get_or_insert_with(|| epoch.clone());
            assert_eq!(known, epoch, "{:?} was made again with somebody in it", change.room);
            told.at = Some(at);
            return;
        }
        // It comes before the answer to the request.
        let is_it = |pending: &&mut Pending| {
            pending.request.room_told() == Some(&*change.room) && pending.request.at.is_some()
        };
        let pending = self.pending.iter_mut().find(is_it).expect("it named no copy");
        let named = pending.request.at.clone().flatten().expect("it named no copy");
        assert!(pending.resumed.is_none() && pending.fate.is_ok());
        pending.resumed = Some(told::arrive(&named, said, rosters));
    }

    fn hear_pong(&mut self, told: Option<&(String, u64)>, name: Option<&String>, now_us: u64) {
        let pending = self.answered(now_us, |pending| pending.request.act == Act::Ping);
        self.done(&pending, now_us);
        let Some((room, seq)) = told else {
            // One that waits for the others after a start is told nothing.
            let has_changes = self.seats.all.iter().any(|(room, seat)| {
                let waits = self.told.get(room).is_some_and(Told::waits);
                seat.view == View::Changes && !waits
            });
            assert!(!has_changes, "a pong that says nothing");
            return assert_eq!(name, None, "a name in no room");
        };
        let seat = self.seats.all.get(&**room).expect("a pong of a room that it is in");
        assert_eq!(seat.view, View::Changes, "a pong of {room:?}, whose changes it is not told");
        let is_resumed = |arrivals: &Arrivals| arrivals.resumed.contains(room);
        let is_unknown = self.arrivals.as_ref().is_some_and(is_resumed)
            && self.held.get(&**room).is_none_or(|held| held.member.is_none());
        let known = seat.member.as_ref().map(|member| &member.name);
        assert!(name == known || is_unknown, "the name is {name:?}, and not {known:?}: {self:?}");
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
