//! Several nodes that share rooms, and what can become of them: they and their Redis server are
//! killed, paused and started again at random times. All copies are to come to the same in the end,
//! and those who stay are to see nothing of those who come back in time.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::dice::Dice;
use super::faults::{Event, Fault, NODE_FAULTS};
use super::figures::{cpu_load, told};
use super::oracle::histogram;
use super::problem::Problem;
use super::redis::Redis;
use super::report::Unit;
use super::run::{Measured, Run, Step};
use super::steps::{compare, done_if, gather, rest, seconds};
use super::usage::Usage;

/// How long something is away or stands still at most: less than a hold, and longer than a node may
/// be silent.
const AWAY_MAX: Duration = Duration::from_secs(12);
const AWAY_MIN: Duration = Duration::from_millis(100);

/// How long it is from one fault to the next at most, and at least.
const BETWEEN_MAX: Duration = Duration::from_secs(5);
const BETWEEN_MIN: Duration = Duration::from_millis(200);

/// How long nothing is done at the end: a node that is gone is missed, and its holds end.
const QUIET: Duration = Duration::from_secs(26);

/// Faults, and the changes that go on meanwhile.
struct Chaos {
    dice: Dice,
    start: Instant,
    /// Changes that were due.
    actions: usize,
    /// From when something was whole again until all were equal, in µs.
    equal: Histogram<u64>,
}

/// Nodes and their Redis server are killed and paused, and clients go to other nodes.
pub(crate) fn nodes(run: &mut Run<'_>) -> Result<(), Problem> {
    let seed =
        run.options.seed.map_or_else(|| RandomState::new().hash_one(0) % 1_000_000, u64::from);
    run.figure("seed", seed as f64, Unit::Count);
    run.figure("nodes", run.subject.urls.len() as f64, Unit::Count);
    gather(run)?;
    let clients = run.options.clients as usize;
    run.fleet.expect_losses(Dice::new(!seed));
    let mut chaos =
        Chaos { dice: Dice::new(seed), start: Instant::now(), actions: 0, equal: histogram() };
    let (measured, result) = run.measure(|run| chaos.go_on(run));
    let changes = run.fleet.changes;
    let result = result.and_then(|()| rest(run, "quiet", QUIET.min(seconds(run) / 2)));
    let result = result.and_then(|()| {
        run.fleet.act_finally(clients);
        run.drive("making last changes", |fleet, _| {
            done_if(fleet.oracle.has_all_been_seen() && fleet.are_all_right())
        })
    });
    for fault in Fault::ALL {
        let count = run.events.iter().filter(|event| event.fault == fault).count();
        run.figure(fault.figure(), count as f64, Unit::Count);
    }
    run.figure("changes", changes as f64, Unit::Count);
    told(run, &measured);
    commands(run, &measured);
    cpu_load(run, "server_busy", &measured);
    returned(run);
    run.latency("fault_to_all_equal", &chaos.equal);
    if let Err(Problem::Stalled(_)) = result {
        // It is told in what they differ.
        compare(run)?;
    }
    result
}

/// The figures of clients that came back, and of what others saw of them.
fn returned(run: &mut Run<'_>) {
    let comebacks = &run.fleet.comebacks;
    let (lost, longest) = (comebacks.lost as f64, comebacks.longest.as_secs_f64());
    let (wrong, flaps) = (comebacks.wrong_leaves as f64, comebacks.flaps as f64);
    run.figure("connections_lost", lost, Unit::Count);
    run.figure("longest_away", longest, Unit::Seconds);
    run.figure("wrong_leaves", wrong, Unit::Count);
    run.figure("leaves_of_those_away", flaps, Unit::Count);
    let told = std::mem::take(&mut run.fleet.comebacks.flaps_told);
    run.warnings.extend(told);
    let back = run.fleet.oracle.back.clone();
    run.latency("lost_to_right", &back);
}

/// The figures of what nodes gave to Redis, if they have one that says so.
pub(crate) fn commands(run: &mut Run<'_>, measured: &Measured) {
    if let Some(commands) = measured.commands {
        let changes = run.fleet.changes.max(1) as f64;
        run.figure("redis_commands", commands as f64, Unit::Count);
        run.figure("redis_commands_per_change", commands as f64 / changes, Unit::Ratio);
    }
}

/// The figures of the memory of nodes at the end, if they share rooms.
pub(crate) fn memory(run: &mut Run<'_>) {
    let Some(nodes) = run.options.shared_by() else { return };
    if let Some(bytes) = Usage::now(&run.subject.pids).server_bytes {
        run.figure("memory_per_node", bytes as f64 / nodes as f64, Unit::Bytes);
        let clients = run.options.connections() as f64;
        run.figure("memory_per_client", bytes as f64 / clients, Unit::Bytes);
    }
}

impl Chaos {
    /// Makes changes, and meanwhile one fault after the other, with one more at the end.
    fn go_on(&mut self, run: &mut Run<'_>) -> Result<(), Problem> {
        let duration = seconds(run);
        let end = self.start + duration;
        loop {
            let pause = self.dice.between(BETWEEN_MIN, BETWEEN_MAX.min(duration / 8));
            self.change(run, pause)?;
            self.fail(run)?;
            let is_over = Instant::now() >= end;
            if is_over || self.dice.below(2) == 0 {
                let start = Instant::now();
                run.drive("settling", |fleet, _| done_if(fleet.are_all_right()))?;
                let micros = start.elapsed().as_micros() as u64;
                self.equal.saturating_record(micros.max(1));
                if let Some(event) = run.events.last_mut() {
                    event.equal_seconds = Some(micros as f64 / 1e6);
                }
                if is_over {
                    let took = start.elapsed().as_secs_f64();
                    run.figure("all_equal_after_last_fault", took, Unit::Seconds);
                    return Ok(());
                }
            }
        }
    }

    /// Has clients make changes for so long, at the rate that the options say.
    fn change(&mut self, run: &mut Run<'_>, duration: Duration) -> Result<(), Problem> {
        let (rate, clients) = (f64::from(run.options.rate), run.options.clients as usize);
        let start = Instant::now();
        let (end, mut made) = (start + duration, 0);
        run.drive("changing", |fleet, now| {
            loop {
                let due = start + Duration::from_secs_f64(f64::from(made) / rate);
                if due.min(end) > now {
                    return Step::Until(due.min(end));
                }
                if due >= end {
                    return Step::Done;
                }
                fleet.act(self.actions % clients);
                self.actions += 1;
                made += 1;
            }
        })
    }

    /// Something happens. When this returns it is over, and all are there again.
    fn fail(&mut self, run: &mut Run<'_>) -> Result<(), Problem> {
        // To a Redis server that is not ours nothing is done.
        let kinds = if run.subject.redis.is_some() { Fault::ALL.len() } else { NODE_FAULTS };
        let fault = Fault::ALL[self.dice.below(kinds)];
        let node = self.dice.below(run.subject.urls.len());
        let away = self.dice.between(AWAY_MIN, AWAY_MAX.min(seconds(run) / 4));
        let is_of_node = Fault::ALL[..NODE_FAULTS].contains(&fault);
        let began = Instant::now();
        match fault {
            Fault::KillNode => {
                run.fleet.comebacks.is_down[node] = true;
                run.subject.kill(node);
                self.change(run, away)?;
                run.subject.start(node)?;
                run.fleet.comebacks.is_down[node] = false;
            }
            Fault::PauseNode => {
                run.fleet.comebacks.is_down[node] = true;
                run.subject.pause(node, true)?;
                run.fleet.cut_half(node);
                self.change(run, away)?;
                run.subject.pause(node, false)?;
                run.fleet.comebacks.is_down[node] = false;
            }
            Fault::KillRedis => {
                run.subject.redis.iter_mut().for_each(Redis::kill);
                self.change(run, away)?;
                run.subject.redis.iter_mut().try_for_each(Redis::start_again)?;
            }
            Fault::PauseRedis => {
                run.subject.redis.iter().try_for_each(|redis| redis.pause(true))?;
                self.change(run, away)?;
                run.subject.redis.iter().try_for_each(|redis| redis.pause(false))?;
            }
            Fault::KillLinks => run.subject.redis.iter().try_for_each(Redis::kill_links)?,
            Fault::Flush => run.subject.redis.iter().try_for_each(Redis::flush)?,
        }
        run.events.push(Event {
            seconds: (began - self.start).as_secs_f64(),
            fault,
            node: is_of_node.then_some(node),
            away_seconds: began.elapsed().as_secs_f64(),
            equal_seconds: None,
        });
        Ok(())
    }
}
