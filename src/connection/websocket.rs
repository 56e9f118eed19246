//! A connection after the opening handshake: its decoder, its windows, and what it speaks.

use crate::config::Config;
use crate::heartbeat::{Heartbeat, Pace};
use crate::presence::{Form, SHARED_WINDOW_BITS};
use crate::time::Time;
use crate::ws::{Decoder, DeflateParameters, Inflater, TakeoverDeflater};

use super::cause::Cause;
use super::protocol::Protocol;

/// A connection after the opening handshake.
#[derive(Debug)]
pub(crate) struct WebSocket {
    pub(super) decoder: Decoder,
    pub(super) liveness: Liveness,
    /// While it is closing: why. Not within [`Liveness`], which would make each connection larger.
    closing_for: Option<Cause>,
    /// If compression was agreed on: the server's window is 2 to this power, in bytes.
    pub(super) window_bits: Option<u8>,
    pub(super) takeover: Option<Box<Takeover>>,
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
    /// A Pong frame came: whether it is that for our ping.
    pub(super) fn pong(&mut self, data: &[u8], pace: Pace, now: Time) -> bool {
        match self {
            Liveness::Beating(heartbeat) => heartbeat.pong(data, pace, now),
            Liveness::Closing(_) => false,
        }
    }

    /// A message came.
    pub(super) fn heard(&mut self, pace: Pace, now: Time) {
        if let Liveness::Beating(heartbeat) = self {
            heartbeat.heard(pace, now);
        }
    }

    /// A pong came as a message, which does not say to which ping: whether one was awaited.
    pub(super) fn message_pong(&mut self, pace: Pace, now: Time) -> bool {
        match self {
            Liveness::Beating(heartbeat) => heartbeat.message_pong(pace, now),
            Liveness::Closing(_) => false,
        }
    }
}

/// The windows of a connection that keeps them from one message to the next.
#[derive(Debug)]
pub(super) struct Takeover {
    inflater: Option<Inflater>,
    deflater: Option<TakeoverDeflater>,
}

impl Takeover {
    /// The windows that there are: of what comes and of what goes.
    pub(super) fn windows(
        takeover: Option<&mut Takeover>,
    ) -> (Option<&mut Inflater>, Option<&mut TakeoverDeflater>) {
        takeover.map_or((None, None), |Takeover { inflater, deflater }| {
            (inflater.as_mut(), deflater.as_mut())
        })
    }
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
