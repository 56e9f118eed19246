//! The loop waits for its event queue and for nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::faults::start_with_faults;
use crate::program::{Client, Program};
use crate::shown;
use crate::wire::{self, Told};

/// What the loop's thread may call. None of these waits, given that all sockets are non-blocking,
/// except for `epoll_wait`.
const CALLS: [&str; 22] = [
    "accept4",
    "brk",
    "clock_gettime",
    "close",
    "epoll_ctl",
    "epoll_wait",
    "fcntl",
    "futex",
    "getrandom",
    "gettid",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "read",
    "recvfrom",
    "rt_sigreturn",
    "sendto",
    "shutdown",
    "write",
    "writev",
];

fn folder(test: &str, files: u32) -> PathBuf {
    let path = std::env::temp_dir().join(format!("headcount-{test}-{}", std::process::id()));
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("index.html"), "one").unwrap();
    for file in 0..files {
        fs::write(path.join(format!("{file}.txt")), "x").unwrap();
    }
    path
}

fn page(client: &mut Client) -> Vec<u8> {
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    client.answer().body
}

/// Each call that reads the folder takes 50 ms, as on a network mount that is not well.
#[test]
#[ignore = "needs strace: .ci/run runs it"]
fn slow_file_system_holds_nobody_up() {
    let path = folder("slow", 50);
    let fault = "openat,statx,newfstatat,fstat,lstat,stat,getdents64,readlink:delay_enter=50000";
    let program = start_with_faults(fault, &["--www", path.to_str().unwrap()]);
    let mut watcher = program.watch();
    watcher.heard();
    fs::write(path.join("index.html"), "another").unwrap();
    let (started, mut longest) = (Instant::now(), Duration::ZERO);
    let mut rounds = 0;
    loop {
        let asked = Instant::now();
        let mut ada = program.watch();
        let name = format!("Ada {rounds}");
        ada.login(&name);
        while watcher.heard()[1]["joined"] != json!([name]) {}
        let is_seen = page(&mut program.connect()) == b"another";
        longest = longest.max(asked.elapsed());
        rounds += 1;
        if is_seen {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "the change does not show");
    }
    let seen = started.elapsed();
    assert!(seen > Duration::from_secs(2), "the file system is slow: {seen:?}");
    assert!(longest < Duration::from_secs(1), "somebody waited {longest:?}");
    fs::remove_dir_all(path).unwrap();
    shown("waits", &format!("{rounds} logins in {seen:?}, of which the longest took {longest:?}"));
}

/// Whatever is asked of it.
#[test]
#[ignore = "needs strace: .ci/run runs it"]
fn loop_calls_nothing_that_may_wait() {
    let path = folder("calls", 5);
    let trace = path.with_extension("strace");
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-qq", "-o"]).arg(&trace).arg(env!("CARGO_BIN_EXE_headcount"));
    let arguments = ["--echo", "--log-level", "debug", "--www", path.to_str().unwrap()];
    let program = Program::start_by(command, &arguments);
    everything(&program);
    fs::write(path.join("index.html"), "another").unwrap();
    let started = Instant::now();
    while page(&mut program.connect()) != b"another" {
        assert!(started.elapsed() < Duration::from_secs(60), "the change does not show");
        std::thread::sleep(Duration::from_millis(50));
    }
    let pid = program.child.id();
    let calls = calls_after_start(&fs::read_to_string(&trace).unwrap(), pid);
    let other: Vec<&String> = calls.iter().filter(|call| !CALLS.contains(&call.as_str())).collect();
    assert!(calls.contains("epoll_wait") && calls.contains("accept4"), "{calls:?}");
    assert!(other.is_empty(), "the loop calls {other:?}");
    drop(program);
    fs::remove_dir_all(path).unwrap();
    fs::remove_file(trace).unwrap();
    shown("waits", &format!("the loop calls {calls:?}"));
}

/// A bit of everything that a server does.
fn everything(program: &Program) {
    let mut client = program.connect();
    for target in ["/", "/headcount.js", "/roster", "/metrics", "/healthz", "/nothing", "/%zz"] {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        client.answer();
    }
    let mut ada = program.watch();
    ada.login("Ada");
    ada.wait_for_names(&["Ada"]);
    let mut echo = program.connect();
    echo.send(&wire::handshake("/echo", ""));
    assert_eq!(echo.answer().status, 101);
    echo.send(&wire::frame(0x82, &[7; 1 << 20]));
    assert!(echo.told() == Told::Binary(vec![7; 1 << 20]));
    let mut broken = program.watch();
    broken.send(b"\xFF\xFF");
    while broken.told() != Told::Close(Some(1002)) {}
}

/// The names of the calls of the main thread since it first waited for events. A futex that is
/// waited for, and not only signalled, is a call of another name.
fn calls_after_start(trace: &str, pid: u32) -> BTreeSet<String> {
    let own = format!("{pid} ");
    let lines = trace.lines().filter_map(|line| line.strip_prefix(&own)).map(str::trim_start);
    let running = lines.skip_while(|line| !line.starts_with("epoll_wait("));
    let calls = running.filter_map(|line| {
        let (name, arguments) = line.split_once('(')?;
        let is_wait = name == "futex" && !arguments.contains("FUTEX_WAKE");
        Some(if is_wait { "futex, to wait".to_owned() } else { name.to_owned() })
    });
    calls.filter(|name| !name.starts_with(['<', '+', '-'])).collect()
}
