//! Scenarios in which clients come back with the copies that they have, and what that takes: others
//! should see nothing of it, and whoever comes back should be sent what they missed and no more.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::client::Leaving;
use super::figures::cpu_load;
use super::options::Changes;
use super::problem::Problem;
use super::report::Unit;
use super::run::{Measured, Run};
use super::steps::{change, done_if, gather};

/// All close their connections and come back at once, as many at a time as may be opening.
pub(crate) fn reload(run: &mut Run<'_>) -> Result<(), Problem> {
    gather(run)?;
    let (measured, result) = run.measure(|run| {
        for index in 0..run.options.clients as usize {
            run.fleet.reload(index);
        }
        await_all_right(run)
    });
    returned(run, &measured, measured.span.wall, result.is_ok(), 0.0);
    result
}

/// The server is killed, as by a crash, and started again.
pub(crate) fn restart(run: &mut Run<'_>) -> Result<(), Problem> {
    if !run.subject.is_own() {
        return Err(Problem::NotOurs);
    }
    gather(run)?;
    let started = Instant::now();
    run.subject.restart()?;
    let (clients, all) = (run.options.clients as usize, run.fleet.readers());
    let (measured, result) = run.measure(|run| {
        leave(run, 0..all);
        // Those who are to see the others come back are there before them.
        come_back(run, (clients..all).chain(0..clients), started)
    });
    returned(run, &measured, started.elapsed(), result.is_ok(), 0.0);
    result
}

/// All lose the network for a while, and those who stay make changes meanwhile.
pub(crate) fn cut(run: &mut Run<'_>) -> Result<(), Problem> {
    gather(run)?;
    let duration = Duration::from_secs(u64::from(run.options.cut_s));
    let clients = 0..run.options.clients as usize;
    let observers = clients.end..run.fleet.readers();
    let (away, result) = run.measure(|run| {
        leave(run, clients.clone());
        change(run, observers.clone(), duration)?;
        run.drive("telling those who stay", |fleet, _| {
            done_if(fleet.oracle.rooms.iter().all(|room| room.unshown() == 0))
        })
    });
    let missed = away.counts.observed_bytes as f64 / observers.len() as f64;
    run.figure("changes", run.fleet.changes as f64, Unit::Count);
    run.figure("observer_frames_while_away", away.counts.observed as f64, Unit::Count);
    run.figure("of_them_of_clients_away", away.counts.observed_of_clients as f64, Unit::Count);
    run.latency("change_to_visible", &away.latency);
    result?;
    let (measured, result) = run.measure(|run| come_back(run, clients, Instant::now()));
    returned(run, &measured, measured.span.wall, result.is_ok(), missed);
    result
}

/// All copies are corrupted once, and somebody makes a change in each room.
pub(crate) fn drift(run: &mut Run<'_>) -> Result<(), Problem> {
    gather(run)?;
    let clients = run.options.clients as usize;
    let (measured, result) = run.measure(|run| {
        let now = Instant::now();
        for index in 0..clients {
            run.fleet.drift(index);
        }
        for index in clients..clients + run.options.rooms() {
            match run.options.changes {
                Changes::Data => run.fleet.set(index, now),
                Changes::Logins => run.fleet.rename(index, false, now),
            }
        }
        await_all_right(run)
    });
    if result.is_ok() {
        run.figure("all_right", measured.span.wall.as_secs_f64(), Unit::Seconds);
    }
    run.figure("drifts", clients as f64, Unit::Count);
    run.figure("drifts_found", measured.counts.drifts_found as f64, Unit::Count);
    run.figure("drifts_mended", measured.counts.drifts_mended as f64, Unit::Count);
    run.figure("rosters_sent", measured.counts.rosters as f64, Unit::Count);
    run.figure("bytes_received", measured.counts.bytes as f64, Unit::Bytes);
    result
}

fn leave(run: &mut Run<'_>, clients: Range<usize>) {
    for index in clients {
        run.fleet.leave(index, Leaving::Cut);
    }
}

/// Has clients come back, and waits until they are. The clock of that runs from `due`.
fn come_back(
    run: &mut Run<'_>,
    clients: impl Iterator<Item = usize>,
    due: Instant,
) -> Result<(), Problem> {
    for index in clients {
        run.fleet.come_back(index, due);
    }
    await_all_right(run)
}

fn await_all_right(run: &mut Run<'_>) -> Result<(), Problem> {
    run.drive("coming back", |fleet, _| done_if(fleet.are_all_right()))
}

/// The figures of clients that came back. Each of them missed so many bytes.
fn returned(run: &mut Run<'_>, measured: &Measured, took: Duration, is_done: bool, missed: f64) {
    let counts = &measured.counts;
    let clients = f64::from(run.options.clients);
    if is_done {
        run.figure("all_right", took.as_secs_f64(), Unit::Seconds);
    }
    run.figure("resumed", counts.resumed as f64, Unit::Count);
    run.figure("resumed_by_content", counts.resumed_by_content as f64, Unit::Count);
    run.figure("rosters_sent", counts.rosters as f64, Unit::Count);
    run.figure("still_logged_in", counts.still_logged_in as f64, Unit::Count);
    run.figure("observer_frames", counts.observed as f64, Unit::Count);
    run.figure("observer_frames_of_clients", counts.observed_of_clients as f64, Unit::Count);
    let frames = counts.frame_bytes as f64 / clients;
    let bytes = (counts.bytes - counts.bytes_to_observers) as f64;
    run.figure("bytes_received", bytes, Unit::Bytes);
    run.figure("bytes_per_client", bytes / clients, Unit::Bytes);
    run.figure("of_them_in_frames", frames, Unit::Bytes);
    run.figure("bytes_missed", missed, Unit::Bytes);
    run.figure("bytes_beyond_missed", frames - missed, Unit::Bytes);
    if let Some(cpu) = measured.span.server_cpu {
        run.figure("server_cpu", cpu.as_secs_f64(), Unit::Seconds);
    }
    cpu_load(run, "server_busy", measured);
    let back = run.fleet.oracle.back.clone();
    run.latency("lost_to_right", &back);
}
