//! What a client says and does: its script, a step at a time.

use super::super::faults::{Fault, Stage};
use super::super::nature::Nature;
use super::super::pages::Asked;
use super::super::requests::{Act, BAD, Request, View};
use super::super::script::{self, Kind, Step};
use crate::wire;

use super::{Client, OPENED, ROOMS, Reading, UNREAD_MAX};

/// Offers compression.
pub(super) const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

impl Client {
    /// Its secret, which nobody else may ever be told.
    pub(super) fn marker(&self) -> String {
        format!("marker of {}", self.number)
    }

    pub(super) fn echo(&self, length: u32) -> Vec<u8> {
        self.marker().bytes().cycle().take(length as usize).collect()
    }

    /// Sends what it has to send, or a part of it.
    pub(super) fn speak(&mut self, nature: &mut Nature) -> Option<u64> {
        if self.outgoing.is_empty() || self.link.is_up_ended {
            self.outgoing.clear();
            return None;
        }
        // What the server's kernel takes before the server does.
        let room = UNREAD_MAX.saturating_sub(self.link.unread());
        let mut length = self.outgoing.len().min(room);
        if length == 0 {
            return Some(20_000);
        }
        let stage = self.stage();
        if self.kind == Kind::Slowloris {
            length = 1;
        } else if nature.strikes(Fault::Cut, stage) {
            length = nature.choices.between(1, length as u32) as usize;
        }
        let again = stage != Stage::Waiting && nature.strikes(Fault::MergedEvent, stage);
        nature.note(&self.outgoing[..length]);
        self.link.deliver(&self.outgoing[..length], again);
        self.outgoing.drain(..length);
        if self.outgoing.is_empty() {
            return None;
        }
        let most_ms = if self.kind == Kind::Slowloris { 2000 } else { 20 };
        Some(1000 * u64::from(nature.choices.between(0, most_ms)))
    }

    /// Goes through its script up to the next pause.
    pub(super) fn go_on(&mut self, nature: &mut Nature) -> Option<u64> {
        let is_in_doubt = |client: &Client| client.claiming > 0 || client.ledger.is_in_doubt();
        while (!is_in_doubt(self) || self.is_impatient())
            && let Some(step) = self.script.pop_front()
        {
            if let Step::Wait(ms) = step {
                return Some(1000 * u64::from(ms));
            }
            self.perform(&step, nature);
            if self.is_gone || self.link.is_dead {
                return None;
            }
            if !self.outgoing.is_empty() && !nature.choices.chance(4) {
                return Some(0);
            }
        }
        (!self.outgoing.is_empty()).then_some(0)
    }

    fn perform(&mut self, step: &Step, nature: &mut Nature) {
        if self.session.is_some() && self.perform_polling(step, nature) {
            return;
        }
        match *step {
            Step::Open => self.open(nature),
            Step::Send(ref bytes) => self.outgoing.extend(bytes),
            Step::Ask(page) => {
                self.outgoing.extend(page.message());
                self.is_innocent &= !page.is_torn();
                self.ear.asked.push_back(page.asked());
            }
            Step::Request(ref request) => self.ask(request, nature),
            Step::Hello { .. }
            | Step::Torn(_)
            | Step::EnterAgain(_)
            | Step::Double(_)
            | Step::Leave(..) => self.come_and_go(step, nature),
            Step::Ping => self.ping(1),
            Step::Echo(length) => self.say_to_echo(length),
            Step::Violate(how) => self.violate(how, nature),
            Step::Flood(times) => {
                let was_innocent = std::mem::replace(&mut self.is_innocent, false);
                match self.kind {
                    // Much more than it takes.
                    Kind::Echo => (0..times / 8).for_each(|_| self.say_to_echo(40_000)),
                    _ => {
                        if was_innocent && self.is_open && times >= 400 {
                            self.condemned = Some(1008);
                        }
                        self.ping(times);
                    }
                }
            }
            Step::Close(code) if self.is_open => {
                self.has_sent_close = true;
                self.outgoing.extend(wire::close(code));
                self.part(nature.tabs.terms.hold_closed_us, true, nature.clock_us);
                // Most wait for the answer, and some do not.
                self.script = script::after_close(&mut nature.choices).into();
            }
            _ => self.change(step, nature),
        }
    }

    /// Breaks the protocol, and does not care what comes of it.
    fn violate(&mut self, how: u8, nature: &mut Nature) {
        // What is too much elsewhere is none on `/echo`.
        let how = if self.kind == Kind::Echo { how % script::TOO_MUCH } else { how };
        let (bytes, code) = script::violation(how);
        self.is_innocent = false;
        self.outgoing.extend(bytes);
        // Before it is open it breaks another one.
        self.condemned = self.is_open.then_some(code);
        self.script = script::after_violation(&mut nature.choices).into();
    }

    fn ping(&mut self, times: u32) {
        self.pings += times;
        let ping = wire::frame(0x89, self.marker().as_bytes());
        self.outgoing.extend(ping.repeat(times as usize));
    }

    fn open(&mut self, nature: &mut Nature) {
        let path = match self.kind {
            Kind::Native { .. } | Kind::Slowloris => {
                let view = self.first_view.map(|view| format!("?view={}", view.word()));
                wire::path("/ws", ROOMS[self.home].0) + &view.unwrap_or_default()
            }
            Kind::SocketIo => "/socket.io/?EIO=4&transport=websocket".to_owned(),
            Kind::Echo => "/echo".to_owned(),
            Kind::Noise => {
                let length = nature.choices.between(1, 300);
                self.outgoing = (0..length).map(|_| nature.choices.below(256) as u8).collect();
                return;
            }
            Kind::Page | Kind::Silent | Kind::Carrier | Kind::Try => return,
        };
        let offer = self.offer();
        let protocol = if self.greets { "Sec-WebSocket-Protocol: headcount.v2\r\n" } else { "" };
        self.ear.asked.push_back(Asked::default());
        self.outgoing.extend(wire::handshake(&path, &[offer, protocol].concat()));
        // Who is to say hello is told nothing before.
        let view = if self.greets { Some(View::Nothing) } else { self.first_view };
        let request = Request::new(Act::Open(view), Some(self.home));
        match self.kind {
            Kind::Native { .. } | Kind::Slowloris => {
                self.ledger.ask(request, Some(OPENED.to_owned()), nature.clock_us);
            }
            Kind::SocketIo => self.enter_namespace(self.home, nature),
            _ => {}
        }
    }

    /// Asks for something in a room.
    pub(super) fn ask(&mut self, request: &Request, nature: &mut Nature) {
        if self.kind == Kind::SocketIo {
            return self.ask_in_namespace(request, nature);
        }
        self.asked += 1;
        // An answer is to be awaited where it is not certain.
        let is_certain = self.ledger.may_fail(request).is_empty();
        let has_id = match request.act {
            Act::Bad(how) => request.has_id && BAD[how].3,
            Act::Ping | Act::Hello(_) => false,
            _ => request.has_id || !is_certain || self.ledger.is_return(request),
        };
        let id = match self.asked % 3 {
            0 => format!("\"request {}\"", self.asked),
            _ => self.asked.to_string(),
        };
        let id = has_id.then_some(id);
        self.outgoing.extend(wire::text(&request.message(id.as_deref(), false)));
        self.ledger.ask(request.clone(), id, nature.clock_us);
    }

    fn say_to_echo(&mut self, length: u32) {
        self.echoes.push_back(length);
        self.outgoing.extend(wire::frame(0x82, &self.echo(length)));
    }

    /// The steps that end it, or change how it listens.
    pub fn change(&mut self, step: &Step, nature: &mut Nature) {
        if self.polls() && *step != Step::FastReader {
            return self.change_carriers(step, nature);
        }
        self.note_what_was_sent();
        let fault = match *step {
            Step::HalfClose => Fault::HalfClose,
            Step::Fin => Fault::Fin,
            Step::Reset => Fault::Reset,
            Step::Vanish => Fault::Vanish,
            Step::ZeroWindow => Fault::ZeroWindow,
            Step::SlowReader(_) => Fault::SlowReader,
            _ => {
                self.reading = Reading::Fast;
                return;
            }
        };
        nature.tally.note(fault, self.stage());
        match *step {
            Step::ZeroWindow | Step::SlowReader(_) => {
                self.is_innocent = false;
                self.took_at_us = nature.clock_us;
                self.reading = match *step {
                    Step::SlowReader(rate) => Reading::Slow(rate),
                    _ => Reading::Never,
                };
                return;
            }
            _ => {}
        }
        let is_seen = *step != Step::Vanish;
        self.part(nature.tabs.terms.hold_lost_us, is_seen, nature.clock_us);
        match *step {
            Step::Vanish => self.link.is_dead = true,
            Step::Reset => self.link.reset(),
            _ => self.link.end_up(),
        }
        self.script.clear();
        self.has_ended = true;
        self.is_gone = matches!(step, Step::Fin | Step::Reset);
        if self.is_gone && self.kind != Kind::Try {
            self.report_end(nature);
        }
    }
}
