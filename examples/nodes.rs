//! Runs several nodes against a Redis server that fails:
//! `cargo run --release --example nodes -- --seeds 1000`.
//!
//! Each seed is a run (`headcount_support::nodes`). It ends with the first seed that fails, and
//! says how to run that again.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use headcount_support::nodes::run;
use headcount_support::seeds;

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

/// What all runs are together.
#[derive(Default)]
struct Total {
    runs: u64,
    nodes: usize,
    clients: usize,
    commands: u64,
    repairs: u64,
}

fn main() -> ExitCode {
    let Options { seeds, seed, threads } = Options::parse();
    let (mut total, started) = (Total::default(), Instant::now());
    let attempt = |seed| seeds::caught(|| run(seed));
    let failure = seeds::run((seed, seeds), threads, attempt, |outcome| {
        total.runs += 1;
        total.nodes += outcome.nodes;
        total.clients += outcome.clients;
        total.commands += outcome.commands;
        total.repairs += outcome.repairs;
    });
    let Total { runs, nodes, clients, commands, repairs } = total;
    let seconds = started.elapsed().as_secs_f64();
    println!("{runs} seeds in {seconds:.1} s: {nodes} nodes, {clients} clients,");
    println!("{commands} commands, {repairs} parts asked for again");
    let Some((seed, problem)) = failure else { return ExitCode::SUCCESS };
    println!("\nseed {seed} failed: {problem}");
    println!("again: cargo run --release --example nodes -- --seeds 1 --seed {seed}");
    ExitCode::FAILURE
}
