//! The core's only notion of time: monotonic, integer, passed in.
//!
//! A [`Time`] is a number of milliseconds since the server started. Only the driver makes one from
//! a clock, once a turn; everything else adds to it and compares it, so a test or a simulator can
//! run a day in a moment. Arithmetic saturates: a time that is too far away is [`Time::NEVER`].

/// A moment, in milliseconds since the server started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

impl Time {
    /// The moment the server started.
    pub const ZERO: Time = Time(0);
    /// A moment that does not come: the deadline of something that has none.
    pub const NEVER: Time = Time(u64::MAX);

    /// The moment `ms` milliseconds after the start.
    pub const fn from_ms(ms: u64) -> Time {
        Time(ms)
    }

    /// Milliseconds since the start.
    pub const fn as_ms(self) -> u64 {
        self.0
    }

    /// The moment `ms` milliseconds later.
    #[must_use]
    pub const fn after_ms(self, ms: u64) -> Time {
        Time(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this moment, 0 if it is not earlier.
    pub const fn ms_since(self, earlier: Time) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
