//! Runs several nodes against a Redis server that fails:
//! `cargo run --release --example nodes -- --seeds 1000`.
//!
//! Each seed is a run (`headcount_support::nodes`). It ends with the first seed that fails, and
//! says how to run that again.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use clap::Parser;
use headcount_support::nodes::run;

/// Runs several nodes against a Redis server that fails
#[derive(Parser, Clone)]
struct Options {
    /// How many seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,

    /// The first of them
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Threads, each of which runs seeds of its own [default: one for each core]
    #[arg(long)]
    threads: Option<usize>,
}

thread_local! {
    /// What the last panic of this thread said.
    static PROBLEM: Cell<String> = const { Cell::new(String::new()) };
}

/// What all runs are together.
#[derive(Default)]
struct Total {
    runs: u64,
    nodes: usize,
    clients: usize,
    commands: u64,
    repairs: u64,
    /// The seed that failed, if one did, and how.
    failure: Option<(u64, String)>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let cores = || thread::available_parallelism().map_or(1, std::num::NonZero::get);
    panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("a panic without words");
        let place = panic.location().map_or(String::new(), |place| format!(" ({place})"));
        PROBLEM.set(format!("{text}{place}"));
    }));
    let (next, total) = (AtomicU64::new(options.seed), Mutex::new(Total::default()));
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..options.threads.unwrap_or_else(cores) {
            scope.spawn(|| work(&options, &next, &total));
        }
    });
    let Total { runs, nodes, clients, commands, repairs, failure } =
        total.into_inner().expect("no thread panicked");
    let seconds = started.elapsed().as_secs_f64();
    println!("{runs} seeds in {seconds:.1} s: {nodes} nodes, {clients} clients,");
    println!("{commands} commands, {repairs} parts asked for again");
    let Some((seed, problem)) = failure else { return ExitCode::SUCCESS };
    println!("\nseed {seed} failed: {problem}");
    println!("again: cargo run --release --example nodes -- --seeds 1 --seed {seed}");
    ExitCode::FAILURE
}

fn work(options: &Options, next: &AtomicU64, total: &Mutex<Total>) {
    let end = options.seed + options.seeds;
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return;
        }
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| run(seed)));
        let mut total = total.lock().expect("no thread panicked");
        match outcome {
            Ok(outcome) => {
                total.runs += 1;
                total.nodes += outcome.nodes;
                total.clients += outcome.clients;
                total.commands += outcome.commands;
                total.repairs += outcome.repairs;
            }
            Err(_) => {
                if total.failure.as_ref().is_none_or(|(other, _)| seed < *other) {
                    total.failure = Some((seed, PROBLEM.take()));
                }
                next.store(end, Ordering::Relaxed);
            }
        }
    }
}
