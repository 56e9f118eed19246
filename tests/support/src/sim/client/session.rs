//! A session of Socket.IO that begins by long-polling: what its client says goes in the bodies of
//! requests, and what it is told comes in responses, until it moves to a WebSocket.
//!
//! The client itself has no socket before. Its requests go over others, its carriers, each of which
//! is a client of the world as well; its own socket is the WebSocket to which it moves.

use std::collections::VecDeque;

use super::super::choices::Choices;
use super::super::errands::{Answer, Errand};
use super::super::nature::Nature;
use super::super::pages;
use super::super::script::{Kind, Step, Twist};
use crate::wire;

use super::Client;
use super::carrier::{Fetch, Load};

/// Where requests of sessions go.
const PATH: &str = "/socket.io/?EIO=4&transport=polling";

/// A connection that was not used for so long is not used again: the server is about to close it.
const IDLE_US: u64 = 7_000_000;

/// Until it asks again when it was told nothing, in us.
const AGAIN_US: u64 = 100_000;

/// The most bytes of packets in one request. A server takes no more than the longest message has.
const POST_BYTES_MAX: usize = 4_000;

/// Packets that no session takes.
const BAD: [&str; 6] = ["abc", "2", "4", "5", "2probe", "\u{1e}"];

/// How far a session has come on its way to a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// It has not tried.
    Polling,
    /// Its WebSocket connects.
    Connecting,
    /// It is tried.
    Probing,
    /// It is good: all requests must be answered before the session is there.
    Pausing,
    Moved,
    /// It was lost, and the session goes on as it was.
    Failed,
}

/// The session of a client, as long as it is on no WebSocket, and how it came there.
#[derive(Debug)]
pub struct Session {
    sid: Option<String>,
    /// How it does things: whether a connection has more than one request, whether a response is
    /// awaited before the next packets are said, and whether it goes on with requests while it moves.
    keeps: bool,
    moves_busily: bool,
    course: Course,
    /// Packets that it has not said.
    unsaid: VecDeque<String>,
    flights: Vec<Flight>,
    idle: Vec<(usize, u64)>,
    answers: VecDeque<(Flight, Answer)>,
    requests: u32,
    poll_at_us: u64,
    /// It asks for nothing any more.
    is_mute: bool,
    /// It asks twice at once, or says packets twice at once.
    twice: Option<Fetch>,
    is_slow: bool,
    /// Another WebSocket may be tried for it, or has been.
    has_try: bool,
    was_tried: bool,
    /// It has asked to be ended by a packet.
    is_closing: bool,
    /// When it is known to have ended at the server.
    over_us: Option<u64>,
    /// It was told something on the WebSocket, and so is there.
    is_confirmed: bool,
}

/// A request that is under way.
#[derive(Debug)]
struct Flight {
    number: u32,
    fetch: Fetch,
    carrier: Option<usize>,
    /// It was sent when the WebSocket was known to be good: it is told nothing.
    is_vain: bool,
    /// Whether the client ends the session by it.
    is_last: bool,
    /// When the socket was made to go.
    is_dropped: bool,
}

impl Session {
    pub fn new(choices: &mut Choices) -> Session {
        Session {
            sid: None,
            keeps: !choices.chance(3),
            moves_busily: choices.chance(2),
            course: Course::Polling,
            unsaid: VecDeque::new(),
            flights: Vec::new(),
            idle: Vec::new(),
            answers: VecDeque::new(),
            requests: 0,
            poll_at_us: 0,
            is_mute: false,
            twice: None,
            is_slow: false,
            has_try: false,
            was_tried: false,
            is_closing: false,
            over_us: None,
            is_confirmed: false,
        }
    }

    fn in_flight(&self, fetch: Fetch) -> usize {
        self.flights.iter().filter(|flight| flight.fetch == fetch).count()
    }

    /// Whether what is said goes in requests.
    fn polls(&self) -> bool {
        self.course != Course::Moved
    }

    /// Whether nothing was tried that would be in the way of another WebSocket.
    fn may_move(&self) -> bool {
        self.course == Course::Polling && self.sid.is_some() && !self.has_try && !self.is_closing
    }
}

// What others ask of it, and tell it.
impl Client {
    /// Whether its session is on no WebSocket, as far as it knows.
    pub fn polls(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.polls())
    }

    /// Whether its session is there and on no WebSocket, and it has not ended it.
    pub(super) fn is_polling(&self) -> bool {
        let Some(session) = &self.session else { return false };
        let is_open = session.sid.is_some() && !session.is_closing && session.over_us.is_none();
        session.polls() && is_open && !self.has_ended && !self.is_gone
    }

    /// Whether its session may have to wait before it is asked anything.
    pub(super) fn is_moving(&self) -> bool {
        self.session.as_ref().is_some_and(|session| {
            let is_quiet = matches!(session.course, Course::Polling | Course::Failed);
            session.polls() && (!is_quiet || session.has_try || self.is_gone)
        })
    }

    /// Whether it has no socket to be looked at.
    pub fn has_no_socket(&self) -> bool {
        self.session.is_some() && !self.link.is_accepted
    }

    /// Whether its WebSocket is not that of its session yet, or not any more.
    pub(super) fn has_failed(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.course == Course::Failed)
    }

    /// When its session ended at the server, on the world's clock, if that is known.
    pub(super) fn closed_us(&self) -> Option<u64> {
        match &self.session {
            Some(session) if !session.is_confirmed => session.over_us,
            _ => self.link.closed_us,
        }
    }

    /// A request of it goes over this carrier.
    pub fn goes_over(&mut self, number: u32, carrier: usize) {
        let Some(session) = &mut self.session else { return };
        for flight in session.flights.iter_mut().filter(|flight| flight.number == number) {
            flight.carrier = Some(carrier);
        }
    }

    /// A request of it was answered, or will not be.
    pub fn take_answer(&mut self, carrier: usize, answer: Answer, now_us: u64) {
        let Some(session) = &mut self.session else { return };
        if answer.is_kept {
            session.idle.push((carrier, now_us));
        }
        let place = session.flights.iter().position(|flight| flight.number == answer.number);
        if let Some(place) = place {
            let flight = session.flights.swap_remove(place);
            session.answers.push_back((flight, answer));
        }
    }

    /// The server must have ended it by now.
    pub fn session_is_over(&mut self, now_us: u64) {
        if let Some(session) = &mut self.session {
            session.over_us.get_or_insert(now_us);
        }
    }

    /// Another WebSocket that was tried is gone.
    pub fn forget_try(&mut self) {
        if let Some(session) = &mut self.session {
            session.has_try = false;
        }
    }

    /// The requests of it that must have been answered after a rest: all but one that waits for what
    /// there is to be told, and that one too if the session is over.
    pub fn unanswered(&self) -> impl Iterator<Item = usize> {
        let is_over = self.session.as_ref().is_some_and(|session| session.over_us.is_some());
        let flights = self.session.iter().flat_map(|session| &session.flights);
        let mut polls = 0;
        flights.filter_map(move |flight| {
            let is_poll = flight.fetch == Fetch::Poll;
            polls += usize::from(is_poll);
            let may_wait = is_poll && !is_over && polls == 1;
            flight.carrier.filter(|_| !may_wait && !flight.is_dropped)
        })
    }
}

// What it does.
impl Client {
    /// Says a packet, by the way that the session is on.
    pub(super) fn say(&mut self, packet: &str) {
        match &mut self.session {
            Some(session) if session.polls() => session.unsaid.push_back(packet.to_owned()),
            _ => self.outgoing.extend(wire::text(packet)),
        }
    }

    /// Hears what came of its requests.
    pub(super) fn hear_answers(&mut self, nature: &mut Nature) {
        while let Some(session) = &mut self.session
            && let Some((flight, answer)) = session.answers.pop_front()
        {
            match answer.content {
                None => self.lose_session(nature),
                Some((200, body)) => self.hear_payload(&flight, body, nature),
                Some((status, _)) => self.hear_refused(status, nature),
            }
        }
    }

    fn hear_payload(&mut self, flight: &Flight, body: Vec<u8>, nature: &mut Nature) {
        let Some(session) = &mut self.session else { return };
        let text = String::from_utf8(body).expect("a payload is UTF-8");
        match flight.fetch {
            Fetch::Post => {
                assert_eq!(text, "ok", "the response to packets");
                if flight.is_last {
                    session.over_us.get_or_insert(nature.clock_us);
                }
            }
            Fetch::Open => {
                let json = text.strip_prefix('0').unwrap_or_else(|| panic!("{text} opens nothing"));
                let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
                session.sid = value["sid"].as_str().map(str::to_owned);
                assert!(session.sid.is_some() && value["upgrades"][0] == "websocket", "{text}");
            }
            Fetch::Poll => self.hear_polled_packets(flight, &text, nature),
        }
        self.end_if_closed();
    }

    fn hear_polled_packets(&mut self, flight: &Flight, text: &str, nature: &mut Nature) {
        assert!(!text.is_empty(), "a response with nothing in it");
        let Some(session) = &mut self.session else { return };
        let is_noop = text == "6" || text.ends_with("\u{1e}6");
        let is_vain = flight.is_vain && session.course == Course::Pausing;
        let is_excused = session.is_closing || session.over_us.is_some();
        assert!(!is_vain || text == "6" || is_excused, "{text:?} is told while it moves");
        let is_fair = session.course != Course::Polling || session.was_tried || session.is_closing;
        let is_last = is_noop && session.is_closing && !session.was_tried;
        if is_noop {
            session.poll_at_us = nature.clock_us + AGAIN_US;
        }
        assert!(!is_noop || is_fair || !self.is_untroubled(), "told nothing, for nothing");
        for packet in text.split('\u{1e}') {
            match packet {
                "1" => {
                    self.check_loss("1", nature);
                    self.session_is_over(nature.clock_us);
                    return self.finish(nature);
                }
                "6" => {}
                _ => self.hear_packet(packet.as_bytes(), nature),
            }
        }
        // What was to be told before the end is.
        let is_answered = self.ledger.is_answered() || !self.is_untroubled();
        assert!(!is_last || is_answered, "it ended with something not told: {:?}", self.ledger);
    }

    /// A request is refused: the session is over, or never was.
    fn hear_refused(&mut self, status: u16, nature: &mut Nature) {
        let is_busy = matches!(status, 429 | 503);
        self.check_loss(&status.to_string(), nature);
        if !is_busy {
            self.session_is_over(nature.clock_us);
        }
        self.finish(nature);
    }

    /// Its session has ended, and it did not end that: whether this may be.
    fn check_loss(&self, how: &str, nature: &Nature) {
        let is_closing = self.session.as_ref().is_some_and(|session| session.is_closing);
        // Who is let into no namespace has joined none in time.
        let is_left_out = self.ledger.bounds.is_tight && self.ledger.seats.all.is_empty();
        let is_fair = is_closing || self.has_ended || is_left_out || !self.is_untroubled();
        let is_excused = nature.is_stopping || nature.is_crowded;
        assert!(is_fair || is_excused, "{how} ends the session of {self:?}");
    }

    /// A request has ended without a response.
    fn lose_session(&mut self, nature: &mut Nature) {
        if !self.is_gone {
            self.is_harmed = true;
            self.finish(nature);
        }
    }

    /// It has ended its session, and all is answered.
    fn end_if_closed(&mut self) {
        if let Some(session) = &self.session
            && session.is_closing
            && session.over_us.is_some()
            && session.flights.is_empty()
            && session.answers.is_empty()
        {
            self.has_ended = true;
            self.is_gone = true;
        }
    }

    /// Takes no part any more.
    fn finish(&mut self, nature: &mut Nature) {
        let Some(session) = &mut self.session else { return };
        for (carrier, _) in session.idle.drain(..) {
            nature.errands.push_back(Errand::Change { client: carrier, step: Step::Fin });
        }
        self.part(nature.tabs.terms.hold_lost_us, false, nature.clock_us);
        self.script.clear();
        self.has_ended = true;
        self.is_gone = true;
        let is_connected = self.link.is_accepted && !self.link.is_closed;
        if is_connected && !self.link.is_up_ended && !self.link.is_reset {
            self.link.end_up();
        }
    }

    /// Begins the requests that are due, and says when it does so next, in us from now.
    pub(super) fn attend(&mut self, nature: &mut Nature) -> Option<u64> {
        let has_script = !self.script.is_empty();
        let session = self.session.as_mut().filter(|session| session.polls())?;
        if self.has_ended || self.is_gone || session.over_us.is_some() {
            return None;
        }
        if session.sid.is_none() {
            return None;
        }
        let is_pausing = session.course == Course::Pausing;
        let twice = session.twice.take();
        let polls = session.in_flight(Fetch::Poll);
        let may_poll = !session.is_mute && !is_pausing && nature.clock_us >= session.poll_at_us;
        let is_busy = is_pausing && session.moves_busily && has_script;
        if may_poll && polls == 0 || polls == 1 && twice == Some(Fetch::Poll) {
            self.poll(nature);
        } else if is_busy && polls == 0 && nature.choices.chance(3) {
            self.poll(nature);
        }
        let session = self.session.as_mut()?;
        let posts = session.in_flight(Fetch::Post);
        let may_post = posts == 0 && (!is_pausing || session.moves_busily);
        if may_post && !session.unsaid.is_empty() {
            self.post(nature);
        }
        if twice == Some(Fetch::Post) {
            self.say("3");
            self.post(nature);
        }
        let session = self.session.as_mut()?;
        if is_pausing && session.flights.is_empty() && session.answers.is_empty() {
            self.arrive_on_socket();
        }
        let session = self.session.as_ref()?;
        let is_early = session.poll_at_us > nature.clock_us && !session.is_mute;
        is_early.then(|| session.poll_at_us - nature.clock_us)
    }

    /// It is told nothing elsewhere: from now on everything goes by the WebSocket.
    fn arrive_on_socket(&mut self) {
        let Some(session) = &mut self.session else { return };
        session.course = Course::Moved;
        let unsaid = std::mem::take(&mut session.unsaid);
        self.outgoing.extend(wire::text("5"));
        for packet in unsaid {
            self.outgoing.extend(wire::text(&packet));
        }
    }

    /// Opens the session.
    pub(super) fn open_session(&mut self, nature: &mut Nature) {
        nature.sessions_opened += 1;
        self.fetch(Fetch::Open, "", false, nature);
    }

    fn poll(&mut self, nature: &mut Nature) {
        self.fetch(Fetch::Poll, "", false, nature);
    }

    /// Says packets, as many as fit.
    fn post(&mut self, nature: &mut Nature) {
        let Some(session) = &mut self.session else { return };
        let mut payload = session.unsaid.pop_front().unwrap_or_default();
        let mut is_last = payload == "1";
        while let Some(packet) = session.unsaid.front()
            && payload.len() + packet.len() < POST_BYTES_MAX
            && !nature.choices.chance(8)
        {
            is_last |= packet == "1";
            payload.push('\u{1e}');
            payload.push_str(packet);
            session.unsaid.pop_front();
        }
        self.fetch(Fetch::Post, &payload, is_last, nature);
    }

    fn fetch(&mut self, fetch: Fetch, body: &str, is_last: bool, nature: &mut Nature) {
        let Some(session) = &mut self.session else { return };
        session.requests += 1;
        let sid = session.sid.as_ref().map(|sid| format!("&sid={sid}")).unwrap_or_default();
        let method = if fetch == Fetch::Post { "POST" } else { "GET" };
        let start = format!("{method} {PATH}{sid} HTTP/1.1\r\nHost: a\r\n");
        let (lines, body) = match fetch {
            Fetch::Post if nature.choices.chance(3) => {
                let size = nature.choices.between(1, 200) as usize;
                ("Transfer-Encoding: chunked\r\n".to_owned(), pages::chunks(body, size))
            }
            Fetch::Post => {
                (format!("Content-Length: {}\r\n", body.len()), body.as_bytes().to_vec())
            }
            _ => (String::new(), Vec::new()),
        };
        let head = format!("{start}{lines}\r\n").into_bytes();
        // Who is asked whether it is there has to answer soon.
        let slowest_ms = if self.tab.is_some() { 200 } else { 2000 };
        let is_slow = std::mem::take(&mut session.is_slow) || nature.choices.chance(24);
        let pause = (is_slow && fetch == Fetch::Post).then(|| {
            let first = head.len() + nature.choices.below(body.len().max(1) as u32) as usize;
            (first, nature.choices.between(1, slowest_ms))
        });
        let number = session.requests;
        let load =
            Load { number, fetch, head_bytes: head.len(), bytes: [head, body].concat(), pause };
        let is_vain = fetch == Fetch::Poll && session.course == Course::Pausing;
        let is_dropped = false;
        session.flights.push(Flight { number, fetch, carrier: None, is_vain, is_last, is_dropped });
        let now_us = nature.clock_us;
        session.idle.retain(|(_, since_us)| since_us + IDLE_US > now_us);
        let over = session.idle.pop().map(|(carrier, _)| carrier);
        let over = if session.keeps { over } else { self.let_go(over, nature) };
        nature.errands.push_back(Errand::Carry { session: self.number, over, load });
    }

    /// A socket had its request.
    fn let_go(&self, carrier: Option<usize>, nature: &mut Nature) -> Option<usize> {
        if let Some(client) = carrier {
            nature.errands.push_back(Errand::Change { client, step: Step::Fin });
        }
        None
    }

    // On the way to a WebSocket.

    /// Its own WebSocket is open, or has said something before it moves.
    pub(super) fn hear_on_the_way(&mut self, packet: &str) -> bool {
        let Some(session) = &mut self.session else { return false };
        match session.course {
            Course::Moved => {
                session.is_confirmed = true;
                false
            }
            Course::Probing if packet == "3probe" => {
                session.course = Course::Pausing;
                true
            }
            _ => panic!("{packet:?} is told before it moves"),
        }
    }

    /// Tries the WebSocket that is open.
    pub(super) fn try_socket(&mut self) {
        if let Some(session) = &mut self.session {
            session.course = Course::Probing;
            self.outgoing.extend(wire::text("2probe"));
        }
    }

    /// Its WebSocket has ended. Whether its session is elsewhere, and goes on.
    pub fn survives_socket(&mut self) -> bool {
        let Some(session) = self.session.as_mut().filter(|session| session.polls()) else {
            return false;
        };
        session.course = Course::Failed;
        self.is_open = false;
        self.outgoing.clear();
        true
    }

    /// The steps of a script that are not those of a client on a WebSocket. Says whether this is one.
    pub(super) fn perform_polling(&mut self, step: &Step, nature: &mut Nature) -> bool {
        if let Step::Twist(twist) = step {
            self.take_twist(twist, nature);
            return true;
        }
        if !self.polls() {
            return false;
        }
        match *step {
            Step::Open => {
                self.open_session(nature);
                self.enter_namespace(self.home, nature);
            }
            Step::Violate(how) => {
                self.is_innocent = false;
                self.say(BAD[usize::from(how) % BAD.len()]);
            }
            Step::Flood(times) => {
                self.is_innocent = false;
                (0..times).for_each(|_| self.say("3"));
            }
            Step::Close(_) => self.close_session(nature),
            Step::Ping => {}
            _ => return false,
        }
        true
    }

    /// Ends the session by a packet.
    fn close_session(&mut self, nature: &mut Nature) {
        let Some(session) = &mut self.session else { return };
        let is_quiet = matches!(session.course, Course::Polling | Course::Failed);
        if !is_quiet || session.has_try {
            return self.change(&Step::Fin, nature);
        }
        session.is_closing = true;
        self.say("1");
        self.has_sent_close = true;
        self.part(nature.tabs.terms.hold_closed_us, false, nature.clock_us);
        self.script.clear();
    }

    fn take_twist(&mut self, twist: &Twist, nature: &mut Nature) {
        let Some(session) = &mut self.session else { return };
        match twist {
            Twist::Upgrade if session.may_move() => {
                session.course = Course::Connecting;
                let sid = session.sid.clone().unwrap_or_default();
                let path = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
                self.ear.asked.push_back(pages::Asked::default());
                self.outgoing.extend(wire::handshake(&path, self.offer()));
                nature.errands.push_back(Errand::Connect { session: self.number });
            }
            // It waits until there is a session.
            Twist::Upgrade if session.course == Course::Polling && !session.is_closing => {
                let again = [Step::Wait(500), Step::Twist(Twist::Upgrade)];
                let may_come = session.requests < 200 && !session.is_mute;
                again.into_iter().rev().filter(|_| may_come).for_each(|step| {
                    self.script.push_front(step);
                });
            }
            Twist::Try(steps) => {
                // Before its own is there it would be in the way of that.
                let is_rival = matches!(session.course, Course::Probing | Course::Pausing)
                    || session.course == Course::Moved;
                if session.sid.is_some() && (session.may_move() || is_rival) {
                    session.has_try = true;
                    session.was_tried = true;
                    let script = steps.clone();
                    nature.errands.push_back(Errand::Try { session: self.number, script });
                }
            }
            Twist::Twice(fetch) if session.polls() => {
                session.twice = Some(*fetch);
                self.is_innocent = false;
            }
            Twist::Mute if session.polls() => {
                session.is_mute = true;
                self.is_innocent = false;
            }
            Twist::Slow => session.is_slow = true,
            Twist::Drop(step) if session.polls() => self.change(step, nature),
            _ => {}
        }
    }

    /// Its sockets go in this way, or take no more: those with a request.
    pub(super) fn change_carriers(&mut self, step: &Step, nature: &mut Nature) {
        let Some(session) = &mut self.session else { return };
        let is_end = !matches!(step, Step::ZeroWindow | Step::SlowReader(_));
        for flight in &mut session.flights {
            flight.is_dropped = true;
            if let Some(client) = flight.carrier {
                nature.errands.push_back(Errand::Change { client, step: step.clone() });
            }
        }
        if is_end {
            self.finish(nature);
        } else {
            self.is_innocent = false;
        }
    }

    /// The path of a WebSocket that is tried for a session, by somebody else.
    pub fn sid(&self) -> Option<&str> {
        self.session.as_ref().and_then(|session| session.sid.as_deref())
    }

    /// What it offers when it opens a WebSocket.
    pub(super) fn offer(&self) -> &'static str {
        match self.kind {
            Kind::Native { deflates: true } => super::speech::DEFLATE,
            Kind::SocketIo if self.number % 2 == 1 => super::speech::DEFLATE,
            _ => "",
        }
    }
}
