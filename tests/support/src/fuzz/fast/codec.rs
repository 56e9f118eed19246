//! A codec that the harness for frames can drive: this server's, or another one beside it.

use headcount::ws::{Decoder, Inflater, Inflation, MessageLimits};

use super::outcome::{Failure, Outcome};
use crate::fuzz::reference::Deflate;

/// The receiving half of a WebSocket connection, from a server's side.
pub trait Codec {
    /// Begins a connection. What it allocated for the last one it may use again.
    fn restart(&mut self, limits: &MessageLimits, deflate: Deflate);

    /// Takes all of `bytes`, adds what comes of them to `found`, or says why it takes no more.
    fn receive(&mut self, bytes: &mut [u8], found: &mut Outcome) -> Result<(), Failure>;

    /// The bytes of memory that it holds for what is not complete; 0 if it can't tell.
    fn held_bytes(&self) -> usize;

    /// Whether it may differ from what RFC 6455 says in this way.
    fn may_differ(&self, expected: &Outcome, found: &Outcome) -> bool;
}

/// The codec of this server.
#[derive(Debug)]
pub struct Ours {
    decoder: Decoder,
    inflater: Inflater,
    deflate: Deflate,
    limits: MessageLimits,
}

impl Default for Ours {
    fn default() -> Ours {
        Ours {
            decoder: Decoder::default(),
            inflater: Inflater::default(),
            deflate: Deflate::No,
            limits: MessageLimits { frame_bytes_max: 0, message_bytes_max: 0, fragments_max: 0 },
        }
    }
}

impl Codec for Ours {
    fn restart(&mut self, limits: &MessageLimits, deflate: Deflate) {
        (self.limits, self.deflate) = (*limits, deflate);
        self.decoder = Decoder::default();
        if deflate == Deflate::Takeover {
            // To make another inflater takes longer than all else: a message that needs no window
            // drops the one of the last connection.
            assert!(self.inflater.inflate(&[0x00], false, 0).is_ok(), "an empty message");
        }
    }

    fn receive(&mut self, bytes: &mut [u8], found: &mut Outcome) -> Result<(), Failure> {
        let mut rest = bytes;
        loop {
            let inflation = match self.deflate {
                Deflate::No => Inflation::None,
                Deflate::Fresh => Inflation::Fresh(&mut self.inflater),
                Deflate::Takeover => Inflation::Takeover(&mut self.inflater),
            };
            let behind = rest.last().copied();
            let length = rest.len();
            let (used, event) =
                self.decoder.decode(rest, &self.limits, inflation).map_err(Failure::Ours)?;
            let Some(event) = event else {
                assert_eq!(used, length, "without an event all is used");
                return Ok(());
            };
            assert!(0 < used || length == 0, "an event takes bytes");
            found.push_event(&event);
            rest = &mut rest[used..];
            assert!(rest.is_empty() || rest.last().copied() == behind, "what follows is untouched");
        }
    }

    fn held_bytes(&self) -> usize {
        self.decoder.buffered_bytes()
    }

    fn may_differ(&self, _: &Outcome, _: &Outcome) -> bool {
        false
    }
}
