//! A session after the opening handshake: what its peer sends, and how much of that it may.

use crate::broadcast::Form;
use crate::config::{Config, ECHO};
use crate::heartbeat::{Heartbeat, Pace};
use crate::outbox::Outbox;
use crate::rate::{Bucket, Rate};
use crate::time::Time;
use crate::ws::frame;
use crate::ws::{
    CloseCode, Codec, Decoder, DeflateParameters, Deflater, Event, Inflater, Inflation, Opcode,
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
    /// If compression was agreed on: the server's window is 2 to this power, in bytes.
    window_bits: Option<u8>,
    takeover: Option<Box<Takeover>>,
    pub(crate) is_echo: bool,
    /// After our Close frame: when the peer's must have come.
    pub(crate) closing: Option<Time>,
}

/// The windows of a connection that keeps them from one message to the next.
#[derive(Debug)]
struct Takeover {
    inflater: Option<Inflater>,
    deflater: Option<TakeoverDeflater>,
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
        let takeover = deflate.map(|agreed| Takeover {
            inflater: (!agreed.client_no_context_takeover).then(Inflater::default),
            // What everyone is sent is compressed once for all, and so by itself.
            deflater: (!agreed.server_no_context_takeover && is_echo).then(|| {
                let level = config.limits.deflate_level;
                TakeoverDeflater::new(level, agreed.server_window_bits())
            }),
        });
        let takeover = takeover
            .filter(|windows| windows.inflater.is_some() || windows.deflater.is_some())
            .map(Box::new);
        let window_bits = deflate.map(|agreed| agreed.server_window_bits());
        let decoder = Decoder::default();
        WebSocket { decoder, heartbeat, window_bits, takeover, is_echo, closing: None }
    }

    /// The form in which everyone's messages are sent here. They are compressed once, with the
    /// largest window: a peer with a smaller one gets them as they are.
    pub(super) fn form(&self) -> Form {
        match self.window_bits {
            Some(SHARED_WINDOW_BITS) => Form::Deflated,
            _ => Form::Plain,
        }
    }
}

/// What an echo is compressed with.
struct Compressor<'a> {
    /// The window, if compression was agreed on.
    window_bits: Option<u8>,
    own: Option<&'a mut TakeoverDeflater>,
    shared: &'a mut Deflater,
    bytes_min: usize,
}

impl Compressor<'_> {
    /// Appends a message to what is sent, compressed if that was agreed on and is worth it.
    fn reply(self, opcode: Opcode, payload: &[u8], outbox: &mut Outbox) -> Step<'static> {
        match self.window_bits {
            Some(window_bits) if payload.len() >= self.bytes_min => {
                let mut deflated = Vec::new();
                match self.own {
                    Some(own) => own.deflate(payload, &mut deflated),
                    None => self.shared.deflate(payload, window_bits, &mut deflated),
                }
                frame::encode_deflated(opcode, &deflated, outbox.replies());
            }
            _ => outbox.reply(opcode, payload),
        }
        Step::Handled
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
        let Phase::WebSocket(socket) = &mut self.phase else {
            unreachable!("only a WebSocket has frames")
        };
        let limits = if socket.is_echo { ECHO } else { config.limits.messages() };
        let (own_inflater, own_deflater) = match socket.takeover.as_deref_mut() {
            Some(Takeover { inflater, deflater }) => (inflater.as_mut(), deflater.as_mut()),
            None => (None, None),
        };
        let inflation = match (socket.window_bits, own_inflater) {
            (None, _) => Inflation::None,
            (Some(_), None) => Inflation::Fresh(&mut codec.inflater),
            (Some(_), Some(own)) => Inflation::Takeover(own),
        };
        let (used, event) = match socket.decoder.decode(input, &limits, inflation) {
            Ok(decoded) => decoded,
            Err(error) => return (0, Step::Failed(error.close_code())),
        };
        let Some(event) = event else { return (used, Step::NeedsInput) };
        // RFC 6455 §5.5.1: after our Close frame no data are sent, and so none are looked at; but
        // §5.5.2: a Ping is answered until the peer's Close has come.
        if socket.closing.is_some() && !matches!(event, Event::Ping(_) | Event::Close(_)) {
            return (used, Step::Handled);
        }
        if !socket.is_echo {
            let rates = self.rates.get_or_insert_with(|| Rates::new(config, now));
            if !rates.allow(&event, config, now) {
                return (used, Step::Failed(CloseCode::POLICY_VIOLATION));
            }
        }
        let compressor = Compressor {
            window_bits: socket.window_bits,
            own: own_deflater,
            shared: &mut codec.deflater,
            bytes_min: config.limits.deflate_bytes_min as usize,
        };
        let step = match event {
            Event::Text(text) if !socket.is_echo => Step::Text(text),
            Event::Binary(_) if !socket.is_echo => Step::Binary,
            Event::Close(code) => Step::Closed(code),
            Event::Text(text) => compressor.reply(Opcode::Text, text.as_bytes(), &mut self.outbox),
            Event::Binary(bytes) => compressor.reply(Opcode::Binary, bytes, &mut self.outbox),
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
