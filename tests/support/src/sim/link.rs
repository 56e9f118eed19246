//! One connection, as the kernels at both ends have it.
//!
//! Readiness is told by edges, in the strictest way that is allowed: what the server was told it is
//! not told again, until a read found less than it asked for or a write found no room.

use std::io;

use headcount::connection::ConnectionId;
use headcount::server::Readiness;

/// One connection.
#[derive(Debug, Default)]
pub struct Link {
    /// What the client sent and the server has not read.
    up: Vec<u8>,
    up_read: usize,
    /// The client sends no more.
    pub is_up_ended: bool,
    /// What the server sent and the client has not taken.
    down: Vec<u8>,
    down_taken: usize,
    /// The server sends no more.
    pub is_down_ended: bool,
    /// How much the server may send before the client takes it.
    window: usize,
    /// One side has torn it down.
    pub is_reset: bool,
    /// The client is there no more, and has not said so.
    pub is_dead: bool,
    /// When the client connected, on the world's clock.
    pub connected_us: u64,
    pub is_accepted: bool,
    /// The server has closed its socket.
    pub is_closed: bool,
    /// When it did, on the world's clock.
    pub closed_us: Option<u64>,
    pub id: Option<ConnectionId>,
    /// What is to be told.
    pub edge: Readiness,
    /// Whether it is on the list of those of whom something is to be told.
    pub is_pending: bool,
    /// It was told that there is input, and has not found the end of it.
    pub is_told_readable: bool,
    /// It was told of the end.
    pub is_told_ended: bool,
    /// A write found no room, and it was not told that there is some again.
    pub awaits_room: bool,
    /// The turn in which the server last read, or was told to.
    pub read_turn: u64,
    /// The turn in which it last wrote, or was told to.
    pub write_turn: u64,
    /// For how many looks it was not read from, and not written to, though it was due.
    pub hungry: u64,
    pub mute: u64,
    /// When it was seen that the server was told of the end, in ms of its time.
    pub ended_at_ms: Option<u64>,
    /// Bytes that went through it.
    pub bytes: u64,
    /// How often the server has written to it.
    pub writes: u64,
    /// The server was told that it may.
    pub was_told_writable: bool,
}

impl Link {
    pub fn new(window: usize) -> Link {
        Link { window, ..Link::default() }
    }

    /// Whether there is something for the server to be told.
    pub fn has_edge(&self) -> bool {
        self.edge != Readiness::default()
    }

    /// Input that the server has not read.
    pub fn unread(&self) -> usize {
        self.up.len() - self.up_read
    }

    /// Whether a read would find anything: input, its end, an error.
    pub fn has_input(&self) -> bool {
        self.unread() > 0 || self.is_up_ended || self.is_reset
    }

    /// Bytes that the client has not taken.
    pub fn untaken(&self) -> usize {
        self.down.len() - self.down_taken
    }

    fn room(&self) -> usize {
        self.window.saturating_sub(self.untaken())
    }

    /// Whether the server has its socket.
    pub fn is_held(&self) -> bool {
        self.is_accepted && !self.is_closed
    }

    // The client's end.

    /// The client sends. `again` tells the server even if that is not due.
    pub fn deliver(&mut self, bytes: &[u8], again: bool) {
        if self.is_closed {
            // Which the server's kernel answers with RST.
            self.is_reset = true;
            return;
        }
        self.up.extend_from_slice(bytes);
        self.edge.is_readable |= !self.is_told_readable || again;
    }

    /// The client ends its half.
    pub fn end_up(&mut self) {
        self.is_up_ended = true;
        self.edge.is_readable = true;
        self.edge.is_read_closed = true;
    }

    /// The client, or the network, tears it down.
    pub fn reset(&mut self) {
        self.is_reset = true;
        self.up.clear();
        self.up_read = 0;
        self.edge = Readiness { is_readable: true, is_read_closed: true, is_writable: true };
    }

    /// The client takes up to so many bytes.
    pub fn take(&mut self, bytes: usize, into: &mut Vec<u8>) {
        let taken = bytes.min(self.untaken());
        into.extend_from_slice(&self.down[self.down_taken..self.down_taken + taken]);
        self.down_taken += taken;
        if self.down_taken == self.down.len() {
            self.down.clear();
            self.down_taken = 0;
        } else if self.down_taken > 64 * 1024 {
            self.down.drain(..self.down_taken);
            self.down_taken = 0;
        }
        // Linux tells of room when a third is free.
        self.edge.is_writable |= self.awaits_room && taken > 0 && self.room() * 3 >= self.window;
    }

    // The server's end.

    /// Whether the server may read now.
    pub fn check_read(&self) {
        assert!(self.is_held(), "a read of a socket that is not open");
        assert!(
            self.is_told_readable || self.is_told_ended,
            "a read that nothing was told of: a stale event, or a flag that stayed"
        );
    }

    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let length = buffer.len().min(self.unread());
        if length == 0 && !self.is_up_ended {
            self.is_told_readable = false;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        buffer[..length].copy_from_slice(&self.up[self.up_read..self.up_read + length]);
        self.up_read += length;
        if self.unread() == 0 {
            self.up.clear();
            self.up_read = 0;
        }
        self.bytes += length as u64;
        self.is_told_readable &= length == buffer.len();
        Ok(length)
    }

    /// A read was made to end early: what is left comes right after.
    pub fn remind(&mut self) {
        self.is_told_readable = false;
        if self.has_input() {
            self.edge.is_readable = true;
            self.edge.is_read_closed |= self.is_up_ended || self.is_reset;
        }
    }

    /// Whether the server may write now.
    pub fn check_write(&mut self) {
        self.writes += 1;
        assert!(self.is_held(), "a write to a socket that is not open");
        assert!(!self.is_down_ended, "a write after the end");
        assert!(!self.awaits_room, "a write though there is no room, and nothing told of any");
    }

    pub fn write(&mut self, chunks: &[&[u8]], at_most: usize) -> io::Result<usize> {
        if self.is_reset {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // A new socket, which is only told why it is not wanted, takes that.
        let room = if self.id.is_some() { self.room() } else { 4096 };
        let mut room = room.min(at_most);
        if room == 0 {
            self.awaits_room = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let before = self.down.len();
        for chunk in chunks {
            let length = chunk.len().min(room);
            self.down.extend_from_slice(&chunk[..length]);
            room -= length;
        }
        let written = self.down.len() - before;
        self.bytes += written as u64;
        Ok(written)
    }

    pub fn end_down(&mut self) -> io::Result<()> {
        if self.is_reset {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.is_down_ended = true;
        Ok(())
    }

    /// The server closes its socket. With input that it has not read, that is a reset.
    pub fn close(&mut self) {
        assert!(self.is_held(), "a socket is closed once");
        self.is_closed = true;
        self.is_down_ended = true;
        self.is_reset |= self.unread() > 0;
        self.edge = Readiness::default();
    }
}
