//! The newest state of something: encoded once, shared by all who want that and nothing older.
//!
//! Beside [`BroadcastLog`](crate::broadcast::BroadcastLog), which tells every change: who follows
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

use crate::broadcast::{Form, Seq, Shared};
use crate::ws::frame::{self, Opcode};

/// The newest state, and the room for what goes before it.
#[derive(Debug, Default)]
pub struct Latest {
    seq: Option<Seq>,
    plain: Shared,
    deflated: Option<Shared>,
    lead: Vec<u8>,
}

/// A frame of two pieces.
#[derive(Clone, Copy, Debug)]
pub struct Led<'a> {
    /// Its header and the beginning of its payload, for one connection.
    pub lead: &'a [u8],
    /// The rest, for everyone.
    pub body: &'a Shared,
}

impl Latest {
    /// Whether this is the state as of commit `seq`.
    pub fn is_of(&self, seq: Seq) -> bool {
        self.seq == Some(seq)
    }

    /// Replaces it with the state as of commit `seq`, as it is and deflated.
    pub fn put(&mut self, seq: Seq, plain: Vec<u8>, deflated: Option<Vec<u8>>) {
        self.seq = Some(seq);
        self.plain = plain.into();
        self.deflated = deflated.map(Shared::from);
    }

    /// A text message of the words in `prefix` and the state, in the form of this name if there is
    /// one.
    pub fn frame(&mut self, prefix: [&str; 3], form: Form) -> Led<'_> {
        let length = prefix.iter().map(|words| words.len()).sum::<usize>();
        self.lead.clear();
        let body = match (&self.deflated, form) {
            (Some(deflated), Form::Deflated) => {
                let stored = length as u16;
                debug_assert_eq!(usize::from(stored), length);
                let total = 5 + length + deflated.len();
                frame::encode_deflated_header(Opcode::Text, total, &mut self.lead);
                self.lead.push(0);
                self.lead.extend_from_slice(&stored.to_le_bytes());
                self.lead.extend_from_slice(&(!stored).to_le_bytes());
                deflated
            }
            _ => {
                let total = length + self.plain.len();
                frame::encode_header(Opcode::Text, total, &mut self.lead);
                &self.plain
            }
        };
        self.lead.extend(prefix.iter().flat_map(|words| words.bytes()));
        Led { lead: &self.lead, body }
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
        let mut latest = Latest::default();
        latest.put(Seq::START, body.clone(), Some(deflated));
        for prefix in [["42", "", ""], ["42", "/a room", ","], [""; 3]] {
            let message = [prefix.concat().as_bytes(), &body].concat();
            let plain = latest.frame(prefix, Form::Plain);
            let mut expected = Vec::new();
            frame::encode(Opcode::Text, &message, &mut expected);
            assert_eq!([plain.lead, plain.body].concat(), expected);

            let deflated = latest.frame(prefix, Form::Deflated);
            let frame = [deflated.lead, deflated.body].concat();
            assert_eq!((frame[0], usize::from(frame[1])), (0xC1, frame.len() - 2));
            let inflated =
                Inflater::default().inflate(&frame[2..], false, 1_000).map(<[u8]>::to_vec);
            assert_eq!(inflated, Ok(message));
        }
    }
}
