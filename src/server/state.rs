//! The file of `--state`, which keeps rooms over a restart.
//!
//! The loop never waits for a disk: what commits tell goes into a queue, from which a thread of its
//! own writes it. If that fails, or the queue is full, changes are lost; then all that there is is
//! written anew, a part in each turn, as at the start. So there is one way to be whole again,
//! whatever was wrong.

mod saver;
mod store;
mod writer;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use tracing::{info, warn};

use crate::presence::Saved;

use super::event_loop::Server;
use super::net::Net;
pub(super) use saver::Saver;
use store::{Store, StoreError};
use writer::Writer;

/// What was in the file of `--state` when the server started.
pub struct State {
    path: PathBuf,
    store: Option<Store>,
    saved: Saved,
    problem: Option<String>,
}

impl State {
    /// Reads the file. One that can't be read is left where it is, or set aside if it is damaged.
    pub fn read(path: PathBuf) -> State {
        let read = |path: &Path| {
            let store = Store::open(path)?;
            let saved = store.read()?;
            Ok((store, saved))
        };
        match guarded(|| read(&path)) {
            Ok((store, saved)) => State { path, store: Some(store), saved, problem: None },
            Err(error) => {
                let (store, problem) = match error {
                    StoreError::Unusable(problem) => (None, problem),
                    StoreError::Damaged(problem) => set_aside(&path, &problem),
                };
                State { path, store, saved: Saved::default(), problem: Some(problem) }
            }
        }
    }
}

impl<N: Net> Server<N> {
    /// Brings back what was in the file, and keeps it up to date from now on. To be called when
    /// signals are handled, before anybody is accepted.
    pub fn keep(&mut self, state: State) -> io::Result<()> {
        let State { path, store, saved, problem } = state;
        let (shown, read) = (path.display(), saved.members.len());
        self.hub.restore(saved);
        let restored = self.hub.presence().restored();
        match problem {
            Some(error) => warn!(path = %shown, error, "can't read --state; starting without it"),
            None => info!(path = %shown, logins = read, held = restored, "--state read"),
        }
        let is_usable = store.is_some();
        let bytes_max = self.hub.config().limits.state_queue_bytes_max as usize;
        let writer = |shared| Writer::new(path, store, shared);
        self.saver = Some(Saver::start(writer, is_usable, bytes_max)?);
        Ok(())
    }
}

/// Opens the file for another try. If it is damaged by now, it is set aside and there is a new one.
fn open_or_set_aside(path: &Path) -> Result<Store, StoreError> {
    match guarded(|| Store::open(path)) {
        Err(StoreError::Damaged(problem)) => match set_aside(path, &problem) {
            (Some(store), _) => Ok(store),
            (None, problem) => Err(StoreError::Unusable(problem)),
        },
        opened => opened,
    }
}

/// Keeps a damaged file for a look, under another name, and begins a new one. Only the last is kept.
fn set_aside(path: &Path, problem: &str) -> (Option<Store>, String) {
    let mut aside = OsString::from(path);
    aside.push(".damaged");
    let renamed = fs::rename(path, &aside).map_err(StoreError::from);
    match renamed.and_then(|()| Store::open(path)) {
        Ok(store) => {
            let aside = aside.display();
            (Some(store), format!("{problem}; kept as {aside}"))
        }
        Err(StoreError::Unusable(why) | StoreError::Damaged(why)) => {
            (None, format!("{problem}; can't keep it aside: {why}"))
        }
    }
}

/// A file that nobody expects must not end the server.
fn guarded<T>(open: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let opened = catch_unwind(std::panic::AssertUnwindSafe(open));
    opened.unwrap_or_else(|_| Err(StoreError::Damaged("it can't be understood".into())))
}
