//! What operators do to the program: signals, output that goes nowhere, flags that can't be meant.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Client, Program};
use crate::wire::{self, Told};

const PROGRAM: &str = env!("CARGO_BIN_EXE_headcount");

/// A pipe that takes nothing more. Its end for reading keeps it so.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    let mut filler = writer.try_clone().unwrap();
    rustix::io::ioctl_fionbio(&filler, true).unwrap();
    while filler.write(&[b'.'; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&filler, false).unwrap();
    (reader, writer)
}

/// A pipe that nobody reads any more.
fn closed_pipe() -> PipeWriter {
    pipe().unwrap().1
}

fn full_device() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A server that was started by `command` and of which only the port is known; killed at the end.
struct Unannounced {
    child: Child,
    address: SocketAddr,
    /// The lines of its standard error.
    errors: Receiver<String>,
    told: String,
}

impl Unannounced {
    fn start(mut command: Command) -> Unannounced {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        command.args(["--listen", &address.to_string()]).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, errors) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Unannounced { child, address, errors, told: String::new() }
    }

    /// Waits for a line with these words: another thread of the server writes it.
    fn await_line(&mut self, words: &str) {
        while !self.told.contains(words) {
            let line = self.errors.recv_timeout(Duration::from_secs(30));
            self.told += &(line.unwrap_or_else(|_| panic!("no {words:?}: {}", self.told)) + "\n");
        }
    }

    /// A client, as soon as there is somebody to connect to.
    fn connect(&self) -> Client {
        let started = Instant::now();
        while std::net::TcpStream::connect(self.address).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "nobody listens");
            thread::sleep(Duration::from_millis(5));
        }
        Client::connect(self.address)
    }

    /// Stops it, and gives what it has said on standard error.
    fn stop(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        // The channel ends with the lines.
        self.errors.iter().for_each(|line| self.told += &(line + "\n"));
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.told);
        std::mem::take(&mut self.told)
    }
}

impl Drop for Unannounced {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// docs/evidence/threats.md D14: whatever standard output is, the server serves and can be told to
/// stop.
#[cfg(target_os = "linux")]
#[test]
fn d14_announcement_that_nobody_takes_holds_nobody_up() {
    let (_reader, full) = full_pipe();
    let outputs: [(&str, Option<Stdio>, usize); 4] = [
        ("a full pipe", Some(full.into()), 0),
        ("a closed pipe", Some(closed_pipe().into()), 1),
        ("a full device", Some(full_device().into()), 1),
        ("nothing", None, 0),
    ];
    for (case, output, lines) in outputs {
        let mut command = Command::new("sh");
        let closing = if output.is_none() { ">&-" } else { "" };
        command.args(["-c", &format!("exec \"$0\" \"$@\" {closing}"), PROGRAM]);
        command.stdout(output.unwrap_or_else(Stdio::null));
        let mut server = Unannounced::start(command);
        let mut client = server.connect();
        client.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.answer().status, 200, "{case}");
        drop(client);
        if lines > 0 {
            server.await_line("standard output");
        }
        let errors = server.stop();
        let told = errors.lines().filter(|line| line.contains("standard output")).count();
        assert_eq!(told, lines, "{case}: {errors}");
    }
}

fn run(arguments: &[&str], output: impl Into<Stdio>) -> Output {
    let mut command = Command::new(PROGRAM);
    let child = command.args(arguments).stdout(output).stderr(Stdio::piped()).spawn().unwrap();
    child.wait_with_output().unwrap()
}

/// All that prints and ends.
const PRINTED: [&[&str]; 8] = [
    &["--help"],
    &["-h"],
    &["--version"],
    &["--print-limits"],
    &["doctor", "-n", "1"],
    &["bench", "--help"],
    &["bench", "fanout", "-n", "1", "--rounds", "1", "--", "--log-level=off"],
    &["bench", "fanout", "-n", "1", "--rounds", "1", "--json", "--", "--log-level=off"],
];

#[cfg(target_os = "linux")]
#[test]
fn output_that_can_not_be_written_is_a_failure() {
    for arguments in PRINTED {
        let output = run(arguments, full_device());
        let problem = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let words = "headcount: can't write to standard output: no space left on device\n";
        assert_eq!(problem, words, "{arguments:?}");
    }
    let report = ["bench", "fanout", "-n", "1", "--rounds", "1", "--report", "/dev/full"];
    let report = [&report[..], &["--", "--log-level=off"]].concat();
    let output = run(&report, Stdio::piped());
    let problem = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(problem, "headcount: can't write the report: no space left on device\n");
    assert!(!output.stdout.is_empty(), "what was found is printed all the same");
}

/// As in `headcount --help | head -1`.
#[test]
fn reader_that_has_seen_enough_is_no_failure() {
    for arguments in PRINTED {
        let output = run(arguments, closed_pipe());
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
    }
}

/// docs/evidence/threats.md D14: a failure that nobody wants to hear of ends the program all the
/// same.
#[test]
fn d14_reason_of_a_failure_that_nobody_takes_is_not_waited_for() {
    let (_reader, full) = full_pipe();
    let mut command = Command::new(PROGRAM);
    let mut child = command.args(["--listen", "nowhere"]).stderr(full).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(20), "it waits");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

/// Some of these other programs open their log files at; the others end a program that does not
/// say what is to be done, or stop it until somebody lets it go on.
#[cfg(target_os = "linux")]
#[test]
fn signal_that_means_nothing_here_is_ignored() {
    let mut program = Program::start(&[]);
    let mut watcher = program.watch();
    watcher.heard();
    let signals = [
        Signal::USR1,
        Signal::USR2,
        Signal::PIPE,
        Signal::ALARM,
        Signal::VTALARM,
        Signal::PROF,
        Signal::IO,
        Signal::TTIN,
        Signal::TTOU,
        Signal::XFSZ,
        Signal::WINCH,
        Signal::CHILD,
        Signal::URG,
        Signal::CONT,
    ];
    for (index, signal) in signals.into_iter().enumerate() {
        for _ in 0..3 {
            program.signal(signal);
        }
        watcher.login(&format!("name {}", index % 5));
        watcher.wait_for_names(&[&format!("name {}", index % 5)]);
        if index % 5 == 4 {
            watcher = program.watch(); // Changes of name are few.
            watcher.heard();
        }
    }
    program.signal(Signal::TERM);
    while watcher.told() != Told::Close(Some(1001)) {}
    drop(watcher);
    assert_eq!(program.exit_code(), Some(0));
}

/// nginx and others are stopped by SIGQUIT, and the kernel sends SIGXCPU some time before it kills.
#[test]
fn signal_to_end_closes_with_1001() {
    for signal in [Signal::QUIT, Signal::XCPU] {
        let mut program = Program::start(&[]);
        let mut client = program.watch();
        client.heard();
        program.signal(signal);
        assert_eq!(client.told(), Told::Close(Some(1001)));
        client.send(&wire::close(1001));
        assert!(!client.read());
        assert_eq!(program.exit_code(), Some(0), "{signal:?}");
    }
    let mut program = Program::start(&[]);
    let mut silent = program.watch();
    silent.heard();
    for signal in [Signal::XCPU, Signal::XCPU, Signal::QUIT] {
        program.signal(signal);
        assert_eq!(program.child.try_wait().unwrap(), None, "in order, {signal:?}");
        thread::sleep(Duration::from_millis(20)); // Signals that wait are not counted.
    }
    program.signal(Signal::QUIT);
    assert_eq!(program.exit_code(), Some(131), "the second that is in a hurry");
}

/// What is refused says in one line how it is written.
#[test]
fn wrong_start_is_told_in_one_line() {
    let taken = Program::start(&[]);
    let address = taken.addresses[0].to_string();
    let host = "a host name is written";
    for (arguments, code, words) in [
        (vec!["--listen", &address], 1, "address already in use"),
        (vec!["--listen", "nowhere"], 2, "an address is written like 127.0.0.1:3000"),
        (vec!["--listen", "localhost:3000"], 2, "names are not looked up"),
        (vec!["--listen", ":3000"], 2, "every address of the machine like 0.0.0.0:3000"),
        (vec!["--listen", "127.0.0.1:1,127.0.0.1:1"], 2, "--listen 127.0.0.1:1 is given twice"),
        (vec!["--listen", "[::1]:1", "--listen", "[::]:1"], 2, "[::]:1 has [::1]:1 in it"),
        (
            vec!["--listen", "127.0.0.1:1", "--metrics-listen", "127.0.0.1:1"],
            2,
            "it needs a port of its own",
        ),
        (vec!["--metrics-listen", "127.0.0.1:3000"], 2, "it needs a port of its own"),
        (vec!["--metrics-listen", "9090"], 2, "an address is written like"),
        (vec!["--www", "/no/such/folder"], 1, "can't read /no/such/folder: no such file"),
        (vec!["--bogus"], 2, "unexpected argument '--bogus'"),
        (vec!["--ping-interval-ms", "0"], 2, "0 is not in"),
        (vec!["--connections-max", "10k"], 2, "a number is written in digits alone"),
        (vec!["--connections-max", "1,000"], 2, "a number is written in digits alone"),
        (vec!["--allow-origin", "example.com"], 2, "an origin is written like"),
        (vec!["--allow-host", "[::1]:80"], 2, "a host name is written without scheme and port"),
        (vec!["--allow-host", "http://example.com"], 2, "without scheme and port"),
        (vec!["--allow-host", "localhost:*"], 2, "without scheme and port"),
        (vec!["--allow-host", "bücher.example"], 2, "in ASCII: xn--bcher-kva.example"),
        (vec!["--allow-host", "www.*.com"], 2, "* stands for whole labels at the beginning"),
        (vec!["--allow-host", "a,,b"], 2, host),
        (vec!["--allow-host", ""], 2, host),
        (vec!["--trusted-proxy", "10.0.0.1/8"], 2, "a range of addresses is written with its"),
        (vec!["--trusted-proxy", "10.0.0.0/33"], 2, "a range of addresses is written like"),
        (vec!["--trusted-proxy", "proxy"], 2, "a range of addresses is written like"),
    ] {
        let output = Command::new(PROGRAM).args(&arguments).output().expect("the program starts");
        let problem = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(output.stdout.is_empty());
        assert_eq!(problem.lines().count(), 1, "{problem}");
        assert!(problem.starts_with("headcount: ") && problem.contains(words), "{problem}");
    }
}

/// Lists with commas, names as they are found in a zone file, and all of it more than once.
#[test]
fn hosts_that_are_allowed_may_be_written_in_many_ways() {
    let program = Program::start(&[
        "--allow-host",
        "Example.com.,*.example.org, localhost",
        "--allow-host",
        "::1",
        "--trusted-proxy",
        "10.0.0.0/8,192.0.2.1",
    ]);
    let status = |host: &str| {
        let mut client = program.connect();
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
        client.answer().status
    };
    let hosts = ["example.com", "EXAMPLE.COM.:80", "a.b.example.org", "localhost:3000", "[::1]:1"];
    for host in hosts {
        assert_eq!(status(host), 200, "{host}");
    }
    for host in ["example.org", "a.example.com", "127.0.0.1", "evilexample.org", "[::2]"] {
        assert_eq!(status(host), 421, "{host}");
    }
}
