//! The connection to the server of `--redis`: one more socket of the loop.
//!
//! It is made again whenever it has ended, after a pause that grows to a second. Names are resolved
//! by a thread, since that may take as long as it likes.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use tracing::{info, warn};

use crate::backplane::LinkError;
use crate::config::Redis;
use crate::connection::ConnectionId;
use crate::time::Time;

use super::event_loop::Server;
use super::net::{Net, Readiness};

/// The first pause before another attempt, and the longest, in ms.
const PAUSE_MS: u64 = 100;
const PAUSE_MS_MAX: u64 = 1_000;

/// An attempt takes no longer, in ms.
const ATTEMPT_MS: u64 = 2_000;

/// How often it is looked whether a name is resolved, in ms.
const LOOK_MS: u64 = 5;

/// What is read in one turn, in bytes: a multiple of the buffer that connections share.
const READS_PER_TURN: usize = 16;

/// So much may wait to be sent, in bytes.
const OUTPUT_BYTES_MAX: usize = 256 << 20;

/// The connection to the server, or the attempt to make one.
pub(super) struct Link<S> {
    redis: Redis,
    stage: Stage<S>,
    /// Attempts since the last connection that was good for something, and the number of all.
    attempts: u32,
    number: u32,
    /// What was said last of why there is none.
    told: Option<String>,
    was_up: bool,
}

enum Stage<S> {
    /// The next attempt is at this time.
    Waiting(Time),
    /// A name is being resolved.
    Resolving(Receiver<Option<SocketAddr>>, Time),
    /// There is a socket, which is connected once it was writable.
    Open { stream: S, id: ConnectionId, until: Time, is_readable: bool, is_writable: bool },
}

impl<S> Link<S> {
    pub(super) fn new(redis: Redis) -> Link<S> {
        Link {
            redis,
            stage: Stage::Waiting(Time::ZERO),
            attempts: 0,
            number: 0,
            told: None,
            was_up: false,
        }
    }

    /// When the loop is to come back to it.
    pub(super) fn due_at(&self, now: Time) -> Time {
        match &self.stage {
            Stage::Waiting(at) => *at,
            Stage::Resolving(..) => now.after_ms(LOOK_MS),
            Stage::Open { is_readable: true, .. } => Time::ZERO,
            Stage::Open { until, .. } => *until,
        }
    }

    /// Notes what it is ready for, if `id` means it.
    pub(super) fn note_readiness(&mut self, id: ConnectionId, readiness: Readiness) -> bool {
        match &mut self.stage {
            Stage::Open { id: own, is_readable, is_writable, .. } if *own == id => {
                *is_readable |= readiness.is_readable;
                *is_writable |= readiness.is_writable;
                true
            }
            // Of the connection before.
            _ => id.is_outgoing(),
        }
    }

    fn server(&self) -> usize {
        self.attempts as usize % self.redis.servers.len().max(1)
    }

    /// A number up to `most` that is another on each node, so that they don't all come at once.
    fn spread(&self, most: u64) -> u64 {
        self.redis.node.rotate_left(self.number.wrapping_mul(7) % 64) % (most + 1)
    }

    fn resolve(&mut self, now: Time) -> io::Result<()> {
        let server = self.redis.servers.get(self.server()).cloned().unwrap_or_default();
        let (sender, receiver) = mpsc::channel();
        self.stage = Stage::Resolving(receiver, now.after_ms(ATTEMPT_MS));
        let resolving = move || {
            let found = (&*server.host, server.port).to_socket_addrs();
            // Nobody waits for it any more if it took too long.
            let _ = sender.send(found.ok().and_then(|mut all| all.next()));
        };
        thread::Builder::new().name("resolver".into()).spawn(resolving).map(|_| ())
    }
}

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
                if backplane.numbers().is_up && *until != Time::NEVER {
                    *until = Time::NEVER;
                    link.attempts = 0;
                    (link.told, link.was_up) = (None, true);
                    info!("connected to the server of --redis");
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

    /// Goes on after an attempt or a connection has ended. One that will never be any good ends the
    /// server, if that has just started.
    fn after(
        &mut self,
        link: &mut Link<N::Stream>,
        outcome: Result<(), LinkError>,
        now: Time,
    ) -> io::Result<()> {
        let Err(error) = outcome else { return Ok(()) };
        if let (LinkError::Refused(reason), false) = (&error, link.was_up) {
            return Err(io::Error::other(format!("can't use the server of --redis: {reason}")));
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
        let reason = error.to_string();
        if link.told.as_ref() != Some(&reason) {
            warn!(reason, "no connection to the server of --redis; trying again");
            link.told = Some(reason);
        }
        Ok(())
    }
}

fn failed(error: &io::Error) -> LinkError {
    LinkError::Failed(error.to_string())
}
