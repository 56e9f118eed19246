//! The requests of a session of long-polling: what is asked, and when.

use super::super::super::errands::Errand;
use super::super::super::nature::Nature;
use super::super::super::pages;
use super::super::super::script::Step;
use super::super::Client;
use super::super::carrier::{Fetch, Load};
use super::{Course, Flight};

/// Where requests of sessions go.
const PATH: &str = "/socket.io/?EIO=4&transport=polling";

/// A connection that was not used for so long is not used again: the server is about to close it.
const IDLE_US: u64 = 7_000_000;

/// The most bytes of packets in one request. A server takes no more than the longest message has.
const POST_BYTES_MAX: usize = 4_000;

impl Client {
    /// Begins the requests that are due, and says when it does so next, in us from now.
    pub(in super::super) fn attend(&mut self, nature: &mut Nature) -> Option<u64> {
        let has_script = !self.script.is_empty();
        let session = self.session.as_mut().filter(|session| session.polls())?;
        if self.has_ended || self.is_gone || session.over_us.is_some() {
            return None;
        }
        session.sid.as_ref()?;
        let is_pausing = session.course == Course::Pausing;
        let twice = session.twice.take();
        let polls = session.in_flight(Fetch::Poll);
        let may_poll = !session.is_mute && !is_pausing && nature.clock_us >= session.poll_at_us;
        let is_busy = is_pausing && session.moves_busily && has_script;
        let is_due = may_poll && polls == 0 || polls == 1 && twice == Some(Fetch::Poll);
        if is_due || is_busy && polls == 0 && nature.choices.chance(3) {
            self.poll(nature);
        }
        let session = self.session.as_mut()?;
        let posts = session.in_flight(Fetch::Post);
        let may_post = posts == 0 && (!is_pausing || session.moves_busily);
        if may_post && !session.unsaid.is_empty() {
            self.post(nature);
        }
        if twice == Some(Fetch::Post) {
            // If it is not one too many, nobody knows which of the two is taken first.
            self.fetch(Fetch::Post, "3", false, nature);
        }
        let session = self.session.as_mut()?;
        if is_pausing && session.flights.is_empty() && session.answers.is_empty() {
            self.arrive_on_socket();
        }
        let session = self.session.as_ref()?;
        let is_early = session.poll_at_us > nature.clock_us && !session.is_mute;
        is_early.then(|| session.poll_at_us - nature.clock_us)
    }

    /// Opens the session.
    pub(in super::super) fn open_session(&mut self, nature: &mut Nature) {
        nature.sessions_opened += 1;
        self.fetch(Fetch::Open, "", false, nature);
    }

    pub(super) fn poll(&mut self, nature: &mut Nature) {
        self.fetch(Fetch::Poll, "", false, nature);
    }

    /// Says packets, as many as fit.
    pub(super) fn post(&mut self, nature: &mut Nature) {
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
        let (from_us, carrier) = (nature.clock_us, None);
        session.flights.push(Flight {
            number,
            from_us,
            fetch,
            carrier,
            is_vain,
            is_last,
            is_dropped,
        });
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
}
