//! The command line: flags → [`Config`].

mod listen;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use headcount::config::{Compression, Config, Limits, OriginPolicy, Secret};
use headcount::http::{HostPattern, Network, TrustedProxies};

use crate::{bench, doctor, log, stdout, system};

const AFTER_HELP: &str = "\
Examples:
  headcount                                    the page on http://127.0.0.1:3000
  headcount --listen 0.0.0.0:80 --listen [::]:80
  headcount --www ./www                        a page of your own; a change shows at once
  headcount --allow-origin https://example.com a page elsewhere that connects here
  headcount bench storm -n 5000                5,000 clients that log in at once

Paths: / the page, /ws the WebSocket, /socket.io/ the same for Socket.IO clients, /roster who is
here as JSON, /healthz, /metrics for this machine, and /echo with --echo.
SIGTERM, SIGINT, SIGQUIT and SIGHUP close all connections with 1001 and exit; another SIGTERM,
SIGINT or SIGQUIT exits at once. Nothing is read again on SIGHUP; nohup keeps it from ending the
program. SIGUSR1 and SIGUSR2 are ignored: there is no log file to open again.";

/// A live roster: shows everyone who is here, in every browser, the moment it changes.
///
/// Serves a page, and a WebSocket at /ws that tells who is logged in. Every limit below has a safe
/// default; to try the program out, none of them is needed.
#[derive(Parser, Debug)]
#[command(name = "headcount", version, after_help = AFTER_HELP, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Address and port to listen on; may be given several times, port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000", value_delimiter = ',')]
    #[arg(value_parser = listen::address)]
    pub(crate) listen: Vec<SocketAddr>,

    /// Serve the files of this folder instead of the embedded page
    #[arg(long, value_name = "DIR")]
    pub(crate) www: Option<PathBuf>,

    /// Add /echo, a WebSocket that sends every message back, for tests and benchmarks
    #[arg(long)]
    echo: bool,

    /// Origin whose pages may connect, besides the server's own; may be given several times; * for
    /// any
    ///
    /// https://*.example.com is every host below example.com, and not that itself. Apps and
    /// extensions have origins like capacitor://localhost or chrome-extension://ID. null is the
    /// origin of files and of every frame that some page anywhere puts into a sandbox: to allow it
    /// allows all pages.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<String>,

    /// Host name that requests may be for, or *.example.com for all below that; may be given
    /// several times [default: any]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_host: Vec<HostPattern>,

    /// Proxy, or range of proxies, whose X-Forwarded-For says under which address a client is
    /// counted; may be given several times [default: none, and the field is ignored]
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<Network>,

    /// Compress messages for those who can take it (permessage-deflate)
    #[arg(long, value_name = "WHEN", default_value = "on")]
    compression: Compression,

    /// Address and port at which /metrics and /healthz are served, and nothing else [default: at
    /// --listen, /metrics to this machine only]
    #[arg(long, value_name = "ADDR", value_parser = listen::address)]
    metrics_listen: Option<SocketAddr>,

    /// How log lines are written, on standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: log::Format,

    /// The least serious of what is logged
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: log::Level,

    /// Print the value of every limit, as it would be in force, and its bounds, and exit
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
    /// Drive a server with many clients, check what each of them sees, and measure
    Bench(bench::Options),
    /// Say how many clients this machine can hold, and what to change for more
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
            origins: self.origins().unwrap_or_else(|error| exit(&error)),
            hosts: self.allow_host.clone(),
            trusted_proxies: TrustedProxies::new(self.trusted_proxy.clone()),
            compression: self.compression,
            seed,
            metrics_listen: self.metrics_listen,
            secret,
        }
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

    #[test]
    fn readme_lists_every_limit_with_its_default() {
        let readme = include_str!("../README.md").replace(',', "");
        let command = Cli::command();
        for limit in limit_flags(&command) {
            let name = limit.get_long().unwrap();
            let default = match limit.is_hide_default_value_set() {
                true => "¼ of memory",
                false => limit.get_default_values()[0].to_str().unwrap(),
            };
            let row = format!("| `--{name}` | {default} | ");
            assert!(readme.contains(&row), "README lacks {row}");
        }
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
