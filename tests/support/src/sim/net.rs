//! The system calls: what the server asks of the [`World`], and what it gets.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use headcount::connection::ConnectionId;
use headcount::server::{Event, Net};

use super::faults::Fault;
use super::world::{CALL_US, Stream, World};

/// Turns that may come one after the other without anything to do in them.
const IDLE_TURNS_MAX: u32 = 6;

/// Accepting rests at least so long after it failed for want of something, in µs.
const SHORTAGE_REST_US: u64 = 20_000;

const ENOMEM: i32 = 12;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ECONNABORTED: i32 = 103;
const ENOBUFS: i32 = 105;

fn os_error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

impl Net for World {
    type Stream = Stream;

    fn poll(&mut self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        self.turn += 1;
        self.calls += 1;
        self.idle_turns = if self.is_turn_idle { self.idle_turns + 1 } else { 0 };
        // A turn may have room for one connection, and find that nothing is wanted of it.
        let most = IDLE_TURNS_MAX + self.clients.len() as u32;
        assert!(self.idle_turns <= most, "the loop spins with nothing to do");
        self.is_turn_idle = false;
        self.nature.clock_us += CALL_US;
        if self.grace_turns == 0 && self.strikes(Fault::PollInterrupted) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let (now, held_us) = (self.nature.clock_us, self.held_us);
        let until = timeout.map_or(u64::MAX, |timeout| now + timeout.as_micros() as u64);
        loop {
            let limit = until.saturating_add(self.held_us - held_us).min(self.wake_by_us);
            self.go_on_until(limit);
            self.gather(events);
            if !events.is_empty() || self.nature.clock_us >= limit {
                break;
            }
        }
        if self.held_us > held_us {
            // What is left of a wait in which the process slept may take its time after that, and
            // none of it counts for the server.
            self.nature.tabs.terms.away_until_us = self.nature.clock_us;
        }
        self.is_turn_idle = events.is_empty() && timeout == Some(Duration::ZERO);
        self.timer_wakes += u64::from(events.is_empty() && !self.is_turn_idle);
        Ok(())
    }

    fn accept(&mut self, listener: usize) -> io::Result<(Stream, SocketAddr)> {
        assert!(listener == 0 && self.is_listening);
        assert!(self.is_told_waiting, "nothing told that connections wait");
        self.calls += 1;
        self.is_turn_idle = false;
        self.nature.clock_us += CALL_US;
        let Some(&index) = self.backlog.front() else {
            self.is_told_waiting = false;
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let rested_us = self.shortage_at_us.take().map(|at_us| self.nature.clock_us - at_us);
        let is_rested = rested_us.is_none_or(|us| us >= SHORTAGE_REST_US);
        assert!(is_rested, "accepting spins while it can't");
        if self.strikes(Fault::AcceptInterrupted) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let shortages = [
            (Fault::AcceptMfile, EMFILE),
            (Fault::AcceptNfile, ENFILE),
            (Fault::AcceptNobufs, ENOBUFS),
        ];
        for (fault, number) in shortages {
            if self.strikes(fault) {
                self.shortage_at_us = Some(self.nature.clock_us);
                return Err(os_error(number));
            }
        }
        self.backlog.pop_front();
        if self.strikes(Fault::AcceptAborted) {
            self.turn_away(index);
            return Err(os_error(ECONNABORTED));
        }
        self.clients[index].link.is_accepted = true;
        self.accepted += 1;
        self.note_accepted(index);
        Ok((Stream(index), SocketAddr::new(self.clients[index].address, 40_000)))
    }

    fn register(&mut self, stream: &mut Stream, id: ConnectionId) -> io::Result<()> {
        let stage = self.note_call(*stream);
        let client = &mut self.clients[stream.0];
        client.link.id = Some(id);
        if self.nature.strikes(Fault::RegisterFails, stage) {
            client.link.id = None;
            self.harm(stream.0);
            return Err(os_error(ENOMEM));
        }
        let link = &mut client.link;
        link.edge.is_readable |= link.has_input();
        link.edge.is_read_closed |= link.is_up_ended || link.is_reset;
        link.edge.is_writable = true;
        self.note_edge(stream.0);
        Ok(())
    }

    fn read(&mut self, stream: &mut Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let stage = self.note_call(*stream);
        let client = &mut self.clients[stream.0];
        client.link.read_turn = self.turn;
        client.link.check_read();
        if self.nature.strikes(Fault::ReadInterrupted, stage) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.grace_turns == 0 && self.nature.strikes(Fault::ReadBlocked, stage) {
            client.link.remind();
            self.note_edge(stream.0);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.nature.strikes(Fault::ReadReset, stage) {
            self.harm(stream.0);
            self.clients[stream.0].leave_word(&mut self.nature);
            self.clients[stream.0].link.reset();
        }
        let client = &mut self.clients[stream.0];
        let mut most = buffer.len();
        let usual = most.min(client.link.unread());
        let may_be_short = usual > 1 && self.grace_turns == 0;
        let is_short = may_be_short && self.nature.strikes(Fault::ShortRead, stage);
        if is_short {
            most = self.nature.choices.between(1, usual as u32 - 1) as usize;
        }
        let result = client.link.read(&mut buffer[..most]);
        if is_short && result.is_ok() {
            client.link.remind();
            self.note_edge(stream.0);
        }
        self.nature.note(&result.as_ref().map_or([0xFF; 8], |length| length.to_be_bytes()));
        result
    }

    fn write(&mut self, stream: &mut Stream, chunks: &[&[u8]]) -> io::Result<usize> {
        let stage = self.note_call(*stream);
        let client = &mut self.clients[stream.0];
        client.link.write_turn = self.turn;
        client.link.check_write();
        if client.link.id.is_none() {
            return client.link.write(chunks, usize::MAX);
        }
        if self.nature.strikes(Fault::WriteInterrupted, stage) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.nature.strikes(Fault::WriteBlocked, stage) {
            client.link.awaits_room = true;
            client.link.edge.is_writable = true;
            self.note_edge(stream.0);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.nature.strikes(Fault::BrokenPipe, stage) {
            self.harm(stream.0);
            self.clients[stream.0].leave_word(&mut self.nature);
            self.clients[stream.0].link.reset();
        }
        let client = &mut self.clients[stream.0];
        let is_short = self.nature.strikes(Fault::ShortWrite, stage);
        let most = if is_short { self.nature.choices.between(1, 40) as usize } else { usize::MAX };
        let result = client.link.write(chunks, most);
        self.nature.note(&result.as_ref().map_or([0xFF; 8], |length| length.to_be_bytes()));
        if client.is_gone && result.is_ok() {
            // The peer's kernel has nobody to give it to.
            client.link.reset();
            self.note_edge(stream.0);
        } else if !client.link.is_dead {
            let delay_us = 200 * u64::from(self.nature.choices.below(30));
            self.wake(stream.0, self.nature.clock_us + delay_us);
        }
        result
    }

    fn shutdown(&mut self, stream: &mut Stream) -> io::Result<()> {
        let stage = self.note_call(*stream);
        if self.nature.strikes(Fault::ShutdownFails, stage) {
            self.harm(stream.0);
            self.clients[stream.0].leave_word(&mut self.nature);
            self.clients[stream.0].link.reset();
        }
        self.wake(stream.0, self.nature.clock_us + 100);
        self.clients[stream.0].link.end_down()
    }

    fn close(&mut self, stream: Stream) {
        self.note_call(stream);
        let client = &mut self.clients[stream.0];
        client.link.close();
        client.link.closed_us = Some(self.nature.clock_us);
        client.leave_word(&mut self.nature);
        self.closed += 1;
        self.note_closed(stream.0);
        if let Some(id) = self.clients[stream.0].link.id {
            self.note_stale(id);
        }
        self.wake(stream.0, self.nature.clock_us + 100);
    }

    fn stop_listening(&mut self) {
        self.is_listening = false;
        for index in std::mem::take(&mut self.backlog) {
            self.turn_away(index);
        }
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.nature.clock_us - self.frozen_us)
    }

    fn date(&self) -> SystemTime {
        let seconds = 1_795_435_200 + self.date_offset_s;
        let day = Duration::from_secs(seconds.unsigned_abs());
        SystemTime::UNIX_EPOCH + day + Duration::from_micros(self.nature.clock_us)
    }
}
