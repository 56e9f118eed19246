//! All clients, on one event loop.

mod checks;
mod losses;

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use super::client::{Client, Leaving, Outcome};
use super::comebacks::Comebacks;
use super::oracle::Oracle;
use super::problem::Problem;
use super::requests;
use super::url::Url;
use super::view::{Ask, View};
use super::wishes::Wish;

/// Connections that are being opened at any time: a server that is asked for more at once than it
/// has room for drops some, and what is measured then is how long a client waits to try again.
const OPENING_MAX: usize = 256;

/// All clients.
pub(crate) struct Fleet {
    poll: Poll,
    events: Events,
    /// Where each node is.
    urls: Vec<Url>,
    clients: Vec<Client>,
    readers: usize,
    pub(crate) oracle: Oracle,
    /// Clients that are to be connected, in this order.
    queue: VecDeque<usize>,
    opening: usize,
    pub(crate) open: usize,
    /// The client that `all_know` begins with.
    checked: usize,
    /// Changes that clients which are connected were to make.
    pub(crate) changes: u64,
    /// Whether clients have data from their login on.
    pub(crate) has_data: bool,
    /// Whether it is noted what is to become visible.
    pub(crate) expects: bool,
    pub(crate) comebacks: Comebacks,
    /// The part of clients' ids that is of this run, if they say who they are.
    run: Option<u64>,
    buffer: Box<[u8]>,
}

impl Fleet {
    /// So many clients, none of which is connected, spread evenly over the rooms of the oracle, and
    /// those of each room over the nodes. Those after the `readers` will never read.
    pub(crate) fn new(
        urls: Vec<Url>,
        readers: usize,
        stuck: usize,
        oracle: Oracle,
    ) -> Result<Fleet, Problem> {
        let (rooms, nodes) = (oracle.rooms.len(), urls.len());
        let client = |index| Client::of(index % rooms, index / rooms % nodes);
        let poll = Poll::new().map_err(|error| Problem::System("create an event queue", error))?;
        Ok(Fleet {
            poll,
            events: Events::with_capacity(1024),
            urls,
            clients: (0..readers + stuck).map(client).collect(),
            readers,
            oracle,
            queue: VecDeque::new(),
            opening: 0,
            open: 0,
            checked: 0,
            changes: 0,
            has_data: false,
            expects: true,
            comebacks: Comebacks::new(nodes),
            run: None,
            buffer: vec![0; 64 * 1024].into_boxed_slice(),
        })
    }

    /// Has all clients say who they are, and those from `observers` on stay while others come back.
    pub(crate) fn say_hello(&mut self, run: u64, observers: usize) {
        self.run = Some(run);
        for (index, client) in self.clients.iter_mut().enumerate() {
            client.says_hello = true;
            client.view.observes = index >= observers;
        }
    }

    /// How many clients there are that read.
    pub(crate) fn readers(&self) -> usize {
        self.readers
    }

    /// Those of a room that read.
    pub(crate) fn readers_in(&self, room: usize) -> impl ExactSizeIterator<Item = usize> + use<> {
        (room..self.readers).step_by(self.oracle.rooms.len())
    }

    /// Has a client connect, as soon as there is room. If it `is_named` it logs in at once, and the
    /// clock of that runs from `due`.
    pub(crate) fn connect(&mut self, index: usize, is_named: bool, due: Instant) {
        let client = &mut self.clients[index];
        client.is_named = is_named;
        if is_named {
            self.expect(index, &Wish::Comes, due);
        }
        self.queue.push_back(index);
    }

    /// Has a client connect and be told only how many are there.
    pub(crate) fn connect_counting(&mut self, index: usize) {
        self.clients[index].is_counting = true;
        self.connect(index, false, Instant::now());
    }

    /// Has a client connect and never read.
    pub(crate) fn connect_stuck(&mut self, index: usize) {
        self.clients[index].is_stuck = true;
        self.connect(index, false, Instant::now());
    }

    /// Has a client that is connected log in or out, which was to happen at `due`.
    pub(crate) fn rename(&mut self, index: usize, is_named: bool, due: Instant) {
        self.changes += 1;
        self.clients[index].is_named = is_named;
        self.expect(index, if is_named { &Wish::Comes } else { &Wish::Goes }, due);
        if self.clients[index].is_open() {
            self.say_name(index);
        }
    }

    /// Has a client that is logged in set its data and status, which was to happen at `due`.
    pub(crate) fn set(&mut self, index: usize, due: Instant) {
        self.changes += 1;
        let client = &mut self.clients[index];
        client.sets += 1;
        let (message, entry) = requests::set(index, client.sets);
        // If the connection is lost, an event tells so.
        client.send(message.as_bytes());
        self.expect(index, &Wish::Shows(entry), due);
    }

    /// Ends a client's connection, which the client will come back from.
    pub(crate) fn leave(&mut self, index: usize, how: Leaving) {
        let client = &mut self.clients[index];
        self.open -= usize::from(client.is_open());
        client.leave(how);
    }

    /// Has a client that left come back with its copy, as soon as there is room, and to another
    /// node if there is one. The clock of that runs from `due`.
    pub(crate) fn come_back(&mut self, index: usize, due: Instant) {
        self.clients[index].view.returns(due);
        self.move_on(index);
        self.queue.push_back(index);
    }

    /// Has a client that is connected leave and come back, when it is its turn.
    pub(crate) fn reload(&mut self, index: usize) {
        self.queue.push_back(index);
    }

    /// Corrupts the copy that a client has of its room.
    pub(crate) fn drift(&mut self, index: usize) {
        self.clients[index].view.drift();
    }

    /// Waits for something to happen until `until` at the longest, and sees to it.
    pub(crate) fn turn(&mut self, until: Instant) -> Result<(), Problem> {
        let until = self.call_back(until);
        self.connect_waiting()?;
        // Rounded up, so that the time has come when it is over.
        let timeout = until.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
        let timeout = Duration::from_millis(timeout.as_millis() as u64);
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(Problem::System("wait for events", error)),
            Ok(()) => {}
        }
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        for event in &events {
            let index = event.token().0;
            if event.is_writable() || event.is_error() {
                let url = &self.urls[self.clients[index].view.node];
                let outcome = self.clients[index].writable(url, &self.oracle);
                self.conclude(index, outcome)?;
            }
            // A read that does not fill the buffer is the last one, and does not find the end of
            // the connection that came with it.
            let reads = usize::from(event.is_readable()) + usize::from(event.is_read_closed());
            for _ in 0..reads {
                let outcome = self.clients[index].readable(&mut self.buffer, &mut self.oracle);
                self.conclude(index, outcome)?;
                self.ask(index);
                self.judge_leaves();
            }
        }
        events.clear();
        self.events = events;
        Ok(())
    }

    fn connect_waiting(&mut self) -> Result<(), Problem> {
        while self.opening < OPENING_MAX
            && let Some(index) = self.queue.pop_front()
        {
            if self.clients[index].is_open() {
                self.leave(index, Leaving::Reload);
                self.clients[index].view.returns(Instant::now());
                self.move_on(index);
            }
            let url = &self.urls[self.clients[index].view.node];
            let stream = self.clients[index].connect(url, index).map_err(|error| {
                use rustix::io::Errno;
                match Errno::from_io_error(&error) {
                    Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => {
                        Problem::FewPorts { opened: self.open }
                    }
                    _ => Problem::NoConnection(url.clone(), error),
                }
            })?;
            self.opening += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(stream, Token(index), interest)
                .map_err(|error| Problem::System("watch a socket", error))?;
        }
        Ok(())
    }

    /// Draws the consequences of what became of a connection.
    fn conclude(&mut self, index: usize, outcome: Outcome) -> Result<(), Problem> {
        match outcome {
            Outcome::Nothing => {}
            Outcome::Opened => {
                self.opening -= 1;
                self.open += 1;
                self.is_back(index);
                if self.clients[index].is_counting {
                    self.clients[index].send(requests::COUNT.as_bytes());
                }
                match self.run {
                    Some(run) => self.greet(index, run),
                    None if self.clients[index].is_named => self.say_name(index),
                    None => {}
                }
                if let Some(message) = self.oracle.next_echo() {
                    self.clients[index].send(message);
                }
            }
            _ if self.comebacks.are_meant => self.lose(index),
            Outcome::Failed(error) => {
                return Err(Problem::NoConnection(self.url(index).clone(), error));
            }
            Outcome::Refused(why) => {
                return Err(Problem::NoWebSocket(self.url(index).clone(), why));
            }
            Outcome::Lost(why) => {
                self.drop_connection(index);
                self.oracle.mistakes.note(format!("a connection was lost: {why}"));
                if self.open == 0 && self.opening == 0 {
                    return Err(Problem::Lost(why));
                }
            }
        }
        Ok(())
    }

    /// Says who a client is, and which copy it has.
    fn greet(&mut self, index: usize, run: u64) {
        let client = &mut self.clients[index];
        let room = &self.oracle.rooms[client.view.room].name;
        let message = requests::hello(run, index, room, &client.view);
        // If the connection is lost, an event tells so.
        client.send(message.as_bytes());
    }

    /// Asks for what a client needs because of what it was sent.
    fn ask(&mut self, index: usize) {
        let client = &mut self.clients[index];
        match client.view.ask.take() {
            Some(Ask::Login) if client.is_named => self.say_name(index),
            Some(Ask::Logout) if !client.is_named => self.say_name(index),
            Some(Ask::Roster) => {
                let message = requests::roster(&self.oracle.rooms[client.view.room].name);
                client.send(message.as_bytes());
            }
            _ => {}
        }
    }

    fn url(&self, index: usize) -> &Url {
        &self.urls[self.clients[index].view.node]
    }

    fn drop_connection(&mut self, index: usize) {
        match self.clients[index].is_open() {
            true => self.open -= 1,
            false => self.opening -= 1,
        }
        self.clients[index].drop_connection();
    }

    fn say_name(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let name = requests::name(index, client.view.observes);
        let message = match client.is_named {
            true => requests::login(&name, index, self.has_data),
            false => requests::LOGOUT.into(),
        };
        // If the connection is lost, an event tells so.
        client.send(message.as_bytes());
    }

    fn expect(&mut self, index: usize, wish: &Wish, due: Instant) {
        let View { room, observes, .. } = self.clients[index].view;
        if self.expects {
            self.oracle.rooms[room].expect(&requests::name(index, observes), wish, due);
        }
    }
}
