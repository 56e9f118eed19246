//! Whether all clients know what they should.

use super::Fleet;
use crate::bench::view::View;

impl Fleet {
    /// Whether all that read know what any of their room does.
    pub(crate) fn all_know(&mut self) -> bool {
        // It begins with the one that did not know it the last time: mostly it still does not.
        for _ in 0..self.readers {
            let view = &self.clients[self.checked].view;
            if !view.knows(&self.oracle.rooms[view.room].newest(view.node)) {
                return false;
            }
            self.checked = (self.checked + 1) % self.readers;
        }
        true
    }

    /// How many of those in a room on a node that read know something else of it.
    pub(crate) fn strangers(&self, truth: &View) -> usize {
        let views = self.readers_in(truth.room).map(|index| &self.clients[index].view);
        views.filter(|view| view.node == truth.node && !view.knows(truth)).count()
    }

    /// Whether all that read are connected, know what any of their room does, and that is that all
    /// who are to have a name are there.
    pub(crate) fn are_all_right(&mut self) -> bool {
        let is_called = self.queue.is_empty() && self.are_all_called();
        let is_connected = is_called && self.open >= self.readers;
        is_connected && self.all_know() && self.are_all_there()
    }

    fn are_all_there(&self) -> bool {
        let mut named = vec![0; self.oracle.rooms.len()];
        for client in &self.clients[..self.readers] {
            named[client.view.room] += u64::from(client.is_named);
        }
        // They are the same on all nodes: the first clients are those of all rooms.
        self.clients[..self.readers].iter().all(|client| {
            let (room, people) = (client.view.room, client.view.people);
            people.count == named[room] && people == self.clients[room].view.people
        })
    }
}
