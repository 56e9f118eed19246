//! The thread that writes: it gets changes from a queue, and writes as many as have come at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use redb::WriteTransaction;
use tracing::{info, warn};

use crate::presence::Write;

use super::opening;
use super::store::{self, Store, StoreError};

/// The time between two commits: a disk has to be asked for each to be there after a power cut.
const PAUSE: Duration = Duration::from_millis(10);

/// What has come by then is written with one commit, up to so many messages.
const GROUP_MAX: usize = 1000;

/// What the loop has for the writer.
pub(super) enum Message {
    /// All that there is follows, and what is in the file means nothing from then on.
    Begin,
    /// Changes, and about how much memory they take.
    Writes(Vec<Write>, usize),
    /// That was all that there is.
    Whole,
}

/// What loop and writer have in common.
#[derive(Debug, Default)]
pub(in crate::server) struct Shared {
    /// Memory that messages take which are not written yet, in bytes.
    pub(super) queued_bytes: AtomicUsize,
    /// Changes were lost: nothing more is written until all is.
    pub(super) is_broken: AtomicBool,
    /// Failures to write so far.
    pub(super) failures: AtomicU64,
}

/// The writer.
pub(in crate::server) struct Writer {
    path: PathBuf,
    /// The file, unless it could not be used.
    store: Option<Store>,
    /// What is written and not committed.
    writing: Option<WriteTransaction>,
    stage: Stage,
    /// Whether it was logged that nothing is written.
    is_told: bool,
    shared: Arc<Shared>,
}

/// What is done with changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// They are part of the whole that is being written.
    Whole,
    /// They are committed as they come.
    Following,
    /// They are dropped: the file does not have what they change.
    Broken,
}

impl Writer {
    pub(in crate::server) fn new(
        path: PathBuf,
        store: Option<Store>,
        shared: Arc<Shared>,
    ) -> Writer {
        let is_told = store.is_none();
        Writer { path, store, writing: None, stage: Stage::Broken, is_told, shared }
    }

    /// Writes until there is nobody left who has something.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(first) = messages.recv() {
            let group = std::iter::once(first).chain(messages.try_iter().take(GROUP_MAX));
            let group: Vec<Message> = group.collect();
            let bytes: usize = group.iter().map(Message::bytes).sum();
            let written = catch_unwind(AssertUnwindSafe(|| self.write(group)));
            let written = written.unwrap_or_else(|_| Err(StoreError::Unusable("a bug".into())));
            if let Err(error) = written {
                self.fail(error);
            }
            self.shared.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            thread::sleep(PAUSE);
        }
    }

    fn write(&mut self, group: Vec<Message>) -> Result<(), StoreError> {
        for message in group {
            match message {
                Message::Begin => {
                    self.writing = None;
                    let store = match self.store.take() {
                        Some(store) => store,
                        None => opening::open_or_set_aside(&self.path)?,
                    };
                    let store = self.store.insert(store);
                    self.writing = Some(store.begin_whole()?);
                    self.stage = Stage::Whole;
                }
                Message::Writes(..) | Message::Whole if self.stage == Stage::Broken => {}
                Message::Writes(writes, _) => self.write_some(&writes)?,
                Message::Whole => {
                    self.commit()?;
                    self.stage = Stage::Following;
                    if std::mem::take(&mut self.is_told) {
                        info!(path = %self.path.display(), "--state is written again");
                    }
                }
            }
        }
        if self.stage == Stage::Following { self.commit() } else { Ok(()) }
    }

    fn write_some(&mut self, writes: &[Write]) -> Result<(), StoreError> {
        if self.writing.is_none() {
            self.writing = self.store.as_ref().map(Store::begin).transpose()?;
        }
        self.writing.as_ref().map_or(Ok(()), |writing| store::write(writing, writes))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.writing.take().map_or(Ok(()), |writing| Ok(writing.commit()?))
    }

    /// Gives up until all is to be written. There is a line for the first of several failures.
    fn fail(&mut self, error: StoreError) {
        (self.writing, self.store, self.stage) = (None, None, Stage::Broken);
        self.shared.failures.fetch_add(1, Ordering::Relaxed);
        self.shared.is_broken.store(true, Ordering::Relaxed);
        if !std::mem::replace(&mut self.is_told, true) {
            let (StoreError::Damaged(error) | StoreError::Unusable(error)) = error;
            let path = self.path.display();
            warn!(%path, error, "can't write --state; going on without it");
        }
    }
}

impl Message {
    fn bytes(&self) -> usize {
        match self {
            Message::Writes(_, bytes) => *bytes,
            Message::Begin | Message::Whole => 0,
        }
    }
}
