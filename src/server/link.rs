//! The connection to the server of `--redis`: one more socket of the loop.
//!
//! It is made again whenever it has ended, after a pause that grows to a second. Names are resolved
//! by a thread, since that may take as long as it likes.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use crate::config::{Redis, RedisUrl};
use crate::connection::ConnectionId;
use crate::time::Time;

use super::net::Readiness;

/// An attempt takes no longer, in ms.
pub(super) const ATTEMPT_MS: u64 = 2_000;

/// How often it is looked whether a name is resolved, in ms.
const LOOK_MS: u64 = 5;

/// The connection to the server, or the attempt to make one.
pub(super) struct Link<S> {
    redis: Redis,
    pub(super) stage: Stage<S>,
    /// Attempts since the last connection that was good for something, and the number of all.
    pub(super) attempts: u32,
    pub(super) number: u32,
    /// The place in the list of the server of this attempt, or of the connection that came of it.
    server: usize,
    /// What was said last of why there is none, of each server of the list.
    told: BTreeMap<usize, String>,
    pub(super) was_up: bool,
    /// Those of the list that will never be any good.
    refused: BTreeSet<usize>,
}

pub(super) enum Stage<S> {
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
            server: 0,
            told: BTreeMap::new(),
            was_up: false,
            refused: BTreeSet::new(),
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

    pub(super) fn server(&self) -> usize {
        self.server
    }

    /// Where the server of this attempt is.
    pub(super) fn url(&self) -> RedisUrl {
        self.redis.servers.get(self.server).cloned().unwrap_or_default()
    }

    /// It is connected to a server that is good for something.
    pub(super) fn note_up(&mut self) {
        self.attempts = 0;
        self.was_up = true;
        self.told.clear();
    }

    /// The server of this attempt can't be used for this reason. Says whether that is news.
    pub(super) fn is_news(&mut self, reason: &str) -> bool {
        let before = self.told.insert(self.server, reason.to_owned());
        before.is_none_or(|before| before != reason)
    }

    /// The server of this attempt will never be any good. Says whether none will.
    pub(super) fn refuse(&mut self) -> bool {
        self.refused.insert(self.server);
        self.refused.len() >= self.redis.servers.len()
    }

    /// A number up to `most` that is another on each node, so that they don't all come at once.
    pub(super) fn spread(&self, most: u64) -> u64 {
        self.redis.node.rotate_left(self.number.wrapping_mul(7) % 64) % (most + 1)
    }

    pub(super) fn resolve(&mut self, now: Time) -> io::Result<()> {
        self.server = self.attempts as usize % self.redis.servers.len().max(1);
        let server = self.url();
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
