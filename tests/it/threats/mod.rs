//! What servers of this kind have got wrong: for each hole a test that is named after its id.
//!
//! `docs/evidence/threats.md` lists the ids and the tests, here and in the suites that need more
//! than this binary has; `rows` checks that it names all of them. What a row claims of memory is
//! measured by an allocator that counts for each thread, and what it claims of time by the
//! processor time of the thread, so that what else runs makes no difference.

mod closing;
mod deflate;
mod frames;
mod front;
mod headers;
mod heads;
mod names;
mod page;
mod policies;
mod probes;
mod resources;
mod rooms;
mod rows;
mod socketio;
mod states;
mod storms;
mod text;
mod time;

use std::net::Ipv4Addr;
use std::time::Duration;

use headcount::assets::Assets;
use headcount::config::{Config, Limits};
use headcount::connection::ConnectionId;
use headcount::hub::Hub;
use headcount::time::Time;
use rustix::time::{ClockId, clock_gettime};

use headcount_support::world::sweep;

use crate::wire;

/// A hub and no more: a world looks at each of its clients in each turn, which takes too long where
/// there are thousands, and shows up where memory and time are measured.
struct Bare {
    hub: Hub,
    now: Time,
}

impl Bare {
    fn with(config: Config) -> Bare {
        Bare { hub: Hub::new(config, Assets::embedded()), now: Time::ZERO }
    }

    fn accept(&mut self) -> ConnectionId {
        self.hub.accepted(Ipv4Addr::LOCALHOST.into(), self.now).expect("the connection is taken")
    }

    /// Opens a WebSocket, and takes what it is sent at first.
    fn open(&mut self, path: &str, fields: &str) -> ConnectionId {
        let id = self.accept();
        self.send(id, &wire::handshake(path, fields));
        assert!(self.take(id).starts_with(b"HTTP/1.1 101 "));
        id
    }

    fn send(&mut self, id: ConnectionId, bytes: &[u8]) {
        self.hub.received(id, &mut bytes.to_vec(), self.now);
    }

    /// All that there is to send; as the driver does, the socket is shut down after the last of it.
    fn take(&mut self, id: ConnectionId) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let chunk = self.hub.transmit(id).as_slice().concat();
            if chunk.is_empty() {
                break;
            }
            self.hub.sent(id, chunk.len());
            bytes.extend(chunk);
        }
        if self.hub.settle_output(id, false, self.now).half_closes {
            self.hub.half_closed(id, self.now);
        }
        bytes
    }

    /// The same, for who does not look at it: nothing is copied.
    fn flush(&mut self, id: ConnectionId) -> usize {
        let mut total = 0;
        loop {
            let bytes = self.hub.transmit(id).total();
            if bytes == 0 {
                break;
            }
            self.hub.sent(id, bytes);
            total += bytes;
        }
        if self.hub.settle_output(id, false, self.now).half_closes {
            self.hub.half_closed(id, self.now);
        }
        total
    }

    /// Nobody is written to but those whom the test picks.
    fn forget_lists(&mut self) {
        while self.hub.next_touched().is_some() {}
        while self.hub.next_to_tell().is_some() {}
    }

    /// The phases of a turn but for reading and writing. Gives how many connections were reaped.
    fn turn(&mut self) -> usize {
        sweep(&mut self.hub, self.now);
        self.hub.commit(self.now);
        self.forget_lists();
        self.hub.take_refused_origins();
        std::iter::from_fn(|| self.hub.reap()).count()
    }
}

/// The processor time that this thread takes for `work`.
fn cpu(work: impl FnOnce()) -> Duration {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let before = now();
    work();
    now() - before
}

/// How often a time is measured before it is believed to be too long: somebody else's work on this
/// machine makes one longer for a while, and nothing makes one shorter.
const ROUNDS: usize = 100;

/// How often two times are measured before one is believed to be short enough for the other.
const ROUNDS_MIN: usize = 3;

/// `measure` gives less than `most`.
fn takes_less(most: Duration, case: &str, measure: impl FnMut() -> Duration) {
    let mut least = Duration::MAX;
    for time in std::iter::repeat_with(measure).take(ROUNDS) {
        least = least.min(time);
        if least < most {
            return;
        }
    }
    panic!("{case}: {least:?} and not less than {most:?}");
}

/// The least that `measure` gives for the long input is at most `times` the least for the short
/// one. One round is not enough: there it may be the short one that was made longer.
fn grows_at_most(
    times: u32,
    (short, long): (usize, usize),
    case: &str,
    mut measure: impl FnMut(usize) -> Duration,
) {
    let mut least = (Duration::MAX, Duration::MAX);
    for round in 1..=ROUNDS {
        least = (least.0.min(measure(short)), least.1.min(measure(long)));
        if round >= ROUNDS_MIN && least.1 <= least.0 * times {
            return;
        }
    }
    panic!("{case}: {least:?} for {short} and {long}");
}

/// A server that echoes, with rates that nobody reaches.
pub fn generous() -> Config {
    let most = u32::MAX;
    let limits = Limits {
        messages_per_second: most,
        messages_burst: most,
        bytes_per_second: most,
        control_frames_per_second: most,
        control_frames_burst: most,
        name_changes_per_minute: most,
        pending_max: most,
        deadlines_per_turn: most,
        ..Limits::default()
    };
    Config { limits, echo: true, ..Config::default() }
}
