//! Each library's own way from the text of a message to the bytes of a frame.

use bytes::{Bytes, BytesMut};
use headcount::ws::{Opcode, frame};

use super::Encode;

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
/// payload, and does not copy it to have it.
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
