//! What the clients do in each scenario, and which figures come of it.

use std::time::{Duration, Instant};

use super::fleet::Fleet;
use super::options::Scenario;
use super::problem::Problem;
use super::report::Unit;
use super::run::{Measured, Run, Step};

/// How long it is quiet before memory is measured: the server frees and sums up in its next turn.
const REST: Duration = Duration::from_millis(300);

/// Connections whose memory in the kernel is more than what else comes and goes there.
const TELLING: usize = 1000;

/// Does what the options say, and compares all rosters with the server's at the end.
pub(crate) fn perform(run: &mut Run<'_>) -> Result<(), Problem> {
    match run.options.scenario {
        Scenario::Idle => idle(run)?,
        Scenario::Storm => storm(run)?,
        Scenario::Churn => churn(run)?,
        Scenario::Reload => reload(run)?,
        Scenario::Restart => restart(run)?,
        Scenario::Slow => slow(run)?,
        Scenario::Fanout => fanout(run)?,
        Scenario::Echo => return echo(run),
    }
    compare(run)
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
    let (measured, result) = run.measure(toggle);
    run.figure("changes", run.fleet.changes as f64, Unit::Count);
    told(run, &measured);
    cpu_load(run, "server_busy", &measured);
    run.latency("change_to_visible", &measured.latency);
    result
}

fn reload(run: &mut Run<'_>) -> Result<(), Problem> {
    gather(run)?;
    let (measured, result) = run.measure(|run| {
        for index in 0..run.fleet.readers() {
            run.fleet.drop_connection(index);
        }
        connect_all(&mut run.fleet, true);
        await_names(run, "coming back")
    });
    if result.is_ok() {
        run.figure("all_back", measured.span.wall.as_secs_f64(), Unit::Seconds);
    }
    told(run, &measured);
    run.latency("login_to_visible", &measured.latency);
    result
}

fn restart(run: &mut Run<'_>) -> Result<(), Problem> {
    if !run.subject.is_own() {
        return Err(Problem::NotOurs);
    }
    gather(run)?;
    let started = Instant::now();
    run.fleet.server_is_killed(started);
    run.subject.restart()?;
    let (measured, result) = run.measure(|run| await_names(run, "coming back"));
    run.fleet.comes_back = false;
    if result.is_ok() {
        run.figure("all_back", started.elapsed().as_secs_f64(), Unit::Seconds);
    }
    told(run, &measured);
    run.latency("login_to_visible", &measured.latency);
    result
}

fn slow(run: &mut Run<'_>) -> Result<(), Problem> {
    let clients = run.options.clients as usize;
    let stuck = run.options.stuck();
    gather(run)?;
    let (without, result) = run.measure(toggle);
    run.latency("without_stuck_clients", &without.latency);
    result?;

    let (with, result) = run.measure(|run| {
        for index in clients..clients + stuck {
            run.fleet.connect_stuck(index);
        }
        run.drive("connecting the stuck", |fleet, _| done_if(fleet.open == clients + stuck))?;
        run.fleet.oracle.measure(true);
        toggle(run)
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
    open(run)?;
    let rounds = run.options.rounds as usize;
    let (measured, result) = run.measure(|run| {
        for round in 0..rounds {
            let before = run.fleet.oracle.newest.seq;
            let (index, again) = (round % run.fleet.readers(), round / run.fleet.readers());
            run.fleet.rename(index, again % 2 == 0, Instant::now());
            run.drive("telling everyone", |fleet, _| {
                let newest = fleet.oracle.newest;
                done_if(newest.seq > before && fleet.all_know(newest))
            })?;
        }
        Ok(())
    });
    told(run, &measured);
    run.latency("change_to_visible", &measured.latency);
    result
}

fn echo(run: &mut Run<'_>) -> Result<(), Problem> {
    open(run)?;
    let (measured, result) = run.measure(|run| rest(run, "echoing", seconds(run)));
    told(run, &measured);
    run.latency("there_and_back", &measured.latency);
    result
}

// What scenarios have in common.

/// Ends a run at its beginning if the server has no roster to compare with at the end.
fn require_roster(run: &Run<'_>) -> Result<(), Problem> {
    run.subject.roster().map(drop)
}

/// Has all connect, and measures what that takes.
fn open(run: &mut Run<'_>) -> Result<(), Problem> {
    let follows_roster = run.options.scenario.follows_roster();
    if follows_roster {
        require_roster(run)?;
    }
    let clients = run.options.clients as usize;
    let (measured, result) = run.measure(|run| {
        connect_all(&mut run.fleet, false);
        run.drive("connecting", |fleet, _| {
            let newest = fleet.oracle.newest;
            done_if(fleet.open == clients && (!follows_roster || fleet.all_know(newest)))
        })?;
        match follows_roster {
            true => rest(run, "connected", REST),
            false => Ok(()),
        }
    });
    let per_client = |value: f64| value / clients as f64;
    if let Some(cpu) = measured.span.server_cpu.filter(|_| follows_roster) {
        run.figure("server_cpu_per_handshake", per_client(cpu.as_secs_f64() * 1e6), Unit::Micros);
    }
    if follows_roster {
        memory(run, &measured, clients, "server_memory_per_client", "kernel_memory_per_client");
    }
    result
}

/// Has all connect and log in, and waits until everyone knows that.
fn gather(run: &mut Run<'_>) -> Result<(), Problem> {
    require_roster(run)?;
    connect_all(&mut run.fleet, true);
    await_names(run, "gathering")
}

fn connect_all(fleet: &mut Fleet, is_named: bool) {
    let now = Instant::now();
    fleet.oracle.reader.read_anew();
    for index in 0..fleet.readers() {
        fleet.connect(index, is_named, now);
    }
}

/// Waits until all are connected and know all of their names.
fn await_names(run: &mut Run<'_>, doing: &'static str) -> Result<(), Problem> {
    run.drive(doing, |fleet, _| {
        let newest = fleet.oracle.newest;
        let is_here = fleet.open >= fleet.readers() && fleet.oracle.reader.have_all_come();
        done_if(is_here && fleet.all_know(newest))
    })
}

/// Has clients log out and in again, at the times that the rate says, whether or not the server
/// keeps up: a server that is late does not make its clients ask later.
fn toggle(run: &mut Run<'_>) -> Result<(), Problem> {
    let rate = run.options.rate as usize;
    let clients = run.options.clients as usize;
    let actions = rate * run.options.seconds as usize;
    // Who logs out comes back after so many others have gone: about a second later.
    let absent = (rate / 2).min(clients / 2).max(1);
    let start = Instant::now();
    let mut action = 0;
    run.drive("coming and going", |fleet, now| {
        loop {
            let due = start + Duration::from_secs_f64(action as f64 / rate as f64);
            if action == actions {
                return Step::Done;
            }
            if due > now {
                return Step::Until(due);
            }
            match action % 2 {
                0 => fleet.rename(action / 2 % clients, false, due),
                _ if action / 2 >= absent => {
                    fleet.rename((action / 2 - absent) % clients, true, due);
                }
                _ => {}
            }
            action += 1;
        }
    })
}

fn rest(run: &mut Run<'_>, doing: &'static str, duration: Duration) -> Result<(), Problem> {
    let end = Instant::now() + duration;
    run.drive(doing, |_, now| if now < end { Step::Until(end) } else { Step::Done })
}

fn seconds(run: &Run<'_>) -> Duration {
    Duration::from_secs(u64::from(run.options.seconds))
}

fn done_if(is_done: bool) -> Step {
    if is_done { Step::Done } else { Step::Await }
}

/// The figures of what was told to whom.
fn told(run: &mut Run<'_>, measured: &Measured) {
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

fn memory(
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
    if run.subject.pid.is_some() && connections >= TELLING {
        run.figure(kernel, per_connection(measured.span.kernel_bytes), Unit::Bytes);
    }
}

fn cpu_load(run: &mut Run<'_>, name: &'static str, measured: &Measured) {
    if let Some(load) = measured.span.server_load() {
        run.figure(name, load * 100.0, Unit::Percent);
    }
}

/// Waits until all rosters are the server's own, and takes note if they don't become so.
fn compare(run: &mut Run<'_>) -> Result<(), Problem> {
    let patience = Duration::from_secs(u64::from(run.options.patience));
    let end = Instant::now() + patience;
    loop {
        let truth = match run.subject.roster() {
            Ok(truth) => truth,
            Err(problem) => {
                run.fleet.oracle.mistakes.note(problem.to_string());
                return Ok(());
            }
        };
        if run.fleet.all_know(truth) {
            return Ok(());
        }
        if Instant::now() > end {
            let (wrong, all) = (run.fleet.strangers(truth), run.fleet.readers());
            let what = format!("{wrong} of {all} rosters are not the server's");
            run.fleet.oracle.mistakes.note(what);
            return Ok(());
        }
        rest(run, "comparing", Duration::from_millis(20))?;
    }
}
