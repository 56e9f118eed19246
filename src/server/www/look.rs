//! One look at a folder: its files and their contents.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::time::SystemTime;

use rustix::fs::OFlags;

use crate::assets::{Asset, Assets};

use super::folder::{Folder, Found, Unreadable};
use super::left_out::{LeftOut, Reason};
use super::stamp::Stamp;

/// What was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    /// By their names relative to the folder.
    files: BTreeMap<String, Seen>,
    pub(super) left_out: LeftOut,
}

#[derive(Clone, Debug)]
struct Seen {
    stamp: Stamp,
    read_at: SystemTime,
    asset: Asset,
}

impl Look {
    /// Looks at a folder. What is as it was `before` is not read again; a `thorough` look takes
    /// less for that.
    pub(super) fn at(folder: &Folder, before: &Look, thorough: bool) -> Result<Look, Unreadable> {
        let listing = folder.list()?;
        let mut look = Look { files: BTreeMap::new(), left_out: listing.left_out };
        for found in listing.files {
            let seen_before = before.files.get(&found.name);
            match see(&found, seen_before, thorough) {
                Ok(seen) => drop(look.files.insert(found.name, seen)),
                Err(_) => look.left_out.add(Reason::Unreadable, "", found.name.as_ref()),
            }
        }
        Ok(look)
    }

    /// Whether the same is to be served.
    pub(super) fn agrees_with(&self, other: &Look) -> bool {
        let mut pairs = self.files.iter().zip(&other.files);
        self.files.len() == other.files.len()
            && pairs.all(|((name, seen), (other_name, other_seen))| {
                name == other_name && seen.asset.etag == other_seen.asset.etag
            })
    }

    /// The files to be served.
    pub(super) fn assets(&self) -> Assets {
        let files = self.files.iter().map(|(name, seen)| (name.clone(), seen.asset.clone()));
        // A page that was written for socket.io counts on its server to have the one; the other is
        // how a page is in rooms.
        Assets::new(files)
            .with_embedded("/socket.io.js")
            .with_embedded("/socket.io.esm.js")
            .with_embedded("/headcount.js")
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &'static str)]) -> Look {
        let metadata = std::fs::metadata(".").unwrap();
        let seen = |(name, content): &(&str, &'static str)| {
            let asset = Asset::new(name, (*content).into());
            let (stamp, read_at) = (Stamp::of(&metadata), SystemTime::UNIX_EPOCH);
            ((*name).to_owned(), Seen { stamp, read_at, asset })
        };
        Look { files: files.iter().map(seen).collect(), left_out: LeftOut::default() }
    }
}

/// Sees one file. Equal stamps stand for equal contents where they can be relied on.
fn see(found: &Found, before: Option<&Seen>, thorough: bool) -> io::Result<Seen> {
    let same = before.filter(|before| before.stamp == found.stamp);
    let is_reliable = |before: &&Seen| {
        before.stamp.is_settled(before.read_at) && !(thorough && before.stamp.is_coarse())
    };
    if let Some(before) = same.filter(is_reliable) {
        return Ok(before.clone());
    }
    let read_at = SystemTime::now();
    let content = read(found)?;
    let asset = match before {
        Some(before) if before.asset.body == content => before.asset.clone(),
        _ => Asset::new(&found.name, content.into()),
    };
    Ok(Seen { stamp: found.stamp, read_at, asset })
}

/// Reads a file, no more of it than it was found to have: what it has more or less by now, the next
/// look finds.
fn read(found: &Found) -> io::Result<Vec<u8>> {
    // Should a pipe, a device or a link have taken the file's place, it is not waited for, nor
    // followed, nor read.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags as i32).open(&found.path)?;
    if !Stamp::of(&file.metadata()?).is_of_same_file(&found.stamp) {
        return Err(io::Error::other("it was replaced"));
    }
    let mut content = Vec::with_capacity(usize::try_from(found.stamp.bytes).unwrap_or_default());
    file.take(found.stamp.bytes).read_to_end(&mut content)?;
    Ok(content)
}
