//! What scenarios have in common: everyone connects, things are done at a rate, all is compared.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::figures;
use super::fleet::Fleet;
use super::options::Changes;
use super::problem::Problem;
use super::report::Unit;
use super::room::Room;
use super::run::{Run, Step};
use super::view::View;

/// How long it is quiet before memory is measured: the server frees and sums up in its next turn.
const REST: Duration = Duration::from_millis(300);

/// Ends a run at its beginning if the server has no roster to compare with at the end.
pub(crate) fn require_roster(run: &Run<'_>) -> Result<(), Problem> {
    run.subject.roster(0, &run.fleet.oracle.rooms[0]).map(drop)
}

/// Has all connect, and measures what that takes.
pub(crate) fn open(run: &mut Run<'_>) -> Result<(), Problem> {
    let follows_roster = run.options.scenario.follows_roster();
    if follows_roster {
        require_roster(run)?;
    }
    let clients = run.options.clients as usize;
    let (measured, result) = run.measure(|run| {
        connect_all(&mut run.fleet, false);
        run.drive("connecting", |fleet, _| {
            done_if(fleet.open == clients && (!follows_roster || fleet.all_know()))
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
        let (server, kernel) = ("server_memory_per_client", "kernel_memory_per_client");
        figures::memory(run, &measured, clients, server, kernel);
    }
    result
}

/// Has all connect and log in, and waits until everyone knows that.
pub(crate) fn gather(run: &mut Run<'_>) -> Result<(), Problem> {
    require_roster(run)?;
    connect_all(&mut run.fleet, true);
    await_names(run, "gathering")
}

pub(crate) fn connect_all(fleet: &mut Fleet, is_named: bool) {
    let now = Instant::now();
    fleet.oracle.rooms.iter_mut().for_each(Room::read_anew);
    for index in 0..fleet.readers() {
        fleet.connect(index, is_named, now);
    }
}

/// Waits until all are connected and know all of their names.
pub(crate) fn await_names(run: &mut Run<'_>, doing: &'static str) -> Result<(), Problem> {
    run.drive(doing, |fleet, _| {
        let is_here = fleet.open >= fleet.readers() && fleet.oracle.have_all_come();
        done_if(is_here && fleet.all_know())
    })
}

/// Has these clients make changes, of the kind that the options say, for so long.
pub(crate) fn change(
    run: &mut Run<'_>,
    clients: Range<usize>,
    duration: Duration,
) -> Result<(), Problem> {
    let (first, clients) = (clients.start, clients.len());
    match run.options.changes {
        Changes::Data => pace(run, "setting data", duration, |fleet, action, due| {
            fleet.set(first + action % clients, due);
        }),
        Changes::Logins => {
            // Who logs out comes back after so many others have gone: about a second later.
            let absent = (run.options.rate as usize / 2).min(clients / 2).max(1);
            pace(run, "coming and going", duration, |fleet, action, due| match action % 2 {
                0 => fleet.rename(first + action / 2 % clients, false, due),
                _ if action / 2 >= absent => {
                    fleet.rename(first + (action / 2 - absent) % clients, true, due);
                }
                _ => {}
            })
        }
    }
}

/// Does one thing after the other for so long, at the times that the rate says, whether or not the
/// server keeps up: a server that is late does not make its clients ask later.
pub(crate) fn pace(
    run: &mut Run<'_>,
    doing: &'static str,
    duration: Duration,
    mut act: impl FnMut(&mut Fleet, usize, Instant),
) -> Result<(), Problem> {
    let rate = run.options.rate as usize;
    let actions = rate * duration.as_secs() as usize;
    let start = Instant::now();
    let mut action = 0;
    run.drive(doing, |fleet, now| {
        loop {
            let due = start + Duration::from_secs_f64(action as f64 / rate as f64);
            if due > now {
                return Step::Until(due);
            }
            if action == actions {
                return Step::Done;
            }
            act(fleet, action, due);
            action += 1;
        }
    })
}

pub(crate) fn rest(
    run: &mut Run<'_>,
    doing: &'static str,
    duration: Duration,
) -> Result<(), Problem> {
    let end = Instant::now() + duration;
    run.drive(doing, |_, now| if now < end { Step::Until(end) } else { Step::Done })
}

pub(crate) fn seconds(run: &Run<'_>) -> Duration {
    Duration::from_secs(u64::from(run.options.seconds))
}

pub(crate) fn done_if(is_done: bool) -> Step {
    if is_done { Step::Done } else { Step::Await }
}

/// Waits until all clients know of their rooms what the server does, on each of its nodes, and what
/// they have asked for is done; takes note if it does not become so.
pub(crate) fn compare(run: &mut Run<'_>) -> Result<(), Problem> {
    let end = Instant::now() + Duration::from_secs(u64::from(run.options.patience));
    for room in 0..run.fleet.oracle.rooms.len() {
        loop {
            let difference = match difference(run, room) {
                Ok(difference) => difference,
                Err(problem) => {
                    run.fleet.oracle.mistakes.note(problem.to_string());
                    return Ok(());
                }
            };
            if difference == Difference::default() {
                break;
            }
            if Instant::now() > end {
                note_difference(run, room, &difference);
                break;
            }
            rest(run, "comparing", Duration::from_millis(20))?;
        }
    }
    Ok(())
}

/// In what a room is not as it should be.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    /// Clients whose roster is not that of their node.
    strangers: usize,
    /// Names that show other data than those that were set, on all nodes together.
    unshown: usize,
    /// Nodes whose roster is not that of the first one, and how many are on the two.
    nodes: Vec<(usize, [u64; 2])>,
}

fn difference(run: &Run<'_>, room: usize) -> Result<Difference, Problem> {
    let (fleet, nodes) = (&run.fleet, run.subject.urls.len());
    let room = &fleet.oracle.rooms[room];
    let rosters = (0..nodes).map(|node| run.subject.roster(node, room));
    let rosters = rosters.collect::<Result<Vec<View>, Problem>>()?;
    let others = (0..nodes).filter(|&node| rosters[node].people != rosters[0].people);
    let counts = |node: usize| [node, 0].map(|node| rosters[node].people.count);
    Ok(Difference {
        strangers: rosters.iter().map(|roster| fleet.strangers(roster)).sum(),
        unshown: room.unshown(),
        nodes: others.map(|node| (node, counts(node))).collect(),
    })
}

fn note_difference(run: &mut Run<'_>, room: usize, difference: &Difference) {
    let all = run.fleet.readers_in(room).len();
    let place = match &*run.fleet.oracle.rooms[room].name {
        "" => String::new(),
        name => format!("{name}: "),
    };
    let mistakes = &mut run.fleet.oracle.mistakes;
    let Difference { strangers, unshown, nodes } = difference;
    if *strangers > 0 {
        mistakes.note(format!("{place}{strangers} of {all} rosters are not the server's"));
    }
    if *unshown > 0 {
        mistakes.note(format!("{place}{unshown} of {all} have not the data that they have set"));
    }
    for (node, [own, first]) in nodes {
        mistakes.note(format!(
            "{place}the roster of node {node} with {own} names is not that of node 0 with {first}"
        ));
    }
}
