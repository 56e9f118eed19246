//! headcount's codec and four others of the field, each behind the same questions: what does the
//! next message say, and which bytes is this message?
//!
//! **Decode.** All take the same masked frames from one [`Wire`] in memory, each in the way that
//! its documentation shows, or in a faster one where its interface has it. What is measured begins
//! with bytes that lie in the "socket" and ends with text that is known to be UTF-8: one copy from
//! the wire into the library's own buffer, which stands for `read` and which nobody can do without,
//! then header, unmasking and validation. A read ends where a burst does, as when a client waits
//! for an answer. There is no clock, no socket and no executor: a future is polled once and is
//! ready.
//!
//! **Encode.** From text to the bytes of a whole frame, header and payload in one piece of memory,
//! which is what a server needs that sends one message to many. Buffers are used again wherever the
//! interface allows it. (fastwebsockets, web-socket and sockudo-ws can also pass header and payload
//! to a vectored write. That copies nothing, and there is nothing to compare.)
//!
//! **Unmask.** In place, where a payload lies: behind its header, on no boundary. Beside it a
//! memcpy of as many bytes to the same place, from one half a page off.
//!
//! **Placement.** A copy between two places that are a little more than a multiple of 4 KiB apart
//! can take twenty times as long as any other, so that an unlucky allocation decides a row. That is
//! why each sample begins with new buffers, and the source of its copies is shifted by another
//! multiple of 16 bytes: no library has better places than another, and the median no bad ones.

use std::future::Future;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use headcount::ws::mask::MaskKey;
use headcount::ws::{Decoder, Event, Inflation, MessageLimits, Opcode, frame};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// No message here is longer than this, and each library is told so.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// A row of a table.
pub struct Row {
    /// What it is called.
    pub name: &'static str,
    /// How long the text of its message is, in bytes.
    pub bytes: usize,
    /// How many of them come in one read.
    pub messages: usize,
    /// What the text is made of.
    pub alphabet: &'static str,
}

/// The columns.
pub const LIBRARIES: [&str; 5] =
    ["headcount", "tungstenite", "fastwebsockets", "web-socket", "sockudo-ws"];

/// The length of a login, the longest that a header of two bytes can tell, and three more; for each
/// table, and then what only decoding has.
pub const ROWS: [Row; 8] = [
    row("16 B", 16, 1, LATIN),
    row("125 B", 125, 1, LATIN),
    row("1 KiB", 1 << 10, 1, LATIN),
    row("16 KiB", 16 << 10, 1, LATIN),
    row("1 MiB", 1 << 20, 1, LATIN),
    row("16 B, 100 in one read", 16, 100, LATIN),
    row("1 KiB, Chinese", 1 << 10, 1, CHINESE),
    row("16 KiB, Chinese", 16 << 10, 1, CHINESE),
];

/// How many of the rows are of one message in ASCII.
pub const ROWS_OF_SIZES: usize = 5;

const LATIN: &str = "abcdefghijklmnopqrstuvwxyz";
const CHINESE: &str = "谁在这里大家好";

const fn row(name: &'static str, bytes: usize, messages: usize, alphabet: &'static str) -> Row {
    Row { name, bytes, messages, alphabet }
}

impl Row {
    /// The text of its message.
    pub fn text(&self) -> String {
        let mut text: String = self.alphabet.chars().cycle().take(self.bytes).collect();
        text.truncate(text.floor_char_boundary(self.bytes));
        text.extend(std::iter::repeat_n('!', self.bytes - text.len()));
        text
    }
}

/// Something that decodes messages from a wire.
pub trait Decode {
    /// Takes the next message, and has its text looked at.
    fn decode(&mut self, look: impl FnOnce(&[u8]));
}

/// Something that encodes text messages into a buffer of its own.
pub trait Encode {
    /// Encodes a message, and has the whole frame looked at.
    fn encode(&mut self, text: &Bytes, look: impl FnOnce(&[u8]));
}

/// A client's text messages, masked as RFC 6455 §5.3 wants, one behind the other.
pub fn masked_frames(text: &str, count: usize) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = Vec::new();
    frame::encode(Opcode::Text, text.as_bytes(), &mut frame);
    let header = frame.len() - text.len();
    frame[1] |= 0x80;
    MaskKey::new(key).apply(&mut frame[header..]);
    frame.splice(header..header, key);
    frame.repeat(count)
}

/// A connection in memory: the same burst of bytes comes again and again, and what is sent is gone.
pub struct Wire {
    bytes: Vec<u8>,
    /// The burst begins here, so far from where the allocator put it.
    shift: usize,
    at: usize,
}

impl Wire {
    /// A wire on which `burst` comes, from memory that begins `shift` bytes further.
    pub fn new(burst: &[u8], shift: usize) -> Wire {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(burst);
        Wire { bytes, shift, at: shift }
    }

    /// The length of a burst, in bytes.
    fn burst_bytes(&self) -> usize {
        self.bytes.len() - self.shift
    }

    /// What there is to read, up to `bytes_max` and up to the end of the burst.
    fn next(&mut self, bytes_max: usize) -> &[u8] {
        let start = self.at;
        let end = self.bytes.len().min(start.saturating_add(bytes_max));
        self.at = if end == self.bytes.len() { self.shift } else { end };
        black_box(&self.bytes[start..end])
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.next(buffer.len());
        buffer[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buffer.put_slice(self.next(buffer.remaining()));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What a future gives that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the wire is always ready"),
    }
}

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
/// what it has room for before each read, and its default of 128 KiB would cost it most of its
/// time.
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

/// headcount's `frame::encode`.
#[derive(Default)]
pub struct HeadcountEncoder(Vec<u8>);

impl Encode for HeadcountEncoder {
    fn encode(&mut self, text: &Bytes, look: impl FnOnce(&[u8])) {
        self.0.clear();
        frame::encode(Opcode::Text, text, &mut self.0);
        look(&self.0);
    }
}

/// tungstenite's `Frame::format`, which `WebSocket::write` comes down to. The frame shares the
/// payload and does not copy it.
#[derive(Default)]
pub struct TungsteniteEncoder(Vec<u8>);

impl Encode for TungsteniteEncoder {
    fn encode(&mut self, text: &Bytes, look: impl FnOnce(&[u8])) {
        use tungstenite::protocol::frame::{Frame, coding};
        self.0.clear();
        Frame::message(text.clone(), coding::OpCode::Data(coding::Data::Text), true)
            .format(&mut self.0)
            .expect("a vector takes all");
        look(&self.0);
    }
}

/// fastwebsockets' `Frame::write`.
#[derive(Default)]
pub struct FastwebsocketsEncoder(Vec<u8>);

impl Encode for FastwebsocketsEncoder {
    fn encode(&mut self, text: &Bytes, look: impl FnOnce(&[u8])) {
        let payload = fastwebsockets::Payload::Borrowed(text);
        look(fastwebsockets::Frame::text(payload).write(&mut self.0));
    }
}

/// web-socket's `Frame::encode_without_mask`, which `WebSocket::send` comes down to. It makes a new
/// buffer for each frame.
#[derive(Default)]
pub struct WebsocketEncoder;

impl Encode for WebsocketEncoder {
    fn encode(&mut self, text: &Bytes, look: impl FnOnce(&[u8])) {
        look(&web_socket::Frame { fin: true, opcode: 1, data: text }.encode_without_mask());
    }
}

/// sockudo-ws' `encode_frame`.
#[derive(Default)]
pub struct SockudoEncoder(BytesMut);

impl Encode for SockudoEncoder {
    fn encode(&mut self, text: &Bytes, look: impl FnOnce(&[u8])) {
        self.0.clear();
        sockudo_ws::frame::encode_frame(&mut self.0, sockudo_ws::OpCode::Text, text, true, None);
        look(&self.0);
    }
}
