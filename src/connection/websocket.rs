//! A connection after the opening handshake: what its peer sends.

use crate::api::{ApiError, Request};
use crate::config::{Config, ECHO};
use crate::heartbeat::{Heartbeat, Pace};
use crate::presence::{Form, SHARED_WINDOW_BITS, View};
use crate::socketio::{Address, Message};
use crate::time::Time;
use crate::ws::frame;
use crate::ws::{
    CloseCode, Codec, Decoder, DeflateParameters, Deflater, Event, Inflater, Inflation, Opcode,
    TakeoverDeflater,
};

use super::Connection;
use super::cause::Cause;
use super::outbox::Outbox;
use super::phase::Phase;
use super::protocol::Protocol;
use super::rates::Rates;

/// A connection after the opening handshake.
#[derive(Debug)]
pub(crate) struct WebSocket {
    pub(super) decoder: Decoder,
    pub(super) liveness: Liveness,
    /// While it is closing: why. Not within [`Liveness`], which would make each connection larger.
    closing_for: Option<Cause>,
    /// If compression was agreed on: the server's window is 2 to this power, in bytes.
    window_bits: Option<u8>,
    takeover: Option<Box<Takeover>>,
    pub(super) protocol: Protocol,
}

/// What tells that a peer is still there, and when it is not any more.
#[derive(Debug)]
pub(super) enum Liveness {
    /// It answers pings.
    Beating(Heartbeat),
    /// Our Close frame is sent: by then the peer's must have come.
    Closing(Time),
}

impl Liveness {
    /// A Pong came: whether it answers our ping.
    fn pong(&mut self, data: &[u8], pace: Pace, now: Time) -> bool {
        match self {
            Liveness::Beating(heartbeat) => heartbeat.pong(data, pace, now),
            Liveness::Closing(_) => false,
        }
    }

    /// An answer to a ping came, which does not say to which: whether one was awaited.
    fn answer(&mut self, pace: Pace, now: Time) -> bool {
        match self {
            Liveness::Beating(heartbeat) => heartbeat.answer(pace, now),
            Liveness::Closing(_) => false,
        }
    }
}

/// The windows of a connection that keeps them from one message to the next.
#[derive(Debug)]
struct Takeover {
    inflater: Option<Inflater>,
    deflater: Option<TakeoverDeflater>,
}

impl Takeover {
    /// The windows that there are: of what comes and of what goes.
    fn windows(
        takeover: Option<&mut Takeover>,
    ) -> (Option<&mut Inflater>, Option<&mut TakeoverDeflater>) {
        takeover.map_or((None, None), |Takeover { inflater, deflater }| {
            (inflater.as_mut(), deflater.as_mut())
        })
    }
}

/// What came of one look at the input of a WebSocket.
#[derive(Debug)]
pub(crate) enum Step {
    /// All input is used and nothing more is in it.
    NeedsInput,
    /// Something that the connection itself took care of.
    Handled,
    /// An answer to a ping, in a message.
    PongReceived,
    /// What the peer asks for, or why it can't be known; and where to reply, if that must be said.
    Request(Result<Request, ApiError>, Option<Address>),
    /// The peer joined the namespace of this number.
    Joined(u32),
    /// The peer left that one.
    Left(u32),
    /// The peer wants to be closed.
    Ended,
    /// The peer's Close frame.
    Closed(Option<CloseCode>),
    /// The connection is to be failed, for this.
    Failed(Cause),
}

impl WebSocket {
    /// A connection on which this was agreed.
    pub(super) fn new(
        protocol: Protocol,
        deflate: Option<DeflateParameters>,
        generation: u32,
        config: &Config,
        now: Time,
    ) -> WebSocket {
        let is_echo = matches!(protocol, Protocol::Echo);
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
        WebSocket {
            decoder: Decoder::default(),
            liveness: Liveness::Beating(Heartbeat::new(protocol.pace(generation, config), now)),
            closing_for: None,
            window_bits: deflate.map(|agreed| agreed.server_window_bits()),
            takeover,
            protocol,
        }
    }

    /// When the peer is late, or is pinged.
    pub(super) fn deadline(&self) -> Time {
        match &self.liveness {
            Liveness::Beating(heartbeat) => heartbeat.deadline().min(self.protocol.owed_by()),
            Liveness::Closing(deadline) => *deadline,
        }
    }

    /// Bytes of memory held for a message that is not complete.
    pub(super) fn buffered_bytes(&self) -> usize {
        self.decoder.buffered_bytes() + self.protocol.buffered_bytes()
    }

    /// Our Close frame is sent, for this: the peer's must come by `deadline`.
    pub(super) fn await_close(&mut self, cause: Cause, deadline: Time) {
        self.liveness = Liveness::Closing(deadline);
        self.closing_for = Some(cause);
    }

    /// Why our Close frame is sent, if it is.
    pub(super) fn closing_for(&self) -> Option<Cause> {
        self.closing_for
    }

    /// Whether our Close frame is sent and the peer's awaited.
    pub(super) fn is_closing(&self) -> bool {
        matches!(self.liveness, Liveness::Closing(_))
    }

    pub(super) fn is_echo(&self) -> bool {
        matches!(self.protocol, Protocol::Echo)
    }

    /// The form in which everyone's messages are sent here. They are compressed once, with the
    /// largest window: a peer with a smaller one gets them as they are.
    pub(crate) fn form(&self) -> Form {
        match self.window_bits {
            Some(SHARED_WINDOW_BITS) => Form::Deflated,
            _ => Form::Plain,
        }
    }
}

/// What sends messages to one peer alone.
pub(super) struct Replier<'a> {
    /// The window, if compression was agreed on.
    window_bits: Option<u8>,
    own: Option<&'a mut TakeoverDeflater>,
    shared: &'a mut Deflater,
    bytes_min: usize,
    outbox: &'a mut Outbox,
}

impl Replier<'_> {
    /// Sends a message, compressed if that was agreed on and is worth it.
    pub(super) fn reply(&mut self, opcode: Opcode, payload: &[u8]) {
        match self.window_bits {
            Some(window_bits) if payload.len() >= self.bytes_min => {
                let mut deflated = Vec::new();
                match &mut self.own {
                    Some(own) => own.deflate(payload, &mut deflated),
                    None => self.shared.deflate(payload, window_bits, &mut deflated),
                }
                frame::encode_deflated(opcode, &deflated, self.outbox.replies());
            }
            _ => self.outbox.reply(opcode, payload),
        }
    }
}

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
                if socket.liveness.pong(data, pace, now) {
                    Rates::forget_pong(&mut self.rates, config, now);
                }
                return (used, Step::Handled);
            }
        };
        let mut replier = Replier {
            window_bits: socket.window_bits,
            own: own_deflater,
            shared: &mut codec.deflater,
            bytes_min: config.limits.deflate_bytes_min as usize,
            outbox: &mut self.outbox,
        };
        let step = socket.protocol.receive(message, &mut replier, generation, config, now);
        if matches!(step, Step::PongReceived) && socket.liveness.answer(pace, now) {
            Rates::forget_pong(&mut self.rates, config, now);
        }
        (used, step)
    }

    /// Tells the peer what came of its request.
    pub(crate) fn reply(&mut self, address: Option<Address>, outcome: Result<(), ApiError>) {
        if let Phase::WebSocket(socket) = &self.phase {
            socket.protocol.reply(address, outcome, &mut self.outbox);
        }
    }

    /// The form in which it is sent what many are sent.
    pub(crate) fn form(&self) -> Form {
        match &self.phase {
            Phase::WebSocket(socket) => socket.form(),
            Phase::Http(_) | Phase::Draining(_) | Phase::Closed(_) => Form::Plain,
        }
    }

    /// What its peer is told of a room from the beginning, if it is told anything.
    pub(crate) fn first_view(&self) -> Option<View> {
        match &self.phase {
            Phase::WebSocket(socket) => socket.protocol.first_view(socket.form()),
            Phase::Http(_) | Phase::Draining(_) | Phase::Closed(_) => None,
        }
    }
}
