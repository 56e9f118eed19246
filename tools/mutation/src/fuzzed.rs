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

    /// Look for each without the grammars too, by libFuzzer's own mutations
    #[arg(long)]
    compare: bool,

    /// Put the table into docs/evidence/testing.md
    #[arg(long, conflicts_with = "bugs")]
    write: bool,

    /// These bugs [default: all]
    bugs: Vec<String>,
}

/// How inputs are made.
struct Way {
    name: &'static str,
    is_plain: bool,
}

const WAYS: [Way; 2] = [
    Way { name: "with the grammar", is_plain: false },
    Way { name: "libFuzzer's own", is_plain: true },
];

/// How a bug was found.
#[derive(Clone, Copy)]
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
    let ways = if options.compare { &WAYS[..] } else { &WAYS[..1] };
    let (mut rows, mut all) = (Vec::new(), vec![Vec::new(); ways.len()]);
    for (index, bug) in bugs.iter().enumerate() {
        if !options.bugs.is_empty() && !options.bugs.contains(&bug.id) {
            continue;
        }
        let target = bug.target.as_deref().expect("each has a target");
        let program = programs.join(target);
        let mut row = format!("| {} | {} | `{target}` |", bug.id, bug.what);
        for (way, all) in ways.iter().zip(&mut all) {
            let find = |seed| find(&program, target, (index + 1, seed), options.seconds, way);
            let found = median(options.runs, find)?;
            row += &cells(found);
            all.push(found);
        }
        println!("{row}");
        rows.push(row + "\n");
    }
    let summaries = ways.iter().zip(&all);
    let summary: String =
        summaries.map(|(way, all)| format!("- {}: {}\n", way.name, summary(all))).collect();
    print!("{summary}");
    if options.write {
        let titles = ways.iter().map(|way| format!(" {}: executions | s |", way.name));
        let rules = "---:|---:|".repeat(ways.len());
        let head = format!(
            "| bug | what it does | target |{}\n|---|---|---|{rules}\n",
            titles.collect::<String>()
        );
        page::write("fuzzed", &format!("{summary}\n{head}{}", rows.concat()))?;
    }
    Ok(all[0].iter().all(Option::is_some))
}

/// The run in the middle, where nothing found takes longest. When most have found nothing, no more
/// are made.
fn median(runs: usize, find: impl Fn(usize) -> Result<Option<Found>>) -> Result<Option<Found>> {
    let (mut found, mut missed) = (Vec::new(), 0);
    for seed in 0..runs {
        match find(seed)? {
            Some(one) => found.push(one),
            None => missed += 1,
        }
        if missed * 2 > runs {
            return Ok(None);
        }
    }
    found.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    Ok(found.get(runs / 2).copied())
}

fn cells(found: Option<Found>) -> String {
    match found {
        Some(Found { seconds, executions }) => {
            format!(" {} | {seconds:.2} |", page::grouped(executions))
        }
        None => " – | not found |".into(),
    }
}

fn summary(all: &[Option<Found>]) -> String {
    let seconds = |found: &Option<Found>| found.map_or(f64::INFINITY, |found| found.seconds);
    let mut times: Vec<f64> = all.iter().map(seconds).collect();
    times.sort_by(f64::total_cmp);
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    let longest = times.iter().rfind(|time| time.is_finite()).copied().unwrap_or_default();
    let (found, total) = (all.iter().flatten().count(), all.len());
    format!("{found} of {total} bugs found, median {middle:.2} s, at most {longest:.2} s")
}

/// Makes the copy, builds the targets and sees that each is content without a bug. Gives the folder
/// with the programs.
fn build(bugs: &[Bug]) -> Result<PathBuf> {
    let copy = Copy::make("fuzzed")?;
    places::plant(&copy.sources, bugs, copy::switch)?;
    let target = copy::target().join("mutation/fuzz");
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
    for name in targets {
        if find(&programs.join(name), name, (0, 0), 3, &WAYS[0])?.is_some() {
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
    (number, seed): (usize, usize),
    seconds: u64,
    way: &Way,
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
    if way.is_plain {
        command.env("HEADCOUNT_FUZZ_PLAIN", "1");
    }
    let started = Instant::now();
    let (lines, end) = run_program(&mut command, Duration::from_secs(seconds), |_| false)?;
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
