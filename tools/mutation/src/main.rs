//! The command line of the tool; the library says what it does.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use headcount_mutation::{Result, fuzzed, mutants, planted};

/// Changes a copy of the sources, and sees whether anything notices
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plants bugs and lets the simulator look for each
    Planted(planted::Options),
    /// Plants bugs in the codec and lets the fuzz targets look for each
    Fuzzed(fuzzed::Options),
    /// Runs the tests with each mutant that cargo-mutants lists
    Mutants(mutants::Options),
}

fn main() -> Result<ExitCode> {
    let is_fine = match Cli::parse().command {
        Command::Planted(options) => planted::run(&options)?,
        Command::Fuzzed(options) => fuzzed::run(&options)?,
        Command::Mutants(options) => mutants::run(&options)?,
    };
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
