//! The program: flags → [`Config`](headcount::config::Config) → [`Server`]. The only place that
//! knows arguments, standard output and exit codes.

mod cli;
mod system;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::process::ExitCode;

use headcount::config::Secret;
use headcount::server::{Ended, Server};

use cli::Cli;

fn main() -> ExitCode {
    match serve(&Cli::from_process()) {
        Ok(Ended::Stopped) => ExitCode::SUCCESS,
        // As a shell reports a program that a signal ended.
        Ok(Ended::Interrupted(signal)) => ExitCode::from(128_u8.wrapping_add(signal as u8)),
        Err(problem) => {
            eprintln!("headcount: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn serve(cli: &Cli) -> Result<Ended, String> {
    // std's random hash key. It spreads pings, and is no secret.
    let seed = RandomState::new().build_hasher().finish();
    let secret = system::random_bytes().map(Secret::new);
    let secret = secret.map_err(|error| problem("can't get random numbers", &error))?;
    let mut server = Server::bind(cli.config(seed, secret), &cli.listen, cli.www.clone())
        .map_err(|(problem, error)| format!("{problem}: {}", describe(&error)))?;
    server.handle_signals().map_err(|error| problem("can't handle signals", &error))?;
    announce(&server).map_err(|error| problem("can't write to standard output", &error))?;
    server.run().map_err(|error| problem("the event queue failed", &error))
}

/// Says where the server listens, at once and for scripts to read.
fn announce(server: &Server) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for address in server.addresses() {
        writeln!(out, "headcount listening on http://{address}")?;
    }
    out.flush()
}

fn problem(what: &str, error: &io::Error) -> String {
    format!("{what}: {}", describe(error))
}

/// The system's words for an error, without its number.
fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_lowercase())
}
