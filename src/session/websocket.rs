//! A session after the opening handshake: what its peer sends, and how much of that it may.

use crate::broadcast::Form;
use crate::config::{Config, ECHO};
use crate::heartbeat::{Heartbeat, Pace};
use crate::outbox::Outbox;
use crate::rate::{Bucket, Rate};
use crate::time::Time;
use crate::ws::frame;
use crate::ws::{
    CloseCode, Codec, Decoder, DeflateParameters, Deflater, Event, Inflation, Opcode,
    TakeoverDeflater,
};

use super::{Phase, Session};

/// The window of what is compressed once for everyone, the largest there is (RFC 7692 §7.1.2).
pub(crate) const SHARED_WINDOW_BITS: u8 = 15;

/// A connection after the opening handshake.
#[derive(Debug)]
pub(crate) struct WebSocket {
    pub(super) decoder: Decoder,
    pub(super) heartbeat: Heartbeat,
    deflation: Deflation,
    pub(crate) is_echo: bool,
    /// After our Close frame: when the peer's must have come.
    pub(crate) closing: Option<Time>,
}

/// How messages to the peer are compressed, if they are.
#[derive(Debug)]
enum Deflation {
    None,
    /// Each by itself, with a window of 2 to this power.
    Shared(u8),
    /// Each with reference to those before.
    Takeover(Box<TakeoverDeflater>),
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

impl WebSocket {
    /// A connection on which this was agreed.
    pub(super) fn new(
        heartbeat: Heartbeat,
        is_echo: bool,
        deflate: Option<DeflateParameters>,
        config: &Config,
    ) -> WebSocket {
        let level = config.limits.deflate_level;
        let inflation = match deflate {
            None => Inflation::None,
            Some(agreed) if agreed.client_no_context_takeover => Inflation::Shared,
            Some(_) => Inflation::Takeover(Box::default()),
        };
        let deflation = match deflate {
            None => Deflation::None,
            // What everyone is sent is compressed once for all, and so by itself.
            Some(agreed) if agreed.server_no_context_takeover || !is_echo => {
                Deflation::Shared(agreed.server_max_window_bits)
            }
            Some(agreed) => {
                let deflater = TakeoverDeflater::new(level, agreed.server_max_window_bits);
                Deflation::Takeover(Box::new(deflater))
            }
        };
        let decoder = Decoder::new(inflation);
        WebSocket { decoder, heartbeat, deflation, is_echo, closing: None }
    }

    /// The form in which everyone's messages are sent here. They are compressed once, with the
    /// largest window: a peer with a smaller one gets them as they are.
    pub(super) fn form(&self) -> Form {
        match self.deflation {
            Deflation::Shared(SHARED_WINDOW_BITS) => Form::Deflated,
            _ => Form::Plain,
        }
    }
}

impl Deflation {
    /// Appends a message to what is sent, compressed if that was agreed on and is worth it.
    fn reply(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        codec: &mut Deflater,
        bytes_min: usize,
        outbox: &mut Outbox,
    ) {
        let mut deflated = Vec::new();
        match self {
            _ if payload.len() < bytes_min => return outbox.reply(opcode, payload),
            Deflation::None => return outbox.reply(opcode, payload),
            Deflation::Shared(bits) => codec.deflate(payload, *bits, &mut deflated),
            Deflation::Takeover(own) => own.deflate(payload, &mut deflated),
        }
        frame::encode_deflated(opcode, &deflated, outbox.replies());
    }
}

impl Session {
    /// Looks at the next piece of input of a WebSocket, and says how many bytes it used.
    pub(crate) fn step<'a>(
        &'a mut self,
        input: &'a mut [u8],
        codec: &'a mut Codec,
        config: &Config,
        now: Time,
    ) -> (usize, Step<'a>) {
        let pace = self.pace(config);
        let deflate_min = config.limits.deflate_bytes_min as usize;
        let Phase::WebSocket(socket) = &mut self.phase else {
            unreachable!("only a WebSocket has frames")
        };
        let limits = if socket.is_echo { ECHO } else { config.limits.messages() };
        let Codec { inflater, deflater } = codec;
        let (used, event) = match socket.decoder.decode(input, &limits, inflater) {
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
                let (text, out) = (text.as_bytes(), &mut self.outbox);
                socket.deflation.reply(Opcode::Text, text, deflater, deflate_min, out);
                Step::Handled
            }
            Event::Binary(bytes) => {
                let out = &mut self.outbox;
                socket.deflation.reply(Opcode::Binary, bytes, deflater, deflate_min, out);
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
