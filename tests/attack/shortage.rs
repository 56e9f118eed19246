//! No descriptors, no memory: accept fails for want of something that others may give back.

use std::fs;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::crowd::Crowd;
use crate::faults::start_with_faults;
use crate::meter::{self, Meter};
use crate::process::PATIENCE;
use crate::program::{Program, reset};
use crate::shown;
use crate::wire;

fn limit_open_files(program: &Program, count: u64) {
    let limit = Rlimit { current: Some(count), maximum: Some(count) };
    prlimit(Some(Pid::from_child(&program.child)), Resource::Nofile, limit).unwrap();
}

/// Its descriptors with smaller numbers than this, which is what the limit is about: those that it
/// inherited from whoever started the test may have larger ones.
fn files_below(program: &Program, limit: usize) -> usize {
    let names = fs::read_dir(format!("/proc/{}/fd", program.child.id())).unwrap();
    let numbers = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    numbers.filter(|number| number.parse::<usize>().unwrap() < limit).count()
}

/// How many of these have an answer.
fn answered(crowd: &Crowd) -> usize {
    let has_answer = |stream: &&TcpStream| {
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0; 12]).is_ok_and(|length| length == 12)
    };
    crowd.streams.iter().filter(has_answer).count()
}

/// The limit is lowered while it runs: it can't have known of it, and accept fails with EMFILE.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d1_shortage_of_descriptors_neither_spins_nor_stalls() {
    let program = Program::start(&meter::FLAGS);
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 20);
    let idle = meter.p99();
    let mut inside = Crowd::watch(address, 64 - files_below(&program, 64));
    assert_eq!(files_below(&program, 64), 64);
    limit_open_files(&program, 64);

    let waiting = Crowd::connect(address, 200, &wire::handshake("/ws", ""));
    let (usage, ()) = program.usage(|| thread::sleep(Duration::from_secs(3)));
    assert_eq!(answered(&waiting), 0);
    assert!(usage.wakeups_per_second <= 20.0, "it spins: {usage}");
    let others = meter.compare_with(idle);

    let freed = Instant::now();
    inside.streams.drain(..20).for_each(reset);
    while answered(&waiting) < 20 {
        assert!(freed.elapsed() <= Duration::from_secs(1), "{} served", answered(&waiting));
        thread::sleep(Duration::from_millis(1));
    }
    let served = freed.elapsed();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(answered(&waiting), 20, "there is room for no more");

    drop((waiting, inside, meter));
    program.wait_for_base(base);
    shown("D1", &format!("EMFILE: {usage}; 20 freed, 20 served after {served:.1?}; {others}"));
}

/// Each error that accept4(2) can give for one connection or for the moment, every second time.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d1_accept_that_fails_is_tried_again() {
    let errors =
        ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EINTR", "EPROTO", "EPERM"];
    for error in errors {
        let program = start_with_faults(&format!("accept4:error={error}:when=1+2"), &[]);
        let base = program.open_files();
        let started = Instant::now();
        let crowd = Crowd::connect(program.addresses[0], 10, &wire::handshake("/ws", ""));
        while answered(&crowd) < 10 {
            assert!(started.elapsed() < PATIENCE, "{error}: {} served", answered(&crowd));
            thread::sleep(Duration::from_millis(10));
        }
        drop(crowd);
        program.wait_for_base(base);
    }
    for error in ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"] {
        let program = start_with_faults(&format!("accept4:error={error}"), &[]);
        let _waiting = Crowd::connect(program.addresses[0], 10, b"");
        let (usage, ()) = program.usage(|| thread::sleep(Duration::from_secs(1)));
        // strace stops it several times for each call that it makes fail, which counts as going to
        // sleep. One that spins wakes up thousands of times.
        assert!(usage.wakeups_per_second <= 200.0, "{error}: it spins: {usage}");
    }
    shown("D1", &format!("accept4 with {} at every second call", errors.join(", ")));
}
