//! Frames: every split gives the same events and the same error, and those of the reference.

use headcount::ws::{Decoder, Inflater, Inflation, MessageLimits, ProtocolError};

use super::reference::{self, Deflate, Sent};
use super::splits::splits;
use super::written::{check_deflated, check_frame};

/// Limits that a short input reaches, and some that it does not.
pub const LIMITS: [MessageLimits; 2] = [
    MessageLimits { frame_bytes_max: 200, message_bytes_max: 300, fragments_max: 4 },
    MessageLimits { frame_bytes_max: 70_000, message_bytes_max: 70_000, fragments_max: 1_000 },
];

/// The longest inputs that are compared after each of their bytes: the reference starts over every
/// time, and it takes its time to inflate.
const PLAIN_EACH_BYTE: usize = 200;
const COMPRESSED_EACH_BYTE: usize = 48;

/// The target: what a client sends after the handshake, whatever that has agreed on; and what the
/// server sends, of which these bytes are the payload then.
pub fn frame_thorough(input: &[u8]) {
    check_frame(input);
    check_frame(&input.repeat(65_536 / input.len().max(1)));
    check_deflated(input);
    for limits in &LIMITS {
        compare(input, limits, Deflate::No);
        // Otherwise nothing claims to be compressed, and it makes no difference what was agreed on.
        let (_, error) = reference::decode(input, limits, Deflate::No);
        if error == Some(ProtocolError::ReservedBits) {
            compare(input, limits, Deflate::Fresh);
            compare(input, limits, Deflate::Takeover);
        }
    }
}

fn compare(input: &[u8], limits: &MessageLimits, deflate: Deflate) {
    let expected_after = |given: usize| reference::decode(&input[..given], limits, deflate);
    let most = if deflate == Deflate::No { PLAIN_EACH_BYTE } else { COMPRESSED_EACH_BYTE };
    let each_byte = if input.len() <= most { input.len() } else { 0 };
    let expected: Vec<_> = (0..each_byte).map(expected_after).collect();
    let expected_in_the_end = expected_after(input.len());
    // One serves all connections that keep no window, so what it did before must not matter.
    let mut inflater = Inflater::default();
    for pieces in splits(input) {
        if deflate == Deflate::Takeover {
            inflater = Inflater::default();
        }
        let mut stream = Stream { deflate, ..Stream::default() };
        let mut given = 0;
        for piece in &pieces {
            given += piece.len();
            stream.receive(piece, limits, &mut inflater);
            if let Some(expected) = expected.get(given) {
                stream.check(expected);
            }
            stream.check_memory(given, limits);
            assert!(inflater.buffered_bytes() <= limits.message_bytes_max as usize + 1);
        }
        stream.check(&expected_in_the_end);
        assert!(stream.error.is_none_or(|error| !error.to_string().is_empty()));
    }
}

/// A decoder and what came of it.
#[derive(Default)]
struct Stream {
    decoder: Decoder,
    deflate: Deflate,
    events: Vec<Sent>,
    error: Option<ProtocolError>,
}

impl Stream {
    fn receive(&mut self, piece: &[u8], limits: &MessageLimits, inflater: &mut Inflater) {
        let mut bytes = piece.to_vec();
        let mut rest = &mut bytes[..];
        while self.error.is_none() {
            let inflation = match self.deflate {
                Deflate::No => Inflation::None,
                Deflate::Fresh => Inflation::Fresh(inflater),
                Deflate::Takeover => Inflation::Takeover(inflater),
            };
            match self.decoder.decode(rest, limits, inflation) {
                Ok((used, Some(event))) => {
                    self.events.push(event.into());
                    assert!(used <= rest.len());
                    rest = &mut rest[used..];
                }
                Ok((used, None)) => {
                    assert_eq!(used, rest.len(), "without an event all is used");
                    return;
                }
                Err(error) => self.error = Some(error),
            }
        }
    }

    #[track_caller]
    fn check(&self, expected: &(Vec<Sent>, Option<ProtocolError>)) {
        assert_eq!((&self.events, &self.error), (&expected.0, &expected.1));
    }

    /// A buffer is at most twice what is in it, and eight bytes at the least.
    fn check_memory(&self, given: usize, limits: &MessageLimits) {
        let message_bytes_max = limits.message_bytes_max as usize * 9 / 8 + 64;
        let kept = given.min(message_bytes_max) + given.min(125);
        let held = self.decoder.buffered_bytes();
        assert!(held <= 2 * kept + 16, "{held} bytes for {given}");
    }
}
