//! Measures the fast fuzz targets: plants bugs in the codec, and sees how soon each is found.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;

use crate::bugs::{self, Bug};
use crate::copy::{self, Copy, VARIABLE};
use crate::run::{End, run as run_program};
use crate::{Result, page, places, root};

/// What the command line says.
#[derive(Args)]
pub struct Options {
    /// Time to find each bug, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,

    /// Runs for each bug, of which the median is told
    #[arg(long, default_value_t = 1)]
    runs: usize,

    /// Leave libFuzzer to its own mutations
    #[arg(long, conflicts_with = "write")]
    plain: bool,

    /// Put the table into docs/evidence/testing.md
    #[arg(long, conflicts_with = "bugs")]
    write: bool,

    /// These bugs [default: all]
    bugs: Vec<String>,
}

/// How a bug was found.
struct Found {
    seconds: f64,
    executions: u64,
}

/// Plants the bugs and has the target of each look for it, with an empty corpus. Gives whether all
/// were found.
pub fn run(options: &Options) -> Result<bool> {
    let bugs = bugs::of_codec()?;
    if let Some(unknown) = options.bugs.iter().find(|id| bugs.iter().all(|bug| bug.id != **id)) {
        return Err(format!("there is no bug {unknown}").into());
    }
    let programs = build(&bugs)?;
    let (mut rows, mut times, mut missed) = (Vec::new(), Vec::new(), 0);
    for (index, bug) in bugs.iter().enumerate() {
        if !options.bugs.is_empty() && !options.bugs.contains(&bug.id) {
            continue;
        }
        let (id, what) = (&bug.id, &bug.what);
        let target = bug.target.as_deref().expect("each has a target");
        let program = programs.join(target);
        let find = |seed| find(&program, target, index + 1, seed, options);
        let found: Result<Vec<Option<Found>>> = (0..options.runs).map(find).collect();
        let Some(mut found) = found?.into_iter().collect::<Option<Vec<Found>>>() else {
            missed += 1;
            println!("{id:5} NOT FOUND by {target} in {} s: {what}", options.seconds);
            continue;
        };
        found.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
        let Found { seconds, executions } = found[found.len() / 2];
        times.push(seconds);
        println!("{id:5} {target:13} {executions:9} executions {seconds:6.2} s  {what}");
        let executions = page::grouped(executions);
        rows.push(format!("| {id} | {what} | `{target}` | {executions} | {seconds:.2} |\n"));
    }
    times.sort_by(f64::total_cmp);
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let total = times.len() + missed;
    let longest = times.last().copied().unwrap_or_default();
    let summary = format!(
        "{} of {total} bugs found, median {middle:.2} s, at most {longest:.2} s",
        times.len()
    );
    println!("{summary}");
    if options.write {
        let head = "| bug | what it does | target | executions | s |\n|---|---|---|---:|---:|\n";
        page::write("fuzzed", &format!("{summary}:\n\n{head}{}", rows.concat()))?;
    }
    Ok(missed == 0)
}

/// Makes the copy, builds the targets and sees that each is content without a bug. Gives the folder
/// with the programs.
fn build(bugs: &[Bug]) -> Result<PathBuf> {
    let copy = Copy::make("fuzzed")?;
    places::plant(&copy.sources, bugs, copy::switch)?;
    let target = copy::target().join("fuzz");
    let mut targets: Vec<&str> = bugs.iter().filter_map(|bug| bug.target.as_deref()).collect();
    targets.sort_unstable();
    targets.dedup();
    let triple = host()?;
    for name in &targets {
        let mut command = Command::new("cargo");
        command.args(["+nightly", "fuzz", "build", "-s", "none", "--target-dir"]).arg(&target);
        command.arg(name).current_dir(&copy.sources);
        let status = command.env("RUSTC_WRAPPER", copy.sources.join("fuzz/rustc")).status()?;
        if !status.success() {
            return Err(format!("the copy's target {name} does not compile").into());
        }
    }
    let programs = target.join(triple).join("release");
    let options = Options { seconds: 3, runs: 1, plain: false, write: false, bugs: Vec::new() };
    for name in targets {
        if find(&programs.join(name), name, 0, 0, &options)?.is_some() {
            return Err(format!("{name} fails without a bug too").into());
        }
    }
    Ok(programs)
}

/// The triple that cargo-fuzz builds for.
fn host() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").stderr(Stdio::inherit()).output()?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not say what its host is")?.to_owned())
}

/// Runs a target until it fails, or the time is over.
fn find(
    program: &PathBuf,
    target: &str,
    number: usize,
    seed: usize,
    options: &Options,
) -> Result<Option<Found>> {
    let folder = copy::target().join("mutation/artifacts/");
    fs::create_dir_all(&folder)?;
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 2>&1"]).arg(program);
    command.args(["-print_final_stats=1", "-verbosity=0", "-max_len=4096", "-timeout=5"]);
    command.arg(format!("-seed={}", seed + 1));
    command.arg(format!("-artifact_prefix={}", folder.display()));
    command.arg(format!("-dict={}", root().join("fuzz/dictionary").join(target).display()));
    command.env(VARIABLE, number.to_string());
    if options.plain {
        command.env("HEADCOUNT_FUZZ_PLAIN", "1");
    }
    let started = Instant::now();
    let (lines, end) = run_program(&mut command, Duration::from_secs(options.seconds), |_| false)?;
    let seconds = started.elapsed().as_secs_f64();
    if end == End::TimedOut {
        return Ok(None);
    }
    let statistic = |line: &String| {
        line.strip_prefix("stat::number_of_executed_units:")?.trim().parse::<u64>().ok()
    };
    let executions = lines.iter().find_map(statistic);
    let executions = executions
        .ok_or_else(|| format!("{target} ended otherwise: {end:?} {}", lines.join("\n")))?;
    Ok(Some(Found { seconds, executions }))
}
