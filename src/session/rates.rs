//! How much a peer may say.

use crate::config::Config;
use crate::rate::{Bucket, Rate};
use crate::time::Time;
use crate::ws::Event;

use super::{Phase, Session};

/// What a connection may still send; made when it first sends something.
#[derive(Debug)]
pub(super) struct Rates {
    messages: Bucket,
    controls: Bucket,
    bytes: Bucket,
    names: Bucket,
}

impl Rates {
    /// Those of a session, made if this is the first that it says.
    pub(super) fn of<'a>(
        rates: &'a mut Option<Box<Rates>>,
        config: &Config,
        now: Time,
    ) -> &'a mut Rates {
        rates.get_or_insert_with(|| Rates::new(config, now))
    }

    fn new(config: &Config, now: Time) -> Box<Rates> {
        let full = |rate: Rate| Bucket::new(rate, now);
        Box::new(Rates {
            messages: full(config.limits.message_rate()),
            controls: full(config.limits.control_rate()),
            bytes: full(config.limits.byte_rate()),
            names: full(config.limits.name_rate()),
        })
    }

    pub(super) fn allow(&mut self, event: &Event<'_>, config: &Config, now: Time) -> bool {
        let limits = &config.limits;
        match event {
            Event::Text(_) | Event::Binary(_) => self.messages.take(limits.message_rate(), 1, now),
            Event::Ping(_) | Event::Pong(_) => self.controls.take(limits.control_rate(), 1, now),
            Event::Close(_) => true,
        }
    }
}

impl Session {
    /// Whether so many more bytes of input are allowed.
    pub(crate) fn may_send(&mut self, bytes: usize, config: &Config, now: Time) -> bool {
        match &self.phase {
            Phase::WebSocket(socket) if !socket.is_echo() && !socket.is_closing() => {
                let rates = Rates::of(&mut self.rates, config, now);
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                rates.bytes.take(config.limits.byte_rate(), bytes, now)
            }
            _ => true,
        }
    }

    /// Whether one more change of name is allowed.
    pub(crate) fn may_change_name(&mut self, config: &Config, now: Time) -> bool {
        let rates = Rates::of(&mut self.rates, config, now);
        rates.names.take(config.limits.name_rate(), 1, now)
    }
}
