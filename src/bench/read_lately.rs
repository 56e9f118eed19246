//! Messages that were read lately: since all clients are sent the same bytes, each message is
//! parsed for one of them and compared for the others.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};

use super::view::Message;

/// Messages that are kept at most: more than a client misses whose network is lost for a while, for
/// it is sent all of them again.
const KEPT: usize = 1024;

/// The same in bytes, so that rosters of a large room are kept and a great many are not.
const KEPT_BYTES: usize = 32 << 20;

/// So many bytes tell most messages apart: they name commit and digest.
const START: usize = 128;

/// The bytes of a message, and what was read from them.
type Read = (Box<[u8]>, Message);

/// Messages that were read lately.
#[derive(Debug, Default)]
pub(super) struct ReadLately {
    /// By the hashes of their starts and lengths; the newest of each is the last.
    by_hash: HashMap<u64, VecDeque<Read>>,
    /// The hashes of all, the oldest first.
    order: VecDeque<u64>,
    bytes: usize,
    hashes: RandomState,
}

impl ReadLately {
    /// What was read from these bytes, if it `fits` the client that was sent them.
    pub(super) fn find(&self, payload: &[u8], fits: impl Fn(&Message) -> bool) -> Option<&Message> {
        let known = self.by_hash.get(&self.hash(payload))?.iter().rev();
        let mut fitting = known.filter(|(bytes, message)| **bytes == *payload && fits(message));
        fitting.next().map(|(_, message)| message)
    }

    /// Keeps what was read, in place of the oldest.
    pub(super) fn keep(&mut self, payload: &[u8], message: Message) {
        let hash = self.hash(payload);
        self.by_hash.entry(hash).or_default().push_back((payload.into(), message));
        self.order.push_back(hash);
        self.bytes += payload.len();
        while (self.order.len() > KEPT || self.bytes > KEPT_BYTES) && self.order.len() > 1 {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        let Some(hash) = self.order.pop_front() else { return };
        let Some(same) = self.by_hash.get_mut(&hash) else { return };
        let bytes = same.pop_front().map_or(0, |(bytes, _)| bytes.len());
        self.bytes -= bytes;
        if same.is_empty() {
            self.by_hash.remove(&hash);
        }
    }

    fn hash(&self, payload: &[u8]) -> u64 {
        self.hashes.hash_one((payload.len(), &payload[..payload.len().min(START)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_found_by_its_bytes_and_for_whom_it_is_until_many_came_after_it() {
        let mut read = ReadLately::default();
        let all = |_: &Message| true;
        let count = |seq| Message::Count { seq, count: 7 };
        read.keep(b"one", count(1));
        read.keep(b"one", count(2));
        assert_eq!(read.find(b"one", all), Some(&count(2)));
        assert_eq!(read.find(b"one", |message| *message == count(1)), Some(&count(1)));
        assert_eq!(read.find(b"two", all), None);
        for seq in 3..=KEPT as u64 + 1 {
            read.keep(&seq.to_be_bytes(), count(seq));
        }
        assert_eq!(read.find(b"one", |message| *message == count(1)), None);
        assert_eq!(read.find(b"one", all), Some(&count(2)));
        assert_eq!((read.order.len(), read.bytes), (KEPT, 3 + (KEPT - 1) * 8));
        let large = vec![0; KEPT_BYTES + 1];
        read.keep(&large, Message::Bye);
        assert_eq!((read.find(&large, all), read.order.len()), (Some(&Message::Bye), 1));
        read.keep(b"one", count(1));
        assert_eq!((read.by_hash.len(), read.bytes), (1, 3));
    }
}
