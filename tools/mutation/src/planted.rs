//! Measures the simulator: plants bugs, and sees which of them it finds.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use crate::bugs::{self, Bug};
use crate::copy::{self, Copy, VARIABLE};
use crate::run::{End, run as run_program};
use crate::{Result, page, places};

/// The ids of bugs between nodes begin with this.
const NODES: &str = "N";

/// What the command line says.
#[derive(Args)]
pub struct Options {
    /// Time to find each bug, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,

    /// Put the table into docs/evidence/testing.md
    #[arg(long, conflicts_with = "bugs")]
    write: bool,

    /// These bugs [default: all]
    bugs: Vec<String>,
}

/// Plants the bugs and looks for each. Gives whether all were found.
pub fn run(options: &Options) -> Result<bool> {
    let bugs = bugs::all()?;
    if let Some(unknown) = options.bugs.iter().find(|id| bugs.iter().all(|bug| bug.id != **id)) {
        return Err(format!("there is no bug {unknown}").into());
    }
    let programs = build(&bugs)?;
    for program in &programs {
        if let Some(found) = find(program, 0, 3)? {
            return Err(format!("without a bug it fails too: {}", found.problem).into());
        }
    }
    let (mut rows, mut times, mut missed) = (Vec::new(), Vec::new(), 0);
    for (index, Bug { id, what, .. }) in bugs.iter().enumerate() {
        if !options.bugs.is_empty() && !options.bugs.contains(id) {
            continue;
        }
        let Some(Found { seeds, seconds, problem }) =
            find(&programs[usize::from(id.starts_with(NODES))], index + 1, options.seconds)?
        else {
            missed += 1;
            println!("{id:12} NOT FOUND in {} s: {what}", options.seconds);
            continue;
        };
        times.push(seconds);
        println!("{id:12} {seeds:7} seeds {seconds:6.2} s  {what}: {problem}");
        let seeds = page::grouped(seeds);
        rows.push(format!("| {id} | {what} | {seeds} | {seconds:.2} | {problem} |\n"));
    }
    times.sort_by(f64::total_cmp);
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let total = times.len() + missed;
    let summary = format!("{} of {total} bugs found, median {median:.2} s", times.len());
    println!("{summary}");
    if options.write {
        let head = "| bug | what it does | seeds | s | how it shows |\n|---|---|---:|---:|---|\n";
        page::write("planted", &format!("{summary}:\n\n{head}{}", rows.concat()))?;
    }
    Ok(missed == 0)
}

/// Makes the copy and builds the simulators: that of one node, and that of several.
fn build(bugs: &[Bug]) -> Result<[PathBuf; 2]> {
    let copy = Copy::make("planted")?;
    places::plant(&copy.sources, bugs, copy::switch)?;
    let (messages, is_built) =
        copy.cargo(&["build", "--example", "simulate", "--example", "nodes"])?;
    if !is_built {
        let text = messages.iter().filter_map(|message| message["message"]["rendered"].as_str());
        return Err(format!("the copy does not compile:\n{}", text.collect::<String>()).into());
    }
    let mut programs: Vec<PathBuf> = messages
        .iter()
        .filter_map(|message| copy::program(message, "example"))
        .map(PathBuf::from)
        .collect();
    // In the order of their names, but for that of one node, which comes first.
    programs.sort_by(|one, other| other.cmp(one));
    programs.try_into().map_err(|_| "there are not two simulators".into())
}

/// A bug that was found.
struct Found {
    seeds: u64,
    seconds: f64,
    problem: String,
}

/// Runs seeds until one fails, or the time is over.
fn find(program: &PathBuf, number: usize, seconds: u64) -> Result<Option<Found>> {
    let mut command = Command::new(program);
    command.args(["--seeds", "1000000000", "--threads", "1"]).env(VARIABLE, number.to_string());
    let started = Instant::now();
    let (lines, end) = run_program(&mut command, Duration::from_secs(seconds), |_| false)?;
    let seconds = started.elapsed().as_secs_f64();
    if end == End::TimedOut {
        return Ok(None);
    }
    let failed = lines.iter().find_map(|line| {
        let (seed, problem) = line.strip_prefix("seed ")?.split_once(" failed: ")?;
        Some((seed.parse::<u64>().ok()?, problem))
    });
    let (seed, problem) =
        failed.ok_or_else(|| format!("the simulator ended otherwise: {end:?} {lines:?}"))?;
    Ok(Some(Found { seeds: seed + 1, seconds, problem: reason(problem) }))
}

/// The words of a failure without what was going on, short enough for a table.
fn reason(problem: &str) -> String {
    let mut words = problem.to_owned();
    if let (Some(start), Some(end)) = (words.find("Client {"), words.rfind('}')) {
        words.replace_range(start..=end.max(start), "a client");
    }
    let place = [" (src/", " (examples/", " (tests/"].iter().filter_map(|start| words.find(start));
    words.truncate(place.min().unwrap_or(words.len()));
    words.replace('|', "\\|").chars().take(70).collect()
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn reason_is_short() {
        let problem =
            "not at 0 {}: Client { id: 1, b: B { c: 2 } } (tests/support/src/sim/run.rs:3:4)";
        assert_eq!(reason(problem), "not at 0 {}: a client");
        assert_eq!(reason("a || b"), "a \\|\\| b");
    }
}
