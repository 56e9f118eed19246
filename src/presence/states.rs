//! The state of a room as of its last commit, in the forms in which it is told.

use crate::shared::Shared;
use crate::time::Time;

use super::Presence;
use super::digest::Digest;
use super::encoder::Encoder;
use super::entries::Seen;
use super::epoch::Epoch;
use super::ids::RoomId;
use super::log::Seq;
use super::message::State;
use super::room::Lacking;
use super::view::Summary;

impl Presence {
    /// The whole of a room, as of its last commit.
    pub fn state(&self, id: RoomId) -> State<'_, impl Iterator<Item = (&str, &Seen)> + Clone> {
        let room = self.room(id);
        State {
            room: room.name(),
            epoch: room.epoch(),
            seq: room.log().last(),
            digest: room.roster().digest(),
            entries: self.committed(id),
            bytes: room.roster().committed_bytes(),
        }
    }

    /// The names in a room, as of its last commit, and about how long they are in bytes.
    pub fn committed_names(&self, id: RoomId) -> (impl Iterator<Item = &str>, usize) {
        let bytes = self.room(id).roster().committed_bytes();
        (self.committed(id).map(|(name, _)| name), bytes)
    }

    fn committed(&self, id: RoomId) -> impl Iterator<Item = (&str, &Seen)> + Clone {
        let entries = self.entries.of_room(id);
        entries.filter_map(|entry| Some((&*entry.name, entry.committed.as_ref()?)))
    }

    /// Encodes what a view lacks. `names` makes the list of names, which each protocol has in its
    /// own form.
    pub fn encode(
        &mut self,
        id: RoomId,
        lacking: Lacking,
        names: impl FnOnce(&Presence, RoomId) -> Vec<u8>,
        encoder: &mut Encoder<'_>,
    ) {
        let message = match lacking {
            Lacking::Checkpoint => self.state(id).message("roster"),
            Lacking::List(Summary::Names) => names(self, id),
            Lacking::List(Summary::Presence) => self.state(id).message("presence"),
            Lacking::List(Summary::Count) => self.room(id).count_message(),
        };
        let room = self.room_mut(id);
        match lacking {
            Lacking::Checkpoint => room.put_checkpoint(&message, encoder),
            Lacking::List(summary) => room.put_list(summary, message, encoder),
        }
        self.note_encoded(id);
    }

    /// The roster of a room as a JSON document, and which state it is of. A room that is not there
    /// is empty.
    pub fn document(&mut self, name: &str, now: Time) -> (Epoch, Seq, Shared) {
        self.now = now;
        let Some(id) = self.find(name) else {
            let entries = std::iter::empty();
            let (epoch, seq) = (Epoch::NONE, Seq::START);
            let digest = Digest::default();
            let state = State { room: name, epoch, seq, digest, entries, bytes: 0 };
            return (epoch, seq, state.document().into());
        };
        let room = self.room(id);
        let (epoch, seq) = (room.epoch(), room.log().last());
        let document = room.kept_document().unwrap_or_else(|| {
            let document = Shared::from(self.state(id).document());
            self.room_mut(id).keep_document(document.clone());
            self.note_encoded(id);
            document
        });
        (epoch, seq, document)
    }
}
