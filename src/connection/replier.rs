//! Messages for one peer alone.

use crate::ws::frame;
use crate::ws::{Deflater, Opcode, TakeoverDeflater};

use super::outbox::Outbox;

/// What sends messages to one peer alone.
pub(super) struct Replier<'a> {
    /// The window, if compression was agreed on.
    pub(super) window_bits: Option<u8>,
    pub(super) own: Option<&'a mut TakeoverDeflater>,
    pub(super) shared: &'a mut Deflater,
    pub(super) bytes_min: usize,
    pub(super) outbox: &'a mut Outbox,
}

impl Replier<'_> {
    /// Sends a message, compressed if that was agreed on and is worth it.
    pub(super) fn reply(&mut self, opcode: Opcode, payload: &[u8]) {
        match self.window_bits {
            Some(window_bits) if payload.len() >= self.bytes_min => {
                let mut deflated = Vec::new();
                match &mut self.own {
                    Some(own) => own.deflate(payload, &mut deflated),
                    None => self.shared.deflate(payload, window_bits, &mut deflated),
                }
                frame::encode_deflated(opcode, &deflated, self.outbox.replies());
            }
            _ => self.outbox.reply(opcode, payload),
        }
    }
}
