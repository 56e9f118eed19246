//! What a server does for its connection to the server of `--redis`.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::TryRecvError;

use tracing::{info, warn};

use crate::backplane::LinkError;
use crate::connection::ConnectionId;
use crate::time::Time;

use super::event_loop::Server;
use super::link::{ATTEMPT_MS, Link, Stage};
use super::net::Net;

/// The first pause before another attempt, and the longest, in ms.
const PAUSE_MS: u64 = 100;
const PAUSE_MS_MAX: u64 = 1_000;

/// What is read in one turn: so many times the buffer that connections share.
const READS_PER_TURN: usize = 16;

/// So much may wait to be sent, in bytes.
const OUTPUT_BYTES_MAX: usize = 256 << 20;

impl<N: Net> Server<N> {
    /// Connects to the server of `--redis`, and reads from it.
    pub(super) fn keep_link(&mut self, now: Time) -> io::Result<()> {
        let Some(mut link) = self.link.take() else { return Ok(()) };
        let outcome = self.read_link(&mut link, now);
        let outcome = self.after(&mut link, outcome, now);
        self.link = Some(link);
        outcome
    }

    /// Sends it what there is to be said.
    pub(super) fn write_link(&mut self, now: Time) -> io::Result<()> {
        let Some(mut link) = self.link.take() else { return Ok(()) };
        let outcome = self.send_link(&mut link);
        let outcome = self.after(&mut link, outcome, now);
        self.link = Some(link);
        outcome
    }

    fn read_link(&mut self, link: &mut Link<N::Stream>, now: Time) -> Result<(), LinkError> {
        match &mut link.stage {
            Stage::Waiting(at) if *at <= now => link.resolve(now).map_err(|error| failed(&error)),
            Stage::Waiting(_) => Ok(()),
            Stage::Resolving(found, until) => match found.try_recv() {
                Ok(Some(address)) => self.connect_link(link, address, now),
                Err(TryRecvError::Empty) if *until > now => Ok(()),
                _ => Err(LinkError::Failed("its name can't be resolved".into())),
            },
            Stage::Open { until, .. } if *until <= now => {
                Err(LinkError::Failed("it does not answer".into()))
            }
            Stage::Open { stream, is_readable, until, .. } => {
                for _ in 0..READS_PER_TURN {
                    if !*is_readable {
                        break;
                    }
                    match self.net.read(stream, &mut self.buffer) {
                        Ok(0) => return Err(LinkError::Failed("it closed the connection".into())),
                        Ok(length) => {
                            if let Some(backplane) = self.hub.backplane_mut() {
                                backplane.receive(&self.buffer[..length], now)?;
                            }
                        }
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            *is_readable = false;
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(failed(&error)),
                    }
                }
                let Some(backplane) = self.hub.backplane_mut() else { return Ok(()) };
                if backplane.is_silent(now) {
                    return Err(LinkError::Failed("it does not answer".into()));
                }
                if backplane.is_proven() && *until != Time::NEVER {
                    *until = Time::NEVER;
                    info!(server = %link.url(), "connected to the server of --redis");
                    link.note_up();
                }
                Ok(())
            }
        }
    }

    fn connect_link(
        &mut self,
        link: &mut Link<N::Stream>,
        address: SocketAddr,
        now: Time,
    ) -> Result<(), LinkError> {
        link.number = link.number.wrapping_add(1);
        let id = ConnectionId::outgoing(link.number);
        let mut stream = self.net.connect(address).map_err(|error| failed(&error))?;
        self.net.register(&mut stream, id).map_err(|error| failed(&error))?;
        let (until, server) = (now.after_ms(ATTEMPT_MS), link.server());
        link.stage = Stage::Open { stream, id, until, is_readable: false, is_writable: false };
        if let Some(backplane) = self.hub.backplane_mut() {
            backplane.connected(server, now);
        }
        Ok(())
    }

    fn send_link(&mut self, link: &mut Link<N::Stream>) -> Result<(), LinkError> {
        let Stage::Open { stream, is_writable, .. } = &mut link.stage else { return Ok(()) };
        let Some(backplane) = self.hub.backplane_mut() else { return Ok(()) };
        let output = backplane.output();
        let mut sent = 0;
        while *is_writable && sent < output.len() {
            match self.net.write(stream, &[&output[sent..]]) {
                Ok(length) => sent += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => *is_writable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        output.drain(..sent);
        match output.len() > OUTPUT_BYTES_MAX {
            true => Err(LinkError::Failed("it does not read".into())),
            false => Ok(()),
        }
    }

    /// Goes on after an attempt or a connection has ended. If no server of the list will ever be
    /// any good, that ends this one, if it has just started.
    fn after(
        &mut self,
        link: &mut Link<N::Stream>,
        outcome: Result<(), LinkError>,
        now: Time,
    ) -> io::Result<()> {
        let Err(error) = outcome else { return Ok(()) };
        if let (LinkError::Refused(reason), false) = (&error, link.was_up)
            && link.refuse()
        {
            let url = link.url();
            return Err(io::Error::other(format!(
                "can't use the server of --redis {url}: {reason}"
            )));
        }
        let reason = error.to_string();
        if link.is_news(&reason) {
            let server = link.url();
            warn!(%server, reason, "no connection to the server of --redis; trying again");
        }
        let pause = (PAUSE_MS << link.attempts.min(4)).min(PAUSE_MS_MAX);
        let at = now.after_ms(pause / 2 + link.spread(pause / 2));
        if let Stage::Open { stream, .. } = std::mem::replace(&mut link.stage, Stage::Waiting(at)) {
            self.net.close(stream);
        }
        link.attempts += 1;
        if let Some(backplane) = self.hub.backplane_mut() {
            backplane.disconnected(now);
        }
        Ok(())
    }
}

fn failed(error: &io::Error) -> LinkError {
    LinkError::Failed(error.to_string())
}
