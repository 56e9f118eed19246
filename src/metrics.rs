//! The numbers of the server in the text format of Prometheus, version 0.0.4.
//!
//! It is a picture of what is counted elsewhere, drawn when somebody asks: there is no registry and
//! nothing is shared.

use prometheus::TextEncoder;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric};
use prometheus::proto::{MetricFamily, MetricType};

use crate::backplane::Numbers;
use crate::connection::{CauseKind, State};
use crate::tally::{AcceptError, Tally, Turns};

/// The media type of what [`encode`] returns.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is so at one moment.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// What has happened.
    pub tally: &'a Tally,
    /// Connections in each of [`State::OPEN`].
    pub open: [u32; State::OPEN.len()],
    /// Rooms that there are.
    pub rooms: usize,
    /// Names in all rooms, those that just left included.
    pub names: usize,
    /// Members in all rooms.
    pub members: usize,
    /// Those of them that no connection has.
    pub held: u32,
    /// Those that had none and have one again.
    pub returned: u64,
    /// Those that were there before a restart.
    pub restored: u64,
    /// Those that are gone, by why.
    pub ended: Vec<(&'static str, u64)>,
    /// What happened between this node and others, and members of those, if there are any.
    pub shared: Option<(Numbers, usize)>,
    /// Bytes of memory that connections hold beside themselves.
    pub buffered_bytes: usize,
}

/// Writes everything down.
pub fn encode(snapshot: &Snapshot<'_>) -> String {
    let mut families = vec![build_info()];
    families.extend(connections(snapshot));
    families.extend(roster(snapshot));
    families.extend(snapshot.shared.iter().flat_map(nodes));
    families.extend(traffic(snapshot));
    families.extend(driver(snapshot.tally));
    // It fails if a family has no name or nothing in it, and all of ours have both.
    TextEncoder::new().encode_to_string(&families).unwrap_or_default()
}

/// A constant with the version as a label, as Prometheus has it of most programs.
fn build_info() -> MetricFamily {
    let version = (env!("CARGO_PKG_VERSION"), 1.0);
    by_label(
        "build_info",
        GAUGE,
        "The running version; the value is always 1.",
        "version",
        [version],
    )
}

fn connections(snapshot: &Snapshot<'_>) -> Vec<MetricFamily> {
    let tally = snapshot.tally;
    let open = State::OPEN.iter().zip(snapshot.open);
    let open = open.map(|((_, name), count)| (*name, f64::from(count)));
    let refused = [("full", tally.refused_full), ("address", tally.refused_address)];
    vec![
        by_label("connections", GAUGE, "Open connections by state.", "state", open),
        counter("connections_accepted_total", "Connections that were accepted.", tally.accepted),
        counter(
            "polling_sessions_opened_total",
            "Sessions of long-polling: each is among the connections beside those of its requests.",
            tally.sessions,
        ),
        counters(
            "connections_refused_total",
            "Connections refused when they arrived, by cause.",
            "cause",
            refused,
        ),
        counter(
            "forwarded_requests_refused_total",
            "Requests of trusted proxies refused with 429, each on an accepted connection.",
            tally.refused_forwarded,
        ),
        counters(
            "connections_closed_total",
            "Connections that ended, by cause.",
            "cause",
            CauseKind::ALL.into_iter().map(|(_, name)| name).zip(tally.closed),
        ),
    ]
}

fn roster(snapshot: &Snapshot<'_>) -> Vec<MetricFamily> {
    let tally = snapshot.tally;
    vec![
        gauge("rooms", "Rooms.", snapshot.rooms as f64),
        gauge("names", "Names in all rooms.", snapshot.names as f64),
        gauge("members", "Logins in force in all rooms.", snapshot.members as f64),
        counter("logins_total", "Logins to rooms.", tally.logins),
        counter("renames_total", "Changes of name.", tally.renames),
        gauge("members_held", "Logins without a connection.", f64::from(snapshot.held)),
        counter(
            "members_returned_total",
            "Logins that were without a connection and have one again.",
            snapshot.returned,
        ),
        counter(
            "members_restored_total",
            "Logins that were read from the file of --state.",
            snapshot.restored,
        ),
        counters(
            "members_ended_total",
            "Logins that ended, by cause.",
            "cause",
            snapshot.ended.iter().copied(),
        ),
        counter(
            "copies_resumed_total",
            "Copies of rooms from which clients went on.",
            tally.resumed,
        ),
        counter("copies_drifted_total", "Copies that clients found wrong.", tally.drifts),
        counter("updates_total", "Changes of presence data or status.", tally.updates),
        counter("commits_total", "Commits of rooms.", tally.commits),
        counter(
            "room_visits_total",
            "Rooms looked at because something was due in them.",
            tally.room_visits,
        ),
        counter(
            "deliveries_total",
            "Frames of roster updates, counted for each connection that they were sent to.",
            tally.deliveries,
        ),
        counter(
            "lagged_checkpoints_total",
            "Whole rosters sent to connections that had fallen behind.",
            tally.checkpoints_lagged,
        ),
    ]
}

fn nodes((numbers, members): &(Numbers, usize)) -> Vec<MetricFamily> {
    let repairs = [("hole", numbers.holes), ("content", numbers.differences)];
    vec![
        gauge("redis_up", "Whether Redis is there.", f64::from(u8::from(numbers.is_up))),
        counter("redis_connects_total", "Connections to Redis.", numbers.connects),
        counter("redis_commands_total", "Commands sent to Redis.", numbers.commands),
        gauge(
            "redis_lag_seconds",
            "Time that the last word to all processes was on its way.",
            numbers.lag_ms as f64 / 1_000.0,
        ),
        gauge("nodes", "Other processes that share rooms.", numbers.peers as f64),
        gauge("nodes_members", "Logins at other processes in rooms here.", *members as f64),
        counter("nodes_messages_total", "Messages of other processes.", numbers.messages),
        counter("nodes_messages_foreign_total", "Messages not understood.", numbers.foreign),
        counters(
            "nodes_repairs_total",
            "Parts of other processes that were asked for again, by reason.",
            "reason",
            repairs,
        ),
    ]
}

fn traffic(snapshot: &Snapshot<'_>) -> Vec<MetricFamily> {
    let tally = snapshot.tally;
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"].into_iter().zip(tally.responses);
    vec![
        counter("received_bytes_total", "Bytes from peers.", tally.bytes_in),
        counter("sent_bytes_total", "Bytes to peers.", tally.bytes_out),
        gauge(
            "buffered_bytes",
            "Memory held for connections beyond their fixed size, in bytes.",
            snapshot.buffered_bytes as f64,
        ),
        counters("http_responses_total", "HTTP responses by class of status.", "class", classes),
    ]
}

fn driver(tally: &Tally) -> Vec<MetricFamily> {
    let errors = AcceptError::ALL.iter().map(|(_, name)| *name).zip(tally.accept_errors);
    vec![
        turn_duration(&tally.turns),
        gauge(
            "turn_duration_longest_seconds",
            "The longest turn of the event loop, in seconds.",
            seconds(tally.turns.longest_us),
        ),
        counter(
            "stalls_total",
            "Turns of the event loop longer than --stall-ms.",
            tally.turns.stalls,
        ),
        counters("accept_errors_total", "Failures to accept by errno.", "errno", errors),
        counter("stale_events_total", "Events for connections that had ended.", tally.stale_events),
        counter("panics_total", "Bugs of headcount, each caught in one connection.", tally.panics),
        counter(
            "state_failures_total",
            "Failures to write the file of --state.",
            tally.state_failures,
        ),
        gauge(
            "state_behind",
            "1 while the file of --state lacks something.",
            f64::from(u8::from(tally.state_is_behind)),
        ),
        counter(
            "log_lines_dropped_total",
            "Log lines left out: too many about one topic, or a full queue.",
            tally.log_lines_dropped,
        ),
    ]
}

fn turn_duration(turns: &Turns) -> MetricFamily {
    let mut cumulative = 0;
    let buckets = Turns::BUCKETS_US.iter().zip(turns.buckets).map(|(&bound_us, count)| {
        cumulative += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(seconds(bound_us));
        bucket.set_cumulative_count(cumulative);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(turns.count());
    histogram.set_sample_sum(seconds(turns.sum_us));
    let mut metric = Metric::default();
    metric.set_histogram(histogram);
    let help = "Time from waking up to the next wait, in seconds.";
    family("turn_duration_seconds", MetricType::HISTOGRAM, help, vec![metric])
}

const COUNTER: MetricType = MetricType::COUNTER;
const GAUGE: MetricType = MetricType::GAUGE;

fn family(name: &str, kind: MetricType, help: &str, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(format!("headcount_{name}"));
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn counter(name: &str, help: &str, count: u64) -> MetricFamily {
    family(name, COUNTER, help, vec![metric(COUNTER, None, count as f64)])
}

fn gauge(name: &str, help: &str, value: f64) -> MetricFamily {
    family(name, GAUGE, help, vec![metric(GAUGE, None, value)])
}

fn counters<'a>(
    name: &str,
    help: &str,
    label: &str,
    counts: impl IntoIterator<Item = (&'a str, u64)>,
) -> MetricFamily {
    let values = counts.into_iter().map(|(of, count)| (of, count as f64));
    by_label(name, COUNTER, help, label, values)
}

fn by_label<'a>(
    name: &str,
    kind: MetricType,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (&'a str, f64)>,
) -> MetricFamily {
    let metrics = values.into_iter().map(|(of, value)| metric(kind, Some((label, of)), value));
    family(name, kind, help, metrics.collect())
}

fn metric(kind: MetricType, label: Option<(&str, &str)>, value: f64) -> Metric {
    let pair = label.map(|(name, of)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(of.to_owned());
        pair
    });
    let mut metric = Metric::from_label(pair.into_iter().collect());
    if kind == COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}
