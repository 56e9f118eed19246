//! What the peer of a connection sends: how much of it, and what it is.

use crate::api::ApiError;
use crate::config::{Config, ECHO};
use crate::socketio::Message;
use crate::time::Time;
use crate::ws::{Codec, Event, Inflation, Opcode};

use super::cause::Cause;
use super::phase::{Connection, Phase};
use super::protocol::Answer;
use super::rates::Rates;
use super::replier::Replier;
use super::step::Step;
use super::websocket::Takeover;

impl Connection {
    /// Looks at the next piece of input of a WebSocket, and says how many bytes it used.
    pub(crate) fn step(
        &mut self,
        input: &mut [u8],
        codec: &mut Codec,
        config: &Config,
        now: Time,
    ) -> (usize, Step) {
        let generation = self.id.generation;
        let Phase::WebSocket(socket) = &mut self.phase else {
            unreachable!("only a WebSocket has frames")
        };
        let pace = socket.protocol.pace(generation, config);
        let (is_closing, is_echo) = (socket.is_closing(), socket.is_echo());
        // An echo only measures the connection: it has limits of its own, and no rates.
        let limits = if is_echo { ECHO } else { config.limits.messages() };
        let (own_inflater, own_deflater) = Takeover::windows(socket.takeover.as_deref_mut());
        let inflation = match (socket.window_bits, own_inflater) {
            (None, _) => Inflation::None,
            (Some(_), None) => Inflation::Fresh(&mut codec.inflater),
            (Some(_), Some(own)) => Inflation::Takeover(own),
        };
        let (used, event) = match socket.decoder.decode(input, &limits, inflation) {
            Ok(decoded) => decoded,
            Err(error) => return (0, Step::Failed(Cause::Protocol(error))),
        };
        let Some(event) = event else { return (used, Step::NeedsInput) };
        // RFC 6455 §5.5.1: after our Close frame no data are sent, and so none are looked at; but
        // §5.5.2: a Ping is answered until the peer's Close has come.
        if is_closing && !matches!(event, Event::Ping(_) | Event::Close(_)) {
            return (used, Step::Handled);
        }
        if !is_echo && !Rates::of(&mut self.rates, config, now).allow(&event, config, now) {
            return (used, Step::Failed(Cause::TooFast));
        }
        // Control frames are handled here, whatever protocol is on top.
        let message = match event {
            Event::Text(text) => Message::Text(text),
            Event::Binary(bytes) => Message::Binary(bytes),
            Event::Close(code) => return (used, Step::Closed(code)),
            // RFC 6455 §5.5.2, §5.5.3: a Ping is answered with its own application data.
            Event::Ping(data) => {
                self.outbox.reply(Opcode::Pong, data);
                return (used, Step::Handled);
            }
            Event::Pong(data) => {
                if !socket.liveness.pong(data, pace, now) {
                    return (used, Step::Handled);
                }
                Rates::forget_pong(&mut self.rates, config, now);
                return (used, Step::PongReceived);
            }
        };
        let mut replier = Replier {
            window_bits: socket.window_bits,
            own: own_deflater,
            shared: &mut codec.deflater,
            bytes_min: config.limits.deflate_bytes_min as usize,
            outbox: &mut self.outbox,
        };
        let step = socket.protocol.receive(message, &mut replier, config, now);
        socket.liveness.heard(pace, now);
        if matches!(step, Step::PongReceived) {
            if !socket.liveness.message_pong(pace, now) {
                return (used, Step::Handled);
            }
            Rates::forget_pong(&mut self.rates, config, now);
        }
        (used, step)
    }

    /// Tells the peer what came of its request.
    pub(crate) fn reply(&mut self, answer: &Answer<'_>) {
        let Connection { phase, outbox, .. } = self;
        if let Some(protocol) = phase.protocol() {
            protocol.reply(answer, outbox);
        }
    }

    /// Lets the peer into a namespace, or tells it why not. Says which number the namespace has.
    pub(crate) fn join_namespace(
        &mut self,
        namespace: &str,
        allowed: Result<(), ApiError>,
        config: &Config,
    ) -> Option<u32> {
        let Connection { phase, outbox, .. } = self;
        phase.protocol_mut()?.join(namespace, allowed, config, outbox)
    }

    /// Whether so many more bytes of input are allowed.
    pub(crate) fn may_send(&mut self, bytes: usize, config: &Config, now: Time) -> bool {
        match &self.phase {
            Phase::WebSocket(socket) if socket.is_echo() || socket.is_closing() => true,
            Phase::WebSocket(_) | Phase::Polling(_) => {
                Rates::of(&mut self.rates, config, now).allow_bytes(bytes, config, now)
            }
            _ => true,
        }
    }

    /// Whether one more change of name is allowed.
    pub(crate) fn may_change_name(&mut self, config: &Config, now: Time) -> bool {
        Rates::of(&mut self.rates, config, now).allow_name(config, now)
    }

    /// Whether one more first login in a room is allowed.
    pub(crate) fn may_log_in_once_more(&mut self, config: &Config, now: Time) -> bool {
        Rates::of(&mut self.rates, config, now).allow_entry(config, now)
    }

    /// Whether one more update is allowed.
    pub(crate) fn may_update(&mut self, config: &Config, now: Time) -> bool {
        Rates::of(&mut self.rates, config, now).allow_update(config, now)
    }
}
