//! The figures that several scenarios have.

use super::report::Unit;
use super::run::{Measured, Run};

/// Connections whose memory in the kernel is more than what else comes and goes there.
const TELLING: usize = 1000;

/// The figures of what was told to whom.
pub(crate) fn told(run: &mut Run<'_>, measured: &Measured) {
    let deliveries = measured.counts.deliveries as f64;
    let wall = measured.span.wall.as_secs_f64();
    run.figure("deliveries", deliveries, Unit::Count);
    run.figure("deliveries_per_second", deliveries / wall, Unit::Count);
    if let Some(cpu) = measured.span.server_cpu {
        let per_delivery = cpu.as_secs_f64() * 1e6 / deliveries.max(1.0);
        run.figure("server_cpu_per_delivery", per_delivery, Unit::Micros);
        run.figure("server_cpu", cpu.as_secs_f64(), Unit::Seconds);
    }
    let bytes = measured.counts.bytes as f64;
    run.figure("bytes_received", bytes, Unit::Bytes);
    run.figure("bytes_per_client", bytes / run.fleet.readers() as f64, Unit::Bytes);
    run.figure("rosters_sent", measured.counts.rosters as f64, Unit::Count);
}

pub(crate) fn memory(
    run: &mut Run<'_>,
    measured: &Measured,
    connections: usize,
    server: &'static str,
    kernel: &'static str,
) {
    let per_connection = |bytes: i64| bytes as f64 / connections as f64;
    if let Some(bytes) = measured.span.server_bytes {
        run.figure(server, per_connection(bytes), Unit::Bytes);
    }
    // Both ends of the connections are on this machine. Of few it can't be told from all the rest.
    if !run.subject.pids.is_empty() && connections >= TELLING {
        run.figure(kernel, per_connection(measured.span.kernel_bytes), Unit::Bytes);
    }
}

pub(crate) fn cpu_load(run: &mut Run<'_>, name: &'static str, measured: &Measured) {
    if let Some(load) = measured.span.server_load() {
        run.figure(name, load * 100.0, Unit::Percent);
    }
}
