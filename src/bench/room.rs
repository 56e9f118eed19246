//! One room, and what its clients are told of it.

use std::collections::VecDeque;
use std::time::Instant;

use super::life::Life;
use super::read_lately::ReadLately;
use super::text::{self, ChangeText, CountText, Epoch, RosterText, Text, WelcomeText};
use super::view::{Message, Standing, Taken, View, Wrong};
use super::wishes::{Wish, Wishes};

/// Makings of a room on each node that are kept. Of an old one there is only what was still under
/// way.
const LIVES_KEPT: usize = 4;

/// One room.
#[derive(Debug)]
pub(crate) struct Room {
    index: usize,
    /// Its name; the empty one is not written.
    pub(crate) name: String,
    /// What is to become visible in it, on each node.
    wishes: Vec<Wishes>,
    read: ReadLately,
    /// Each node has its own. It is made again after nobody was in it. The newest is the last.
    lives: VecDeque<Life>,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The whole room, and since when something of it was asked for that the client did not know.
    Roster(Taken, Option<Instant>),
    /// A change, and since when that was asked for.
    Change(Taken, Option<Instant>),
    /// A count.
    Count,
    /// The client is known, and whether it is still logged in.
    Welcome { is_logged_in: bool },
    /// The server will end.
    Bye,
    /// A request was refused.
    Refused(String),
}

impl Room {
    /// Of which nothing is known.
    pub(crate) fn new(index: usize, name: String, nodes: usize) -> Room {
        let (read, lives) = (ReadLately::default(), VecDeque::new());
        let wishes = (0..nodes).map(|_| Wishes::default()).collect();
        Room { index, name, wishes, read, lives }
    }

    /// Its path below one of `/ws` and `/roster`. Our names need no percent-encoding.
    pub(crate) fn path(&self, below: &str) -> String {
        match &*self.name {
            "" => below.into(),
            name => format!("{below}/{name}"),
        }
    }

    /// The newest state that any client of a node knows.
    pub(crate) fn newest(&self, node: usize) -> View {
        let newest = self.lives.iter().rev().find(|life| life.node == node);
        newest.map_or(View { node, ..View::of(self.index) }, |life| life.newest)
    }

    /// Something is to become visible on all nodes.
    pub(crate) fn expect(&mut self, name: &str, wish: &Wish, when: Instant) {
        for wishes in &mut self.wishes {
            wishes.add(name.into(), wish.clone(), when);
        }
    }

    /// Whether all names that were to come have been seen on all nodes.
    pub(crate) fn have_all_come(&self) -> bool {
        self.wishes.iter().all(Wishes::have_all_come)
    }

    /// Whether all that was asked for has been seen on all nodes.
    pub(crate) fn has_all_been_seen(&self) -> bool {
        self.wishes.iter().all(Wishes::is_empty)
    }

    /// How many names show other data or another status than they should, on all nodes together.
    pub(crate) fn unshown(&self) -> usize {
        self.wishes.iter().map(Wishes::unshown).sum()
    }

    /// Reads rosters that are known anew: names that are awaited from now on may be on them.
    pub(crate) fn read_anew(&mut self) {
        self.read = ReadLately::default();
    }

    /// A client of this room, which knows `view`, was sent a message.
    pub(crate) fn message(&mut self, payload: &[u8], view: &mut View) -> Result<Heard, Wrong> {
        let message = self.read(payload, view)?;
        let taken = view.apply(&message)?;
        match message {
            Message::Roster { .. } => Ok(Heard::Roster(taken, self.arrived(taken, view)?)),
            Message::Change { .. } => Ok(Heard::Change(taken, self.arrived(taken, view)?)),
            Message::Count { .. } => self.arrived(taken, view).map(|_| Heard::Count),
            Message::Welcome { is_logged_in } => Ok(Heard::Welcome { is_logged_in }),
            Message::Bye => Ok(Heard::Bye),
            Message::Refused(code) => Ok(Heard::Refused(code)),
        }
    }

    /// A client knows something new: does everybody know the same, and since when was it due?
    fn arrived(&mut self, taken: Taken, view: &View) -> Result<Option<Instant>, Wrong> {
        // Whoever wants counts may never have been sent an epoch.
        let life = match view.epoch {
            Some(epoch) => self.lives.iter_mut().find(|life| life.epoch == epoch),
            None => self.lives.iter_mut().rev().find(|life| life.node == view.node),
        };
        let Some(life) = life.filter(|_| view.standing != Standing::Mending) else {
            return Ok(None);
        };
        life.arrived(view)?;
        let Taken::Followed(first) = taken else { return Ok(None) };
        Ok(first.zip(view.seq).and_then(|(first, last)| life.asked(first, last)))
    }

    /// What the body of `GET /roster` says of this room.
    pub(crate) fn document(&self, body: &[u8]) -> Result<View, Wrong> {
        let text = text::document(body).ok_or_else(|| unknown(body))?;
        self.check_room(text.room.as_deref())?;
        let RosterText { epoch, seq, digest, .. } = text;
        let people = Life::new(self.index, 0, epoch).roster(text, &mut Wishes::default())?;
        let mut view = View::of(self.index);
        view.apply(&Message::Roster { epoch, seq, digest, people })?;
        Ok(view)
    }

    fn read(&mut self, payload: &[u8], view: &View) -> Result<Message, Wrong> {
        let fits = |message: &Message| match message {
            Message::Change { from: Some(from), .. } => view.commit() == Some(*from),
            Message::Change { epoch, .. } => view.epoch == Some(*epoch),
            _ => true,
        };
        if let Some(message) = self.read.find(payload, fits) {
            return Ok(message.clone());
        }
        let message = match text::message(payload).ok_or_else(|| unknown(payload))? {
            Text::Roster(text) => self.roster(text, view.node)?,
            Text::Change(text) => self.change(&text, view)?,
            Text::Count(CountText { room, seq, count }) => {
                self.check_room(room.as_deref())?;
                Message::Count { seq, count }
            }
            // Each client has one of its own, which is not kept.
            Text::Welcome(WelcomeText { resumed }) => {
                let is_logged_in = resumed.iter().any(|room| **room == *self.name);
                return Ok(Message::Welcome { is_logged_in });
            }
            Text::Bye => Message::Bye,
            Text::Refused(code) => Message::Refused(code),
        };
        self.read.keep(payload, message.clone());
        Ok(message)
    }

    fn roster(&mut self, text: RosterText<'_>, node: usize) -> Result<Message, Wrong> {
        self.check_room(text.room.as_deref())?;
        let RosterText { epoch, seq, digest, .. } = text;
        let (life, wishes) = self.life(node, epoch);
        let people = life.roster(text, wishes)?;
        Ok(Message::Roster { epoch, seq, digest, people })
    }

    fn change(&mut self, text: &ChangeText<'_>, view: &View) -> Result<Message, Wrong> {
        self.check_room(text.room.as_deref())?;
        let &ChangeText { seq, digest, .. } = text;
        let gap = || Wrong::Gap { known: view.seq, seq };
        let copy = view.commit().ok_or_else(gap)?;
        let known = self.lives.iter_mut().find(|life| life.epoch == copy.0).ok_or_else(gap)?;
        let (from, epoch, people) = match text.epoch {
            None => (None, copy.0, known.change(text, &mut self.wishes[view.node])?),
            Some(epoch) => {
                let people = known.people_after(copy.1);
                let (life, wishes) = self.life(view.node, epoch);
                (Some(copy), epoch, life.resume(&people, text, wishes)?)
            }
        };
        let (before, after) = people;
        Ok(Message::Change { from, epoch, seq, digest, before, after })
    }

    /// The making of the room on a node with this epoch, and what is to become visible there.
    fn life(&mut self, node: usize, epoch: Epoch) -> (&mut Life, &mut Wishes) {
        let known = self.lives.iter().position(|life| life.epoch == epoch);
        let index = known.unwrap_or_else(|| {
            let is_of_node = |life: &&Life| life.node == node;
            if self.lives.iter().filter(is_of_node).count() == LIVES_KEPT
                && let Some(oldest) = self.lives.iter().position(|life| life.node == node)
            {
                self.lives.remove(oldest);
            }
            self.lives.push_back(Life::new(self.index, node, epoch));
            self.lives.len() - 1
        });
        (&mut self.lives[index], &mut self.wishes[node])
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
