//! A shared frame that is half sent.

use bytes::Buf;

use crate::presence::Piece;
use crate::shared::Shared;

/// The rest of shared bytes of which the first are gone.
#[derive(Debug)]
pub(super) struct Half {
    /// What goes before them. This is there only while a part of it is still to be sent.
    lead: Option<Lead>,
    bytes: Shared,
}

#[derive(Debug)]
struct Lead {
    bytes: Vec<u8>,
    sent: usize,
}

impl Half {
    /// The rest of `bytes` after the first `sent`.
    pub(super) fn new(mut bytes: Shared, sent: usize) -> Half {
        bytes.advance(sent);
        Half { lead: None, bytes }
    }

    /// A frame whose lead was cut after `sent` bytes.
    pub(super) fn with_lead(piece: Piece<'_>, sent: usize) -> Half {
        let lead = Lead { bytes: piece.lead.to_vec(), sent };
        Half { lead: Some(lead), bytes: piece.body.clone() }
    }

    /// What is still to be sent, in order.
    pub(super) fn pieces(&self) -> [&[u8]; 2] {
        [self.lead(), &self.bytes]
    }

    pub(super) fn unsent(&self) -> usize {
        self.lead().len() + self.bytes.len()
    }

    /// Bytes of memory that nobody shares.
    pub(super) fn own_bytes(&self) -> usize {
        self.lead.as_ref().map_or(0, |lead| lead.bytes.capacity())
    }

    /// The next `bytes` of it are sent. Says how many of them were not of this.
    pub(super) fn advance(&mut self, mut bytes: usize) -> usize {
        if let Some(lead) = &mut self.lead {
            let taken = bytes.min(lead.bytes.len() - lead.sent);
            lead.sent += taken;
            bytes -= taken;
            if lead.sent < lead.bytes.len() {
                return bytes;
            }
            self.lead = None;
        }
        let taken = bytes.min(self.bytes.len());
        self.bytes.advance(taken);
        bytes - taken
    }

    fn lead(&self) -> &[u8] {
        self.lead.as_ref().map_or(&[], |lead| &lead.bytes[lead.sent..])
    }
}
