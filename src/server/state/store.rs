//! The file of `--state`: tables of members and of commits in an embedded store.
//!
//! The store keeps checksums of all pages, and changes a page by writing another: whenever the
//! process or the machine ends, the file is as the last commit left it.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition};
use redb::{StorageError, TableError, WriteTransaction};

use crate::presence::{ClientId, Data, Digest, Saved, SavedCommit, SavedMember, Status, Write};

/// What the file is, and the version of its tables.
const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("headcount");
const VERSION: u64 = 1;

/// By the number of the member: room, name, client, status, data, and who set data in which order.
type Member = (&'static str, &'static str, Option<u128>, u8, &'static str, u64);
const MEMBERS: TableDefinition<u64, Member> = TableDefinition::new("members");

/// By room and number: the digests before and after, and the frame.
type Commit = (u64, u64, &'static [u8]);
const COMMITS: TableDefinition<(&str, u64), Commit> = TableDefinition::new("commits");

/// Memory that the store takes for pages, in bytes.
const CACHE_BYTES: usize = 4 << 20;

/// Only the server's user may read it: whoever knows the id of a client can take its place.
const MODE: u32 = 0o600;

/// The file, which no other server has.
pub(in crate::server) struct Store(Database);

/// Why a file can't be used.
#[derive(Debug)]
pub(super) enum StoreError {
    /// It is not what a server of this version has written.
    Damaged(String),
    /// The system does not let us have it, or let us write.
    Unusable(String),
}

impl Store {
    /// Opens the file, made if there is none, and checks all of it.
    pub(super) fn open(path: &Path) -> Result<Store, StoreError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(MODE);
        let file = options.open(path)?;
        if !file.metadata()?.is_file() {
            return Err(StoreError::Unusable("it is no file".into()));
        }
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let store = Store(builder.create_with_backend(FileBackend::new(file)?)?);
        store.check_version()?;
        Ok(store)
    }

    /// The file is a new one, or was written by a server that wrote as this one does.
    fn check_version(&self) -> Result<(), StoreError> {
        let reading = self.0.begin_read()?;
        let version = match reading.open_table(ABOUT) {
            Ok(table) => table.get("version")?.map(|version| version.value()),
            Err(TableError::TableDoesNotExist(_)) if reading.list_tables()?.next().is_none() => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        match version {
            Some(VERSION) => Ok(()),
            _ => Err(StoreError::Damaged("it is of another version".into())),
        }
    }

    /// Reads everything.
    pub(super) fn read(&self) -> Result<Saved, StoreError> {
        let reading = self.0.begin_read()?;
        let mut saved = Saved::default();
        let members = match reading.open_table(MEMBERS) {
            Err(TableError::TableDoesNotExist(_)) => return Ok(saved),
            members => members?,
        };
        for pair in members.iter()? {
            saved.members.push(member(pair?.1.value())?);
        }
        for pair in reading.open_table(COMMITS)?.iter()? {
            let (key, value) = pair?;
            let ((room, seq), (before, after, frame)) = (key.value(), value.value());
            let digests = [before, after].map(Digest::from_bits);
            let frame = frame.to_vec().into();
            saved.commits.push(SavedCommit { room: room.into(), seq, digests, frame });
        }
        Ok(saved)
    }

    /// Begins to write: what is written is there when it is committed, all of it or nothing.
    pub(super) fn begin(&self) -> Result<WriteTransaction, StoreError> {
        Ok(self.0.begin_write()?)
    }

    /// Begins to write all anew.
    pub(super) fn begin_whole(&self) -> Result<WriteTransaction, StoreError> {
        let writing = self.begin()?;
        writing.delete_table(MEMBERS)?;
        writing.delete_table(COMMITS)?;
        // What is written changes them both; but there may be nothing to be written.
        writing.open_table(MEMBERS)?;
        writing.open_table(COMMITS)?;
        writing.open_table(ABOUT)?.insert("version", VERSION)?;
        Ok(writing)
    }
}

fn member(row: (&str, &str, Option<u128>, u8, &str, u64)) -> Result<SavedMember, StoreError> {
    let (room, name, client, status, data, set) = row;
    let damaged = || StoreError::Damaged("a member can't be read".into());
    let fields: Vec<(String, String, u64)> = serde_json::from_str(data).map_err(|_| damaged())?;
    let fields = fields.iter().map(|(key, json, set)| (&**key, &**json, *set));
    Ok(SavedMember {
        room: room.into(),
        name: name.into(),
        client: client.map(ClientId::from_bits),
        status: *Status::ALL.get(usize::from(status)).ok_or_else(damaged)?,
        data: Data::of_fields(fields),
        set,
    })
}

/// Writes changes, in their order.
pub(super) fn write(writing: &WriteTransaction, writes: &[Write]) -> Result<(), StoreError> {
    let mut members = writing.open_table(MEMBERS)?;
    let mut commits = writing.open_table(COMMITS)?;
    for write in writes {
        match write {
            Write::Member(number, member) => {
                let SavedMember { room, name, client, status, data, set } = member;
                let fields: Vec<(&str, &str, u64)> = data.fields().collect();
                let data = serde_json::to_string(&fields).unwrap_or_default();
                let client = client.map(ClientId::to_bits);
                members.insert(number, (&**room, &**name, client, *status as u8, &*data, *set))?;
            }
            Write::Gone(number) => {
                members.remove(number)?;
            }
            Write::Commit(SavedCommit { room, seq, digests, frame }, first) => {
                commits.retain_in((&**room, 0)..(&**room, *first), |_, _| false)?;
                let [before, after] = digests.map(Digest::to_bits);
                commits.insert((&**room, *seq), (before, after, &**frame))?;
            }
            Write::Forgotten(room) => {
                commits.retain_in((&**room, 0)..=(&**room, u64::MAX), |_, _| false)?;
            }
        }
    }
    Ok(())
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> StoreError {
        let is_damage = match &error {
            redb::Error::Io(error) => {
                matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof)
            }
            redb::Error::Corrupted(_)
            | redb::Error::UpgradeRequired(_)
            | redb::Error::RepairAborted
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TypeDefinitionChanged { .. } => true,
            _ => false,
        };
        let text = match error {
            redb::Error::DatabaseAlreadyOpen => "another server uses it".to_owned(),
            redb::Error::Io(error) => error.to_string(),
            error => error.to_string(),
        };
        if is_damage { StoreError::Damaged(text) } else { StoreError::Unusable(text) }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> StoreError {
        redb::Error::Io(error).into()
    }
}

impl From<StorageError> for StoreError {
    fn from(error: StorageError) -> StoreError {
        redb::Error::from(error).into()
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> StoreError {
        redb::Error::from(error).into()
    }
}

impl From<TableError> for StoreError {
    fn from(error: TableError) -> StoreError {
        redb::Error::from(error).into()
    }
}

impl From<redb::TransactionError> for StoreError {
    fn from(error: redb::TransactionError) -> StoreError {
        redb::Error::from(error).into()
    }
}

impl From<redb::CommitError> for StoreError {
    fn from(error: redb::CommitError) -> StoreError {
        redb::Error::from(error).into()
    }
}
