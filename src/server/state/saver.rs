//! The loop's end: hands on what changes, and has all of it written whenever the file lacks
//! something. It never waits.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::hub::Hub;
use crate::presence::Write;
use crate::time::Time;

use super::writer::{Message, Shared, Writer};

/// After a failure nothing is tried for so long, in ms.
const RETRY_MS: u64 = 5_000;

/// The time between two parts of all that there is, in ms, and how many members a part has.
const PART_MS: u64 = 5;
const PART_PLACES: usize = 250;

/// How often the loop looks whether what it has handed on was written, in ms.
const LOOK_MS: u64 = 1_000;

/// At the end, the writer is waited for so long.
const END_MAX: Duration = Duration::from_secs(2);

/// The loop's end of the queue to the writer.
pub(in crate::server) struct Saver {
    messages: Sender<Message>,
    /// Nothing is ever sent: the writer has ended when this has no sender.
    ended: Receiver<()>,
    shared: Arc<Shared>,
    stage: Stage,
    queued_bytes_max: usize,
}

/// How far the writer was told of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It lacks something. It is to be told of everything at this time.
    Behind(Time),
    /// It is being told of everything, next of the members from this place on.
    Telling(usize),
    /// It knows everything, and is told what changes.
    Following,
    /// It is told no more.
    Ended,
}

impl Saver {
    /// Starts the writer.
    pub(in crate::server) fn start(
        writer: impl FnOnce(Arc<Shared>) -> Writer,
        is_usable: bool,
        queued_bytes_max: usize,
    ) -> io::Result<Saver> {
        let (messages, receiver) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let shared = Arc::<Shared>::default();
        let writer = writer(Arc::clone(&shared));
        let writing = move || {
            let _end = end;
            writer.run(&receiver);
        };
        thread::Builder::new().name("state".into()).spawn(writing)?;
        let at = if is_usable { Time::ZERO } else { Time::from_ms(RETRY_MS) };
        Ok(Saver { messages, ended, shared, stage: Stage::Behind(at), queued_bytes_max })
    }

    /// Hands on what has changed in this turn.
    pub(in crate::server) fn keep(&mut self, hub: &mut Hub, now: Time) {
        let mut writes = hub.take_writes();
        if self.shared.is_broken.swap(false, Ordering::Relaxed) {
            self.fall_behind(now);
        }
        match self.stage {
            Stage::Behind(at) if at <= now => {
                // What has changed so far is a part of all that there is.
                writes.clear();
                self.send(Message::Begin);
                self.stage = Stage::Telling(0);
            }
            Stage::Behind(_) | Stage::Ended => return,
            Stage::Telling(_) | Stage::Following => {}
        }
        let mut is_whole = false;
        if let Stage::Telling(from) = self.stage
            && self.queued_bytes() <= self.queued_bytes_max / 2
        {
            let next = hub.save_again(from, PART_PLACES);
            writes.extend(hub.take_writes());
            is_whole = next.is_none();
            self.stage = next.map_or(Stage::Following, Stage::Telling);
        }
        self.hand_on(writes, now);
        if is_whole && self.stage == Stage::Following {
            self.send(Message::Whole);
        }
    }

    fn hand_on(&mut self, writes: Vec<Write>, now: Time) {
        if writes.is_empty() {
            return;
        }
        let bytes = writes.iter().map(Write::bytes).sum::<usize>();
        if self.queued_bytes() + bytes > self.queued_bytes_max {
            return self.fall_behind(now);
        }
        self.shared.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.send(Message::Writes(writes, bytes));
    }

    fn send(&mut self, message: Message) {
        if self.messages.send(message).is_err() {
            // It has no reason to end before this does.
            self.stage = Stage::Behind(Time::NEVER);
        }
    }

    fn fall_behind(&mut self, now: Time) {
        if self.stage != Stage::Ended {
            self.stage = Stage::Behind(now.after_ms(RETRY_MS));
        }
    }

    fn queued_bytes(&self) -> usize {
        self.shared.queued_bytes.load(Ordering::Relaxed)
    }

    /// When the loop is to come back to this.
    pub(in crate::server) fn due_at(&self, now: Time) -> Time {
        match self.stage {
            Stage::Behind(at) => at,
            Stage::Telling(_) => now.after_ms(PART_MS),
            Stage::Following if self.queued_bytes() > 0 => now.after_ms(LOOK_MS),
            Stage::Following | Stage::Ended => Time::NEVER,
        }
    }

    /// Whether the file lacks something that it will not have by itself.
    pub(in crate::server) fn is_behind(&self) -> bool {
        matches!(self.stage, Stage::Behind(_) | Stage::Telling(_))
    }

    /// Failures to write so far.
    pub(in crate::server) fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// Hands on nothing more: whoever leaves from now on is to be there after a restart.
    pub(in crate::server) fn end(&mut self) {
        self.stage = Stage::Ended;
        // The writer ends when it has written what it has.
        self.messages = mpsc::channel().0;
    }

    /// Waits until everything is written, but not for long.
    pub(in crate::server) fn wait(self) {
        drop(self.messages);
        let _: Result<(), RecvTimeoutError> = self.ended.recv_timeout(END_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::super::store::Store;
    use super::*;
    use crate::assets::Assets;
    use crate::config::Config;
    use crate::presence::{Data, Saved, SavedMember, Status};

    /// A hub in which a client was before its start.
    fn hub() -> Hub {
        let mut hub = Hub::new(Config { saves: true, ..Config::default() }, Assets::embedded());
        let (room, name, client) = ("".into(), "Ada".into(), None);
        let (status, data) = (Status::Active, Data::default());
        let ada = SavedMember { room, name, client, status, data, set: 1 };
        hub.restore(Saved { members: vec![ada], commits: Vec::new() });
        hub.commit(Time::ZERO);
        hub
    }

    #[test]
    fn changes_beyond_what_may_wait_are_dropped_and_all_is_written_later() {
        let path = std::env::temp_dir().join(format!("headcount-saver-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let store = Store::open(&path).unwrap();
        let (mut hub, file) = (hub(), path.clone());
        let writer = |shared| Writer::new(file, Some(store), shared);
        let mut saver = Saver::start(writer, true, 1).unwrap();
        saver.keep(&mut hub, Time::ZERO);
        assert_eq!(saver.stage, Stage::Behind(Time::from_ms(RETRY_MS)), "one is too much");
        saver.keep(&mut hub, Time::from_ms(RETRY_MS - 1));
        assert!(saver.is_behind() && saver.due_at(Time::ZERO) == Time::from_ms(RETRY_MS));
        saver.queued_bytes_max = 1 << 20;
        saver.keep(&mut hub, Time::from_ms(RETRY_MS));
        assert_eq!(saver.stage, Stage::Following);
        saver.wait();
        let saved = Store::open(&path).unwrap().read().unwrap();
        assert_eq!(saved.members.len(), 1);
        std::fs::remove_file(&path).unwrap();
    }

    /// Those who are closed since the server stops are to be there after its start.
    #[test]
    fn nothing_is_handed_on_after_the_end() {
        let mut hub = hub();
        let path = std::env::temp_dir().join("headcount-saver-nowhere/state");
        let mut saver =
            Saver::start(|shared| Writer::new(path, None, shared), true, 1 << 20).unwrap();
        saver.end();
        saver.keep(&mut hub, Time::ZERO);
        assert_eq!((saver.stage, saver.due_at(Time::ZERO)), (Stage::Ended, Time::NEVER));
    }
}
