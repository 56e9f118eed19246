//! What is to be written down, so that it is there after a restart.
//!
//! Each commit of a room says what of it has changed, and all of it is noted with that commit: so
//! whoever writes everything down in order always has rooms as their followers were told of them.

use super::Presence;
use super::ids::{MemberId, RoomId};
use super::saved::{SavedCommit, SavedMember, Write};

impl Presence {
    /// Notes from now on what is to be written down.
    pub fn save(&mut self) {
        self.unsaved = Some(Box::default());
    }

    /// Takes what is to be written down, in its order.
    pub fn take_writes(&mut self) -> Vec<Write> {
        self.unsaved.as_mut().map(|unsaved| std::mem::take(&mut unsaved.writes)).unwrap_or_default()
    }

    /// Notes members as they are, whether they have changed or not: those in `count` places from
    /// `from` on. Says where to go on, if there are more.
    pub fn save_again(&mut self, from: usize, count: usize) -> Option<usize> {
        let places = self.members.places();
        let end = from.saturating_add(count).min(places);
        for index in from..end {
            if let Some(id) = self.members.at(index).filter(|&id| !self.is_foreign(id)) {
                self.note(id);
            }
        }
        (end < places).then_some(end)
    }

    /// A member has changed, which the next commit of its room tells.
    pub(super) fn note_changed(&mut self, room: RoomId, id: MemberId) {
        if self.is_foreign(id) {
            return;
        }
        self.note_part_changed(room, id);
        if let Some(unsaved) = &mut self.unsaved {
            unsaved.changed.entry(room).or_default().push(id);
        }
    }

    /// A room has told what changed: with a commit, or on balance nothing.
    pub(super) fn note_committed(&mut self, room: RoomId, is_commit: bool) {
        let Some(unsaved) = &mut self.unsaved else { return };
        for id in unsaved.changed.remove(&room).unwrap_or_default() {
            self.note(id);
        }
        if !is_commit {
            return;
        }
        let room = self.room(room);
        let name = Box::from(&**room.name());
        let write = match room.log().newest() {
            Some((seq, digests, frame, first)) => {
                let (seq, frame) = (seq.as_u64(), frame.clone());
                Write::Commit(SavedCommit { room: name, seq, digests, frame }, first.as_u64())
            }
            None => Write::Forgotten(name),
        };
        self.note_write(write);
    }

    /// The commits of a room are about to be dropped.
    pub(super) fn note_forgotten(&mut self, id: RoomId) {
        let room = self.room(id);
        if room.log().newest().is_some() {
            let name = Box::from(&**room.name());
            self.note_write(Write::Forgotten(name));
        }
    }

    fn note(&mut self, id: MemberId) {
        let write = match self.members.get(id) {
            Some(member) => {
                let saved = SavedMember {
                    room: (&**self.room(member.room).name()).into(),
                    name: (&*self.entries.get(member.entry).name).into(),
                    client: member.client,
                    status: member.status,
                    data: member.data.clone(),
                    set: member.set,
                };
                Write::Member(id.to_bits(), saved)
            }
            None => Write::Gone(id.to_bits()),
        };
        self.note_write(write);
    }

    fn note_write(&mut self, write: Write) {
        if let Some(unsaved) = &mut self.unsaved {
            unsaved.writes.push(write);
        }
    }
}
