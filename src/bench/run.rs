//! One run: drives the fleet, takes samples, and keeps what is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};

use super::counts::Counts;
use super::faults::Event;
use super::fleet::Fleet;
use super::options::Options;
use super::oracle::histogram;
use super::probe::{Answers, Probe};
use super::problem::Problem;
use super::report::{Figure, Latency, Sample, Unit};
use super::subject::Subject;
use super::usage::{Span, Usage};

/// From one sample to the next.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// A generator or server that is busy for more of the time than this is what limits the run.
const BUSY: f64 = 0.9;

/// A run is disturbed if either waits for its CPU for more of the time than this.
const DISTURBED: f64 = 0.05;

/// What all pings to a client come to while nothing else does, in bytes.
const PING_BYTES_MAX: u64 = 1000;

/// One run.
pub(crate) struct Run<'a> {
    pub(crate) options: &'a Options,
    pub(crate) subject: Subject,
    pub(crate) fleet: Fleet,
    pub(crate) figures: Vec<Figure>,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) warnings: Vec<String>,
    /// What happened to nodes.
    pub(crate) events: Vec<Event>,
    /// What a stranger was answered meanwhile.
    pub(crate) stranger: Answers,
    interrupted: Arc<AtomicBool>,
    bar: ProgressBar,
    started: Instant,
    sampled: Sampled,
}

/// When the last sample was taken, and what was so then.
struct Sampled {
    at: Instant,
    counts: Counts,
    usage: Usage,
}

/// What a scenario waits for.
pub(crate) enum Step {
    /// Nothing: it is done.
    Done,
    /// Its own next action, at this time.
    Until(Instant),
    /// The server. It may take so long as something happens.
    Await,
}

/// What happened while something was measured.
pub(crate) struct Measured {
    pub(crate) span: Span,
    pub(crate) counts: Counts,
    pub(crate) latency: Histogram<u64>,
    /// Commands that nodes gave to Redis, if they have one that says so.
    pub(crate) commands: Option<u64>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        options: &'a Options,
        subject: Subject,
        fleet: Fleet,
        interrupted: Arc<AtomicBool>,
    ) -> Run<'a> {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let now = Instant::now();
        let usage = Usage::now(&subject.pids);
        Run {
            options,
            subject,
            fleet,
            figures: Vec::new(),
            latencies: Vec::new(),
            samples: Vec::new(),
            warnings: Vec::new(),
            events: Vec::new(),
            stranger: Answers::default(),
            interrupted,
            bar,
            started: now,
            sampled: Sampled { at: now, counts: Counts::default(), usage },
        }
    }

    /// Drives the fleet until `step` says that it is done. `doing` is told to whoever watches.
    pub(crate) fn drive(
        &mut self,
        doing: &'static str,
        mut step: impl FnMut(&mut Fleet, Instant) -> Step,
    ) -> Result<(), Problem> {
        let patience = Duration::from_secs(u64::from(self.options.patience));
        let mut moved = (Instant::now(), self.progress());
        loop {
            let now = Instant::now();
            if now - self.sampled.at >= SAMPLE_INTERVAL {
                self.sample(doing, now);
            }
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(Problem::Interrupted);
            }
            let next_sample = self.sampled.at + SAMPLE_INTERVAL;
            let wake = match step(&mut self.fleet, now) {
                Step::Done => return Ok(()),
                Step::Until(when) => {
                    moved.0 = now;
                    when.min(next_sample)
                }
                Step::Await => next_sample,
            };
            self.fleet.turn(wake)?;
            let progress = self.progress();
            if progress != moved.1 {
                moved = (now, progress);
            } else if now - moved.0 > patience {
                let (open, all) = (self.fleet.open, self.options.connections());
                return Err(Problem::Stalled(format!("{doing}, {open} of {all} connected")));
            }
        }
    }

    /// What changes while something happens: connections, messages, and many bytes of messages that
    /// are long. Pings are no news, and few bytes.
    fn progress(&self) -> (usize, u64, u64) {
        let counts = self.fleet.oracle.counts;
        let news_bytes = PING_BYTES_MAX * self.options.connections() as u64;
        (self.fleet.open, counts.deliveries, counts.bytes / news_bytes)
    }

    /// Measures what `work` does, even if it does not come to its end.
    pub(crate) fn measure(
        &mut self,
        work: impl FnOnce(&mut Run<'a>) -> Result<(), Problem>,
    ) -> (Measured, Result<(), Problem>) {
        let commands = self.subject.commands();
        let before = (Usage::now(&self.subject.pids), self.fleet.oracle.counts);
        let probe = self.options.probe.then(|| Probe::start(self.subject.urls[0].clone()));
        self.fleet.oracle.measure(true);
        let result = work(self);
        self.sample("measured", Instant::now());
        self.fleet.oracle.measure(false);
        let counts = self.fleet.oracle.counts;
        let measured = Measured {
            span: Usage::now(&self.subject.pids) - before.0,
            counts: counts - before.1,
            latency: self.fleet.oracle.take_latency(),
            commands: self.subject.commands().zip(commands).map(|(now, before)| now - before),
        };
        self.judge(&measured.span);
        if let Some(probe) = probe {
            self.stranger.add(probe.finish());
        }
        (measured, result)
    }

    /// Keeps a figure.
    pub(crate) fn figure(&mut self, name: &'static str, value: f64, unit: Unit) {
        self.figures.push(Figure { name, value, unit });
    }

    /// Keeps a distribution.
    pub(crate) fn latency(&mut self, name: &'static str, histogram: &Histogram<u64>) {
        if !histogram.is_empty() {
            self.latencies.push(Latency::new(name, histogram));
        }
    }

    /// Ends the live display, and says how the stranger fared.
    pub(crate) fn finish(&mut self) {
        if let Some(why) = self.stranger.failure.take() {
            self.warn(&format!(
                "{} of the stranger's requests failed: {why}",
                self.stranger.failed
            ));
        }
        let latency = std::mem::replace(&mut self.stranger.latency, histogram());
        self.latency("stranger_request", &latency);
        self.bar.finish_and_clear();
    }

    /// Says what the figures may be of, if not of the server.
    fn judge(&mut self, span: &Span) {
        let is_server_idle = span.server_load().is_some_and(|load| load < BUSY);
        if span.own_load() > BUSY && is_server_idle {
            self.warn(
                "the generator was busy all the time and the server was not: it was the limit",
            );
        }
        if span.disturbance() > DISTURBED {
            self.warn("other programs took the CPU from the server or the generator");
        }
    }

    fn warn(&mut self, warning: &str) {
        if !self.warnings.iter().any(|known| known == warning) {
            self.warnings.push(warning.into());
        }
    }

    fn sample(&mut self, doing: &str, now: Instant) {
        let elapsed = now - self.sampled.at;
        let usage = Usage::now(&self.subject.pids);
        let counts = self.fleet.oracle.counts;
        let span = usage - self.sampled.usage;
        let logged_in = self.fleet.oracle.people();
        let lately = &mut self.fleet.oracle.latency_lately;
        let quantile_ms = |quantile| {
            (!lately.is_empty()).then(|| lately.value_at_quantile(quantile) as f64 / 1e3)
        };
        let deliveries = counts.deliveries - self.sampled.counts.deliveries;
        let sample = Sample {
            seconds: (now - self.started).as_secs_f64(),
            connected: self.fleet.open,
            logged_in,
            deliveries_per_second: deliveries as f64 / elapsed.as_secs_f64().max(1e-3),
            p50_ms: quantile_ms(0.5),
            p99_ms: quantile_ms(0.99),
            server_bytes: usage.server_bytes,
            server_load: span.server_load(),
        };
        lately.reset();
        self.bar.set_message(format!(
            "{doing}: {} connected, {} logged in, {:.0} deliveries/s",
            sample.connected, sample.logged_in, sample.deliveries_per_second
        ));
        self.bar.tick();
        self.samples.push(sample);
        self.sampled = Sampled { at: now, counts, usage };
    }
}
