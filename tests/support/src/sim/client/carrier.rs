//! A socket that has requests of a session of long-polling, one after the other.

use super::super::errands::{Answer, Errand};
use super::super::faults::Stage;
use super::super::nature::Nature;
use super::super::pages::Asked;
use super::super::script::{Kind, Step};

use super::Client;

/// What a request of a session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// To open the session.
    Open,
    /// To be told what there is to be told.
    Poll,
    /// To bring packets.
    Post,
}

/// A request of a session, as it is to be sent.
#[derive(Debug)]
pub struct Load {
    /// The number by which the session knows it.
    pub number: u32,
    pub fetch: Fetch,
    pub bytes: Vec<u8>,
    /// How many of them are its head.
    pub head_bytes: usize,
    /// So many bytes are sent first, and the rest so many ms later.
    pub pause: Option<(usize, u32)>,
}

/// What a socket has to do with a session.
#[derive(Debug)]
pub struct Carrier {
    session: usize,
    /// The request that is under way.
    flight: Option<Flight>,
}

#[derive(Debug)]
struct Flight {
    number: u32,
    fetch: Fetch,
    /// Bytes of its body.
    body_bytes: usize,
    /// How often the server had written to the socket before.
    writes: u64,
    /// Whether all that makes it a request of the session was sent when the socket went.
    was_sent: Option<bool>,
}

impl Carrier {
    pub fn new(session: usize) -> Carrier {
        Carrier { session, flight: None }
    }

    pub fn session(&self) -> usize {
        self.session
    }

    /// What it is doing.
    pub fn stage(&self) -> Stage {
        match &self.flight {
            None => Stage::Http,
            Some(flight) if flight.fetch == Fetch::Post => Stage::Posting,
            Some(_) => Stage::Polling,
        }
    }
}

impl Client {
    /// The session that it has requests of, or that it is a WebSocket for.
    pub fn session_of(&self) -> Option<usize> {
        self.carrier.as_ref().map(Carrier::session)
    }

    /// Whether it can have another request.
    pub fn is_idle_carrier(&self) -> bool {
        let is_idle = self.carrier.as_ref().is_some_and(|carrier| carrier.flight.is_none());
        let is_over = self.has_ended || self.link.is_reset || self.link.is_down_ended;
        is_idle && !is_over && !self.is_gone && !self.link.is_dead
    }

    /// Whether it has a request that is not answered.
    pub fn has_request(&self) -> bool {
        self.carrier.as_ref().is_some_and(|carrier| carrier.flight.is_some())
    }

    /// The same, and nothing has happened to it.
    pub fn waits_for_answer(&self) -> bool {
        let is_there = !self.is_gone && !self.has_ended && !self.link.is_dead;
        self.has_request() && is_there && self.is_untroubled()
    }

    /// Sends a request of its session.
    pub fn carry(&mut self, load: Load) {
        let Load { number, fetch, bytes, head_bytes, pause } = load;
        let Some(carrier) = &mut self.carrier else { unreachable!("it is a carrier") };
        carrier.flight = Some(Flight {
            number,
            fetch,
            body_bytes: bytes.len() - head_bytes,
            writes: self.link.writes,
            was_sent: None,
        });
        self.ear.asked.push_back(Asked { is_polled: true, status: 200, ..Asked::default() });
        match pause {
            Some((first, ms)) if first < bytes.len() => {
                self.outgoing.extend(&bytes[..first]);
                self.set_script(vec![Step::Wait(ms), Step::Send(bytes[first..].to_vec())]);
            }
            _ => self.outgoing.extend(bytes),
        }
    }

    /// Its request is answered.
    pub(super) fn hear_polled(&mut self, status: u16, body: Vec<u8>, nature: &mut Nature) {
        let Some(carrier) = &mut self.carrier else { panic!("it asked for nothing of a session") };
        // A connection that is refused is told so before it asks for anything.
        let Some(flight) = carrier.flight.take() else { return };
        let (session, number) = (carrier.session, flight.number);
        let is_kept = !self.ear.has_heard_last_answer() && self.outgoing.is_empty();
        self.is_refused |= !is_kept;
        self.script.clear();
        let answer = Answer { number, content: Some((status, body)), is_kept };
        let from = self.number;
        nature.errands.push_back(Errand::Answer { session, carrier: from, answer });
    }

    /// It has ended: what that means for its session.
    pub fn report_end(&mut self, nature: &mut Nature) {
        let (number, is_try) = (self.number, self.kind == Kind::Try);
        let Some(carrier) = &mut self.carrier else { return };
        let session = carrier.session;
        if is_try {
            // Until the server has closed it, it is in the way of others.
            let is_over = self.link.is_closed || !self.link.is_accepted;
            nature.errands.extend(is_over.then_some(Errand::Tried { session }));
        } else if let Some(flight) = &carrier.flight {
            let answer = Answer { number: flight.number, content: None, is_kept: false };
            nature.errands.push_back(Errand::Answer { session, carrier: number, answer });
        }
    }

    /// It is about to go: what the server knows of its request then.
    pub(super) fn note_what_was_sent(&mut self) {
        let later = self.script.iter().map(|step| match step {
            Step::Send(bytes) => bytes.len(),
            _ => 0,
        });
        let (left, is_read) = (self.outgoing.len() + later.sum::<usize>(), self.link.unread() == 0);
        if let Some(flight) = self.carrier.as_mut().and_then(|carrier| carrier.flight.as_mut()) {
            flight.was_sent.get_or_insert(is_read && left <= flight.body_bytes);
        }
    }

    /// The server has closed its socket: the kind of request that it had and had not begun to
    /// answer.
    pub fn unanswered_fetch(&self, nature: &Nature) -> Option<Fetch> {
        let flight = self.carrier.as_ref().and_then(|carrier| carrier.flight.as_ref());
        let flight = flight.filter(|flight| flight.fetch != Fetch::Open)?;
        let link = &self.link;
        let is_unanswered = flight.writes == link.writes && link.untaken() == 0;
        // It would have been written to at once.
        let could_be_told = link.was_told_writable && !link.awaits_room && !nature.is_narrow;
        let is_left = flight.was_sent == Some(true) && is_unanswered && could_be_told;
        is_left.then_some(flight.fetch)
    }
}
