//! What is read of a room: what each view is told next, and what must be encoded for that.

use crate::shared::Shared;

use super::super::encoder::Encoder;
use super::super::log::Seq;
use super::super::message;
use super::super::view::{Piece, Summary, View};
use super::{Lacking, Room};

impl Room {
    /// Whether `view` is behind: a follower with it is to be sent something.
    pub fn is_ahead_of(&self, view: &View) -> bool {
        match *view {
            _ if self.flags.is_loading => false,
            View::Nothing => false,
            View::Changes { next, .. } => self.log.is_behind(next),
            View::Newest { summary, next, .. } => next <= self.seq_of(summary),
        }
    }

    /// The commit that made the newest state what it is.
    fn seq_of(&self, summary: Summary) -> Seq {
        match summary {
            Summary::Names => self.names_seq,
            Summary::Presence => self.log.last(),
            Summary::Count => self.counted.seq,
        }
    }

    /// The next piece that a follower with `view` is sent, and moves the view past it. The words of
    /// `prefix` go before a state, in `lead`; since there is one such buffer, no second one is
    /// given with it.
    pub fn next<'a>(
        &'a self,
        view: &mut View,
        prefix: impl FnOnce() -> [&'a str; 3],
        lead: &mut Option<&'a mut Vec<u8>>,
    ) -> Option<Piece<'a>> {
        match view {
            _ if self.flags.is_loading => None,
            View::Nothing => None,
            View::Changes { next, form } => {
                let (body, after) = self.log.follow(*next, *form)?;
                *next = after;
                Some(Piece { lead: &[], body })
            }
            View::Newest { summary, next, form } => {
                let newest = self.seq_of(*summary);
                if *next > newest {
                    return None;
                }
                let list = &self.lists.as_ref()?[*summary as usize];
                let lead = lead.take()?;
                // Whatever was committed in between is in this state.
                *next = newest.next();
                Some(list.frame(prefix(), *form, lead))
            }
        }
    }

    /// What must be encoded before `view` can be served.
    pub fn lacks(&self, view: &View) -> Option<Lacking> {
        match *view {
            _ if self.flags.is_loading => None,
            View::Nothing => None,
            View::Changes { next, .. } => {
                self.log.lacks_checkpoint(next).then_some(Lacking::Checkpoint)
            }
            View::Newest { summary, next, form } => {
                let newest = self.seq_of(summary);
                let list = self.lists.as_ref().map(|lists| &lists[summary as usize]);
                let is_made = list.is_some_and(|list| list.is_of(newest, form));
                (next <= newest && !is_made).then_some(Lacking::List(summary))
            }
        }
    }

    /// Keeps the whole roster, encoded as its readers want it, for all who are too far behind.
    pub(in crate::presence) fn put_checkpoint(
        &mut self,
        message: &[u8],
        encoder: &mut Encoder<'_>,
    ) {
        let frame = encoder.frame(message, self.deflated[0]);
        self.log.put_checkpoint(frame, self.roster.digest());
    }

    /// Keeps the newest state, encoded in the same way.
    pub(in crate::presence) fn put_list(
        &mut self,
        summary: Summary,
        message: Vec<u8>,
        encoder: &mut Encoder<'_>,
    ) {
        let readers = self.deflated[1 + summary as usize];
        let deflated = encoder.deflated(&message, readers);
        let newest = self.seq_of(summary);
        let lists = self.lists.get_or_insert_default();
        lists[summary as usize].put(newest, message, deflated, readers > 0);
    }

    /// What is told of how many are here.
    pub(in crate::presence) fn count_message(&self) -> Vec<u8> {
        message::count(&self.name, self.counted.seq, self.counted.count)
    }

    /// The roster as a JSON document, if it was made since it changed. It is made once for all who
    /// ask: asking is cheap, and so must be answering.
    pub(in crate::presence) fn kept_document(&self) -> Option<Shared> {
        let (seq, document) = &**self.document.as_ref()?;
        (*seq == self.log.last()).then(|| document.clone())
    }

    /// Keeps it.
    pub(in crate::presence) fn keep_document(&mut self, document: Shared) {
        self.document = Some(Box::new((self.log.last(), document)));
    }
}
