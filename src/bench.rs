//! `headcount bench`: a load generator with an oracle.
//!
//! It drives any headcount server with many clients from one event loop, on another CPU than the
//! server's. It shares `ws` with the server and nothing else, and reads frames with code of its
//! own: what checks must not share the mistakes of what it checks.
//!
//! ```text
//!   scenarios, returning, nodes → steps → run → fleet → client → oracle → room → life
//!                        │      what everyone does         │      what was told of it
//!                        │                                 ├→ view, people    what each knows
//!                        │                                 ├→ digest          how it is compared
//!                        │                                 └→ wishes          what is to come
//!                        ├→ subject, usage                 the server, and what it uses
//!                        │    └→ redis                     … and what its nodes share
//!                        └→ probe                          a stranger, meanwhile
//!   figures, report, plots                                 what came of it
//! ```
//!
//! Latency is measured from when something was due, not from when it was done: a server or a
//! generator that falls behind does not hide it by asking later (coordinated omission). All samples
//! of all clients are in one histogram; percentiles are never averaged.

mod client;
mod comebacks;
mod counts;
mod cpus;
mod dice;
mod digest;
mod echo;
mod faults;
mod figures;
mod fleet;
mod frame;
mod hexadecimal;
mod life;
mod machine;
mod mistakes;
mod nodes;
mod options;
mod oracle;
mod page;
mod people;
mod plots;
mod probe;
mod problem;
mod process;
mod read_lately;
mod redis;
mod report;
mod requests;
mod returning;
mod room;
mod run;
mod scenarios;
mod socket;
mod steps;
mod subject;
mod text;
mod url;
mod usage;
mod view;
mod wishes;

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::{log, stdout, system};

use cpus::Cpus;
use echo::STAMP_BYTES;
use fleet::Fleet;
use machine::Machine;
pub(crate) use options::Options;
use options::{Changes, Scenario};
use oracle::Oracle;
use problem::Problem;
use report::Report;
use run::Run;
pub(crate) use socket::CLIENTS_PER_SOURCE;
use subject::Subject;

/// Makes a run and prints what it found. 0: all was as it should be; 1: it was not, or the run
/// could not be made; 130: the user ended it.
pub(crate) fn bench(options: &Options) -> ExitCode {
    let (page, report) = match open_report(options).and_then(|page| {
        let report = make_run(options)?;
        Ok((page, report))
    }) {
        Ok(done) => done,
        Err(problem) => {
            log::tell(&problem.to_string(), log::Format::Text);
            return ExitCode::FAILURE;
        }
    };
    let text = if options.json { report.json() + "\n" } else { report.text() };
    let printed = stdout::print(&text);
    // Each is tried whatever became of the other: the run took its time.
    let written = page.map(|mut file| file.write_all(page::page(&report).as_bytes()));
    let written = written
        .unwrap_or(Ok(()))
        .map_err(|error| format!("can't write the report: {}", system::describe(&error)));
    if let Err(problem) = printed.and(written) {
        log::tell(&problem, log::Format::Text);
        return ExitCode::FAILURE;
    }
    match &report.ended_early {
        Some(_) if report.mistakes == 0 && report.is_interrupted => ExitCode::from(130),
        None if report.is_correct => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Opens the file of the report before anything is done for it.
fn open_report(options: &Options) -> Result<Option<File>, Problem> {
    let Some(path) = &options.report else { return Ok(None) };
    let problem = |error| Problem::NoReport(path.clone(), error);
    File::create(path).map(Some).map_err(problem)
}

fn make_run(options: &Options) -> Result<Report, Problem> {
    options.check_rooms()?;
    let needed = options.connections() as u64 + system::RESERVED_FILES;
    let allowed = system::raise_files();
    if allowed < needed {
        return Err(Problem::FewFiles { needed, allowed });
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, interrupted.clone())
            .map_err(|error| Problem::System("handle signals", error))?;
    }
    let cpus = if options.url.is_none() { Cpus::choose() } else { Cpus::default() };
    let subject = Subject::open(options, cpus)?;
    // Before this process is bound to one CPU, and sees no others.
    let machine = Machine::this(cpus);
    cpus::pin(None, cpus.clients);

    let is_echo = !options.scenario.follows_roster();
    let echo_bytes = is_echo.then(|| (options.size as usize).max(STAMP_BYTES));
    let oracle = Oracle::new(options.rooms(), options.nodes(), echo_bytes);
    let urls = subject.urls.clone();
    let mut fleet = Fleet::new(urls, options.readers(), options.stuck(), oracle)?;
    fleet.has_data = options.changes == Changes::Data || options.scenario == Scenario::Nodes;
    if options.scenario.says_hello() {
        fleet.say_hello(RandomState::new().hash_one("run"), options.clients as usize);
    }
    let mut run = Run::new(options, subject, fleet, interrupted);
    let result = scenarios::perform(&mut run);
    run.finish();
    match result {
        Ok(()) => Ok(summarize(run, machine, None)),
        Err(problem) if problem.leaves_figures() => Ok(summarize(run, machine, Some(problem))),
        Err(problem) => Err(problem),
    }
}

fn summarize(run: Run<'_>, machine: Machine, problem: Option<Problem>) -> Report {
    let mistakes = run.fleet.oracle.mistakes.clone();
    Report {
        scenario: run.options.scenario.name(),
        clients: run.options.clients,
        rooms: run.options.rooms(),
        nodes: run.options.nodes(),
        command: command(),
        server: run.subject.to_string(),
        version: env!("CARGO_PKG_VERSION"),
        date: httpdate::fmt_http_date(std::time::SystemTime::now()),
        machine,
        is_correct: mistakes.count == 0 && problem.is_none(),
        is_interrupted: matches!(problem, Some(Problem::Interrupted)),
        ended_early: problem.map(|problem| problem.to_string()),
        mistakes: mistakes.count,
        mistakes_told: mistakes.told,
        warnings: run.warnings,
        events: run.events,
        figures: run.figures,
        latencies: run.latencies,
        samples: run.samples,
    }
}

/// The command line, with the name of the program in place of its path.
fn command() -> String {
    let arguments = std::env::args().skip(1);
    std::iter::once("headcount".into()).chain(arguments).collect::<Vec<_>>().join(" ")
}
