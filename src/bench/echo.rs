//! A message that goes back and forth, to measure how long that takes.

use std::time::{Duration, Instant};

/// A message that goes back and forth. It begins with the time at which it was sent, in
/// microseconds after the start, in hexadecimal.
#[derive(Debug)]
pub(super) struct Echo {
    start: Instant,
    message: Vec<u8>,
}

/// The length of the time in a message, in bytes.
pub(crate) const STAMP_BYTES: usize = 12;

impl Echo {
    /// Messages of so many bytes.
    pub(super) fn new(bytes: usize) -> Echo {
        Echo { start: Instant::now(), message: vec![b'.'; bytes] }
    }

    /// The message, as of now.
    pub(super) fn next(&mut self) -> &[u8] {
        let stamp = format!("{:0STAMP_BYTES$x}", self.start.elapsed().as_micros());
        self.message[..STAMP_BYTES].copy_from_slice(stamp.as_bytes());
        &self.message
    }

    /// How long ago a message was sent, if it came back as it was.
    pub(super) fn age(&self, payload: &[u8]) -> Option<Duration> {
        let (stamp, rest) = payload.split_at_checked(STAMP_BYTES)?;
        let micros = u64::from_str_radix(std::str::from_utf8(stamp).ok()?, 16).ok()?;
        let age = self.start.elapsed().checked_sub(Duration::from_micros(micros))?;
        (rest == &self.message[STAMP_BYTES..]).then_some(age)
    }
}
