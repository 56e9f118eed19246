//! Measures the tests: mutants that cargo-mutants lists, all of them out of one build.
//!
//! A mutant is a small change of the sources that tests should notice. It is caught if a test of
//! `cargo test --lib --test it` fails with it, or does not end in time.

mod judge;
mod list;
mod report;
mod switch;
mod visitor;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::{fs, thread};

use clap::Args;
use serde_json::Value;

use crate::Result;
use crate::copy::{self, Copy};

use judge::{Step, Tests};
use list::Mutant;

/// What the command line says.
#[derive(Args)]
pub struct Options {
    /// Keep the results of the last run for those that were caught
    #[arg(long)]
    resume: bool,

    /// Keep all results of the last run, and tell them again
    #[arg(long, conflicts_with = "resume")]
    no_run: bool,

    /// Put the figures into docs/evidence/testing.md
    #[arg(long, conflicts_with = "files")]
    write: bool,

    /// Mutants of these files, like src/hub/input.rs [default: all]
    files: Vec<String>,
}

/// How many runs there are at once.
const THREADS: usize = 2;

/// Runs the tests with each mutant. Gives whether there is a reason for each that survived.
pub fn run(options: &Options) -> Result<bool> {
    let mutants = list::list()?;
    let (copy, left) = switched(&mutants)?;
    let is_asked =
        |mutant: &Mutant| options.files.is_empty() || options.files.contains(&mutant.file);
    let mut known = Known::read(&mutants)?;
    if !options.no_run && !options.resume {
        known.results.retain(|name, _| {
            mutants.values().all(|mutant| mutant.name != *name || !is_asked(mutant))
        });
    }
    let wanted: Vec<usize> = mutants
        .iter()
        .filter(|(number, mutant)| !left.contains_key(number) && is_asked(mutant))
        .map(|(number, _)| *number)
        .collect();
    if !options.no_run {
        let tests = Tests::build(&copy)?;
        let (quick, slow) = tests.plan()?;
        for steps in [quick, slow] {
            let numbers: Vec<usize> = wanted
                .iter()
                .copied()
                .filter(|number| !known.is_caught(&mutants[number].name))
                .collect();
            println!("{} mutants", numbers.len());
            judge_all(&tests, &steps, &numbers, |number, test| {
                let name = &mutants[&number].name;
                if test.is_none() {
                    println!("not caught: {name}");
                }
                known.add(name, test)
            })?;
        }
    }
    let result = |number: &usize| {
        let name = &mutants[number].name;
        let test = known.results.get(name)?;
        Some((*number, Some(test.clone()).filter(|test| !test.is_empty())))
    };
    let results: BTreeMap<usize, Option<String>> = wanted.iter().filter_map(result).collect();
    if results.len() < wanted.len() {
        return Err(format!("{} were not run", wanted.len() - results.len()).into());
    }
    report::report(&mutants, &left, &results, options.write)
}

/// Runs the steps for each mutant, and tells the results as they come.
fn judge_all(
    tests: &Tests,
    steps: &[Step],
    numbers: &[usize],
    mut tell: impl FnMut(usize, Option<String>) -> Result<()>,
) -> Result<()> {
    let (next, (sender, receiver)) = (AtomicUsize::new(0), mpsc::channel());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let (next, sender) = (&next, sender.clone());
            scope.spawn(move || {
                while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send((*number, tests.judge(*number, steps))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (number, result) in receiver {
            tell(number, result?)?;
        }
        Ok(())
    })
}

/// Makes a copy that compiles: mutants that do not are left out. Gives all that have no switch,
/// with the reason.
fn switched(mutants: &BTreeMap<usize, Mutant>) -> Result<(Copy, BTreeMap<usize, String>)> {
    let (mut without, mut plain) = (BTreeMap::new(), BTreeSet::new());
    loop {
        let copy = Copy::make("mutants")?;
        let left = switch::put_in(&copy.sources, mutants, &without)?;
        for name in &plain {
            let path = copy.sources.join(name);
            fs::write(&path, fs::read_to_string(&path)?.replace("const fn ", "fn "))?;
        }
        let (messages, is_built) = copy.cargo(&["check", "--lib"])?;
        if is_built {
            without.extend(left);
            return Ok((copy, without));
        }
        let before = without.len() + plain.len();
        let errors = messages.iter().filter(|message| message["message"]["level"] == "error");
        for (error, span) in errors.flat_map(spans) {
            if let Some(number) = returned(span).filter(|_| span["is_primary"] == true) {
                without.insert(number, "does not compile".to_owned());
            } else if error["code"]["code"] == "E0015" {
                // A call of the switch in a constant function.
                plain.insert(span["file_name"].as_str().unwrap_or_default().to_owned());
            }
        }
        if without.len() + plain.len() == before {
            let texts =
                messages.iter().filter_map(|message| message["message"]["rendered"].as_str());
            return Err(texts.collect::<String>().into());
        }
    }
}

/// A message with each place that it is about.
fn spans(message: &Value) -> Vec<(&Value, &Value)> {
    let message = &message["message"];
    message["spans"].as_array().into_iter().flatten().map(|span| (message, span)).collect()
}

/// The mutant whose value is returned in this place, if one is.
fn returned(span: &Value) -> Option<usize> {
    let lines = span["text"].as_array()?.iter().filter_map(|line| line["text"].as_str());
    let text: String = lines.collect();
    let (_, rest) = text.split_once(visitor::RETURNS)?;
    let (number, rest) = rest.split_once(')')?;
    rest.trim_start().starts_with("{ return").then(|| number.trim().parse().ok())?
}

/// Results of this run and of those before.
struct Known {
    path: PathBuf,
    /// Which test caught a mutant of this name; one that nothing has caught has no word there.
    results: BTreeMap<String, String>,
}

impl Known {
    fn read(mutants: &BTreeMap<usize, Mutant>) -> Result<Known> {
        let path = copy::target().join("mutation/mutants.tsv");
        let text = if path.exists() { fs::read_to_string(&path)? } else { String::new() };
        let names: BTreeSet<&str> = mutants.values().map(|mutant| mutant.name.as_str()).collect();
        let rows = text.lines().filter_map(|line| line.split_once('\t'));
        let rows = rows.filter(|(name, _)| names.contains(name));
        let results = rows.map(|(name, test)| (name.to_owned(), test.to_owned())).collect();
        Ok(Known { path, results })
    }

    fn is_caught(&self, name: &str) -> bool {
        self.results.get(name).is_some_and(|test| !test.is_empty())
    }

    fn add(&mut self, name: &str, test: Option<String>) -> Result<()> {
        self.results.insert(name.to_owned(), test.unwrap_or_default());
        let lines = self.results.iter().map(|(name, test)| format!("{name}\t{test}\n"));
        Ok(fs::write(&self.path, lines.collect::<String>())?)
    }
}
