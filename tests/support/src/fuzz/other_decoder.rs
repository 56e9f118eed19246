//! Frames: what this server's decoder makes of them is what tungstenite's does, but for a closed
//! list of [`differences`](super::differences).
//!
//! The [`reference`](super::reference) was written by those who wrote the decoder, from the same
//! understanding of the RFC. tungstenite was not. It judges a frame when it is whole, so frame by
//! frame is how the two are compared.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use headcount::ws::{Decoder, Inflation, MessageLimits, ProtocolError};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use super::differences::{Case, Frame, Theirs};
use super::frames::LIMITS;
use super::reference::Sent;
use super::wire::Wire;

/// The target: what a client sends after a handshake that agreed on no extension.
pub fn other_decoder(input: &[u8]) {
    differences(input);
}

/// The allowed differences that `input` shows, by their examples. Another one is a panic.
pub fn differences(input: &[u8]) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for limits in &LIMITS {
        compare(input, limits, &mut found);
    }
    found
}

/// Has both look at one frame after the other, until one of them ends.
fn compare(input: &[u8], limits: &MessageLimits, found: &mut BTreeSet<&'static str>) {
    let mut decoder = Decoder::default();
    let mut tungstenite = Tungstenite::new(limits);
    let mut rest = input;
    while !rest.is_empty() {
        let frame = Frame::read(rest);
        let size = frame.size(limits);
        let (bytes, after) = rest.split_at(size.min(rest.len()));
        rest = after;
        let ours = decode(&mut decoder, bytes, limits);
        let theirs = tungstenite.receive(bytes);
        let mut case = Case { limits, frame, missing: size - bytes.len(), ours, theirs };
        while !case.is_agreed() {
            found.insert(case.difference());
            if case.theirs != Theirs::Waits || case.missing == 0 {
                return;
            }
            case.theirs = tungstenite.receive(&vec![0; case.missing]);
            case.missing = 0;
        }
        if case.ours.is_err() {
            return;
        }
    }
}

/// Has `decoder` look at a frame.
fn decode(
    decoder: &mut Decoder,
    frame: &[u8],
    limits: &MessageLimits,
) -> Result<Option<Sent>, ProtocolError> {
    let mut bytes = frame.to_vec();
    let (used, event) = decoder.decode(&mut bytes, limits, Inflation::None)?;
    assert_eq!(used, frame.len(), "a frame is one event at most");
    Ok(event.map(Sent::from))
}

/// tungstenite's end of a connection.
struct Tungstenite(WebSocket<Wire>);

impl Tungstenite {
    fn new(limits: &MessageLimits) -> Tungstenite {
        let config = WebSocketConfig::default()
            .read_buffer_size(256)
            .max_frame_size(usize::try_from(limits.frame_bytes_max).ok())
            .max_message_size(usize::try_from(limits.message_bytes_max).ok());
        Tungstenite(WebSocket::from_raw_socket(Wire::default(), Role::Server, Some(config)))
    }

    fn receive(&mut self, bytes: &[u8]) -> Theirs {
        self.0.get_mut().0.extend_from_slice(bytes);
        match self.0.read() {
            Ok(message) => Theirs::Event(sent(message)),
            Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Theirs::Waits,
            Err(Error::ConnectionClosed) => Theirs::Closed,
            // It sends no Close for these; the codes are those of RFC 6455 §7.4.1.
            Err(Error::Protocol(_)) => Theirs::Failed(1002),
            Err(Error::Utf8(_)) => Theirs::Failed(1007),
            Err(Error::Capacity(_)) => Theirs::Failed(1009),
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn sent(message: Message) -> Sent {
    match message {
        Message::Text(text) => Sent::Text(text.as_str().to_owned()),
        Message::Binary(bytes) => Sent::Binary(bytes.into()),
        Message::Ping(data) => Sent::Ping(data.into()),
        Message::Pong(data) => Sent::Pong(data.into()),
        Message::Close(frame) => Sent::Close(frame.map(|frame| frame.code.into())),
        Message::Frame(_) => unreachable!("it is only for what is sent"),
    }
}
