//! What a run found, for people and for programs.

use std::fmt::{self, Write};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::faults::Event;
use super::machine::Machine;

/// The quantiles of a curve, which the plot of a distribution is drawn through.
const CURVE: [f64; 14] =
    [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999, 1.0];

/// What a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) scenario: &'static str,
    pub(crate) clients: u32,
    pub(crate) rooms: usize,
    /// Processes of the server.
    pub(crate) nodes: usize,
    /// The command that made it.
    pub(crate) command: String,
    pub(crate) server: String,
    pub(crate) version: &'static str,
    pub(crate) date: String,
    pub(crate) machine: Machine,
    /// Whether every client's roster was the server's at the end, without a gap before.
    pub(crate) is_correct: bool,
    pub(crate) is_interrupted: bool,
    /// Why it was stopped before its end.
    pub(crate) ended_early: Option<String>,
    pub(crate) mistakes: u64,
    pub(crate) mistakes_told: Vec<String>,
    pub(crate) warnings: Vec<String>,
    /// What happened to nodes.
    pub(crate) events: Vec<Event>,
    pub(crate) figures: Vec<Figure>,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) samples: Vec<Sample>,
}

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: Unit,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Count,
    Rate,
    Bytes,
    Seconds,
    Micros,
    Percent,
    Ratio,
}

/// A distribution of times, in ms.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) name: &'static str,
    pub(crate) count: u64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
    /// Quantiles and their times.
    pub(crate) curve: Vec<(f64, f64)>,
}

/// What was so at one time.
#[derive(Debug, Serialize)]
pub(crate) struct Sample {
    /// Since the start.
    pub(crate) seconds: f64,
    pub(crate) connected: usize,
    pub(crate) logged_in: u64,
    pub(crate) deliveries_per_second: f64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
    pub(crate) server_bytes: Option<u64>,
    /// The part of the time in which the server was busy.
    pub(crate) server_load: Option<f64>,
}

impl Latency {
    pub(crate) fn new(name: &'static str, histogram: &Histogram<u64>) -> Latency {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
        Latency {
            name,
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() as f64 / 1e3,
            curve: CURVE.into_iter().map(|quantile| (quantile, at(quantile))).collect(),
        }
    }
}

impl fmt::Display for Figure {
    /// The value with its unit, short enough to compare.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value;
        match self.unit {
            Unit::Count if value.abs() >= 1e6 => write!(f, "{:.2} M", value / 1e6),
            Unit::Count => write!(f, "{value:.0}"),
            Unit::Rate => write!(f, "{value:.3} /s"),
            Unit::Bytes if value.abs() >= 1e9 => write!(f, "{:.2} GB", value / 1e9),
            Unit::Bytes if value.abs() >= 1e6 => write!(f, "{:.2} MB", value / 1e6),
            Unit::Bytes if value.abs() >= 1e4 => write!(f, "{:.1} kB", value / 1e3),
            Unit::Bytes => write!(f, "{value:.0} B"),
            Unit::Seconds => write!(f, "{value:.3} s"),
            Unit::Micros => write!(f, "{value:.2} µs"),
            Unit::Percent => write!(f, "{value:.1} %"),
            Unit::Ratio => write!(f, "× {value:.2}"),
        }
    }
}

/// The name of a figure in words.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

impl Report {
    /// For programs.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("nothing in it can't be written")
    }

    /// What is said of the outcome, in one line.
    pub(crate) fn verdict(&self) -> String {
        match &self.ended_early {
            Some(why) => why.clone(),
            None if self.is_correct && self.scenario == "echo" => {
                "every message came back as it was sent".into()
            }
            None if self.is_correct && self.scenario == "count" => {
                format!("all {} clients have the server's count", self.clients)
            }
            None if self.is_correct => {
                format!("all {} rosters are the server's, without a gap", self.clients)
            }
            None => format!("WRONG: {} mistakes", self.mistakes),
        }
    }

    /// How many there are, and in how many rooms.
    pub(crate) fn crowd(&self) -> String {
        let rooms = match self.rooms {
            1 => String::new(),
            rooms => format!(" in {rooms} rooms"),
        };
        let nodes = match self.nodes {
            1 => String::new(),
            nodes => format!(" on {nodes} nodes"),
        };
        format!("{} clients{rooms}{nodes}", self.clients)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |text: fmt::Arguments<'_>| {
            out.write_fmt(text).expect("a string takes everything");
            out.push('\n');
        };
        line(format_args!("{}, {}: {}", self.scenario, self.crowd(), self.verdict()));
        for mistake in &self.mistakes_told {
            line(format_args!("  mistake: {mistake}"));
        }
        for warning in &self.warnings {
            line(format_args!("  warning: {warning}"));
        }
        line(format_args!(""));
        for figure in &self.figures {
            let value = figure.to_string();
            line(format_args!("  {:<28}{value:>14}", words(figure.name)));
        }
        if !self.latencies.is_empty() {
            line(format_args!(
                "\n  {:<24}{:>9}{:>9}{:>9}{:>9}{:>9}   of",
                "in ms", "p50", "p90", "p99", "p99.9", "max"
            ));
        }
        for Latency { name, count, p50, p90, p99, p999, max, .. } in &self.latencies {
            let name = words(name);
            line(format_args!(
                "  {name:<24}{p50:>9.2}{p90:>9.2}{p99:>9.2}{p999:>9.2}{max:>9.2}   {count}"
            ));
        }
        out
    }
}
