//! The file at the start, and after it was out of reach: whatever is in it, the server goes on.

use std::ffi::OsString;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::presence::Saved;

use super::store::{Store, StoreError};

/// What was in the file of `--state` when the server started.
pub struct State {
    pub(in crate::server) path: PathBuf,
    /// The file, unless it can't be used.
    pub(in crate::server) store: Option<Store>,
    pub(in crate::server) saved: Saved,
    /// Why it could not be read.
    pub(in crate::server) problem: Option<String>,
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

/// Opens the file for another try. If it is damaged by now, it is set aside and there is a new one.
pub(super) fn open_or_set_aside(path: &Path) -> Result<Store, StoreError> {
    match guarded(|| Store::open(path)) {
        Err(StoreError::Damaged(problem)) => match set_aside(path, &problem) {
            (Some(store), _) => Ok(store),
            (None, problem) => Err(StoreError::Unusable(problem)),
        },
        opened => opened,
    }
}

/// Keeps a damaged file for a look under another name, the last of several, and begins a new one.
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
    let opened = catch_unwind(AssertUnwindSafe(open));
    opened.unwrap_or_else(|_| Err(StoreError::Damaged("it can't be understood".into())))
}
