//! The program: flags → [`Config`](headcount::config::Config) → [`Server`]; or the load generator,
//! or the examination of the machine. The only place that knows arguments, standard output and exit
//! codes.

mod bench;
mod cli;
mod doctor;
mod log;
mod redis_url;
mod stdout;
mod system;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::process::ExitCode;

use headcount::config::Secret;
use headcount::server::{Ended, Server, State};
use tracing::{info, warn};

use cli::{Cli, Command};
use log::{Format, Log};
use system::describe;

fn main() -> ExitCode {
    let cli = Cli::from_process();
    match &cli.command {
        Some(Command::Bench(options)) => return bench::bench(options),
        Some(Command::Doctor(options)) => return doctor::doctor(options),
        None => {}
    }
    if cli.print_limits {
        return match stdout::print(&cli.limits_text()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => fail(&problem, cli.log_format),
        };
    }
    match serve(&cli) {
        Ok(Ended::Stopped) => ExitCode::SUCCESS,
        // As a shell reports a program that a signal ended.
        Ok(Ended::Interrupted(signal)) => ExitCode::from(128_u8.wrapping_add(signal as u8)),
        Err(problem) => fail(&problem, cli.log_format),
    }
}

fn fail(problem: &str, format: Format) -> ExitCode {
    log::tell(problem, format);
    ExitCode::FAILURE
}

fn serve(cli: &Cli) -> Result<Ended, String> {
    // std's random hash key. It spreads pings, and is no secret.
    let seed = RandomState::new().build_hasher().finish();
    let secret = system::random_bytes().map(Secret::new);
    let secret = secret.map_err(|error| problem("can't get random numbers", &error))?;
    // It is read before anybody can connect.
    let state = cli.state.clone().map(State::read);
    let mut server = Server::bind(cli.config(seed, secret), &cli.listen, cli.www.clone())
        .map_err(|(problem, error)| format!("{problem}: {}", describe(&error)))?;
    // From here on signals are only noted, so nothing may wait for anybody until the loop runs: the
    // log and the announcement are written by threads of their own.
    server.handle_signals().map_err(|error| problem("can't handle signals", &error))?;
    let log = Log::start(cli.log_format, cli.log_level);
    let log = log.map_err(|error| problem("can't start the log", &error))?;
    server.count_dropped_lines(log.dropped());
    let announced = stdout::announce(server.addresses());
    announced.map_err(|error| problem("can't announce the address", &error))?;
    log_start(cli, &server);
    if let Some(state) = state {
        server.keep(state).map_err(|error| problem("can't start a thread", &error))?;
    }
    let ended = server.run().map_err(|error| match error.kind() {
        // It says itself what is wrong.
        io::ErrorKind::Other => error.to_string(),
        _ => problem("the event queue failed", &error),
    });
    info!("stopped");
    ended
}

/// Says where the server listens, and what is not as usual.
fn log_start(cli: &Cli, server: &Server) {
    let connections_max = server.hub().config().limits.connections_max;
    for address in server.addresses() {
        let version = env!("CARGO_PKG_VERSION");
        info!(%address, version, connections_max, "listening");
    }
    if let Some(address) = server.metrics_address() {
        info!(%address, "listening for metrics");
    }
    let asked = cli.connections_asked().filter(|&asked| asked > connections_max);
    if let Some(asked) = asked {
        warn!(asked, connections_max, "the limit on open files allows fewer connections");
    }
    if cli.trusts_everyone() {
        warn!("--trusted-proxy includes every address: limits by address apply to nobody");
    }
    if !cli.limits_given.is_empty() {
        info!(limits = cli.limits_given.join(" "), "limits differ from the defaults");
    }
}

fn problem(what: &str, error: &io::Error) -> String {
    format!("{what}: {}", describe(error))
}
