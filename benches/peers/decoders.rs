//! Each library's own way from the bytes on a wire to the text of a message.

use std::future::Future;
use std::io::Read;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use headcount::ws::{Decoder, Event, Inflation, MessageLimits};

use super::{Decode, Wire};

/// No message here is longer than this, and each library is told so.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// headcount, driven as its event loop drives it: one read buffer, and messages lent from it.
pub struct Headcount {
    wire: Wire,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
    decoder: Decoder,
}

impl Headcount {
    /// A server's end of `wire`.
    pub fn new(wire: Wire) -> Headcount {
        let buffer = vec![0; wire.burst_bytes()];
        Headcount { wire, buffer, begin: 0, end: 0, decoder: Decoder::default() }
    }
}

impl Decode for Headcount {
    fn decode(&mut self, look: impl FnOnce(&[u8])) {
        if self.begin == self.end {
            self.end = self.wire.read(&mut self.buffer).expect("a wire gives bytes");
            self.begin = 0;
        }
        let limits = MessageLimits {
            frame_bytes_max: MESSAGE_BYTES_MAX as u64,
            message_bytes_max: MESSAGE_BYTES_MAX as u64,
            fragments_max: 64,
        };
        let input = &mut self.buffer[self.begin..self.end];
        let decoded = self.decoder.decode(input, &limits, Inflation::None);
        let Ok((used, Some(Event::Text(text)))) = decoded else { panic!("{decoded:?}") };
        look(text.as_bytes());
        self.begin += used;
    }
}

/// tungstenite's `WebSocket::read`, with a read buffer of the burst's size. It fills with zeros
/// what it has room for before each read, and its default of 128 KiB would cost most of its time.
pub struct Tungstenite(tungstenite::WebSocket<Wire>);

impl Tungstenite {
    /// A server's end of `wire`.
    pub fn new(wire: Wire) -> Tungstenite {
        let config = tungstenite::protocol::WebSocketConfig::default()
            .read_buffer_size(wire.burst_bytes())
            .max_message_size(Some(MESSAGE_BYTES_MAX));
        let role = tungstenite::protocol::Role::Server;
        Tungstenite(tungstenite::WebSocket::from_raw_socket(wire, role, Some(config)))
    }
}

impl Decode for Tungstenite {
    fn decode(&mut self, look: impl FnOnce(&[u8])) {
        match self.0.read() {
            Ok(tungstenite::Message::Text(text)) => look(text.as_bytes()),
            other => panic!("{other:?}"),
        }
    }
}

/// fastwebsockets' `WebSocket::read_frame`, which takes less than its `FragmentCollector` and is
/// enough for messages of one frame. It checks UTF-8 with simdutf8.
pub struct Fastwebsockets(fastwebsockets::WebSocket<Wire>);

impl Fastwebsockets {
    /// A server's end of `wire`.
    pub fn new(wire: Wire) -> Fastwebsockets {
        let mut socket =
            fastwebsockets::WebSocket::after_handshake(wire, fastwebsockets::Role::Server);
        socket.set_max_message_size(MESSAGE_BYTES_MAX);
        Fastwebsockets(socket)
    }
}

impl Decode for Fastwebsockets {
    fn decode(&mut self, look: impl FnOnce(&[u8])) {
        match ready(self.0.read_frame()) {
            Ok(frame) if frame.opcode == fastwebsockets::OpCode::Text => look(&frame.payload),
            Ok(frame) => panic!("{:?}", frame.opcode),
            Err(error) => panic!("{error}"),
        }
    }
}

/// web-socket's `WebSocket::recv`. It leaves UTF-8 to its user, who here has the fastest check that
/// there is.
pub struct Websocket(web_socket::WebSocket<Wire>);

impl Websocket {
    /// A server's end of `wire`.
    pub fn new(wire: Wire) -> Websocket {
        let mut socket = web_socket::WebSocket::server(wire);
        socket.max_payload_len = MESSAGE_BYTES_MAX;
        Websocket(socket)
    }
}

impl Decode for Websocket {
    fn decode(&mut self, look: impl FnOnce(&[u8])) {
        match ready(self.0.recv()) {
            Ok(web_socket::Event::Data { ty: web_socket::DataType::Complete(_), data }) => {
                let text = simdutf8::basic::from_utf8(&data).expect("the wire brings UTF-8");
                look(text.as_bytes());
            }
            other => panic!("{other:?}"),
        }
    }
}

/// sockudo-ws' `Protocol::process_into`, the layer below its streams, with a list of messages that
/// is used again. It unmasks with AVX-512 or AVX2 and checks UTF-8 with simdutf8.
pub struct Sockudo {
    wire: Wire,
    buffer: BytesMut,
    protocol: sockudo_ws::protocol::Protocol,
    messages: Vec<sockudo_ws::Message>,
    next: usize,
}

impl Sockudo {
    /// A server's end of `wire`.
    pub fn new(wire: Wire) -> Sockudo {
        let protocol = sockudo_ws::protocol::Protocol::new(
            sockudo_ws::Role::Server,
            MESSAGE_BYTES_MAX,
            MESSAGE_BYTES_MAX,
        );
        let buffer = BytesMut::with_capacity(wire.burst_bytes());
        Sockudo { wire, buffer, protocol, messages: Vec::new(), next: 0 }
    }
}

impl Decode for Sockudo {
    fn decode(&mut self, look: impl FnOnce(&[u8])) {
        if self.next == self.messages.len() {
            self.messages.clear(); // So that the buffer below them is its own again.
            self.buffer.extend_from_slice(self.wire.next(usize::MAX));
            self.protocol.process_into(&mut self.buffer, &mut self.messages).expect("it is valid");
            self.next = 0;
        }
        match &self.messages[self.next] {
            sockudo_ws::Message::Text(text) => look(text),
            other => panic!("{other:?}"),
        }
        self.next += 1;
    }
}

/// What a future gives that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the wire is always ready"),
    }
}
