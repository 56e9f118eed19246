//! tungstenite's codec in the harness for frames: an example of how another one is put there.
//!
//! What it may do otherwise is only outlined here. The closed list, frame by frame, is that of the
//! target `other_decoder`.

use std::io::ErrorKind;

use headcount_support::fuzz::fast::{Codec, Failure, Kind, MessageLimits, Outcome};
use headcount_support::fuzz::{Deflate, Wire};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// A connection, once there was a first one.
#[derive(Default)]
pub struct Tungstenite(Option<WebSocket<Wire>>);

impl Codec for Tungstenite {
    fn restart(&mut self, limits: &MessageLimits, deflate: Deflate) {
        assert_eq!(deflate, Deflate::No, "it has no extension");
        let config = WebSocketConfig::default()
            .read_buffer_size(256)
            .max_frame_size(usize::try_from(limits.frame_bytes_max).ok())
            .max_message_size(usize::try_from(limits.message_bytes_max).ok());
        self.0 = Some(WebSocket::from_raw_socket(Wire::default(), Role::Server, Some(config)));
    }

    fn receive(&mut self, bytes: &mut [u8], found: &mut Outcome) -> Result<(), Failure> {
        let connection = self.0.as_mut().expect("it was begun");
        connection.get_mut().0.extend_from_slice(bytes);
        loop {
            match connection.read() {
                Ok(Message::Text(text)) => found.push(Kind::Text, text.as_str().as_bytes()),
                Ok(Message::Binary(bytes)) => found.push(Kind::Binary, &bytes),
                Ok(Message::Ping(data)) => found.push(Kind::Ping, &data),
                Ok(Message::Pong(data)) => found.push(Kind::Pong, &data),
                Ok(Message::Close(frame)) => {
                    found.push(Kind::Close(frame.map(|frame| frame.code.into())), b"");
                }
                Ok(Message::Frame(_)) => unreachable!("it is only for what is sent"),
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(Error::ConnectionClosed) => return Err(Failure::Code(1000)),
                // The codes are those of RFC 6455 §7.4.1.
                Err(Error::Protocol(_)) => return Err(Failure::Code(1002)),
                Err(Error::Utf8(_)) => return Err(Failure::Code(1007)),
                Err(Error::Capacity(_)) => return Err(Failure::Code(1009)),
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn held_bytes(&self) -> usize {
        0
    }

    fn may_differ(&self, expected: &Outcome, found: &Outcome) -> bool {
        // It reads nothing after a Close, and looks at frames when they are whole.
        if found.is_start_of(expected) {
            return true;
        }
        // It takes long forms of a length, any number of fragments, and replaces codes.
        let refuses = [Kind::Text, Kind::Binary, Kind::Ping, Kind::Pong];
        let is_replaced = |kind| matches!(kind, Kind::Close(Some(1002)));
        let is_lenient = expected.failure().is_some() && expected.is_start_of(found);
        is_lenient && found.kinds().all(|kind| refuses.contains(&kind) || is_replaced(kind))
            || found.kinds().last().is_some_and(is_replaced)
    }
}
