//! What lies in a folder.
//!
//! Links are followed as long as they stay inside: a release is often a folder of links, or one. A
//! file is known by its name in the folder, and read where it really is.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::assets;
use crate::hub::Routes;

use super::left_out::{LeftOut, Reason};
use super::stamp::Stamp;

/// Entries that are looked at, for each file that may be served.
const ENTRIES_PER_FILE: usize = 10;

/// Entries that are looked at, however few files may be served.
const ENTRIES_MIN: usize = 1000;

/// A folder to be served, and its bounds.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) files_max: usize,
    pub(super) bytes_max: u64,
    /// The paths of requests at which there is something else.
    pub(super) routes: Routes,
}

/// What could not be read, and why.
#[derive(Debug)]
pub(in crate::server) struct Unreadable {
    pub(in crate::server) path: PathBuf,
    pub(in crate::server) error: io::Error,
}

/// A file that is to be served.
#[derive(Debug)]
pub(super) struct Found {
    /// Its name relative to the folder, with `/` between the parts.
    pub(super) name: String,
    /// Where it really is.
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
}

/// What lies in a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) files: Vec<Found>,
    pub(super) left_out: LeftOut,
}

impl Folder {
    /// Lists the files of the folder and of the folders in it, those nearest to the top first.
    /// Whatever can't be served is left out; only the folder itself must be there.
    pub(super) fn list(&self) -> Result<Listing, Unreadable> {
        let unreadable = |error| Unreadable { path: self.path.clone(), error };
        // A switched link is either the old folder or the new one for all that follows.
        let root = fs::canonicalize(&self.path).map_err(unreadable)?;
        fs::read_dir(&root).map_err(unreadable)?;
        let mut walk = Walk {
            folder: self,
            root: root.clone(),
            waiting: VecDeque::from([(Rc::new(Place { path: root, above: None }), String::new())]),
            paths: BTreeSet::new(),
            entries_left: ENTRIES_MIN.max(self.files_max * ENTRIES_PER_FILE),
            bytes_left: self.bytes_max,
            listing: Listing::default(),
        };
        while let Some((place, prefix)) = walk.waiting.pop_front() {
            walk.enter(&place, &prefix);
        }
        Ok(walk.listing)
    }
}

/// Where a folder really is, and those that it was reached through.
#[derive(Debug)]
struct Place {
    path: PathBuf,
    above: Option<Rc<Place>>,
}

impl Place {
    /// Whether the folder at `path` is this one or one on the way to it.
    fn is_at_or_below(&self, path: &Path) -> bool {
        let mut place = Some(self);
        while let Some(Place { path: other, above }) = place {
            if other == path {
                return true;
            }
            place = above.as_deref();
        }
        false
    }
}

struct Walk<'a> {
    folder: &'a Folder,
    root: PathBuf,
    /// Folders to be entered, and what their files' names begin with.
    waiting: VecDeque<(Rc<Place>, String)>,
    /// Under which the files so far are served.
    paths: BTreeSet<String>,
    entries_left: usize,
    bytes_left: u64,
    listing: Listing,
}

impl Walk<'_> {
    /// Lists what lies in a folder, in the order of its names.
    fn enter(&mut self, place: &Rc<Place>, prefix: &str) {
        let (mut entries, result) = self.entries(&place.path);
        if let Err(reason) = result {
            self.leave_out(reason, prefix, OsStr::new(""));
        }
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            if let Err(reason) = self.take(place, prefix, &entry) {
                self.leave_out(reason, prefix, &entry.file_name());
            }
        }
    }

    /// The entries of a folder, and why there are no more.
    fn entries(&mut self, path: &Path) -> (Vec<DirEntry>, Result<(), Reason>) {
        let mut entries = Vec::new();
        let mut read = || -> Result<(), Reason> {
            for entry in fs::read_dir(path).map_err(|_| Reason::Unreadable)? {
                self.entries_left = self.entries_left.checked_sub(1).ok_or(Reason::TooMany)?;
                entries.push(entry.map_err(|_| Reason::Unreadable)?);
            }
            Ok(())
        };
        let result = read();
        (entries, result)
    }

    /// Takes a file, or notes down a folder to be entered.
    fn take(&mut self, place: &Rc<Place>, prefix: &str, entry: &DirEntry) -> Result<(), Reason> {
        let name = entry.file_name();
        if is_hidden(name.as_encoded_bytes()) {
            return Err(Reason::Hidden);
        }
        let name = name.to_str().ok_or(Reason::NotUtf8)?;
        let kind = entry.file_type().map_err(|_| Reason::Unreadable)?;
        let path = if kind.is_symlink() { self.follow(entry)? } else { entry.path() };
        let metadata = fs::symlink_metadata(&path).map_err(|_| Reason::Unreadable)?;
        let name = format!("{prefix}{name}");
        if metadata.is_dir() {
            if kind.is_symlink() && place.is_at_or_below(&path) {
                return Err(Reason::Loop);
            }
            let below = Place { path, above: Some(Rc::clone(place)) };
            self.waiting.push_back((Rc::new(below), format!("{name}/")));
            return Ok(());
        }
        // Opening a pipe may wait for ever, and a device may do anything.
        if !metadata.is_file() {
            return Err(Reason::Special);
        }
        self.admit(Found { name, path, stamp: Stamp::of(&metadata) })
    }

    /// Where a link really leads to.
    fn follow(&self, entry: &DirEntry) -> Result<PathBuf, Reason> {
        let target = fs::canonicalize(entry.path()).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Reason::Unreadable,
            _ => Reason::LeadsNowhere,
        })?;
        target.starts_with(&self.root).then_some(target).ok_or(Reason::LeadsOutside)
    }

    fn admit(&mut self, found: Found) -> Result<(), Reason> {
        let path = assets::request_path(&found.name);
        if self.folder.routes.has(&path) {
            return Err(Reason::Route);
        }
        if self.paths.contains(&path) {
            return Err(Reason::SameName);
        }
        if self.listing.files.len() == self.folder.files_max {
            return Err(Reason::TooMany);
        }
        self.bytes_left = self.bytes_left.checked_sub(found.stamp.bytes).ok_or(Reason::TooLarge)?;
        self.paths.insert(path);
        self.listing.files.push(found);
        Ok(())
    }

    fn leave_out(&mut self, reason: Reason, prefix: &str, name: &OsStr) {
        // Kubernetes keeps names with two dots for the folders that its links lead through.
        if reason != Reason::Hidden || !name.as_encoded_bytes().starts_with(b"..") {
            self.listing.left_out.add(reason, prefix, name);
        }
    }
}

/// Names that begin with a dot are what tools keep for themselves, secrets among it. But for one:
/// RFC 8615 §3.
fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".") && name != b".well-known"
}
