//! The program as a child process, and clients of it on real sockets.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use socket2::SockRef;

use crate::digest;
use crate::wire::{self, Told};

/// Longer than anything here takes, on however slow a machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when the test is over.
pub struct Program {
    pub child: Child,
    pub addresses: Vec<SocketAddr>,
    /// What else it says is not read, but must have somewhere to go.
    _stdout: Output,
}

type Output = Lines<BufReader<ChildStdout>>;

impl Program {
    /// The program that cargo has built for this test, and no arguments yet.
    pub fn command() -> Command {
        Command::new(std::env::var_os("CARGO_BIN_EXE_headcount").expect("cargo runs this test"))
    }

    pub fn start(arguments: &[&str]) -> Program {
        Program::start_by(Program::command(), arguments)
    }

    pub fn start_by(mut command: Command, arguments: &[&str]) -> Program {
        let listens = arguments.iter().filter(|argument| **argument == "--listen").count();
        let default: &[&str] = if listens == 0 { &["--listen", "127.0.0.1:0"] } else { &[] };
        let logs = arguments.iter().any(|argument| argument.starts_with("--log-"));
        let logging: &[&str] = if logs { &[] } else { &["--log-level", "error"] };
        // Whoever ends a connection is gone, unless a test is about holds.
        let holds = logs || arguments.iter().any(|argument| argument.starts_with("--hold-"));
        let holds: &[&str] = if holds { &[] } else { &["--hold-closed-ms=1", "--hold-lost-ms=1"] };
        command.args(default).args(logging).args(holds).args(arguments);
        let (child, mut lines) = Program::spawn(command);
        let addresses = (0..listens.max(1))
            .map(|_| {
                let line = lines.next().expect("a line").expect("UTF-8");
                announced(&line).expect("the announcement")
            })
            .collect();
        Program { child, addresses, _stdout: lines }
    }

    /// Another program, which announces one address among other things.
    pub fn other(command: Command) -> Program {
        let (child, mut lines) = Program::spawn(command);
        let address = lines.by_ref().find_map(|line| announced(&line.expect("UTF-8")));
        let addresses = vec![address.expect("the announcement")];
        Program { child, addresses, _stdout: lines }
    }

    fn spawn(mut command: Command) -> (Child, Output) {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        (child, lines)
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.addresses[0])
    }

    /// A WebSocket on the roster.
    pub fn watch(&self) -> Client {
        let mut client = self.connect();
        client.send(&wire::handshake("/ws", ""));
        assert_eq!(client.answer().status, 101);
        client
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// The exit code, which must come soon.
    pub fn exit_code(&mut self) -> Option<i32> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code();
            }
            assert!(started.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// User and system time used so far, in clock ticks of 10 ms.
    #[cfg(target_os = "linux")]
    pub fn cpu_ticks(&self) -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    #[cfg(target_os = "linux")]
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    #[cfg(target_os = "linux")]
    pub fn wait_for_open_files(&self, expected: usize) {
        let started = Instant::now();
        while self.open_files() != expected {
            assert!(started.elapsed() < PATIENCE, "{} open files", self.open_files());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn announced(line: &str) -> Option<SocketAddr> {
    let address = line.strip_prefix("headcount listening on http://")?;
    Some(address.parse().expect("an address"))
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Client {
    pub stream: TcpStream,
    pub inbox: Vec<u8>,
    pub frames: Vec<Told>,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Client { stream, inbox: Vec::new(), frames: Vec::new() }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    pub fn login(&mut self, name: &str) {
        self.send(&wire::login(name));
    }

    /// Reads some; `false` at the end.
    pub fn read(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        let length = self.stream.read(&mut buffer).expect("the server answers in time");
        self.inbox.extend_from_slice(&buffer[..length]);
        length > 0
    }

    pub fn answer(&mut self) -> wire::Answer {
        loop {
            if let Some(answer) = wire::take_answer(&mut self.inbox, false) {
                return answer;
            }
            assert!(self.read(), "the connection ended");
        }
    }

    pub fn told(&mut self) -> Told {
        loop {
            self.frames.extend(wire::take_frames(&mut self.inbox));
            if !self.frames.is_empty() {
                return self.frames.remove(0);
            }
            assert!(self.read(), "the connection ended");
        }
    }

    pub fn heard(&mut self) -> Value {
        let told = self.told();
        let Told::Text(text) = told else { panic!("{told:?}") };
        digest::without(serde_json::from_str(&text).expect("JSON"))
    }

    /// Reads messages until the roster, kept from them alone, is `expected`.
    pub fn wait_for_names(&mut self, expected: &[&str]) {
        let mut names: Vec<String> = Vec::new();
        while names != expected {
            let message = self.heard();
            let list = |key: &str| -> Vec<String> {
                serde_json::from_value(message[1][key].clone()).unwrap_or_default()
            };
            if message[0] == "roster" {
                names = list("names");
            }
            names.retain(|name| !list("left").contains(name));
            names.extend(list("joined"));
            names.sort();
        }
    }
}

/// Ends a connection with RST.
pub fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// What the server tells of itself in numbers.
pub fn metrics(address: SocketAddr) -> String {
    let mut client = Client::connect(address);
    client.send(b"GET /metrics HTTP/1.1\r\nHost: localhost:3000\r\n\r\n");
    let metrics = String::from_utf8(client.answer().body).unwrap();
    reset(client.stream);
    metrics
}

/// How many connections watch, how many are there under a name, and how many names there are.
pub fn in_rooms(address: SocketAddr) -> [u64; 3] {
    let metrics = metrics(address);
    let series = ["connections{state=\"watching\"}", "connections{state=\"present\"}", "names"];
    series.map(|series| value(&metrics, series) as u64)
}

/// The value of one of the server's series, named without `headcount_`.
pub fn metric(address: SocketAddr, series: &str) -> f64 {
    value(&metrics(address), series)
}

fn value(metrics: &str, series: &str) -> f64 {
    let start = format!("headcount_{series} ");
    let value = metrics.lines().find_map(|line| line.strip_prefix(&start));
    value.expect("the series is there").parse().expect("it is a number")
}

/// How many names the room without a name has.
pub fn names(address: SocketAddr) -> usize {
    let mut client = Client::connect(address);
    client.send(b"GET /roster HTTP/1.1\r\nHost: localhost:3000\r\n\r\n");
    let roster: Value = serde_json::from_slice(&client.answer().body).unwrap();
    reset(client.stream);
    roster["names"].as_array().unwrap().len()
}
