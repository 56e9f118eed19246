//! The end of the program, and its next start.

use std::fs;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::crowd::Crowd;
use crate::process::PATIENCE;
use crate::program::Program;
use crate::shown;
use crate::wire::{self, Told};

/// `kill -9` with many clients, all of whom come back at once. The load generator does it, and
/// compares everyone's roster with the server's.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn e3_all_come_back_after_a_crash() {
    const CLIENTS: &str = "15000";
    let overflows = listen_overflows();
    let output =
        Program::command().args(["bench", "restart", "-n", CLIENTS, "--json"]).output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(output.status.success(), "{result:#}");
    let figures = result["figures"].as_array().unwrap();
    let all_right = figures.iter().find(|figure| figure["name"] == "all_right").unwrap();
    let seconds = all_right["value"].as_f64().unwrap();
    let overflows = listen_overflows() - overflows;
    assert!(seconds <= 60.0 && overflows == 0, "{seconds} s, {overflows} overflows");
    shown(
        "E3",
        &format!(
            "kill -9 with {CLIENTS} clients: all back with equal rosters after {seconds:.1} s, \
             {overflows} listen overflows"
        ),
    );
}

/// Connections that the kernel has refused for want of a place in a listener's queue.
fn listen_overflows() -> u64 {
    let table = fs::read_to_string("/proc/net/netstat").unwrap();
    let mut rows = table.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = (rows.next().unwrap(), rows.next().unwrap());
    let mut both = names.split(' ').zip(values.split(' '));
    both.find(|(name, _)| *name == "ListenOverflows").unwrap().1.parse().unwrap()
}

/// SIGTERM while one client in ten never reads and has more to come than the kernel takes.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn e5_stop_tells_everyone_and_waits_for_nobody_too_long() {
    let mut program = Program::start(&["--echo"]);
    let address = program.addresses[0];
    let mut polite = Crowd::watch(address, 900);
    let stuck = Crowd::upgrade(address, 100, &wire::handshake("/echo", ""));
    // It is echoed until nobody takes it.
    stuck.send(&wire::frame(0x82, &[0; 400_000]));
    polite.read();
    let started = Instant::now();
    program.signal(Signal::TERM);
    for mut stream in &polite.streams {
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut inbox = vec![0; 4];
        stream.read_exact(&mut inbox).unwrap();
        assert_eq!(wire::take_frames(&mut inbox), [Told::Close(Some(1001))]);
        stream.write_all(&wire::close(1001)).unwrap();
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }
    let told = started.elapsed();
    assert_eq!(program.exit_code(), Some(0));
    let ended = started.elapsed();
    assert!(told < Duration::from_secs(2), "the polite waited {told:?}");
    assert!(ended < Duration::from_secs(6), "the limit is 5 s, it took {ended:?}");
    drop(stuck);
    shown(
        "E5",
        &format!(
            "SIGTERM: 900 closed with 1001 within {told:.1?}, 100 stuck, exit after {ended:.1?}"
        ),
    );
}
