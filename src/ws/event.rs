//! What comes out of the decoder: messages and control frames (RFC 6455 §5.5, §5.6).

use simdutf8::basic;

use super::close;
use super::close_code::CloseCode;
use super::error::ProtocolError;
use super::frame::Opcode;

/// What a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// A Ping frame and its application data.
    Ping(&'a [u8]),
    /// A Pong frame and its application data.
    Pong(&'a [u8]),
    /// A Close frame and its status code.
    Close(Option<CloseCode>),
}

impl<'a> Event<'a> {
    /// The event that a frame is which stands for itself.
    #[inline]
    pub(super) fn decode(opcode: Opcode, payload: &'a [u8]) -> Result<Event<'a>, ProtocolError> {
        Ok(match opcode {
            // RFC 6455 §8.1: text that is not UTF-8 fails the connection.
            Opcode::Text => {
                Event::Text(basic::from_utf8(payload).map_err(|_| ProtocolError::InvalidUtf8)?)
            }
            Opcode::Binary => Event::Binary(payload),
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            Opcode::Close => Event::Close(close::decode(payload)?),
            Opcode::Continuation => unreachable!("a continuation is part of a message"),
        })
    }
}
