//! One client: its end of a connection, what it does, and what it has a right to.

pub mod carrier;
mod packets;
mod returns;
pub mod session;
mod speech;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;

use headcount::config::Limits;

use super::choices::Choices;
use super::ear::{Ear, Heard};
use super::faults::Stage;
use super::ledger::Ledger;
use super::link::Link;
use super::message::{Message, Whole};
use super::nature::Nature;
use super::pages::Asked;
use super::requests::{self, ROOMS, View};
use super::script::{self, Kind, Step};
use super::seats::Bounds;
use super::tabs::Parting;
use super::twist;
use crate::wire;

use carrier::Carrier;
use session::Session;

/// What a kernel holds that its process has not read, in bytes.
const UNREAD_MAX: usize = 128 * 1024;

/// What the answer to its handshake is known by.
const OPENED: &str = "101";

/// How fast a client takes what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Fast,
    /// So many bytes a second.
    Slow(u32),
    Never,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    number: usize,
    pub kind: Kind,
    pub address: IpAddr,
    script: VecDeque<Step>,
    pub link: Link,
    ear: Ear,
    outgoing: Vec<u8>,
    reading: Reading,
    took_at_us: u64,
    /// When it acts next, on the world's clock.
    pub wake_at_us: u64,
    is_open: bool,
    opened_us: u64,
    has_sent_close: bool,
    has_heard_close: bool,
    /// It has ended its half, or all.
    pub has_ended: bool,
    /// It takes nothing any more.
    pub is_gone: bool,
    /// It has done nothing that a server may end it for.
    is_innocent: bool,
    /// The code that it must be closed with, for what it did.
    condemned: Option<u16>,
    /// Something happened to its connection that was nobody's doing.
    pub is_harmed: bool,
    is_refused: bool,
    pings: u32,
    echoes: VecDeque<u32>,
    /// The room of its URL, and the view that it says.
    home: usize,
    first_view: Option<View>,
    pub ledger: Ledger,
    /// The number of its last request.
    asked: u32,
    /// Whether it says `hello`, and the tab that it does that for.
    pub greets: bool,
    pub tab: Option<usize>,
    /// Whether it was answered when it said its id in a namespace, and how often that is open.
    has_claimed: bool,
    claiming: u32,
    parting: Option<Parting>,
    /// Its session, if that begins by long-polling.
    pub session: Option<Box<Session>>,
    /// What it has to do with the session of another.
    pub carrier: Option<Carrier>,
}

impl Client {
    pub fn new(
        number: usize,
        kind: Kind,
        address: IpAddr,
        script: Vec<Step>,
        window: usize,
        (home, first_view, bounds): (usize, Option<View>, Bounds),
    ) -> Client {
        Client {
            number,
            kind,
            address,
            script: script.into(),
            link: Link::new(window),
            ear: Ear::default(),
            outgoing: Vec::new(),
            reading: Reading::Fast,
            took_at_us: 0,
            wake_at_us: u64::MAX,
            is_open: false,
            opened_us: 0,
            has_sent_close: false,
            has_heard_close: false,
            has_ended: false,
            is_gone: false,
            is_innocent: !matches!(kind, Kind::Slowloris | Kind::Silent | Kind::Noise | Kind::Try),
            condemned: None,
            is_harmed: false,
            is_refused: false,
            pings: 0,
            echoes: VecDeque::new(),
            home,
            first_view,
            ledger: Ledger::new(bounds),
            asked: 0,
            greets: false,
            tab: None,
            has_claimed: false,
            claiming: 0,
            parting: None,
            session: None,
            carrier: None,
        }
    }

    /// What it is doing.
    pub fn stage(&self) -> Stage {
        let link = &self.link;
        match self.kind {
            _ if !link.is_accepted => Stage::Waiting,
            _ if self.has_ended || self.is_gone || link.is_down_ended || link.is_closed => {
                Stage::Ending
            }
            _ if self.has_sent_close || self.has_heard_close => Stage::Closing,
            Kind::Carrier => self.carrier.as_ref().map_or(Stage::Http, Carrier::stage),
            Kind::Try => Stage::Upgrading,
            Kind::SocketIo if self.polls() => Stage::Upgrading,
            _ if !self.is_open => Stage::Http,
            Kind::SocketIo => Stage::SocketIo,
            Kind::Echo => Stage::Echo,
            _ if self.ledger.is_present() => Stage::Present,
            _ => Stage::Watching,
        }
    }

    /// Whether it follows the roster, and the server has no reason to think otherwise.
    pub fn is_live(&self) -> bool {
        if self.polls() {
            return self.is_polling();
        }
        matches!(self.stage(), Stage::Watching | Stage::Present | Stage::SocketIo)
            && !self.link.is_dead
            && !self.link.is_reset
    }

    /// Whether nothing was done by it or to it that could keep it from being told.
    pub fn is_untroubled(&self) -> bool {
        self.is_innocent && !self.is_harmed
    }

    /// Whether its connection must be over when there was a long rest.
    pub fn is_over(&self) -> bool {
        let is_no_client =
            matches!(self.kind, Kind::Slowloris | Kind::Silent | Kind::Noise | Kind::Try);
        let is_condemned = self.condemned.is_some() && self.outgoing.is_empty();
        let is_lost = self.link.is_dead || self.is_gone || self.has_ended;
        let is_open = self.is_open && self.kind != Kind::Try;
        is_lost || is_no_client && !is_open || is_condemned
    }

    /// The most memory that a server may hold for it, in bytes: input that waits for room, a
    /// message that is not whole, and answers, of which up to a half may be sent already; all of it
    /// in buffers that are at most twice as long.
    pub fn held_bytes_max(&self, limits: &Limits) -> usize {
        let message = match self.kind {
            Kind::Echo => script::ECHO_BYTES_MAX,
            _ => limits.message_bytes_max,
        };
        let read = limits.read_bytes_per_turn + limits.head_bytes_max;
        let answers = 2 * (limits.reply_bytes_max + message);
        2 * (read + message + answers + 4096) as usize
    }

    /// Whether it takes everything at once, and always has.
    fn is_prompt(&self) -> bool {
        self.is_untroubled() && self.reading == Reading::Fast
    }

    /// Takes everything from now on, unless it takes nothing.
    pub fn hurry(&mut self) {
        if matches!(self.reading, Reading::Slow(_)) {
            self.reading = Reading::Fast;
        }
    }

    /// Does this in this room, instead of what it was going to do.
    pub fn begin_in(&mut self, home: usize, script: Vec<Step>) {
        self.home = home;
        self.first_view = None;
        self.set_script(script);
    }

    /// Does this from now on, instead of what it was going to do.
    pub fn set_script(&mut self, script: Vec<Step>) {
        self.script = script.into();
    }

    /// Does something besides that only a session does which begins by long-polling.
    pub fn twist(&mut self, choices: &mut Choices) {
        let mut steps: Vec<Step> = std::mem::take(&mut self.script).into();
        twist::twist(&mut steps, choices);
        self.set_script(steps);
    }

    /// Its script asks for a WebSocket.
    pub fn expect_upgrade(&mut self) {
        self.ear.asked.push_back(Asked::default());
    }

    /// Whether it still has something to do.
    pub fn is_busy(&self) -> bool {
        !self.is_gone && !self.link.is_dead && !self.script.is_empty()
    }

    /// Does what is next, and says in how many µs it does more; `None`: when something comes.
    pub fn act(&mut self, nature: &mut Nature) -> Option<u64> {
        if self.is_gone || self.link.is_dead {
            return None;
        }
        self.listen(nature);
        if self.is_gone {
            return None;
        }
        self.hear_answers(nature);
        if self.is_gone {
            self.leave_word(nature);
            return None;
        }
        self.leave_word(nature);
        let mut next = self.speak(nature);
        if self.outgoing.is_empty() {
            next = next.or(self.go_on(nature));
        }
        let due = self.attend(nature);
        next = if self.outgoing.is_empty() { next } else { next.or(Some(0)) };
        next = match (next, due) {
            (Some(next), Some(due)) => Some(next.min(due)),
            (next, due) => next.or(due),
        };
        self.leave_word(nature);
        if matches!(self.reading, Reading::Slow(_)) && self.link.untaken() > 0 {
            next = Some(next.unwrap_or(u64::MAX).min(200_000));
        }
        next
    }

    fn listen(&mut self, nature: &mut Nature) {
        if self.has_failed() {
            return;
        }
        let bytes = match self.reading {
            Reading::Fast => usize::MAX,
            Reading::Never => 0,
            Reading::Slow(rate) => {
                let passed = nature.clock_us - self.took_at_us;
                (passed * u64::from(rate) / 1_000_000) as usize
            }
        };
        if bytes > 0 {
            self.took_at_us = nature.clock_us;
            self.link.take(bytes, &mut self.ear.inbox);
        }
        self.ledger.terms = nature.tabs.terms;
        while let Some(heard) = self.ear.next() {
            self.hear(heard, nature);
            self.forget_who(nature);
        }
        let is_end = self.link.is_down_ended && self.link.untaken() == 0 && bytes > 0;
        let is_stubborn = self.condemned.is_some() && !self.script.is_empty();
        if is_end && !is_stubborn || self.link.is_reset {
            self.check_end(nature);
            if !self.survives_socket() {
                self.is_gone = true;
                self.has_ended = true;
                if self.kind != Kind::Try {
                    self.report_end(nature);
                }
            }
            if !self.link.is_up_ended && !self.link.is_reset {
                self.link.end_up();
            }
        }
    }

    /// The connection is over: whether it may be.
    fn check_end(&self, nature: &Nature) {
        let is_done = self.has_ended
            || self.is_refused
            || self.has_sent_close && self.has_heard_close
            || matches!(self.kind, Kind::Page | Kind::Carrier) && self.ear.asked.is_empty();
        let is_dropped = nature.is_crowded && !self.is_open;
        let is_excused = !self.is_untroubled() || nature.is_stopping || is_dropped;
        let me = self;
        assert!(is_done || is_excused, "{me:?} was cut off for nothing");
        let is_whole = self.ear.is_between_words() && self.link.untaken() == 0;
        assert!(is_whole || self.link.is_reset || is_excused, "{me:?} was cut off inside a word");
        let is_torn = self.link.is_reset && self.link.untaken() > 0;
        assert!(!is_torn || is_excused || self.has_ended, "{me:?} lost the last words");
        // What it did has a code, unless it came too late or the peer took nothing; while it takes
        // no answers, what it said after them is not read.
        let is_late = self.has_sent_close || self.has_ended || self.link.is_reset;
        let is_unread = !self.outgoing.is_empty() || self.pings > 0 || !self.ledger.is_answered();
        let is_unsaid = is_unread || !is_whole;
        let is_told = self.has_heard_close || self.condemned.is_none();
        assert!(
            is_told || is_late || is_unsaid || self.is_harmed || nature.is_stopping,
            "{me:?} was not told why"
        );
    }

    fn hear(&mut self, heard: Heard, nature: &mut Nature) {
        match heard {
            Heard::Answer(101, _) => {
                assert!(self.kind != Kind::Page && !self.is_open);
                self.is_open = true;
                self.opened_us = nature.clock_us;
                if matches!(self.kind, Kind::Native { .. } | Kind::Slowloris) {
                    self.ledger.hear_ok(OPENED, (None, None), nature.clock_us);
                }
                if self.polls() {
                    self.try_socket();
                }
            }
            Heard::Polled(status, body) => self.hear_polled(status, body, nature),
            Heard::Document(body) => {
                let value = serde_json::from_slice(&body).expect("a document is JSON");
                nature.rosters.hear_document(&Whole::of(&value));
            }
            Heard::Answer(status, asked) => self.hear_answer(status, asked, nature),
            Heard::Text(payload) => match self.kind {
                Kind::SocketIo => {
                    let text = std::str::from_utf8(&payload).expect("text is UTF-8");
                    if !self.hear_on_the_way(text) {
                        self.hear_packet(&payload, nature);
                    }
                }
                Kind::Try => assert_eq!(payload, b"3probe", "told on a socket that is tried"),
                Kind::Echo => panic!("an echo of what was not said"),
                _ => self.hear_event(&payload, nature),
            },
            Heard::Binary(payload) => {
                let length = self.echoes.pop_front().expect("an echo of what was not said");
                assert_eq!(payload, self.echo(length), "somebody else's echo");
            }
            Heard::Ping(data) => self.outgoing.extend(wire::frame(0x8A, &data)),
            Heard::Pong(data) => {
                assert_eq!(data, self.marker().as_bytes(), "somebody else's pong");
                self.pings = self.pings.checked_sub(1).expect("a pong for no ping");
            }
            Heard::Close(code) => self.hear_close(code, nature),
        }
    }

    fn hear_answer(&mut self, status: u16, asked: Option<Asked>, nature: &Nature) {
        let is_page = asked.is_some_and(|asked| asked.status == status);
        let is_busy = matches!(status, 429 | 503) && (nature.is_crowded || nature.is_stopping);
        let is_bad_room = self.kind != Kind::Page && self.home >= requests::IMPOSSIBLE;
        let is_told_so = is_bad_room && status == 400;
        let is_full = self.ledger.bounds.is_tight && status == 503;
        let is_fair = is_page || is_busy || is_told_so || is_full || !self.is_innocent;
        assert!(is_fair, "{:?} {} got {status}", self.kind, self.number);
        self.is_refused = !is_page || asked.is_some_and(|asked| asked.is_last);
    }

    fn hear_close(&mut self, code: Option<u16>, nature: &Nature) {
        assert!(self.is_open);
        // Who is let into no namespace has joined none in time.
        let is_left_out = self.ledger.bounds.is_tight && self.ledger.seats.all.is_empty();
        let is_fair = self.has_sent_close
            || self.has_ended
            || code == Some(1001) && nature.is_stopping
            || self.polls() && nature.is_crowded
            || code == Some(1002) && self.may_be_over()
            || code == Some(1008) && is_left_out && self.kind == Kind::SocketIo;
        let me = (self.number, self.kind, &self.ledger);
        assert!(is_fair || !self.is_innocent, "{me:?} was closed with {code:?}");
        let is_expected = code.is_some() && code == self.condemned;
        let is_other = matches!(code, Some(1001 | 1008)) || self.has_sent_close;
        assert!(is_expected || is_other || self.condemned.is_none(), "{me:?} got {code:?}");
        self.has_heard_close = true;
        if self.condemned.is_some() {
            return;
        }
        self.script.clear();
        if !self.has_sent_close && !self.has_ended {
            self.has_sent_close = true;
            self.outgoing.extend(wire::close(code.unwrap_or(1000)));
        }
    }

    fn hear_event(&mut self, payload: &[u8], nature: &mut Nature) {
        let message = nature.rosters.read(payload);
        self.hear_message(&message, nature);
    }

    fn hear_message(&mut self, message: &Rc<Message>, nature: &mut Nature) {
        match &**message {
            Message::Welcome { id, resumed } if self.greets => {
                return self.hear_welcome(id.as_deref(), resumed, nature);
            }
            Message::Error { code, .. } if self.greets && code == "client_in_use" => {
                self.hear_in_use(nature);
            }
            Message::Bye if self.greets => return assert!(nature.is_stopping, "why bye?"),
            _ => {}
        }
        let (now_us, is_prompt) = (nature.clock_us, self.is_prompt());
        self.ledger.hear(message, &mut nature.rosters, now_us, is_prompt);
        if matches!(**message, Message::Pong { .. }) {
            self.ledger.arrive(now_us);
        }
    }
}
