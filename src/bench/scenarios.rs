//! What the clients do in each scenario, and which figures come of it.

use std::time::Instant;

use super::figures::{cpu_load, memory, told};
use super::nodes;
use super::options::{Changes, Scenario};
use super::problem::Problem;
use super::report::Unit;
use super::returning;
use super::run::{Measured, Run};
use super::steps::{
    await_names, change, compare, connect_all, done_if, gather, open, pace, require_roster, rest,
    seconds,
};

/// Does what the options say, and compares all rooms with the server's at the end.
pub(crate) fn perform(run: &mut Run<'_>) -> Result<(), Problem> {
    match run.options.scenario {
        Scenario::Idle => idle(run)?,
        Scenario::Storm => storm(run)?,
        Scenario::Churn => churn(run)?,
        Scenario::Reload => returning::reload(run)?,
        Scenario::Restart => returning::restart(run)?,
        Scenario::Cut => returning::cut(run)?,
        Scenario::Drift => returning::drift(run)?,
        Scenario::Slow => slow(run)?,
        Scenario::Fanout => fanout(run)?,
        Scenario::Count => count(run)?,
        Scenario::Nodes => nodes::nodes(run)?,
        Scenario::Echo => return echo(run),
    }
    compare(run)?;
    nodes::memory(run);
    Ok(())
}

fn idle(run: &mut Run<'_>) -> Result<(), Problem> {
    open(run)?;
    let (held, result) = run.measure(|run| rest(run, "idle", seconds(run)));
    cpu_load(run, "server_busy", &held);
    result
}

fn storm(run: &mut Run<'_>) -> Result<(), Problem> {
    require_roster(run)?;
    let (measured, result) = run.measure(|run| {
        connect_all(&mut run.fleet, true);
        await_names(run, "logging in")
    });
    if result.is_ok() {
        run.figure("all_up_to_date", measured.span.wall.as_secs_f64(), Unit::Seconds);
    }
    told(run, &measured);
    run.latency("login_to_visible", &measured.latency);
    result
}

fn churn(run: &mut Run<'_>) -> Result<(), Problem> {
    gather(run)?;
    let clients = run.options.clients as usize;
    let (measured, result) = run.measure(|run| change(run, 0..clients, seconds(run)));
    run.figure("changes", run.fleet.changes as f64, Unit::Count);
    told(run, &measured);
    nodes::commands(run, &measured);
    cpu_load(run, "server_busy", &measured);
    run.latency("change_to_visible", &measured.latency);
    result
}

fn slow(run: &mut Run<'_>) -> Result<(), Problem> {
    let clients = run.options.clients as usize;
    let stuck = run.options.stuck();
    gather(run)?;
    let (without, result) = run.measure(|run| change(run, 0..clients, seconds(run)));
    run.latency("without_stuck_clients", &without.latency);
    result?;

    let (with, result) = run.measure(|run| {
        for index in clients..clients + stuck {
            run.fleet.connect_stuck(index);
        }
        run.drive("connecting the stuck", |fleet, _| done_if(fleet.open == clients + stuck))?;
        run.fleet.oracle.measure(true);
        change(run, 0..clients, seconds(run))
    });
    run.latency("with_stuck_clients", &with.latency);
    let p99 = |measured: &Measured| measured.latency.value_at_quantile(0.99).max(1) as f64;
    if result.is_ok() {
        run.figure("p99_with_to_without", p99(&with) / p99(&without), Unit::Ratio);
    }
    told(run, &with);
    memory(run, &with, stuck, "server_memory_per_stuck", "kernel_memory_per_stuck");
    result
}

fn fanout(run: &mut Run<'_>) -> Result<(), Problem> {
    match run.options.changes {
        Changes::Logins => open(run)?,
        Changes::Data => gather(run)?,
    }
    let (rooms, rounds) = (run.options.rooms(), run.options.rounds as usize);
    let (measured, result) = run.measure(|run| {
        for round in 0..rounds {
            let now = Instant::now();
            for room in 0..rooms {
                let mut members = run.fleet.readers_in(room);
                let (member, again) = (round % members.len(), round / members.len());
                let index = members.nth(member).expect("it is less than their number");
                match run.options.changes {
                    Changes::Logins => run.fleet.rename(index, again % 2 == 0, now),
                    Changes::Data => run.fleet.set(index, now),
                }
            }
            run.drive("telling everyone", |fleet, _| {
                done_if(fleet.oracle.has_all_been_seen() && fleet.all_know())
            })?;
        }
        Ok(())
    });
    told(run, &measured);
    run.latency("change_to_visible", &measured.latency);
    result
}

fn count(run: &mut Run<'_>) -> Result<(), Problem> {
    require_roster(run)?;
    let (clients, all) = (run.options.clients as usize, run.options.readers());
    let visitors = all - clients;
    let now = Instant::now();
    for index in 0..all {
        match index < clients {
            true => run.fleet.connect_counting(index),
            false => run.fleet.connect(index, false, now),
        }
    }
    run.drive("connecting", |fleet, _| done_if(fleet.open == all && fleet.all_know()))?;
    let (measured, result) = run.measure(|run| {
        // All come, then all go, and so on: what a viewer is told is another number each time.
        pace(run, "coming and going", seconds(run), |fleet, action, due| {
            fleet.rename(clients + action % visitors, action / visitors % 2 == 0, due);
        })
    });
    let frames = measured.counts.counts as f64 / clients as f64;
    let wall = measured.span.wall.as_secs_f64();
    run.figure("changes", run.fleet.changes as f64, Unit::Count);
    run.figure("frames_per_client_per_second", frames / wall, Unit::Rate);
    run.figure("largest_frame", run.fleet.oracle.count_bytes_max as f64, Unit::Bytes);
    cpu_load(run, "server_busy", &measured);
    result
}

fn echo(run: &mut Run<'_>) -> Result<(), Problem> {
    open(run)?;
    let (measured, result) = run.measure(|run| rest(run, "echoing", seconds(run)));
    told(run, &measured);
    run.latency("there_and_back", &measured.latency);
    result
}
