//! Runs a program for so long, and no longer.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};

use crate::Result;

/// What a program may take at most: changed sources can ask for any amount.
const MEMORY_BYTES: u64 = 6 << 30;

/// How long a program that has closed its output may take to end.
const END: Duration = Duration::from_secs(10);

/// How a run ended.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    /// By itself, with this code, or without one by a signal.
    Exited(Option<i32>),
    /// A line was the last that was wanted.
    Enough,
    /// It took too long.
    TimedOut,
}

/// Runs a program and reads its lines until one is enough. All that it has started ends with it.
pub(crate) fn run(
    command: &mut Command,
    limit: Duration,
    is_enough: impl Fn(&str) -> bool,
) -> Result<(Vec<String>, End)> {
    let deadline = Instant::now() + limit;
    command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).process_group(0);
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    for (resource, most) in [(Resource::As, MEMORY_BYTES), (Resource::Core, 0)] {
        // It may have ended by now.
        let _ = prlimit(Some(pid), resource, Rlimit { current: Some(most), maximum: Some(most) });
    }
    let (sender, receiver) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().expect("it is piped"));
    thread::spawn(move || {
        for line in output.split(b'\n').map_while(std::result::Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    let mut lines = Vec::new();
    let end = loop {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                lines.push(line);
                if is_enough(&lines[lines.len() - 1]) {
                    break End::Enough;
                }
            }
            Err(RecvTimeoutError::Timeout) => break End::TimedOut,
            Err(RecvTimeoutError::Disconnected) => break wait(&mut child)?,
        }
    };
    let _ = kill_process_group(pid, Signal::KILL);
    child.wait()?;
    Ok((lines, end))
}

/// Waits for a program that says no more.
fn wait(child: &mut Child) -> Result<End> {
    let started = Instant::now();
    while started.elapsed() < END {
        if let Some(status) = child.try_wait()? {
            return Ok(End::Exited(status.code()));
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(End::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit_ms: u64) -> (Vec<String>, End) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(&mut command, Duration::from_millis(limit_ms), |line| line == "enough").unwrap()
    }

    #[test]
    fn run_ends_by_itself_or_by_a_line_or_by_its_time() {
        let lines = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(shell("echo a; exit 3", 60_000), (lines(&["a"]), End::Exited(Some(3))));
        assert_eq!(shell("echo enough; sleep 600", 60_000), (lines(&["enough"]), End::Enough));
        assert_eq!(shell("sleep 600 & wait", 50), (lines(&[]), End::TimedOut));
    }
}
