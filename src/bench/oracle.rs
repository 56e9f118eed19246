//! What all clients are sent, judged and counted.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::roster::{Message, Reader, View};

/// Mistakes that are told in full; of the others only their number.
const MISTAKES_TOLD: usize = 10;

/// Judges and counts what clients are sent.
#[derive(Debug)]
pub(crate) struct Oracle {
    pub(crate) reader: Reader,
    echo: Option<Echo>,
    pub(crate) counts: Counts,
    /// From when something was to happen until a client was told, in µs.
    pub(crate) latency: Histogram<u64>,
    /// The same, since the last sample was taken.
    pub(crate) latency_lately: Histogram<u64>,
    pub(crate) mistakes: Mistakes,
    /// The newest roster that any client knows.
    pub(crate) newest: View,
    is_measuring: bool,
}

/// A message that goes back and forth. It begins with the time at which it was sent, in
/// microseconds after the start, in hexadecimal.
#[derive(Debug)]
struct Echo {
    start: Instant,
    message: Vec<u8>,
}

/// The length of the time in a message, in bytes.
pub(crate) const STAMP_BYTES: usize = 12;

/// What has been delivered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Messages, to all clients together.
    pub(crate) deliveries: u64,
    /// Of them, whole rosters.
    pub(crate) rosters: u64,
    /// All bytes that were read.
    pub(crate) bytes: u64,
}

/// What went wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mistakes {
    pub(crate) count: u64,
    pub(crate) told: Vec<String>,
}

impl Mistakes {
    /// Takes note of one.
    pub(crate) fn note(&mut self, what: String) {
        self.count += 1;
        if self.told.len() < MISTAKES_TOLD && !self.told.contains(&what) {
            self.told.push(what);
        }
    }
}

/// The longest time that is told from longer ones, in µs: an hour.
const LATENCY_MAX: u64 = 3_600_000_000;

/// A histogram of times, from 1 µs on, with three digits.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX, 3).expect("the bounds are in order")
}

impl Oracle {
    /// Nothing has been sent. With a number, messages of so many bytes are to come back.
    pub(crate) fn new(echo_bytes: Option<usize>) -> Oracle {
        Oracle {
            reader: Reader::default(),
            echo: echo_bytes
                .map(|bytes| Echo { start: Instant::now(), message: vec![b'.'; bytes] }),
            counts: Counts::default(),
            latency: histogram(),
            latency_lately: histogram(),
            mistakes: Mistakes::default(),
            newest: View::default(),
            is_measuring: false,
        }
    }

    /// Measures latency from now on, anew, or no more.
    pub(crate) fn measure(&mut self, is_measuring: bool) {
        self.is_measuring = is_measuring;
        if is_measuring {
            self.latency.reset();
            self.latency_lately.reset();
        }
    }

    /// What has been measured, to be kept aside.
    pub(crate) fn take_latency(&mut self) -> Histogram<u64> {
        std::mem::replace(&mut self.latency, histogram())
    }

    /// Some bytes came, whatever they say.
    pub(crate) fn received(&mut self, bytes: usize) {
        self.counts.bytes += bytes as u64;
    }

    /// A client was sent a message. What it sends in turn is returned.
    pub(crate) fn message(&mut self, payload: &[u8], view: &mut View) -> Option<&[u8]> {
        self.counts.deliveries += 1;
        if let Some(echo) = &self.echo {
            match echo.age(payload) {
                Some(age) if self.is_measuring => self.record(age),
                Some(_) => {}
                None => self.mistakes.note("a message did not come back as it was sent".into()),
            }
            return self.next_echo();
        }
        let message = match self.reader.read(payload) {
            Ok(message) => message,
            Err(wrong) => {
                self.mistakes.note(wrong.to_string());
                return None;
            }
        };
        match &message {
            Message::Refused(code) if code == "rate_limited" => {
                let hint = "start the server with a larger --name-changes-per-minute";
                self.mistakes.note(format!("a request was refused: {code} ({hint})"));
            }
            Message::Refused(code) => self.mistakes.note(format!("a request was refused: {code}")),
            Message::Roster { .. } => self.counts.rosters += 1,
            Message::Change { .. } => {}
        }
        match view.apply(&message) {
            Ok(Some(first)) if self.is_measuring => {
                if let Some(asked) = self.reader.asked_since(first) {
                    self.record(asked.elapsed());
                }
            }
            Ok(_) => {}
            Err(wrong) => self.mistakes.note(wrong.to_string()),
        }
        if view.seq > self.newest.seq {
            self.newest = *view;
        }
        None
    }

    fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1);
        self.latency.saturating_record(micros);
        self.latency_lately.saturating_record(micros);
    }

    /// The message to send back and forth, as of now; none if there is nothing to echo.
    pub(crate) fn next_echo(&mut self) -> Option<&[u8]> {
        let echo = self.echo.as_mut()?;
        let stamp = format!("{:0STAMP_BYTES$x}", echo.start.elapsed().as_micros());
        echo.message[..STAMP_BYTES].copy_from_slice(stamp.as_bytes());
        Some(&echo.message)
    }
}

impl Echo {
    /// How long ago a message was sent, if it came back as it was.
    fn age(&self, payload: &[u8]) -> Option<Duration> {
        let (stamp, rest) = payload.split_at_checked(STAMP_BYTES)?;
        let micros = u64::from_str_radix(std::str::from_utf8(stamp).ok()?, 16).ok()?;
        let age = self.start.elapsed().checked_sub(Duration::from_micros(micros))?;
        (rest == &self.message[STAMP_BYTES..]).then_some(age)
    }
}
