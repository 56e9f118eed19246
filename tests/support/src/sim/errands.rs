//! What clients that are one program want of each other. A client touches no other: it writes down
//! what it wants, and the world does that when the client has acted.

use super::client::Client;
use super::client::carrier::Load;
use super::script::{Kind, Step};
use super::setup;
use super::tabs::LATE_US;
use super::world::{Act, World};

/// What one client wants of another, by its number.
#[derive(Debug)]
pub enum Errand {
    /// A request of a session goes over this carrier if it still can, or else over a new one.
    Carry { session: usize, over: Option<usize>, load: Load },
    /// What came of a request of a session.
    Answer { session: usize, carrier: usize, answer: Answer },
    /// A socket of a session goes in this way, or stops listening.
    Change { client: usize, step: Step },
    /// A session connects with the WebSocket to which it moves.
    Connect { session: usize },
    /// Another WebSocket of a session does this.
    Try { session: usize, script: Vec<Step> },
    /// That one is gone.
    Tried { session: usize },
}

/// What came of a request, known by its number.
#[derive(Debug)]
pub struct Answer {
    pub number: u32,
    /// The status and the body, unless the connection has ended before.
    pub content: Option<(u16, Vec<u8>)>,
    /// Whether the carrier can have another request.
    pub is_kept: bool,
}

impl World {
    /// Does what clients want of each other.
    pub(super) fn run_errands(&mut self) {
        while let Some(errand) = self.nature.errands.pop_front() {
            let now_us = self.nature.clock_us;
            match errand {
                Errand::Carry { session, over, load } => self.carry(session, over, load),
                Errand::Answer { session, carrier, answer } => {
                    self.clients[session].take_answer(carrier, answer, now_us);
                    self.wake(session, now_us);
                }
                Errand::Change { client, step } => {
                    let Self { clients, nature, .. } = self;
                    if !clients[client].is_gone {
                        clients[client].change(&step, nature);
                        self.note_edge(client);
                        self.wake(client, now_us);
                    }
                }
                Errand::Connect { session } => self.plan(now_us, Act::Connect(session)),
                Errand::Try { session, script } => {
                    let number = setup::add_try(self, session, script);
                    self.plan(now_us, Act::Connect(number));
                }
                Errand::Tried { session } => {
                    self.clients[session].forget_try();
                    self.wake(session, now_us);
                }
            }
        }
    }

    fn carry(&mut self, session: usize, over: Option<usize>, load: Load) {
        let now_us = self.nature.clock_us;
        // Its place may be that of another one's by now.
        let is_free =
            |carrier: &Client| carrier.is_idle_carrier() && carrier.session_of() == Some(session);
        let free = over.filter(|carrier| is_free(&self.clients[*carrier]));
        let carrier = free.unwrap_or_else(|| {
            let carrier = setup::add_carrier(self, session);
            let delay_us = u64::from(self.nature.choices.below(3)) * 500;
            self.plan(now_us + delay_us, Act::Connect(carrier));
            carrier
        });
        self.clients[session].goes_over(load.number, carrier);
        self.clients[carrier].carry(load);
        if free.is_some() {
            self.wake(carrier, now_us);
        }
    }

    /// Something happens to a connection that is nobody's doing, and to the session of its request.
    pub(super) fn harm(&mut self, index: usize) {
        self.clients[index].is_harmed = true;
        if let Some(session) = self.clients[index].session_of()
            && self.clients[index].has_request()
        {
            self.clients[session].is_harmed = true;
        }
    }

    /// A client is not let in.
    pub(super) fn turn_away(&mut self, index: usize) {
        let Self { clients, nature, .. } = self;
        let goes_on = clients[index].survives_socket();
        clients[index].is_harmed |= goes_on;
        clients[index].is_gone = !goes_on;
        clients[index].report_end(nature);
        self.run_errands();
    }

    /// A request of a session may have waited long for its socket to be accepted.
    pub(super) fn note_accepted(&mut self, index: usize) {
        let now_us = self.nature.clock_us;
        let client = &self.clients[index];
        if client.link.connected_us + LATE_US < now_us
            && let Some(session) = client.session_of()
        {
            self.clients[session].is_held_up(now_us);
        }
    }

    /// The server has closed the socket of this client: what that means for its session.
    pub(super) fn note_closed(&mut self, index: usize) {
        let now_us = self.nature.clock_us;
        // Where there are too many, one whose request has not come whole is dropped.
        if self.nature.is_crowded && self.clients[index].waits_for_answer() {
            self.harm(index);
        }
        if let Some(fetch) = self.clients[index].unanswered_fetch(&self.nature)
            && let Some(session) = self.clients[index].session_of()
            && self.clients[session].ends_with(fetch)
        {
            self.clients[session].session_is_over(now_us);
        }
        if self.clients[index].kind == Kind::Carrier {
            self.spare.push(index);
        }
        if self.clients[index].link.is_dead || self.clients[index].kind == Kind::Try {
            self.clients[index].report_end(&mut self.nature);
            self.run_errands();
        }
    }

    /// A place of a carrier that is gone for good.
    pub(super) fn spare_place(&mut self) -> Option<usize> {
        let index = self.spare.pop()?;
        let Client { link, is_gone, .. } = &self.clients[index];
        let is_free = link.is_closed && !link.is_pending && (*is_gone || link.is_dead);
        is_free.then_some(index)
    }
}
