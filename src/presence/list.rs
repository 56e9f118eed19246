//! The newest state of something: encoded once, shared by all who want that and nothing older.
//!
//! Beside [`BroadcastLog`](super::log::BroadcastLog), which tells every change: who follows
//! this is told all of it each time, and what came in between is never sent. Peers may want
//! different words before it. So only the body is shared; a frame is a short lead and the body:
//!
//! ```text
//!   +--------+--------+-- … --+      +--------+------------------+--------+-- … --+
//!   | header | prefix | body  |      | header | 00 length prefix | deflated body |
//!   +--------+--------+-- … --+      +--------+------------------+--------+-- … --+
//! ```
//!
//! The second form is one message to an inflater: its first block is stored (RFC 1951 §3.2.4), and
//! the body's blocks, deflated with an empty window, refer to nothing before them.

use crate::shared::Shared;
use crate::ws::frame::{self, Opcode};

use super::log::{Form, Seq};
use super::view::Piece;

/// The newest state.
#[derive(Debug, Default)]
pub struct List {
    seq: Option<Seq>,
    plain: Shared,
    deflated: Option<Shared>,
    /// Whether it had readers of the deflated form when it was made, so that this is there if it is
    /// worth it.
    has_forms: bool,
}

impl List {
    /// Whether this is the state as of commit `seq`, in all forms that a reader of `form` may want.
    pub fn is_of(&self, seq: Seq, form: Form) -> bool {
        self.seq == Some(seq) && (form != Form::Deflated || self.has_forms)
    }

    /// Replaces it with the state as of commit `seq`, as it is; and deflated, if that has readers
    /// (`has_forms`) and is worth it.
    pub fn put(&mut self, seq: Seq, plain: Vec<u8>, deflated: Option<Vec<u8>>, has_forms: bool) {
        self.has_forms = has_forms;
        self.seq = Some(seq);
        self.plain = plain.into();
        self.deflated = deflated.map(Shared::from);
    }

    /// A text message of the words in `prefix` and the state, in the form of this name if there is
    /// one. What goes before the state is put into `lead`.
    pub fn frame<'a>(&'a self, prefix: [&str; 3], form: Form, lead: &'a mut Vec<u8>) -> Piece<'a> {
        let length = prefix.iter().map(|words| words.len()).sum::<usize>();
        lead.clear();
        let body = match (&self.deflated, form) {
            (Some(deflated), Form::Deflated) => {
                let stored = length as u16;
                debug_assert_eq!(usize::from(stored), length);
                let total = 5 + length + deflated.len();
                frame::encode_deflated_header(Opcode::Text, total, lead);
                lead.push(0);
                lead.extend_from_slice(&stored.to_le_bytes());
                lead.extend_from_slice(&(!stored).to_le_bytes());
                deflated
            }
            (_, Form::Unframed) => &self.plain,
            _ => {
                let total = length + self.plain.len();
                frame::encode_header(Opcode::Text, total, lead);
                &self.plain
            }
        };
        lead.extend(prefix.iter().flat_map(|words| words.bytes()));
        Piece { lead, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::{Deflater, Inflater};

    #[test]
    fn both_forms_are_one_message_of_prefix_and_body() {
        let body = b"[\"login\",[\"Ada\",\"Ada Lovelace\",\"Ada\"]]".to_vec();
        let mut deflated = Vec::new();
        Deflater::new(6).deflate(&body, 15, &mut deflated);
        let mut list = List::default();
        list.put(Seq::START, body.clone(), Some(deflated), true);
        for prefix in [["42", "", ""], ["42", "/a room", ","], [""; 3]] {
            let message = [prefix.concat().as_bytes(), &body].concat();
            let mut lead = Vec::new();
            let plain = list.frame(prefix, Form::Plain, &mut lead);
            let mut expected = Vec::new();
            frame::encode(Opcode::Text, &message, &mut expected);
            assert_eq!([plain.lead, plain.body].concat(), expected);

            let deflated = list.frame(prefix, Form::Deflated, &mut lead);
            let frame = [deflated.lead, deflated.body].concat();
            assert_eq!((frame[0], usize::from(frame[1])), (0xC1, frame.len() - 2));
            let inflated =
                Inflater::default().inflate(&frame[2..], false, 1_000).map(<[u8]>::to_vec);
            assert_eq!(inflated, Ok(message));
        }
    }
}
