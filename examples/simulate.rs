//! Runs the simulator: `cargo run --release --example simulate -- --seeds 1000`.
//!
//! Each seed is a run of the real server under a machine that fails (`headcount_support::sim`). It
//! ends with the first seed that fails, and says how to run that again.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use headcount_support::seeds;
use headcount_support::sim::choices::Choices;
use headcount_support::sim::faults::{FAULTS, STAGES, Tally, is_possible};
use headcount_support::sim::run::{Outcome, run};

/// Runs the server on simulated machines
#[derive(Parser, Clone)]
struct Options {
    /// How many seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,

    /// The first of them
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// So many clients in each run [default: mostly few, sometimes hundreds]
    #[arg(long)]
    clients: Option<usize>,

    /// Threads, each of which runs seeds of its own [default: one for each core]
    #[arg(long)]
    threads: Option<usize>,

    /// Of so many seeds one is run twice, and must do the same
    #[arg(long, default_value_t = 64)]
    twice_every: u64,
}

/// What all runs are together.
struct Total {
    runs: u64,
    simulated_us: u64,
    clients: u64,
    turns: u64,
    calls: u64,
    bytes: u64,
    tally: Tally,
}

impl Total {
    fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.simulated_us += outcome.simulated_us;
        self.clients += outcome.clients as u64;
        self.turns += outcome.turns;
        self.calls += outcome.calls;
        self.bytes += outcome.bytes;
        self.tally.add(&outcome.tally);
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut total = Total {
        runs: 0,
        simulated_us: 0,
        clients: 0,
        turns: 0,
        calls: 0,
        bytes: 0,
        tally: Tally::NONE,
    };
    let started = Instant::now();
    let range = (options.seed, options.seeds);
    let attempt = |seed| attempt(seed, &options);
    let failure = seeds::run(range, options.threads, attempt, |outcome| total.add(&outcome));
    report(&total, started.elapsed().as_secs_f64());
    let Some((seed, problem)) = failure else { return ExitCode::SUCCESS };
    let clients = options.clients.map_or(String::new(), |number| format!(" --clients {number}"));
    println!("\nseed {seed} failed: {problem}");
    println!("again: cargo run --release --example simulate -- --seeds 1 --seed {seed}{clients}");
    ExitCode::FAILURE
}

/// Runs a seed, some of them twice.
fn attempt(seed: u64, options: &Options) -> Result<Outcome, String> {
    let once = || seeds::caught(|| run(Choices::seed(seed), options.clients));
    let outcome = once()?;
    if seed.is_multiple_of(options.twice_every) && once()?.trace != outcome.trace {
        return Err("the same seed did something else".to_owned());
    }
    Ok(outcome)
}

fn report(total: &Total, seconds: f64) {
    let simulated = total.simulated_us as f64 / 1e6;
    println!("{} seeds in {seconds:.1} s, {} clients", total.runs, total.clients);
    let (days, times) = (simulated / 86_400.0, simulated / seconds);
    println!("simulated {days:.1} days, {times:.0} times as fast as real time");
    let megabytes = total.bytes as f64 / 1e6;
    println!("{} turns, {} calls, {megabytes:.1} MB", total.turns, total.calls);
    println!("\nfaults, by what the connection was doing:");
    let stages = STAGES.map(|stage| format!("{:>10}", format!("{stage:?}"))).concat();
    println!("{:18}{stages}", "");
    let mut least = u64::MAX;
    for fault in FAULTS {
        let count = |stage| {
            let count = total.tally.0[fault as usize][stage as usize];
            match is_possible(fault, stage) {
                true => (count, format!("{count:>10}")),
                false => (u64::MAX, format!("{:>10}", "-")),
            }
        };
        let counts = STAGES.map(count);
        least = counts.iter().fold(least, |least, (count, _)| least.min(*count));
        let row = counts.map(|(_, text)| text).concat();
        println!("{:18}{row}", format!("{fault:?}"));
    }
    println!("the rarest happened {least} times");
}
