//! Connections that are lost, as is meant; and what those who stay see of that.

use std::time::{Duration, Instant};

use super::Fleet;
use crate::bench::client::Leaving;
use crate::bench::comebacks::DELAY;
use crate::bench::dice::Dice;
use crate::bench::requests;

/// Whoever was away at any time within this has an excuse for being seen to leave: it is the
/// server's hold after a loss, which may begin when a node is found to be silent, and some more.
const LATELY: Duration = Duration::from_secs(30);

/// One of so many clients logs out and in, and the others set data.
const MOVER: usize = 4;

impl Fleet {
    /// From now on connections are lost that clients come back from, and whoever stays tells who
    /// leaves meanwhile.
    pub(crate) fn expect_losses(&mut self, dice: Dice) {
        self.comebacks.are_meant = true;
        self.comebacks.dice = dice;
        self.comebacks.start = Instant::now();
        self.oracle.left = Some(Vec::new());
        self.expects = false;
    }

    /// Has a client that is connected make a change. One that is not has nobody to tell it to.
    pub(crate) fn act(&mut self, index: usize) {
        let client = &self.clients[index];
        let (now, is_named) = (Instant::now(), client.is_named);
        match client.is_open() {
            true if is_mover(index) => self.rename(index, !is_named, now),
            true => self.set(index, now),
            false => {}
        }
    }

    /// Has those log in who logged out, and all set data once more. Unlike what they did while
    /// connections were lost, all of that is to become visible.
    pub(crate) fn act_finally(&mut self, clients: usize) {
        self.expects = true;
        let now = Instant::now();
        for index in 0..clients {
            if !self.clients[index].is_named {
                self.rename(index, true, now);
            }
            self.set(index, now);
        }
    }

    /// Every other client of a node loses the network, but for those who stay there.
    pub(crate) fn cut_half(&mut self, node: usize) {
        for index in (0..self.readers).step_by(2) {
            let client = &self.clients[index];
            if client.view.node == node && client.is_open() && !client.view.observes {
                self.leave(index, Leaving::Cut);
                self.come_back_later(index);
            }
        }
    }

    /// Whether all who were lost are on their way.
    pub(super) fn are_all_called(&self) -> bool {
        self.comebacks.due.is_empty()
    }

    /// A client has lost its connection, or found nobody to connect to, as was to be expected.
    pub(super) fn lose(&mut self, index: usize) {
        self.drop_connection(index);
        self.come_back_later(index);
    }

    fn come_back_later(&mut self, index: usize) {
        let now = Instant::now();
        let client = &mut self.clients[index];
        client.away_since.get_or_insert(now);
        client.view.returns(now);
        let [least, most] = DELAY;
        let delay = self.comebacks.dice.between(least, most);
        self.comebacks.due.insert((now + delay, index));
        self.comebacks.lost += 1;
    }

    /// Puts those into the queue whose time has come, and says when something is to be done next,
    /// or `until`.
    pub(super) fn call_back(&mut self, until: Instant) -> Instant {
        let now = Instant::now();
        while let Some(&(at, index)) = self.comebacks.due.first() {
            if at > now {
                return at.min(until);
            }
            self.comebacks.due.pop_first();
            self.move_on(index);
            match self.comebacks.is_down[self.clients[index].view.node] {
                // Whoever stays at a node waits for it.
                true => drop(self.comebacks.due.insert((now + DELAY[0], index))),
                false => self.queue.push_back(index),
            }
        }
        until
    }

    /// Has a client come to another node next, at random, if there is one and it does not stay.
    pub(super) fn move_on(&mut self, index: usize) {
        let view = &mut self.clients[index].view;
        if view.observes {
            return;
        }
        view.node = self.comebacks.other_node(view.node);
    }

    /// A client is connected, and may have been away.
    pub(super) fn is_back(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if let Some(since) = client.away_since.take() {
            client.back_since = Some(Instant::now());
            self.comebacks.longest = self.comebacks.longest.max(since.elapsed());
        }
    }

    /// Takes note of those who were told to be gone, and did not log out.
    pub(super) fn judge_leaves(&mut self) {
        let Some(left) = &mut self.oracle.left else { return };
        for (name, is_of_comeback) in std::mem::take(left) {
            let index = requests::index(&name).filter(|&index| !is_mover(index));
            let Some(client) = index.map(|index| &self.clients[index]) else { continue };
            let back = client.back_since.map(|since| since.elapsed());
            let was_away = client.away_since.is_some() || back.is_some_and(|back| back < LATELY);
            let since = match back {
                _ if client.away_since.is_some() => "away then".into(),
                Some(back) => format!("back for {:.3} s then", back.as_secs_f64()),
                None => "there all the time".into(),
            };
            let at = self.comebacks.start.elapsed().as_secs_f64();
            let text = format!("at {at:.3} s {name} was told to be gone, who was {since}");
            if !was_away && !is_of_comeback {
                self.comebacks.wrong_leaves += 1;
                self.oracle.mistakes.note(text);
                continue;
            }
            self.comebacks.note_flap(text);
        }
    }
}

const fn is_mover(index: usize) -> bool {
    index % MOVER == MOVER - 1
}
