//! tungstenite's codec in the harness for frames: an example of how another one is put there.
//!
//! What it may do otherwise is only outlined here. The closed list, frame by frame, is that of the
//! target `other_decoder`.

use std::io::{self, ErrorKind, Read, Write};

use headcount_support::fuzz::Deflate;
use headcount_support::fuzz::fast::{Codec, Failure, Kind, MessageLimits, Outcome};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// A connection, once there was a first one.
#[derive(Default)]
pub struct Tungstenite(Option<WebSocket<Wire>>);

/// What is still to be read of it.
#[derive(Default)]
pub struct Wire(Vec<u8>);

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

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let length = self.0.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.0[..length]);
        self.0.drain(..length);
        Ok(length)
    }
}

/// Whatever is answered is sent, and looked at by nobody.
impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
