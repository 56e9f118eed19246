//! How much a peer may say.

use crate::config::Config;
use crate::rate::{Buckets, Rate};
use crate::time::Time;
use crate::ws::Event;

use super::{Phase, Session};

/// What a connection may still send; made when it first sends something.
#[derive(Debug)]
pub(super) struct Rates(Buckets<4>);

/// What is counted, each in a bucket of its own.
#[derive(Clone, Copy)]
enum Counted {
    Messages,
    Controls,
    Bytes,
    Names,
}

impl Rates {
    /// Those of a session, made if this is the first that it says.
    pub(super) fn of<'a>(
        rates: &'a mut Option<Box<Rates>>,
        config: &Config,
        now: Time,
    ) -> &'a mut Rates {
        rates.get_or_insert_with(|| Box::new(Rates(Buckets::new(Rates::all(config), now))))
    }

    /// In the order of [`Counted`].
    fn all(config: &Config) -> [Rate; 4] {
        let limits = &config.limits;
        [limits.message_rate(), limits.control_rate(), limits.byte_rate(), limits.name_rate()]
    }

    pub(super) fn allow(&mut self, event: &Event<'_>, config: &Config, now: Time) -> bool {
        match event {
            Event::Text(_) | Event::Binary(_) => self.take(Counted::Messages, 1, config, now),
            Event::Ping(_) | Event::Pong(_) => self.take(Counted::Controls, 1, config, now),
            Event::Close(_) => true,
        }
    }

    fn take(&mut self, counted: Counted, tokens: u32, config: &Config, now: Time) -> bool {
        self.0.take(Rates::all(config), counted as usize, tokens, now)
    }
}

impl Session {
    /// Whether so many more bytes of input are allowed.
    pub(crate) fn may_send(&mut self, bytes: usize, config: &Config, now: Time) -> bool {
        match &self.phase {
            Phase::WebSocket(socket) if !socket.is_echo() && !socket.is_closing() => {
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                Rates::of(&mut self.rates, config, now).take(Counted::Bytes, bytes, config, now)
            }
            _ => true,
        }
    }

    /// Whether one more change of name is allowed.
    pub(crate) fn may_change_name(&mut self, config: &Config, now: Time) -> bool {
        Rates::of(&mut self.rates, config, now).take(Counted::Names, 1, config, now)
    }
}
