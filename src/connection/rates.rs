//! How much a peer may say.

use crate::config::Config;
use crate::rate::{Buckets, Rate};
use crate::time::Time;
use crate::ws::Event;

/// What a connection may still send; made when it first sends something.
#[derive(Debug)]
pub(super) struct Rates(Buckets<6>);

/// The size of the Pong for our ping, with its header and key, in bytes.
const PONG_BYTES_MAX: u32 = 10;

/// What is counted, each in a bucket of its own.
#[derive(Clone, Copy)]
enum Counted {
    Messages,
    Controls,
    Bytes,
    Names,
    Updates,
    Entries,
}

impl Rates {
    /// Those of a connection, made if this is the first that it says.
    pub(super) fn of<'a>(
        rates: &'a mut Option<Box<Rates>>,
        config: &Config,
        now: Time,
    ) -> &'a mut Rates {
        rates.get_or_insert_with(|| Box::new(Rates(Buckets::new(Rates::all(config), now))))
    }

    /// The pong for our own ping came. If it is all that was said lately it is not counted, so that
    /// a connection which only watches holds nothing here.
    pub(super) fn forget_pong(rates: &mut Option<Box<Rates>>, config: &Config, now: Time) {
        // A control frame, or with Engine.IO a message.
        let of_pong = [1, 1, PONG_BYTES_MAX, 0, 0, 0];
        if rates.as_mut().is_some_and(|kept| kept.0.lack_at_most(Rates::all(config), of_pong, now))
        {
            *rates = None;
        }
    }

    /// In the order of [`Counted`].
    fn all(config: &Config) -> [Rate; 6] {
        let limits = &config.limits;
        [
            limits.message_rate(),
            limits.control_rate(),
            limits.byte_rate(),
            limits.name_rate(),
            limits.update_rate(),
            limits.entry_rate(),
        ]
    }

    /// Whether one more frame or message is allowed.
    pub(super) fn allow(&mut self, event: &Event<'_>, config: &Config, now: Time) -> bool {
        match event {
            Event::Text(_) | Event::Binary(_) => self.allow_message(config, now),
            Event::Ping(_) | Event::Pong(_) => self.take(Counted::Controls, 1, config, now),
            Event::Close(_) => true,
        }
    }

    /// Whether one more message is allowed.
    pub(super) fn allow_message(&mut self, config: &Config, now: Time) -> bool {
        self.take(Counted::Messages, 1, config, now)
    }

    /// Whether so many more bytes are allowed.
    pub(super) fn allow_bytes(&mut self, bytes: usize, config: &Config, now: Time) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.take(Counted::Bytes, bytes, config, now)
    }

    /// Whether one more change of name is allowed.
    pub(super) fn allow_name(&mut self, config: &Config, now: Time) -> bool {
        self.take(Counted::Names, 1, config, now)
    }

    /// Whether one more update is allowed: of presence data, a status, a view, a room.
    pub(super) fn allow_update(&mut self, config: &Config, now: Time) -> bool {
        self.take(Counted::Updates, 1, config, now)
    }

    /// Whether one more first login in a room is allowed.
    pub(super) fn allow_entry(&mut self, config: &Config, now: Time) -> bool {
        self.take(Counted::Entries, 1, config, now)
    }

    fn take(&mut self, counted: Counted, tokens: u32, config: &Config, now: Time) -> bool {
        self.0.take(Rates::all(config), counted as usize, tokens, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_to_a_ping_is_forgotten_and_nothing_else_is() {
        let config = Config::default();
        let mut rates = None;
        let mut say = |counted: Counted, tokens: u32, ms: u64| {
            let now = Time::from_ms(ms);
            let kept = Rates::of(&mut rates, &config, now);
            let is_pong = kept.take(Counted::Bytes, PONG_BYTES_MAX, &config, now)
                && kept.take(Counted::Controls, 1, &config, now);
            assert!(is_pong && kept.take(counted, tokens, &config, now));
            Rates::forget_pong(&mut rates, &config, now);
            rates.is_none()
        };
        assert!(say(Counted::Bytes, 0, 0), "a pong");
        assert!(!say(Counted::Controls, 1, 0), "a pong and a ping");
        assert!(say(Counted::Bytes, 0, 1_000), "which is long ago");
        assert!(!say(Counted::Names, 1, 1_000), "a login");
        assert!(!say(Counted::Bytes, 0, 12_000));
        assert!(say(Counted::Bytes, 0, 13_000), "which is a fifth of a minute ago");
    }
}
