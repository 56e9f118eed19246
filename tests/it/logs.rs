//! The log of the program: what is in it, how much, and that nobody waits for it.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{ChildStderr, Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;

use crate::metrics;
use crate::program::{Client, Program};
use crate::wire::{self, Told};

/// A program that logs in JSON, and the lines of it.
pub struct Logged {
    pub program: Program,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Logged {
    pub fn start(arguments: &[&str]) -> Logged {
        Logged::start_by(Command::new(env!("CARGO_BIN_EXE_headcount")), arguments)
    }

    fn start_by(mut command: Command, arguments: &[&str]) -> Logged {
        command.stderr(Stdio::piped());
        let arguments = [&["--log-format", "json"], arguments].concat();
        let mut program = Program::start_by(command, &arguments);
        let lines = BufReader::new(program.child.stderr.take().expect("piped")).lines();
        Logged { program, lines }
    }

    pub fn next(&mut self) -> Value {
        let line = self.lines.next().expect("a line").expect("UTF-8");
        serde_json::from_str(&line).expect("JSON")
    }

    /// The next line with this message.
    pub fn find(&mut self, message: &str) -> Value {
        loop {
            let line = self.next();
            if line["message"] == message {
                return line;
            }
        }
    }
}

/// Sends a frame that is against the protocol, and waits until that has ended.
fn fail(program: &Program) {
    let mut client = program.watch();
    client.send(b"\xFF\xFF");
    while client.told() != Told::Close(Some(1002)) {}
    assert!(!client.read());
}

fn scrape(client: &mut Client) -> metrics::Samples {
    client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    metrics::parse(&String::from_utf8(answer.body).expect("text"))
}

#[test]
fn start_and_stop_are_logged_and_limits_that_are_not_the_default() {
    let arguments = ["--pending-max", "7", "--metrics-listen", "127.0.0.1:0"];
    let mut logged = Logged::start(&arguments);
    let listening = logged.next();
    assert_eq!(listening["level"], "INFO");
    assert_eq!(listening["address"], logged.program.addresses[0].to_string());
    let address = logged.find("listening for metrics")["address"].clone();
    assert_eq!(logged.find("limits differ from the defaults")["limits"], "--pending-max 7");

    let mut there = Client::connect(address.as_str().unwrap().parse().unwrap());
    assert_eq!(scrape(&mut there)["headcount_connections_accepted_total"], 1.0);
    let mut here = logged.program.connect();
    here.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(here.answer().status, 404);

    logged.program.signal(Signal::TERM);
    assert_eq!(logged.find("stopping")["signal"], 15);
    assert_eq!(logged.find("stopped")["level"], "INFO");
    assert_eq!(logged.program.exit_code(), Some(0));
}

/// What the log says is in force, not what was asked for.
#[test]
fn connections_that_open_files_do_not_allow_are_told_at_the_start() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 200; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_headcount")]);
    let mut logged = Logged::start_by(command, &["--connections-max", "1000"]);
    assert_eq!(logged.next()["connections_max"], 200 - 64);
    let line = logged.find("the limit on open files allows fewer connections");
    assert_eq!((&line["level"], &line["asked"]), (&"WARN".into(), &1000.into()));
    assert_eq!(line["connections_max"], 200 - 64);
    let limits = &logged.find("limits differ from the defaults")["limits"];
    assert_eq!(limits, "--connections-max 136");
}

/// A start that fails is told as everything else is: in one line of JSON, also with the log off.
#[test]
fn failed_start_is_told_in_the_format_of_the_log() {
    let output = Command::new(env!("CARGO_BIN_EXE_headcount"))
        .args(["--log-format", "json", "--log-level", "off", "--www", "/no/such/folder"])
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    let line: Value = serde_json::from_slice(&output.stderr).expect("one object");
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["message"], "can't read /no/such/folder: no such file or directory");
}

#[test]
fn exit_code_is_right_when_nobody_hears_what_was_wrong() {
    let no_folder = ["--www", "/no/such/folder", "--log-format"];
    for (arguments, code) in [
        (["--listen", "nowhere"].as_slice(), 2),
        (&[&no_folder[..], &["text"]].concat(), 1),
        (&[&no_folder[..], &["json"]].concat(), 1),
        (&["bench", "echo", "--url", "ws://127.0.0.1:1/echo"], 1),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
        let status = command.args(arguments).stderr(writer).stdout(Stdio::null()).status();
        assert_eq!(status.expect("it ran").code(), Some(code), "{arguments:?}");
    }
}

/// What was read before is served on. A folder that is gone is told once, not each second.
#[test]
fn folder_that_can_not_be_read_again_is_told_once() {
    let folder = std::env::temp_dir().join(format!("headcount-gone-{}", std::process::id()));
    let away = folder.with_extension("away");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("index.html"), "one").unwrap();
    // However slow this machine is, nothing else is logged.
    let arguments = ["--www", folder.to_str().unwrap(), "--stall-ms", "60000"];
    let mut logged = Logged::start(&arguments);
    logged.find("limits differ from the defaults");
    fs::rename(&folder, &away).unwrap();
    let line = logged.next();
    assert_eq!(line["message"], "can't read --www; serving the previous files");
    assert_eq!((&line["level"], line["path"].as_str()), (&"WARN".into(), folder.to_str()));
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let mut client = logged.program.connect();
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().body, b"one");
    fs::rename(&away, &folder).unwrap();
    assert_eq!(logged.next()["message"], "files of --www reloaded");
    fs::remove_dir_all(folder).unwrap();
}

/// RFC 6455 §7.1.7. Clients that come and go as they should are not in the log.
#[test]
fn failed_connection_is_logged_with_its_cause() {
    let mut logged = Logged::start(&[]);
    logged.find("listening");
    let mut polite = logged.program.watch();
    polite.send(&wire::close(1000));
    drop(polite);
    fail(&logged.program);
    let line = logged.next();
    assert_eq!((&line["message"], &line["level"]), (&"connection closed".into(), &"INFO".into()));
    assert_eq!(line["cause"], "protocol_error: reserved opcode");
    assert_eq!(line["address"], "exempt");
}

/// The connection of the proxy is accepted, and its request is one too many for the client.
#[test]
fn refused_request_is_laid_to_the_client_that_the_proxy_names() {
    let arguments = ["--trusted-proxy", "127.0.0.1", "--connections-per-address-max", "1"];
    let mut logged = Logged::start(&arguments);
    let open = || {
        let mut client = logged.program.connect();
        client.send(&wire::handshake("/ws", "X-Forwarded-For: 192.0.2.1\r\n"));
        (client.answer(), client)
    };
    let (taken, _kept) = open();
    let (refused, _) = open();
    assert_eq!((taken.status, refused.status), (101, 429));
    let words = String::from_utf8(refused.body).unwrap();
    assert!(words.starts_with("Too many connections come from your network"), "{words}");
    let line = logged.find("request refused");
    assert_eq!((&line["level"], &line["cause"]), (&"WARN".into(), &"address".into()));
    assert_eq!(line["address"], "192.0.2.1");
    let samples = scrape(&mut logged.program.connect());
    assert_eq!(samples["headcount_connections_accepted_total"], 3.0);
    assert_eq!(samples["headcount_connections_refused_total{cause=\"address\"}"], 0.0);
    assert_eq!(samples["headcount_forwarded_requests_refused_total"], 1.0);
}

/// docs/evidence/threats.md F6: ten lines a second of each cause; the others are counted.
#[test]
fn f6_lines_of_one_cause_are_limited_and_counted() {
    let mut logged = Logged::start(&[]);
    for _ in 0..60 {
        fail(&logged.program);
    }
    let (mut lines, mut left_out) = (0, 0);
    while lines + left_out < 60 {
        let line = logged.next();
        match line["message"].as_str().unwrap() {
            "connection closed" => lines += 1,
            "lines left out" => {
                assert_eq!(line["about"], "protocol_error");
                left_out += line["lines"].as_u64().unwrap();
            }
            _ => {}
        }
    }
    assert!(left_out > 0, "sixty did not take six seconds");
    let samples = scrape(&mut logged.program.connect());
    assert_eq!(samples["headcount_log_lines_dropped_total"], left_out as f64);
    let closed = "headcount_connections_closed_total{cause=\"protocol_error\"}";
    assert_eq!(samples[closed], 60.0);
}

/// docs/evidence/threats.md D14: standard error is a pipe that is full, and nobody reads it.
#[cfg(target_os = "linux")]
#[test]
fn d14_full_pipe_holds_nobody_up() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&vec![b'.'; 64 * 1024]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command.stderr(writer);
    let mut program = Program::start_by(command, &["--log-level", "debug"]);
    let mut watcher = program.watch();
    for index in 0..30 {
        fail(&program);
        watcher.login(&format!("name {}", index % 5));
    }
    watcher.wait_for_names(&["name 4"]);
    program.signal(Signal::TERM);
    drop(watcher);
    assert_eq!(program.exit_code(), Some(0));
    drop(reader);
}

/// An operator sees at the default level whom `--allow-origin` leaves out, and a page that keeps on
/// trying does not fill the log.
#[test]
fn refused_origins_are_logged_at_the_default_level_and_limited() {
    let mut logged = Logged::start(&[]);
    let foreign = format!("Origin: https://{}.example\r\n", "a".repeat(200));
    for origin in ["Origin: https://other.example\r\n", &foreign] {
        let mut client = logged.program.connect();
        client.send(&wire::handshake("/ws", origin));
        assert_eq!(client.answer().status, 403);
    }
    let message = "origin refused: not in --allow-origin";
    let line = logged.find(message);
    assert_eq!((&line["level"], &line["address"]), (&"WARN".into(), &"exempt".into()));
    assert_eq!(line["origin"], "https://other.example");
    let cut = format!("https://{}...", "a".repeat(92));
    assert_eq!(logged.find(message)["origin"], cut);
    for _ in 0..20 {
        let mut client = logged.program.connect();
        client.send(&wire::handshake("/ws", &foreign));
        assert_eq!(client.answer().status, 403);
    }
    let left_out = logged.find("lines left out");
    assert_eq!(left_out["about"], "origin");
    assert!(left_out["lines"].as_u64().is_some_and(|lines| lines >= 1), "{left_out}");
}
