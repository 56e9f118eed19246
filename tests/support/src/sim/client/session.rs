//! A session of Socket.IO that begins by long-polling: what its client says goes in the bodies of
//! requests, and what it is told comes in responses, until it moves to a WebSocket.
//!
//! The client itself has no socket before. Its requests go over others, its carriers, each of which
//! is a client of the world as well; its own socket is the WebSocket to which it moves.

mod hearing;
mod requests;
mod steps;

use std::collections::VecDeque;

use super::super::choices::Choices;
use super::super::errands::Answer;
use super::super::script::Kind;
use super::super::tabs::{ANSWER_US, LATE_US, Parting};
use crate::wire;

use super::Client;
use super::carrier::Fetch;

/// A ping comes in 25 s, has 10 s to be answered, and nobody is held longer than 15 s after that.
const LINGER_US: u64 = 55_000_000;

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
    /// Whether a connection has more than one request.
    keeps: bool,
    /// Whether it goes on with requests while it moves.
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
    /// When a request of it was late, as accepting was.
    held_up_us: Option<u64>,
    /// When it is known to have ended at the server.
    over_us: Option<u64>,
    /// It was told something on the WebSocket, and so is there.
    is_confirmed: bool,
}

/// A request that is under way.
#[derive(Debug)]
struct Flight {
    number: u32,
    from_us: u64,
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
            held_up_us: None,
            over_us: None,
            is_confirmed: false,
        }
    }

    fn in_flight(&self, fetch: Fetch) -> usize {
        self.flights.iter().filter(|flight| flight.fetch == fetch).count()
    }

    /// Whether a request waits for what there is to be told, or was answered and not read.
    fn has_polled(&self) -> bool {
        let mut unread = self.answers.iter().map(|(flight, _)| flight.fetch);
        self.in_flight(Fetch::Poll) > 0 || unread.any(|fetch| fetch == Fetch::Poll)
    }

    /// Whether a request of it had to wait to be accepted, or its packets wait still.
    fn was_held_up(&self, now_us: u64) -> bool {
        let waits =
            |flight: &Flight| flight.fetch == Fetch::Post && flight.from_us + LATE_US < now_us;
        let is_recent = |us: u64| us + ANSWER_US > now_us;
        self.held_up_us.is_some_and(is_recent) || self.flights.iter().any(waits)
    }

    /// Whether what is said goes in requests.
    fn polls(&self) -> bool {
        self.course != Course::Moved
    }

    /// Whether a WebSocket may have been tried for it, so that a request may be told nothing.
    fn may_be_told_nothing(&self) -> bool {
        self.course != Course::Polling || self.was_tried
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

    /// Whether its session may have ended before it was on a WebSocket: that one is closed then.
    pub(super) fn may_be_over(&self) -> bool {
        self.is_harmed && self.session.as_ref().is_some_and(|session| !session.is_confirmed)
    }

    /// Whether it has gone, and its session may be there until a ping is not answered, and its
    /// members as long as they are held.
    pub fn may_linger(&self, now_us: u64) -> bool {
        let is_recent = |parting: Parting| now_us < parting.at_us + LINGER_US;
        let is_known = self.session.is_none() || self.closed_us().is_some();
        !is_known && self.parting.is_some_and(is_recent)
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

    /// The server has not begun to answer a request, and will not: whether the session must have
    /// ended with it. One that is told nothing is done with before that is written.
    pub fn ends_with(&self, fetch: Fetch) -> bool {
        let is_done_with = |session: &Session| session.may_be_told_nothing();
        fetch != Fetch::Poll || !self.session.as_deref().is_some_and(is_done_with)
    }

    /// The server must have ended it by now.
    pub fn session_is_over(&mut self, now_us: u64) {
        if let Some(session) = &mut self.session {
            session.over_us.get_or_insert(now_us);
        }
    }

    /// A request of it had to wait.
    pub fn is_held_up(&mut self, now_us: u64) {
        if let Some(session) = &mut self.session {
            session.held_up_us = Some(now_us);
        }
    }

    /// Another WebSocket that was tried is gone.
    pub fn forget_try(&mut self) {
        if let Some(session) = &mut self.session {
            session.has_try = false;
        }
    }

    /// The requests of it that must have been answered after a rest, in which it still answers
    /// pings: all but one that waits for what there is to be told, and that one too if the session
    /// is over.
    pub fn unanswered(&self, now_us: u64) -> impl Iterator<Item = usize> {
        let is_over = self.session.as_ref().is_some_and(|session| session.over_us.is_some());
        let flights = self.session.iter().flat_map(|session| &session.flights);
        let mut polls = 0;
        flights.filter_map(move |flight| {
            let is_poll = flight.fetch == Fetch::Poll;
            polls += usize::from(is_poll);
            let may_wait = is_poll && !is_over && polls == 1;
            let is_due = flight.from_us + ANSWER_US < now_us;
            flight.carrier.filter(|_| is_due && !may_wait && !flight.is_dropped)
        })
    }

    /// Says a packet, by the way that the session is on.
    pub(super) fn say(&mut self, packet: &str) {
        match &mut self.session {
            Some(session) if session.polls() => session.unsaid.push_back(packet.to_owned()),
            _ => self.outgoing.extend(wire::text(packet)),
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
