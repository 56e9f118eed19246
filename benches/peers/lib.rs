//! headcount's codec and four others of the field, each behind the same questions: what does the
//! next message say, and which bytes is this message?
//!
//! **Decode.** All take the same masked frames from one [`Wire`] in memory, each in the way that
//! its documentation shows, or in a faster one where its interface has it. What is measured begins
//! with bytes that lie in the "socket" and ends with text that is known to be UTF-8: one copy from
//! the wire into the library's own buffer, which stands for `read` and which nobody can do
//! without, then header, unmasking and validation. A read ends where a burst does, as when a
//! client waits for an answer. There is no clock, no socket and no executor: a future is polled
//! once and is ready.
//!
//! **Encode.** From text to the bytes of a whole frame, header and payload in one piece of memory,
//! which is what a server needs that sends one message to many. Buffers are used again wherever
//! the interface allows it. (fastwebsockets, web-socket and sockudo-ws can also pass header and
//! payload to a vectored write. That copies nothing, and there is nothing to compare.)
//!
//! **Unmask.** In place, where a payload lies: behind its header, on no boundary. Beside it a
//! memcpy of as many bytes to the same place.
//!
//! **Placement.** A copy between two places that are a little more than a multiple of 4 KiB apart
//! can take twenty times as long as any other, so that an unlucky allocation decides a row. That
//! is why each sample begins with new buffers, and the source of its copies is shifted by another
//! multiple of 16 bytes: no library has better places than another.

mod decoders;
mod encoders;
mod wire;

use bytes::Bytes;
use headcount::ws::mask::MaskKey;
use headcount::ws::{Opcode, frame};

pub use decoders::{Fastwebsockets, Headcount, Sockudo, Tungstenite, Websocket};
pub use encoders::{
    FastwebsocketsEncoder, HeadcountEncoder, SockudoEncoder, TungsteniteEncoder, WebsocketEncoder,
};
pub use wire::Wire;

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

/// How often each cell is measured.
pub const ROUNDS: usize = 3;

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

/// `bytes`, `shift` bytes behind the beginning of a buffer that is a page longer. That is the same
/// size for every shift, so the allocator puts what follows in the same place.
pub fn shifted(bytes: &[u8], shift: usize) -> Bytes {
    let mut buffer = vec![0; bytes.len() + 4096];
    buffer[shift..shift + bytes.len()].copy_from_slice(bytes);
    Bytes::from(buffer).slice(shift..shift + bytes.len())
}
