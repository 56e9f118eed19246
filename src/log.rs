//! The log: lines on standard error, in text or JSON.
//!
//! A line goes through a bounded queue to a thread that does nothing but write: standard error may
//! be a pipe that nobody reads, and the server must not wait for it. What the queue does not take
//! is dropped and counted. And whatever is in a line, it stays one line, of characters that do
//! nothing to a terminal.

use std::io::{self, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use headcount::rate::Quota;
use headcount::time::Time;
use tracing::field::{Field, Visit};
use tracing::{Subscriber, error, warn};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::{FormatFields, Writer};
use tracing_subscriber::fmt::{self, MakeWriter};

/// Lines that may wait to be written.
const LINES_MAX: usize = 256;

/// How long the end of the program waits for the last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one object per line
    Json,
}

/// The least serious of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Level {
    /// Nothing
    Off,
    /// Bugs of headcount
    Error,
    /// Conditions that need attention
    Warn,
    /// Start, stop, and connections closed for breaking a protocol
    Info,
    /// Every connection that did not end normally
    Debug,
}

impl Level {
    fn filter(self) -> LevelFilter {
        match self {
            Level::Off => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
        }
    }
}

/// The log of this process. When it is dropped, what waits is written, if that does not take long.
#[derive(Debug)]
pub(crate) struct Log {
    queue: SyncSender<Note>,
    dropped: Arc<AtomicU64>,
}

/// What is said to the thread that writes.
#[derive(Debug)]
enum Note {
    Line(Vec<u8>),
    /// Say when you are here.
    Flush(SyncSender<()>),
}

impl Log {
    /// Logs from now on, panics too.
    pub(crate) fn start(format: Format, level: Level) -> io::Result<Log> {
        let (log, notes) = Log::new();
        let lost = log.dropped();
        thread::Builder::new().name("log".into()).spawn(move || write_all(&notes, &lost))?;
        let subscriber = log.subscriber(format, level);
        tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
        let quota = Mutex::new(Quota::default());
        let started = Instant::now();
        let left_out = log.dropped();
        panic::set_hook(Box::new(move |panic| {
            let now = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            let mut is_logged = false;
            // Whoever panics waits for nobody: a line that another thread keeps back is left out.
            if let Ok(mut quota) = quota.try_lock() {
                limit_panics(&mut quota, Time::from_ms(now), || {
                    is_logged = true;
                    log_panic(panic);
                });
            }
            left_out.fetch_add(u64::from(!is_logged), Ordering::Relaxed);
        }));
        Ok(log)
    }

    fn new() -> (Log, Receiver<Note>) {
        let (queue, notes) = sync_channel(LINES_MAX);
        (Log { queue, dropped: Arc::default() }, notes)
    }

    /// How many lines were dropped, as it changes.
    pub(crate) fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }

    fn subscriber(&self, format: Format, level: Level) -> Box<dyn Subscriber + Send + Sync> {
        let lines = Lines { queue: self.queue.clone(), dropped: self.dropped() };
        let builder = fmt::fmt()
            .with_max_level(level.filter())
            .with_target(false)
            .with_ansi(false)
            .log_internal_errors(false)
            .with_writer(lines);
        match format {
            Format::Text => Box::new(builder.fmt_fields(TextFields).finish()),
            Format::Json => {
                let json = builder.json().flatten_event(true);
                Box::new(json.with_current_span(false).with_span_list(false).finish())
            }
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let end = Instant::now() + FLUSH_TIMEOUT;
        let (done, is_done) = sync_channel(1);
        let mut flush = Note::Flush(done);
        // The queue may be full of lines that are still being written.
        while let Err(TrySendError::Full(note)) = self.queue.try_send(flush) {
            if Instant::now() >= end {
                return;
            }
            flush = note;
            thread::sleep(Duration::from_millis(1));
        }
        let _ = is_done.recv_timeout(end.saturating_duration_since(Instant::now()));
    }
}

/// Writes what comes, until nobody is left who could send it. What can't be written is counted:
/// there is nobody to tell.
fn write_all(notes: &Receiver<Note>, lost: &AtomicU64) {
    for note in notes {
        match note {
            Note::Line(line) => {
                if io::stderr().write_all(&line).is_err() {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
            }
            Note::Flush(done) => drop(done.try_send(())),
        }
    }
}

/// Logs a panic if it is among the first of its second. How many were not is told before the next
/// that is.
fn limit_panics(quota: &mut Quota, now: Time, log_panic: impl FnOnce()) {
    if let Some(lines) = quota.settle(now) {
        warn!(about = "panicked", lines, "lines left out");
    }
    if quota.take(now) {
        log_panic();
    }
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    error!(place, reason = message.unwrap_or_default(), "panicked");
}

/// Says why the program can't go on, in one line, when there is no log yet or no more. It may be
/// that nobody hears it, and nobody is waited for who does not listen.
pub(crate) fn tell(problem: &str, format: Format) {
    let line = match format {
        Format::Text => format!("headcount: {problem}\n").into_bytes(),
        Format::Json => {
            let (log, notes) = Log::new();
            let subscriber = log.subscriber(format, Level::Error);
            tracing::subscriber::with_default(subscriber, || error!("{problem}"));
            let line = |note| if let Note::Line(line) = note { line } else { Vec::new() };
            notes.try_iter().flat_map(line).collect()
        }
    };
    let (done, is_done) = sync_channel(1);
    let line = Arc::new(line);
    let same = Arc::clone(&line);
    let write = move || {
        let _ = io::stderr().write_all(&line);
        let _ = done.try_send(());
    };
    match thread::Builder::new().name("log".into()).spawn(write) {
        Ok(_) => drop(is_done.recv_timeout(FLUSH_TIMEOUT)),
        // No more threads may be what the line is about.
        Err(_) => drop(io::stderr().write_all(&same)),
    }
}

/// Where lines are put.
#[derive(Debug)]
struct Lines {
    queue: SyncSender<Note>,
    dropped: Arc<AtomicU64>,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = LineWriter<'a>;

    fn make_writer(&'a self) -> LineWriter<'a> {
        LineWriter(self)
    }
}

/// The writer of one line, which is written as a whole.
#[derive(Debug)]
struct LineWriter<'a>(&'a Lines);

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.queue.try_send(Note::Line(escape(line))).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The fields of a line of text: the message, then `name=value`. A value is in quotes unless it is
/// one word, so that a program finds its end.
#[derive(Debug)]
struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> std::fmt::Result {
        let mut visitor = TextVisitor { writer, separator: "", result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct TextVisitor<'w> {
    writer: Writer<'w>,
    separator: &'static str,
    result: std::fmt::Result,
}

impl Visit for TextVisitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        let is_quoted = |c: char| c.is_whitespace() || c.is_control() || "\"=".contains(c);
        let is_word = !value.is_empty() && !value.contains(is_quoted);
        let (writer, separator) = (&mut self.writer, self.separator);
        let written = match field.name() {
            "message" => write!(writer, "{separator}{value}"),
            name if is_word => write!(writer, "{separator}{name}={value}"),
            name => write!(writer, "{separator}{name}={value:?}"),
        };
        self.result = self.result.and(written);
        self.separator = " ";
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// Replaces what ends a line before its end, or does something to a terminal: control characters,
/// those of C1 too, and what turns the direction of text. What replaces them is JSON, in which they
/// can only stand in strings.
fn escape(line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let mut escaped = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        match character {
            '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ if character.is_control() => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => escaped.push(character),
        }
    }
    escaped.push('\n');
    escaped.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written when `log` is called.
    fn written(format: Format, log: impl FnOnce()) -> Vec<String> {
        let (target, notes) = Log::new();
        tracing::subscriber::with_default(target.subscriber(format, Level::Info), log);
        let line = |note| match note {
            Note::Line(line) => String::from_utf8(line).unwrap(),
            Note::Flush(_) => panic!("nobody asked for that"),
        };
        notes.try_iter().map(line).collect()
    }

    /// docs/evidence/threats.md F6: nothing in a line can forge another, or reach the terminal.
    #[test]
    fn hostile_text_stays_in_one_line_of_harmless_characters() {
        let hostile = "a\r\nERROR forged\x1b[2J\u{9b}31m\x7f\0\u{202E}\u{2028}\"}\\ü";
        for format in [Format::Text, Format::Json] {
            let lines = written(format, || {
                tracing::info!(name = hostile, shown = %hostile, debug = ?hostile, "{hostile}");
            });
            assert_eq!(lines.len(), 1);
            let line = lines[0].strip_suffix('\n').unwrap();
            assert!(!line.contains(|c: char| c.is_control() || "\u{202E}\u{2028}".contains(c)));
            assert!(line.contains("forged") && line.contains('ü'), "{line}");
            if format == Format::Json {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(value["level"], "INFO");
                assert_eq!(value["name"].as_str(), Some(hostile));
            }
        }
    }

    #[test]
    fn value_of_more_than_a_word_is_in_quotes() {
        let lines = written(Format::Text, || {
            let (cause, path) = ("protocol_error: no mask", r"a\b");
            tracing::info!(%cause, lines = 7, address = %"::1", empty = "", path, "it ended");
            tracing::info!(said = %"a\" b=c\n", list = ?["d", "e"], "it ended");
        });
        let fields = lines.iter().map(|line| line.split_once("INFO ").unwrap().1.trim_end());
        let expected = [
            r#"it ended cause="protocol_error: no mask" lines=7 address=::1 empty="" path=a\b"#,
            r#"it ended said="a\" b=c\n" list="[\"d\", \"e\"]""#,
        ];
        assert_eq!(fields.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn level_is_the_least_that_is_written() {
        let lines = written(Format::Text, || {
            tracing::debug!("too little");
            tracing::warn!("enough");
        });
        assert!(matches!(&lines[..], [line] if line.contains("WARN enough")), "{lines:?}");
    }

    #[test]
    fn panics_of_one_second_are_limited_and_those_of_the_next_are_told_again() {
        let panics_at = |quota: &mut Quota, ms: u64, panics: usize| {
            let mut lines = 0;
            let logged = written(Format::Text, || {
                (0..panics).for_each(|_| limit_panics(quota, Time::from_ms(ms), || lines += 1));
            });
            (lines, logged.concat())
        };
        let mut quota = Quota::default();
        assert_eq!(panics_at(&mut quota, 0, 25), (10, String::new()));
        let (lines, logged) = panics_at(&mut quota, 1_000, 1);
        assert!(
            lines == 1 && logged.contains("lines left out about=panicked lines=15"),
            "{logged}"
        );
    }

    #[test]
    fn lines_that_nobody_takes_are_dropped_and_counted() {
        let (log, notes) = Log::new();
        tracing::subscriber::with_default(log.subscriber(Format::Text, Level::Info), || {
            (0..LINES_MAX + 5).for_each(|index| tracing::info!(index, "line"));
        });
        assert_eq!(log.dropped().load(Ordering::Relaxed), 5);
        assert_eq!(notes.try_iter().count(), LINES_MAX);
    }
}
