//! A stranger: somebody who is not among the clients and asks for `/healthz` on a new connection,
//! again and again, while a scenario goes on. So a report shows what a newcomer feels.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::system::describe;

use super::oracle::histogram;
use super::subject;
use super::url::Url;

/// From one request to the next.
const INTERVAL: Duration = Duration::from_millis(20);

/// The thread that asks. The clients' loop is too busy in a storm to ask in time.
pub(crate) struct Probe {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Answers>,
}

/// How the requests were answered.
#[derive(Debug)]
pub(crate) struct Answers {
    /// From when a request was due until its answer was read, in µs.
    pub(crate) latency: Histogram<u64>,
    /// Requests that had no good answer.
    pub(crate) failed: u64,
    /// Why the first of them had none.
    pub(crate) failure: Option<String>,
}

impl Probe {
    /// Begins to ask.
    pub(crate) fn start(url: Url) -> Probe {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = is_over.clone();
        let thread = thread::spawn(move || {
            let mut answers = Answers::default();
            let mut due = Instant::now();
            while !ends.load(Ordering::Relaxed) {
                answers.take(due, subject::healthz(&url));
                // A request that took long makes the next one late, and its time runs already.
                due += INTERVAL;
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            answers
        });
        Probe { is_over, thread }
    }

    /// Ends it, after the request that is under way.
    pub(crate) fn finish(self) -> Answers {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().expect("nothing in the thread panics")
    }
}

impl Default for Answers {
    fn default() -> Answers {
        Answers { latency: histogram(), failed: 0, failure: None }
    }
}

impl Answers {
    fn take(&mut self, due: Instant, answer: std::io::Result<()>) {
        match answer {
            Ok(()) => {
                let micros = u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX);
                self.latency.saturating_record(micros.max(1));
            }
            Err(error) => {
                self.failed += 1;
                self.failure.get_or_insert_with(|| describe(&error));
            }
        }
    }

    /// Takes the answers of another measurement of the same run.
    pub(crate) fn add(&mut self, other: Answers) {
        self.latency.add(&other.latency).expect("the bounds are the same");
        self.failed += other.failed;
        self.failure = self.failure.take().or(other.failure);
    }
}
