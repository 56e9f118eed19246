//! The command line: flags → [`Config`].

mod listen;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use headcount::config::{
    Compression, Config, Limits, OriginPolicy, Redis, RedisUrl, RoomPattern, Secret,
};
use headcount::http::{HostPattern, Network, TrustedProxies};

use crate::redis_url::UrlParser;
use crate::{bench, doctor, log, redis_url, stdout, system};

const AFTER_HELP: &str = "\
Examples:
  headcount                                    the page on http://127.0.0.1:3000
  headcount --listen 0.0.0.0:80 --listen [::]:80
  headcount --www ./site                       your own page; changes are picked up
  headcount --allow-origin https://example.com let pages of another site connect
  headcount bench storm -n 5000                log in 5,000 clients at once

Paths: / (the page), /ws and /ws/ROOM (the WebSocket), /socket.io/ (the same for Socket.IO
clients), /roster and /roster/ROOM (the names as JSON), /healthz, /readyz (503 while Redis is away),
/metrics (for this machine only), and /echo with --echo.
SIGTERM, SIGINT, SIGQUIT and SIGHUP close all connections with 1001 and exit; another SIGTERM,
SIGINT or SIGQUIT exits at once. SIGHUP reloads nothing, and is ignored under nohup. SIGUSR1 and
SIGUSR2 are ignored: there is no log file to reopen.";

/// A presence server: shows who is in each room, in every browser, the moment it changes.
///
/// Serves a page, and a WebSocket at /ws and /ws/ROOM that reports every login and logout. Each
/// limit below has a safe default, so the program needs no flags to be tried out.
#[derive(Parser, Debug)]
#[command(name = "headcount", version, after_help = AFTER_HELP, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Address and port to listen on; repeatable; port 0 picks a free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000", value_delimiter = ',')]
    #[arg(value_parser = listen::address)]
    pub(crate) listen: Vec<SocketAddr>,

    /// Serve the files of this folder instead of the built-in page
    #[arg(long, value_name = "DIR")]
    pub(crate) www: Option<PathBuf>,

    /// Keep rooms and logins in this file over restarts and crashes
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,

    /// Share rooms with other processes by way of this Redis or Valkey server; repeatable, for
    /// servers of which one is the master
    ///
    /// redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]. Others on this machine can see a password
    /// in the arguments; they don't in a file, or in the variable HEADCOUNT_REDIS_PASSWORD.
    #[arg(long, value_name = "URL", value_delimiter = ',', value_parser = UrlParser)]
    pub(crate) redis: Vec<RedisUrl>,

    /// Read the password for --redis from this file
    #[arg(long, value_name = "FILE", requires = "redis")]
    redis_password_file: Option<PathBuf>,

    /// Serve Socket.IO clients of version 1 and 2 too (Engine.IO v3)
    #[arg(long)]
    allow_eio3: bool,

    /// Tell the others why somebody left: logout, closed, lost or removed
    #[arg(long)]
    show_causes: bool,

    /// Serve /echo, a WebSocket that sends every message back, for tests and benchmarks
    #[arg(long)]
    echo: bool,

    /// Origin whose pages may connect, besides the server's own; repeatable; * allows any
    ///
    /// https://*.example.com allows every host below example.com, but not example.com itself. Apps
    /// and extensions have origins such as capacitor://localhost or chrome-extension://ID. null is
    /// the origin of local files and of sandboxed frames, which any page can create: allowing it
    /// allows all pages.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,

    /// Host name that requests may use; *.example.com for all names below it, .example.com for
    /// these and itself; repeatable [default: any]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<HostPattern>,

    /// Rooms that may be entered besides the one without a name; * in it is any text; repeatable
    /// [default: any]
    #[arg(long, value_name = "PATTERN")]
    rooms: Vec<RoomPattern>,

    /// Proxy, or range of proxies, whose X-Forwarded-For names the client for limits by address;
    /// repeatable [default: none; the field is ignored]
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<Network>,

    /// Compress messages for clients that support it (permessage-deflate)
    #[arg(long, value_name = "WHEN", default_value = "on")]
    compression: Compression,

    /// Address and port that serve /metrics and /healthz alone [default: /metrics at --listen, for
    /// this machine only]
    #[arg(long, value_name = "ADDR", value_parser = listen::address)]
    metrics_listen: Option<SocketAddr>,

    /// Format of the log lines on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: log::Format,

    /// Least serious level that is logged
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: log::Level,

    /// Print the value in force and the bounds of every limit, and exit
    #[arg(long)]
    pub(crate) print_limits: bool,

    #[command(flatten)]
    limits: Limits,

    /// The limits that were given, as they are in force.
    #[arg(skip)]
    pub(crate) limits_given: Vec<String>,
}

/// What the program does instead of serving.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Drive a server with many clients, check what each client sees, and measure
    Bench(bench::Options),
    /// Report how many clients this machine can hold, and how to raise that number; or whether a
    /// server fits --redis
    Doctor(doctor::Options),
}

impl Cli {
    /// Reads the process's command line. A wrong one, `--help` and `--version` end the process.
    pub(crate) fn from_process() -> Cli {
        let matches = Cli::command().try_get_matches().unwrap_or_else(|error| exit(&error));
        let mut cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| exit(&error));
        let is_default =
            matches.value_source("buffered_mebibytes_max") == Some(ValueSource::DefaultValue);
        if let Some(bytes) = system::memory_bytes().filter(|_| is_default) {
            cli.limits.buffered_mebibytes_max =
                u32::try_from((bytes / 4) >> 20).unwrap_or(u32::MAX).max(1);
        }
        cli.limits_given = cli.limits_given(&matches);
        if let Err(problem) = listen::check(&cli.listen, cli.metrics_listen) {
            exit(&Cli::command().error(ErrorKind::ArgumentConflict, problem));
        }
        cli
    }

    /// What the server is told.
    pub(crate) fn config(&self, seed: u64, secret: Secret) -> Config {
        Config {
            limits: self.limits(),
            echo: self.echo,
            allows_eio3: self.allow_eio3,
            shows_causes: self.show_causes,
            saves: self.state.is_some(),
            redis: self.redis(seed),
            origins: self.origins().unwrap_or_else(|error| exit(&error)),
            hosts: self.allow_host.clone(),
            rooms: self.rooms.clone(),
            trusted_proxies: TrustedProxies::new(self.trusted_proxy.clone()),
            compression: self.compression,
            seed,
            metrics_listen: self.metrics_listen,
            secret,
        }
    }

    /// The server by which rooms are shared, if they are.
    fn redis(&self, node: u64) -> Option<Redis> {
        if self.redis.is_empty() {
            return None;
        }
        let password = redis_url::password(self.redis_password_file.as_deref());
        let password = password.unwrap_or_else(|problem| {
            exit(&Cli::command().error(ErrorKind::Io, format!("{problem}\n")))
        });
        Some(Redis { servers: self.redis.clone(), password, node })
    }

    /// The limits, after what the machine allows.
    fn limits(&self) -> Limits {
        let mut limits = self.limits.clone();
        limits.connections_max = limits.connections_max.min(system::connections_possible());
        limits
    }

    /// The limits in lines for people and for scripts: `name = value  # what it is (its bounds)`.
    pub(crate) fn limits_text(&self) -> String {
        let values = self.limit_values();
        let line = |flag: &clap::Arg| {
            let name = flag.get_long().unwrap_or_default();
            let value = values[flag.get_id().as_str()].to_string();
            let what = flag.get_help().map(ToString::to_string).unwrap_or_default();
            format!("{name:<30} = {value:>10}  # {what} ({})\n", bounds(name))
        };
        limit_flags(&Cli::command()).map(line).collect()
    }

    /// The flags of limits on the command line, with their values in force.
    fn limits_given(&self, matches: &ArgMatches) -> Vec<String> {
        let (command, values) = (Cli::command(), self.limit_values());
        let given = limit_flags(&command).filter_map(|flag| {
            let id = flag.get_id().as_str();
            let is_given = matches.value_source(id) == Some(ValueSource::CommandLine);
            is_given.then_some(format!("--{} {}", flag.get_long()?, values[id]))
        });
        given.collect()
    }

    /// The connections that were asked for.
    pub(crate) fn connections_asked(&self) -> Option<u32> {
        let is_given = self.limits_given.iter().any(|flag| flag.starts_with("--connections-max "));
        is_given.then_some(self.limits.connections_max)
    }

    /// Whether there are proxies who are believed and could be anybody.
    pub(crate) fn trusts_everyone(&self) -> bool {
        self.trusted_proxy.iter().any(Network::has_everyone)
    }

    fn limit_values(&self) -> serde_json::Value {
        serde_json::to_value(self.limits()).expect("numbers are JSON")
    }

    fn origins(&self) -> Result<OriginPolicy, clap::Error> {
        let parse = |text: &String| {
            text.parse().map_err(|error| {
                let message = format!("invalid value '{text}' for '--allow-origin': {error}\n");
                Cli::command().error(ErrorKind::ValueValidation, message)
            })
        };
        let (any, listed): (Vec<_>, Vec<_>) =
            self.allow_origin.iter().partition(|origin| *origin == "*");
        let listed = listed.into_iter().map(parse).collect::<Result<_, _>>()?;
        Ok(if any.is_empty() { OriginPolicy::Listed(listed) } else { OriginPolicy::Any })
    }
}

/// The flags that are limits: no other flag has a heading.
fn limit_flags(command: &clap::Command) -> impl Iterator<Item = &clap::Arg> {
    command.get_arguments().filter(|flag| flag.get_help_heading().is_some())
}

/// What the limit of this name may be set to. clap keeps that to itself but for its answer to a
/// value that is not allowed, and no limit can be 0.
fn bounds(name: &str) -> String {
    let zero = format!("--{name}=0");
    let error = Cli::command().try_get_matches_from(["headcount", &zero]).err();
    let reason = error.as_ref().and_then(Error::source).map(ToString::to_string);
    let range = reason.as_ref().and_then(|reason| reason.strip_prefix("0 is not in "));
    let (least, most) = range.and_then(|range| range.split_once("..=")).unwrap_or_default();
    match most.parse() {
        Ok(u32::MAX) => format!("{least} or more"),
        _ => format!("{least} to {most}"),
    }
}

/// Shows help or the version, or says in one line what is wrong.
fn exit(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        let Err(problem) = stdout::finish(error.print()) else { std::process::exit(0) };
        log::tell(&problem, log::Format::Text);
        std::process::exit(1);
    }
    let text = error.to_string();
    // The first paragraph: what is wrong and, on lines of their own, what would be right.
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let problem = lines.collect::<Vec<_>>().join(" ");
    // What the standard library says of a number like 10k, 1_000 or 1,000.
    let problem = problem.replace(
        "invalid digit found in string",
        "a number is written in digits alone, like 20000",
    );
    let problem = format!("{}; see --help", problem.trim_start_matches("error: "));
    // What is wrong may be the flag that asks for JSON.
    log::tell(&problem, log::Format::Text);
    std::process::exit(error.exit_code());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// 0 never means that there is no limit (docs/evidence/threats.md A3).
    #[test]
    fn no_limit_can_be_zero() {
        let command = Cli::command();
        let parse = |name: &str, value: &str| {
            Cli::try_parse_from(["headcount", &format!("--{name}={value}")])
        };
        for limit in limit_flags(&command) {
            let name = limit.get_long().unwrap();
            for nonsense in ["0", "00", "-0", "-1", "", " 1", "1.5", "4294967296", "unlimited"] {
                assert!(parse(name, nonsense).is_err(), "--{name}={nonsense}");
            }
            let default = limit.get_default_values()[0].to_str().unwrap();
            assert!(parse(name, default).is_ok(), "--{name}={default}");
        }
    }

    /// What a number means is said where it is printed.
    #[test]
    fn limits_are_told_with_their_units() {
        let units = [("BYTES", "bytes"), ("MIB", "mib"), ("MS", "ms")];
        let command = Cli::command();
        for limit in limit_flags(&command) {
            let help = limit.get_help().unwrap().to_string().to_lowercase();
            let unit = units.iter().find(|(name, _)| *name == limit.get_value_names().unwrap()[0]);
            assert!(unit.is_none_or(|(_, words)| help.contains(words)), "{help}");
        }
    }
}
