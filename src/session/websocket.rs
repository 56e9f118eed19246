//! A session after the opening handshake: what its peer sends, and how much of that it may.

use crate::config::{Config, ECHO};
use crate::heartbeat::{Heartbeat, Pace};
use crate::rate::{Bucket, Rate};
use crate::time::Time;
use crate::ws::{CloseCode, Decoder, Event, Opcode};

use super::{Phase, Session};

/// A connection after the opening handshake.
#[derive(Debug)]
pub(crate) struct WebSocket {
    pub(super) decoder: Decoder,
    pub(super) heartbeat: Heartbeat,
    pub(crate) is_echo: bool,
    /// After our Close frame: when the peer's must have come.
    pub(crate) closing: Option<Time>,
}

/// What a connection may still send; made when it first sends something.
#[derive(Debug)]
pub(super) struct Rates {
    messages: Bucket,
    controls: Bucket,
    bytes: Bucket,
    names: Bucket,
}

/// What came of one look at the input of a WebSocket.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// All input is used and nothing more is in it.
    NeedsInput,
    /// Something that the session itself took care of.
    Handled,
    /// A text message for the roster.
    Text(&'a str),
    /// A binary message for the roster.
    Binary,
    /// The peer's Close frame.
    Closed(Option<CloseCode>),
    /// The peer must be failed with this code.
    Failed(CloseCode),
}

impl Session {
    /// Looks at the next piece of input of a WebSocket, and says how many bytes it used.
    pub(crate) fn step<'a>(
        &'a mut self,
        input: &'a mut [u8],
        config: &Config,
        now: Time,
    ) -> (usize, Step<'a>) {
        let pace = self.pace(config);
        let Phase::WebSocket(socket) = &mut self.phase else {
            unreachable!("only a WebSocket has frames")
        };
        let limits = if socket.is_echo { ECHO } else { config.limits.messages() };
        let (used, event) = match socket.decoder.decode(input, &limits) {
            Ok(decoded) => decoded,
            Err(error) => return (0, Step::Failed(error.close_code())),
        };
        let Some(event) = event else { return (used, Step::NeedsInput) };
        // RFC 6455 §5.5.1: after the Close frame was sent, nothing but the peer's is awaited.
        if socket.closing.is_some() && !matches!(event, Event::Close(_)) {
            return (used, Step::Handled);
        }
        if !socket.is_echo {
            let rates = self.rates.get_or_insert_with(|| Rates::new(config, now));
            if !rates.allow(&event, config, now) {
                return (used, Step::Failed(CloseCode::POLICY_VIOLATION));
            }
        }
        let step = match event {
            Event::Text(text) if !socket.is_echo => Step::Text(text),
            Event::Binary(_) if !socket.is_echo => Step::Binary,
            Event::Close(code) => Step::Closed(code),
            Event::Text(text) => {
                self.outbox.reply(Opcode::Text, text.as_bytes());
                Step::Handled
            }
            Event::Binary(bytes) => {
                self.outbox.reply(Opcode::Binary, bytes);
                Step::Handled
            }
            // RFC 6455 §5.5.2, §5.5.3: a Ping is answered with its own application data.
            Event::Ping(data) => {
                self.outbox.reply(Opcode::Pong, data);
                Step::Handled
            }
            Event::Pong(data) => {
                socket.heartbeat.pong(data, pace, now);
                Step::Handled
            }
        };
        (used, step)
    }

    /// Whether so many more bytes of input are allowed.
    pub(crate) fn may_send(&mut self, bytes: usize, config: &Config, now: Time) -> bool {
        match &self.phase {
            Phase::WebSocket(socket) if !socket.is_echo && socket.closing.is_none() => {
                let rates = self.rates.get_or_insert_with(|| Rates::new(config, now));
                let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
                rates.bytes.take(config.limits.byte_rate(), bytes, now)
            }
            _ => true,
        }
    }

    /// Whether one more change of name is allowed.
    pub(crate) fn may_change_name(&mut self, config: &Config, now: Time) -> bool {
        let rates = self.rates.get_or_insert_with(|| Rates::new(config, now));
        rates.names.take(config.limits.name_rate(), 1, now)
    }

    pub(super) fn pace(&self, config: &Config) -> Pace {
        Pace {
            ping_interval_ms: config.limits.ping_interval_ms,
            pong_timeout_ms: config.limits.pong_timeout_ms,
            seed: config.seed ^ u64::from(self.generation) << 32,
        }
    }
}

impl Rates {
    fn new(config: &Config, now: Time) -> Box<Rates> {
        let full = |rate: Rate| Bucket::new(rate, now);
        Box::new(Rates {
            messages: full(config.limits.message_rate()),
            controls: full(config.limits.control_rate()),
            bytes: full(config.limits.byte_rate()),
            names: full(config.limits.name_rate()),
        })
    }

    fn allow(&mut self, event: &Event<'_>, config: &Config, now: Time) -> bool {
        let limits = &config.limits;
        match event {
            Event::Text(_) | Event::Binary(_) => self.messages.take(limits.message_rate(), 1, now),
            Event::Ping(_) | Event::Pong(_) => self.controls.take(limits.control_rate(), 1, now),
            Event::Close(_) => true,
        }
    }
}
