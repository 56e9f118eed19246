//! What a session of long-polling is told, and how it ends.

use super::super::super::errands::Errand;
use super::super::super::nature::Nature;
use super::super::super::script::Step;
use super::super::Client;
use super::super::carrier::Fetch;
use super::{Course, Flight};

/// Until it asks again when it was told nothing, in us.
const AGAIN_US: u64 = 100_000;

impl Client {
    /// Hears what came of its requests.
    pub(in super::super) fn hear_answers(&mut self, nature: &mut Nature) {
        while let Some(session) = &mut self.session
            && let Some((flight, answer)) = session.answers.pop_front()
        {
            match answer.content {
                None => self.lose_session(nature),
                Some((200, body)) if flight.fetch == Fetch::Poll && session.has_polled() => {
                    return self.give_up(&body, nature);
                }
                Some((200, body)) => self.hear_payload(&flight, body, nature),
                Some((status, _)) => self.hear_refused(status, nature),
            }
        }
    }

    /// Two requests wait for what there is to be told, and one is answered. If the other was not
    /// one too many, nobody knows which of them is to be read first.
    fn give_up(&mut self, body: &[u8], nature: &mut Nature) {
        let is_over = body == b"1" || body.ends_with(b"\x1e1");
        if is_over {
            self.session_is_over(nature.clock_us);
            return self.finish(nature);
        }
        self.change_carriers(&Step::Fin, nature);
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
        let is_fair = session.may_be_told_nothing() || session.is_closing;
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
                _ => {
                    self.hear_packet(packet.as_bytes(), nature);
                    self.forget_who(nature);
                }
            }
        }
        // What was to be told before the end is.
        let is_answered = self.ledger.is_answered() || !self.is_untroubled();
        assert!(!is_last || is_answered, "it ended with something not told: {:?}", self.ledger);
    }

    /// A request is refused: the session is over, or never was.
    pub(super) fn hear_refused(&mut self, status: u16, nature: &mut Nature) {
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
        // Who is asked whether it is there may have been late to answer.
        let session = self.session.as_deref().filter(|_| self.tab.is_some());
        let is_late = session.is_some_and(|session| session.was_held_up(nature.clock_us));
        let is_excused = is_late || is_left_out || !self.is_untroubled();
        let is_fair = is_closing || self.has_ended || is_excused;
        let is_busy = nature.is_stopping || nature.is_crowded;
        assert!(is_fair || is_busy, "{how} ends the session of {self:?}");
    }

    /// A request has ended without a response.
    fn lose_session(&mut self, nature: &mut Nature) {
        if !self.is_gone {
            self.is_harmed = true;
            self.finish(nature);
        }
    }

    /// It has ended its session, and all is answered.
    pub(super) fn end_if_closed(&mut self) {
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
    pub(super) fn finish(&mut self, nature: &mut Nature) {
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
}
