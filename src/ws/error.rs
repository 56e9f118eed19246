//! What a peer can do wrong in the WebSocket protocol, and the close code it is told.

use std::fmt;

use super::close_code::CloseCode;

/// A violation after the handshake. The server fails the connection (RFC 6455 §7.1.7) with
/// [`ProtocolError::close_code`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// A reserved bit is set and no extension gave it a meaning (§5.2).
    ReservedBits,
    /// An opcode that RFC 6455 does not define (§5.2).
    ReservedOpcode,
    /// A frame from the client that is not masked (§5.1).
    Unmasked,
    /// A length that would have fitted in fewer bytes (§5.2).
    LengthNotMinimal,
    /// A 64-bit length with the most significant bit set (§5.2).
    LengthTopBit,
    /// A control frame without FIN (§5.5).
    ControlFragmented,
    /// A control frame with more than 125 bytes (§5.5).
    ControlTooLong,
    /// A continuation frame while no message is open (§5.4).
    ContinuationUnexpected,
    /// A text or binary frame while a message is open (§5.4).
    ContinuationExpected,
    /// A Close frame with a single byte (§5.5.1).
    CloseTooShort,
    /// A Close frame with a code that must not be sent (§7.4).
    CloseCodeInvalid,
    /// Text, or a reason to close, that is not UTF-8 (§8.1).
    InvalidUtf8,
    /// A compressed message that can't be inflated (RFC 7692 §7.2.2).
    InvalidDeflate,
    /// A frame, or a message of several, over its limit in bytes (§10.4).
    TooLong,
    /// A message of too many frames (§10.4).
    TooManyFragments,
}

impl ProtocolError {
    /// The status code of the Close frame that answers it (§7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            ProtocolError::InvalidUtf8 | ProtocolError::InvalidDeflate => {
                CloseCode::INVALID_PAYLOAD
            }
            ProtocolError::TooLong | ProtocolError::TooManyFragments => CloseCode::TOO_BIG,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProtocolError::ReservedBits => "a reserved bit is set",
            ProtocolError::ReservedOpcode => "reserved opcode",
            ProtocolError::Unmasked => "frame is not masked",
            ProtocolError::LengthNotMinimal => "length is not in its shortest form",
            ProtocolError::LengthTopBit => "length has its top bit set",
            ProtocolError::ControlFragmented => "control frame is fragmented",
            ProtocolError::ControlTooLong => "control frame is too long",
            ProtocolError::ContinuationUnexpected => "continuation of no message",
            ProtocolError::ContinuationExpected => "new message inside another",
            ProtocolError::CloseTooShort => "close payload of one byte",
            ProtocolError::CloseCodeInvalid => "invalid close code",
            ProtocolError::InvalidUtf8 => "invalid UTF-8",
            ProtocolError::InvalidDeflate => "invalid compressed data",
            ProtocolError::TooLong => "message is too long",
            ProtocolError::TooManyFragments => "message has too many fragments",
        })
    }
}

impl std::error::Error for ProtocolError {}
