//! What a session of long-polling does besides: it moves to a WebSocket, or goes.

use super::super::super::errands::Errand;
use super::super::super::nature::Nature;
use super::super::super::pages;
use super::super::super::script::Step;
use super::super::super::twist::Twist;
use super::super::Client;
use super::Course;
use crate::wire;

/// Packets that no session takes.
const BAD: [&str; 6] = ["abc", "2", "4", "5", "2probe", "\u{1e}"];

impl Client {
    /// It is told nothing elsewhere: from now on everything goes by the WebSocket.
    pub(super) fn arrive_on_socket(&mut self) {
        let Some(session) = &mut self.session else { return };
        session.course = Course::Moved;
        let unsaid = std::mem::take(&mut session.unsaid);
        self.outgoing.extend(wire::text("5"));
        for packet in unsaid {
            self.outgoing.extend(wire::text(&packet));
        }
    }

    /// Its own WebSocket is open, or has said something before it moves.
    pub(in super::super) fn hear_on_the_way(&mut self, packet: &str) -> bool {
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
    pub(in super::super) fn try_socket(&mut self) {
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

    /// The steps of a script that are not those of a client on a WebSocket. Says whether this is
    /// one.
    pub(in super::super) fn perform_polling(&mut self, step: &Step, nature: &mut Nature) -> bool {
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
    pub(in super::super) fn change_carriers(&mut self, step: &Step, nature: &mut Nature) {
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
}
