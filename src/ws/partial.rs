//! What has arrived of a message or a control frame that is not complete (RFC 6455 §5.4, §5.5).
//!
//! Buffers grow with what was received, never with what a header promises, and are freed when the
//! caller has looked at what they became.

use super::error::ProtocolError;
use super::event::Event;
use super::frame::{Header, Opcode};
use super::text::TextBuffer;

#[derive(Debug, Default)]
pub(super) struct Partial {
    message: Option<Message>,
    /// The payload of a control frame, which may come between the fragments of a message.
    control: Vec<u8>,
    delivered: Option<Delivered>,
}

/// A message that has begun.
#[derive(Debug)]
pub(super) struct Message {
    content: Content,
    /// Frames so far, empty ones counted.
    pub(super) fragments: u32,
}

#[derive(Debug)]
enum Content {
    Text(TextBuffer),
    Binary(Vec<u8>),
    /// A message of this kind, as it came.
    Compressed(Opcode, Vec<u8>),
}

/// What the caller was lent, and has looked at by the next call.
#[derive(Clone, Copy, Debug)]
enum Delivered {
    Message,
    Control,
}

/// What a frame has made whole.
pub(super) enum Payload<'a> {
    Plain(Result<Event<'a>, ProtocolError>),
    /// A message of this kind, to be inflated.
    Compressed(Opcode, &'a [u8]),
}

impl Partial {
    /// The message that is open.
    pub(super) fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// Makes ready to collect the payload of a frame.
    pub(super) fn begin(&mut self, header: &Header) {
        let start = |content| Some(Message { content, fragments: 1 });
        match (header.opcode, &mut self.message) {
            (opcode @ (Opcode::Text | Opcode::Binary), message) if header.is_compressed => {
                *message = start(Content::Compressed(opcode, Vec::new()));
            }
            (Opcode::Text, message) => *message = start(Content::Text(TextBuffer::default())),
            (Opcode::Binary, message) => *message = start(Content::Binary(Vec::new())),
            (Opcode::Continuation, Some(message)) => message.fragments += 1,
            _ => {}
        }
    }

    /// Takes a piece of the payload of a frame of this opcode.
    pub(super) fn append(&mut self, opcode: Opcode, piece: &[u8]) -> Result<(), ProtocolError> {
        if opcode.is_control() {
            self.control.extend_from_slice(piece);
            return Ok(());
        }
        match self.message.as_mut().map(|message| &mut message.content) {
            Some(Content::Text(text)) => text.push(piece),
            Some(Content::Binary(bytes) | Content::Compressed(_, bytes)) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
            None => unreachable!("the message was opened by its first header"),
        }
    }

    /// Lends what the last frame, of this opcode, has made whole.
    pub(super) fn deliver(&mut self, opcode: Opcode) -> Payload<'_> {
        if opcode.is_control() {
            self.delivered = Some(Delivered::Control);
            return Payload::Plain(Event::decode(opcode, &self.control));
        }
        self.delivered = Some(Delivered::Message);
        match self.message.as_ref().map(|message| &message.content) {
            Some(Content::Text(text)) => Payload::Plain(text.finish().map(Event::Text)),
            Some(Content::Binary(bytes)) => Payload::Plain(Ok(Event::Binary(bytes))),
            Some(Content::Compressed(opcode, bytes)) => Payload::Compressed(*opcode, bytes),
            None => unreachable!("the message was opened by its first header"),
        }
    }

    /// Frees what the caller was lent, and says whether nothing is left.
    pub(super) fn release(&mut self) -> bool {
        match self.delivered.take() {
            Some(Delivered::Message) => self.message = None,
            Some(Delivered::Control) => self.control.clear(),
            None => return false,
        }
        self.message.is_none()
    }

    /// Bytes of memory held.
    pub(super) fn buffered_bytes(&self) -> usize {
        let message = match self.message.as_ref().map(|message| &message.content) {
            Some(Content::Text(text)) => text.capacity(),
            Some(Content::Binary(bytes) | Content::Compressed(_, bytes)) => bytes.capacity(),
            None => 0,
        };
        message + self.control.capacity()
    }
}

impl Message {
    /// Bytes of payload so far.
    pub(super) fn len(&self) -> usize {
        match &self.content {
            Content::Text(text) => text.len(),
            Content::Binary(bytes) | Content::Compressed(_, bytes) => bytes.len(),
        }
    }

    pub(super) fn is_compressed(&self) -> bool {
        matches!(self.content, Content::Compressed(..))
    }
}
