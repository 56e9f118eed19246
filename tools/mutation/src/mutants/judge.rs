//! Runs the tests with a mutant: first the quick ones, then all others.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::Result;
use crate::copy::{self, Copy, VARIABLE};
use crate::run::{End, run};

/// Tests of what no mutant touches: the sources as text, the load generator, the machine.
const NOT_RUN: [&str; 5] = ["bench::", "conformance::", "planted::", "tidy::", "threats::rows"];

/// A test that takes less is a quick one, in seconds.
const QUICK: f64 = 0.3;

/// A run ends after so many times what it takes without a mutant.
const SLOWEST: f64 = 4.0;

/// Programs with tests, and what they need to run.
pub(super) struct Tests {
    /// The programs with the tests.
    programs: Vec<PathBuf>,
    /// The program that some tests start.
    server: PathBuf,
    sources: PathBuf,
}

/// One run of a program: some of its tests, within a time.
pub(super) struct Step {
    program: PathBuf,
    limit: Duration,
    arguments: Vec<String>,
}

impl Tests {
    /// Builds the tests of the copy.
    pub(super) fn build(copy: &Copy) -> Result<Tests> {
        let (messages, is_built) = copy.cargo(&["test", "--no-run", "--lib", "--test", "it"])?;
        if !is_built {
            return Err("the tests do not compile".into());
        }
        let is_test = |message: &&Value| message["profile"]["test"] == true;
        let programs = messages.iter().filter(is_test);
        let programs = programs.filter_map(|message| message["executable"].as_str());
        let server = messages.iter().filter(|message| !is_test(message));
        let server = server.filter_map(|message| copy::program(message, "bin")).next();
        Ok(Tests {
            programs: programs.map(PathBuf::from).collect(),
            server: server.ok_or("there is no server")?.to_owned(),
            sources: copy.sources.clone(),
        })
    }

    /// What is run for each mutant: the quick tests, and all others.
    pub(super) fn plan(&self) -> Result<(Vec<Step>, Vec<Step>)> {
        let (mut quick, mut slow) = (Vec::new(), Vec::new());
        let skip: Vec<String> =
            NOT_RUN.iter().flat_map(|name| ["--skip", name]).map(str::to_owned).collect();
        for program in &self.programs {
            let (lines, failed) = self.test(program, 0, Duration::from_secs(900), &skip)?;
            if let Some(failed) = failed {
                return Err(format!("without a mutant it fails too: {failed}").into());
            }
            let mut times: Vec<(&str, f64)> = lines.iter().filter_map(|line| time(line)).collect();
            times.sort_by(|one, other| one.1.total_cmp(&other.1));
            for (steps, is_quick) in [(&mut quick, true), (&mut slow, false)] {
                let tests = || times.iter().filter(|(_, time)| (*time <= QUICK) == is_quick);
                let seconds: f64 = tests().map(|(_, time)| time).sum();
                let names = tests().map(|(name, _)| (*name).to_owned());
                let arguments: Vec<String> =
                    ["--exact".to_owned()].into_iter().chain(names).collect();
                if arguments.len() > 1 {
                    let limit = Duration::from_secs_f64(10.0 + SLOWEST * seconds);
                    steps.push(Step { program: program.clone(), limit, arguments });
                }
            }
        }
        Ok((quick, slow))
    }

    /// By which test a mutant is caught, if by any.
    pub(super) fn judge(&self, number: usize, steps: &[Step]) -> Result<Option<String>> {
        for step in steps {
            let (_, failed) = self.test(&step.program, number, step.limit, &step.arguments)?;
            if failed.is_some() {
                return Ok(failed);
            }
        }
        Ok(None)
    }

    /// Runs tests until one fails. Gives their lines, and which it was.
    fn test(
        &self,
        program: &Path,
        number: usize,
        limit: Duration,
        arguments: &[String],
    ) -> Result<(Vec<String>, Option<String>)> {
        let mut command = Command::new(program);
        command.args(["-Z", "unstable-options", "--report-time", "--test-threads=2"]);
        command.args(arguments).current_dir(&self.sources);
        command.env(VARIABLE, number.to_string()).env("RUSTC_BOOTSTRAP", "1");
        command.env("CARGO_BIN_EXE_headcount", &self.server);
        let is_failure = |line: &str| line.starts_with("test ") && line.contains(" FAILED");
        let (lines, end) = run(&mut command, limit, is_failure)?;
        let failed = match end {
            End::Exited(Some(0)) => None,
            End::Enough => lines.last().and_then(|line| line.split(' ').nth(1)).map(str::to_owned),
            End::TimedOut => Some(format!("not ended after {} s", limit.as_secs())),
            End::Exited(code) => Some(format!("ended with {code:?}")),
        };
        Ok((lines, failed))
    }
}

/// A test that passed, and the seconds that it took: `test roster::a ... ok <0.001s>`.
fn time(line: &str) -> Option<(&str, f64)> {
    let (name, rest) = line.strip_prefix("test ")?.split_once(' ')?;
    let (_, time) = rest.split_once(" ok <")?;
    Some((name, time.trim_end().strip_suffix("s>")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn time_is_that_of_a_test_that_passed() {
        assert_eq!(time("test a::b ... ok <0.250s>"), Some(("a::b", 0.25)));
        assert_eq!(time("test a::b ... ignored"), None);
        assert_eq!(time("test result: ok. 3 passed"), None);
    }
}
