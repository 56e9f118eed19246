//! One room, and what its clients are told of it.

use std::collections::VecDeque;
use std::time::Instant;

use super::life::Life;
use super::text::{self, ChangeText, CountText, RosterText, Text};
use super::view::{Message, View, Wrong};
use super::wishes::Wishes;

/// Messages that were read lately: since all clients are sent the same bytes, each message is
/// parsed for one of them and compared for the others.
const KEPT: usize = 64;

/// Makings of a room that are kept. Of an old one there is only what was still under way.
const LIVES_KEPT: usize = 4;

/// One room.
#[derive(Debug)]
pub(crate) struct Room {
    index: usize,
    /// Its name; the empty one is not written.
    pub(crate) name: String,
    /// What is to become visible in it.
    pub(crate) wishes: Wishes,
    read: VecDeque<(Box<[u8]>, Message)>,
    /// It is made again after nobody was in it. The newest is the last.
    lives: VecDeque<Life>,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The whole room, and since when something of it was asked for that the client did not know.
    Roster(Option<Instant>),
    /// A change, and since when that was asked for.
    Change(Option<Instant>),
    /// A count.
    Count,
    /// A request was refused.
    Refused(String),
}

impl Room {
    /// Of which nothing is known.
    pub(crate) fn new(index: usize, name: String) -> Room {
        let (read, lives) = (VecDeque::new(), VecDeque::new());
        Room { index, name, wishes: Wishes::default(), read, lives }
    }

    /// Its path below one of `/ws` and `/roster`. Our names need no percent-encoding.
    pub(crate) fn path(&self, below: &str) -> String {
        match &*self.name {
            "" => below.into(),
            name => format!("{below}/{name}"),
        }
    }

    /// The newest state that any client knows.
    pub(crate) fn newest(&self) -> View {
        self.lives.back().map_or(View::of(self.index), |life| life.newest)
    }

    /// Reads rosters that are known anew: names that are awaited from now on may be on them.
    pub(crate) fn read_anew(&mut self) {
        self.read.clear();
    }

    /// A client of this room, which knows `view`, was sent a message.
    pub(crate) fn message(&mut self, payload: &[u8], view: &mut View) -> Result<Heard, Wrong> {
        let message = self.read(payload, view)?;
        let first = view.apply(&message)?;
        if let Message::Refused(code) = message {
            return Ok(Heard::Refused(code));
        }
        // Whoever wants counts may never have been sent an epoch.
        let life = match view.epoch {
            Some(epoch) => self.lives.iter_mut().find(|life| life.epoch == epoch),
            None => self.lives.back_mut(),
        };
        let mut asked = None;
        if let Some(life) = life {
            life.arrived(view)?;
            asked = first.zip(view.seq).and_then(|(first, last)| life.asked(first, last));
        }
        Ok(match message {
            Message::Roster { .. } => Heard::Roster(asked),
            Message::Change { .. } => Heard::Change(asked),
            Message::Count { .. } | Message::Refused(_) => Heard::Count,
        })
    }

    /// What the body of `GET /roster` says of this room.
    pub(crate) fn document(&self, body: &[u8]) -> Result<View, Wrong> {
        let text = text::document(body).ok_or_else(|| unknown(body))?;
        self.check_room(text.room.as_deref())?;
        let (epoch, seq) = (Some(text.epoch), Some(text.seq));
        let mut life = Life::new(self.index, text.epoch);
        let people = life.roster(text, &mut Wishes::default())?;
        Ok(View { epoch, seq, people, ..View::of(self.index) })
    }

    fn read(&mut self, payload: &[u8], view: &View) -> Result<Message, Wrong> {
        let is_it = |(bytes, message): &&(Box<[u8]>, Message)| {
            let is_other = matches!(message, Message::Change { epoch, .. }
                if view.epoch != Some(*epoch));
            **bytes == *payload && !is_other
        };
        if let Some((_, message)) = self.read.iter().rev().find(is_it) {
            return Ok(message.clone());
        }
        let message = match text::message(payload).ok_or_else(|| unknown(payload))? {
            Text::Roster(text) => self.roster(text)?,
            Text::Change(text) => self.change(text, view)?,
            Text::Count(CountText { room, seq, count }) => {
                self.check_room(room.as_deref())?;
                Message::Count { seq, count }
            }
            Text::Refused(code) => Message::Refused(code),
        };
        if self.read.len() == KEPT {
            self.read.pop_front();
        }
        self.read.push_back((payload.into(), message.clone()));
        Ok(message)
    }

    fn roster(&mut self, text: RosterText<'_>) -> Result<Message, Wrong> {
        self.check_room(text.room.as_deref())?;
        let (epoch, seq) = (text.epoch, text.seq);
        if !self.lives.iter().any(|life| life.epoch == epoch) {
            if self.lives.len() == LIVES_KEPT {
                self.lives.pop_front();
            }
            self.lives.push_back(Life::new(self.index, epoch));
        }
        let life = self.lives.iter_mut().find(|life| life.epoch == epoch);
        let people = life.expect("it was found or made").roster(text, &mut self.wishes)?;
        Ok(Message::Roster { epoch, seq, people })
    }

    fn change(&mut self, text: ChangeText<'_>, view: &View) -> Result<Message, Wrong> {
        self.check_room(text.room.as_deref())?;
        let seq = text.seq;
        let gap = || Wrong::Gap { known: view.seq, seq };
        let epoch = view.epoch.ok_or_else(gap)?;
        let life = self.lives.iter_mut().find(|life| life.epoch == epoch).ok_or_else(gap)?;
        let (before, after) = life.change(text, &mut self.wishes)?;
        Ok(Message::Change { epoch, seq, before, after })
    }

    /// Who is in one room is told nothing of another, and a room without a name has none written.
    fn check_room(&self, room: Option<&str>) -> Result<(), Wrong> {
        let own = Some(&*self.name).filter(|name| !name.is_empty());
        match room == own {
            true => Ok(()),
            false => Err(Wrong::Leak { room: room.unwrap_or_default().into() }),
        }
    }
}

fn unknown(message: &[u8]) -> Wrong {
    let start = &message[..message.len().min(80)];
    Wrong::Unknown(String::from_utf8_lossy(start).into_owned())
}
