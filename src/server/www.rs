//! A folder that is served instead of the embedded files, for people who change the page.
//!
//! All of it is read at the start and again when something in it has changed, which is looked for
//! once a second; a request never touches the file system.

use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::assets::Assets;
use crate::broadcast::Shared;
use crate::time::Time;

/// How often changes are looked for, in ms.
const CHECK_INTERVAL_MS: u64 = 1000;

/// The most files that a folder may have.
const FILES_MAX: usize = 1000;

/// The most that they may have in all, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// A folder of files.
#[derive(Debug)]
pub(super) struct Www {
    folder: PathBuf,
    assets: Assets,
    seen: Vec<Entry>,
    check_at: Time,
    /// Whether it could not be read when it was looked at last.
    is_failing: bool,
}

/// What could not be read, and why.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) path: PathBuf,
    pub(super) error: io::Error,
}

/// A file, and what tells that it has changed.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    /// Its name relative to the folder, with `/` between the parts.
    name: String,
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Www {
    /// Reads a folder.
    pub(super) fn open(folder: PathBuf) -> Result<Www, Unreadable> {
        let seen = list(&folder)?;
        let assets = load(&seen)?;
        let check_at = Time::from_ms(CHECK_INTERVAL_MS);
        Ok(Www { folder, assets, seen, check_at, is_failing: false })
    }

    /// Its files.
    pub(super) fn assets(&self) -> Assets {
        self.assets.clone()
    }

    /// When [`refresh`](Self::refresh) has something to do.
    pub(super) fn check_at(&self) -> Time {
        self.check_at
    }

    /// Reads the folder again if it has changed, and says whether it has. While it can't be read,
    /// as in the middle of a change, what was read before stays; that is told the first time.
    pub(super) fn refresh(&mut self, now: Time) -> Result<bool, Unreadable> {
        if now < self.check_at {
            return Ok(false);
        }
        self.check_at = now.after_ms(CHECK_INTERVAL_MS);
        let result = self.read_changes();
        let was_failing = mem::replace(&mut self.is_failing, result.is_err());
        match result {
            Err(_) if was_failing => Ok(false),
            // It can be read again, also if it is as it was before.
            Ok(has_changed) => Ok(has_changed || was_failing),
            Err(unreadable) => Err(unreadable),
        }
    }

    fn read_changes(&mut self) -> Result<bool, Unreadable> {
        let seen = list(&self.folder)?;
        if seen == self.seen {
            return Ok(false);
        }
        (self.assets, self.seen) = (load(&seen)?, seen);
        Ok(true)
    }
}

/// The files of a folder and of the folders in it, in order. Hidden ones are left out, and links
/// are not followed: what is served is what lies there.
fn list(root: &Path) -> Result<Vec<Entry>, Unreadable> {
    let mut entries = Vec::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
            let entry = entry.map_err(|error| unreadable(&folder, error))?;
            let of_entry = |error| unreadable(&entry.path(), error);
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let (kind, name) = (entry.file_type().map_err(of_entry)?, format!("{prefix}{name}"));
            if kind.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else if kind.is_file() {
                let metadata = entry.metadata().map_err(of_entry)?;
                let modified = metadata.modified().ok();
                entries.push(Entry { name, path: entry.path(), bytes: metadata.len(), modified });
            }
            if entries.len() + folders.len() > FILES_MAX {
                return Err(too_large(root, format!("more than {FILES_MAX} files")));
            }
        }
    }
    if entries.iter().map(|entry| entry.bytes).sum::<u64>() > BYTES_MAX {
        return Err(too_large(root, format!("more than {} MiB of files", BYTES_MAX >> 20)));
    }
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

fn load(entries: &[Entry]) -> Result<Assets, Unreadable> {
    let read = |entry: &Entry| {
        let content = fs::read(&entry.path).map_err(|error| unreadable(&entry.path, error))?;
        Ok((entry.name.clone(), Shared::from(content)))
    };
    let assets: Assets = entries.iter().map(read).collect::<Result<_, _>>()?;
    // A page that was written for socket.io counts on its server to have its client, as a script or
    // as a module; the other is how a page follows the roster.
    let assets = assets.with_embedded("/socket.io.js").with_embedded("/socket.io.esm.js");
    Ok(assets.with_embedded("/headcount.js"))
}

fn too_large(folder: &Path, what: String) -> Unreadable {
    unreadable(folder, io::Error::other(what))
}

fn unreadable(path: &Path, error: io::Error) -> Unreadable {
    Unreadable { path: path.to_owned(), error }
}
