//! Seeds, run on several threads until one fails.

use std::cell::Cell;
use std::num::NonZero;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

thread_local! {
    /// What the last panic of this thread said.
    static PROBLEM: Cell<String> = const { Cell::new(String::new()) };
}

/// Attempts `count` seeds from `first` on, on one thread for each core if nothing else is said, and
/// adds what came of each. Gives the least seed that failed, and how; after one that did, no more
/// are begun.
pub fn run<T>(
    (first, count): (u64, u64),
    threads: Option<usize>,
    attempt: impl Fn(u64) -> Result<T, String> + Sync,
    add: impl FnMut(T) + Send,
) -> Option<(u64, String)> {
    panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("a panic without words");
        let place = panic.location().map_or(String::new(), |place| format!(" ({place})"));
        PROBLEM.set(format!("{text}{place}"));
    }));
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    let (next, end) = (AtomicU64::new(first), first + count);
    let done = Mutex::new((add, None::<(u64, String)>));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let outcome = attempt(seed);
            let (add, failure) = &mut *done.lock().expect("no thread panicked");
            match outcome {
                Ok(outcome) => add(outcome),
                Err(problem) => {
                    if failure.as_ref().is_none_or(|(other, _)| seed < *other) {
                        *failure = Some((seed, problem));
                    }
                    next.store(end, Ordering::Relaxed);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.unwrap_or_else(cores) {
            scope.spawn(work);
        }
    });
    done.into_inner().expect("no thread panicked").1
}

/// Runs something that may panic, in an attempt. Gives what the panic said.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(AssertUnwindSafe(run)).map_err(|_| PROBLEM.take())
}
