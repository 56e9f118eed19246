//! Where tungstenite 0.30 does otherwise than this server's decoder, and may.
//!
//! The list is closed: a difference that is not on it is a panic. And what is on it is so: each has
//! an example in the corpus, and `it::corpus::every_allowed_difference_occurs` fails when that
//! shows it no more.

use headcount::ws::ProtocolError::{
    CloseCodeInvalid, ControlTooLong, LengthNotMinimal, LengthTopBit, TooManyFragments,
};
use headcount::ws::{MessageLimits, ProtocolError};

use super::reference::Sent;

/// What tungstenite makes of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Theirs {
    /// It needs more: the frame is not whole, or its message is not.
    Waits,
    Event(Sent),
    /// It fails the connection, for a reason that has this close code.
    Failed(u16),
    /// It reads no more.
    Closed,
}

/// A frame and what came of it.
#[derive(Debug)]
pub struct Case<'a> {
    pub limits: &'a MessageLimits,
    pub frame: Frame,
    /// The bytes of the frame that have not come.
    pub missing: usize,
    pub ours: Result<Option<Sent>, ProtocolError>,
    pub theirs: Theirs,
}

/// A difference that is allowed.
pub struct Difference {
    /// The name of its example in the corpus.
    pub example: &'static str,
    explains: fn(&Case<'_>) -> bool,
}

/// All of them; of those that explain a case the first is meant.
pub const ALLOWED: [Difference; 9] = [
    // RFC 6455 §5.2, §8.1 and §10.4 do not say when a fault is told. Here it is as soon as its byte
    // is there, so that nothing is kept of what will be refused; tungstenite looks at whole frames.
    // When the rest has come, it has to say the same.
    Difference {
        example: "whole-frames",
        explains: |case| case.ours.is_err() && case.theirs == Theirs::Waits && case.missing > 0,
    },
    // RFC 6455 §5.5.1: who has sent and received a Close closes the connection. tungstenite's
    // decoder ends with it; ours would read on, and is not asked to (`Hub::consume`).
    Difference { example: "after-close", explains: |case| case.theirs == Theirs::Closed },
    // RFC 6455 §5.2: "the minimal number of bytes MUST be used to encode the length". tungstenite
    // takes any, and so the longer forms that no control frame has.
    Difference {
        example: "length-not-minimal",
        explains: |case| {
            matches!(case.ours, Err(LengthNotMinimal | ControlTooLong))
                && !case.frame.has_shortest_length
        },
    },
    // RFC 6455 §5.2: "the most significant bit MUST be 0". tungstenite takes it for a part of the
    // length, which is then over the limit.
    Difference {
        example: "length-top-bit",
        explains: |case| case.ours == Err(LengthTopBit) && case.theirs == Theirs::Failed(1009),
    },
    // RFC 6455 §7.1.7 has no order for what is wrong. A frame that is over the limit and breaks
    // another rule is refused by tungstenite for the limit, which is what we look at last.
    Difference {
        example: "limit-first",
        explains: |case| {
            case.code() == Some(1002)
                && case.theirs == Theirs::Failed(1009)
                && case.frame.length > case.limits.frame_bytes_max
        },
    },
    // RFC 6455 §10.4 leaves its limits to a server. tungstenite has none on fragments.
    Difference {
        example: "fragments-unlimited",
        explains: |case| {
            let is_data = matches!(case.theirs, Theirs::Event(Sent::Text(_) | Sent::Binary(_)));
            case.ours == Err(TooManyFragments)
                && (is_data || matches!(case.theirs, Theirs::Waits | Theirs::Failed(1007)))
        },
    },
    // RFC 6455 §7.4 has codes that must not be sent. Where such a code has come, tungstenite says
    // that it was 1002, and answers so; here the connection fails, with 1002.
    Difference {
        example: "close-code-replaced",
        explains: |case| case.ours == Err(CloseCodeInvalid) && case.theirs == Theirs::close(1002),
    },
    // RFC 6455 §7.1.7 again: if the reason of such a Close is not UTF-8 either (§8.1), tungstenite
    // says that first, and we do the code.
    Difference {
        example: "close-reason-first",
        explains: |case| case.ours == Err(CloseCodeInvalid) && case.theirs == Theirs::Failed(1007),
    },
    // RFC 6455 §11.7 has a registry, in which 1014 has come to mean a bad gateway. tungstenite does
    // not know it, and replaces it.
    Difference {
        example: "close-code-1014",
        explains: |case| {
            case.ours == Ok(Some(Sent::Close(Some(1014)))) && case.theirs == Theirs::close(1002)
        },
    },
];

impl Theirs {
    fn close(code: u16) -> Theirs {
        Theirs::Event(Sent::Close(Some(code)))
    }
}

impl Case<'_> {
    /// Whether both say the same.
    pub fn is_agreed(&self) -> bool {
        match (&self.ours, &self.theirs) {
            (Ok(None), Theirs::Waits) => true,
            (Ok(Some(event)), Theirs::Event(other)) => event == other,
            (Err(_), Theirs::Failed(code)) => self.code() == Some(*code),
            _ => false,
        }
    }

    /// Why they may say different things.
    #[track_caller]
    pub fn difference(&self) -> &'static str {
        let difference = ALLOWED.iter().find(|difference| (difference.explains)(self));
        difference.unwrap_or_else(|| panic!("a new difference: {self:?}")).example
    }

    /// The code with which our decoder fails the connection.
    fn code(&self) -> Option<u16> {
        self.ours.as_ref().err().map(|error| error.close_code().as_u16())
    }
}

/// A frame by its lengths alone, good or not. What has not come of it counts as zeros.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    header_size: usize,
    /// Of its payload, in bytes.
    length: u64,
    has_shortest_length: bool,
}

impl Frame {
    /// The frame that `bytes` begin with.
    pub fn read(bytes: &[u8]) -> Frame {
        let byte = |index: usize| bytes.get(index).copied().unwrap_or(0);
        let short = byte(1) & 127;
        let (width, least) = match short {
            126 => (2, 126),
            127 => (8, 65_536),
            _ => (0, 0),
        };
        let extended = (2..2 + width).fold(0, |number, at| number << 8 | u64::from(byte(at)));
        let length = if width == 0 { u64::from(short) } else { extended };
        let key_size = if byte(1) >= 128 { 4 } else { 0 };
        let header_size = 2 + width + key_size;
        Frame { header_size, length, has_shortest_length: length >= least }
    }

    /// All of it, in bytes, or as much as decides: no payload is read that is over a limit.
    pub fn size(self, limits: &MessageLimits) -> usize {
        self.header_size + self.length.min(limits.frame_bytes_max) as usize
    }
}
