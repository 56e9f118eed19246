//! The program itself, on real sockets and with real signals.

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::json;

use crate::program::{Client, Program};
use crate::wire::{self, Told};

#[test]
fn two_clients_see_each_other_come_and_go() {
    let program = Program::start(&[]);
    let mut ada = program.watch();
    ada.login("Ada");
    ada.wait_for_names(&["Ada"]);
    let mut bob = program.watch();
    bob.login("Bob");
    bob.wait_for_names(&["Ada", "Bob"]);
    let joined = ada.heard();
    assert_eq!(joined, json!(["change", { "seq": 2, "joined": ["Bob"], "left": [] }]));
    drop(ada);
    assert_eq!(bob.heard(), json!(["change", { "seq": 3, "joined": [], "left": ["Ada"] }]));
}

/// The ids of Socket.IO are the only thing that the system's randomness is for.
#[test]
fn clients_of_socket_io_are_on_the_roster_and_their_ids_are_of_this_process() {
    let opened = |program: &Program| {
        let mut client = program.connect();
        client.send(&wire::handshake("/socket.io/?EIO=4&transport=websocket", ""));
        assert_eq!(client.answer().status, 101);
        let opening = client.told();
        (client, opening)
    };
    let (one, two) = (Program::start(&[]), Program::start(&[]));
    let mut native = one.watch();
    let (mut client, opening) = opened(&one);
    assert_ne!(opening, opened(&two).1);
    client.send(&[wire::text("40"), wire::text(r#"421["login","Ada"]"#)].concat());
    native.wait_for_names(&["Ada"]);
    let Told::Text(connected) = client.told() else { panic!("it is text") };
    assert!(connected.starts_with("40{"), "{connected}");
    let list = Told::Text(r#"42["login",["Ada"]]"#.into());
    while client.told() != list {} // The two messages may come in one read or in two.
    drop(client);
    assert_eq!(native.heard(), json!(["change", { "seq": 2, "joined": [], "left": ["Ada"] }]));
}

#[test]
fn page_is_served_on_every_address_and_connections_are_kept() {
    let program = Program::start(&["--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]);
    assert_eq!(program.addresses.len(), 2);
    for &address in &program.addresses {
        let mut client = Client::connect(address);
        for path in ["/", "/headcount.js", "/page.js", "/style.css", "/favicon.svg", "/healthz"] {
            client.send(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes());
            let answer = client.answer();
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.field("connection"), None);
            assert!(!answer.body.is_empty());
        }
    }
}

#[test]
fn signal_closes_with_1001_and_a_second_one_ends_at_once() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut program = Program::start(&[]);
        let mut polite = program.watch();
        polite.heard();
        program.signal(signal);
        assert_eq!(polite.told(), Told::Close(Some(1001)));
        polite.send(&wire::close(1001));
        assert!(!polite.read(), "the server closes first");
        drop(polite);
        assert_eq!(program.exit_code(), Some(0), "nobody is left to wait for");
    }
    let mut program = Program::start(&[]);
    let mut silent = program.watch();
    silent.heard();
    program.signal(Signal::TERM);
    assert_eq!(silent.told(), Told::Close(Some(1001)));
    let refused = TcpStream::connect(program.addresses[0]).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    program.signal(Signal::INT);
    assert_eq!(program.exit_code(), Some(130));
}

/// A terminal that goes away may say so twice: that is no haste. And nohup is heeded.
#[cfg(target_os = "linux")]
#[test]
fn hangup_is_a_signal_to_stop_unless_it_is_ignored() {
    // The tests themselves may run under nohup, and what they start inherits that.
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_headcount")]);
    let mut program = Program::start_by(command, &[]);
    let mut client = program.watch();
    client.heard();
    program.signal(Signal::HUP);
    assert_eq!(client.told(), Told::Close(Some(1001)));
    program.signal(Signal::HUP);
    program.signal(Signal::TERM);
    client.send(&wire::close(1001));
    assert!(!client.read(), "it was told to stop once");
    drop(client);
    assert_eq!(program.exit_code(), Some(0));

    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_headcount")]);
    let mut program = Program::start_by(command, &[]);
    program.signal(Signal::HUP);
    let mut client = program.watch();
    client.heard();
    program.signal(Signal::TERM);
    assert_eq!(client.told(), Told::Close(Some(1001)));
    drop(client);
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn silent_clients_are_waited_for_only_so_long() {
    let mut program = Program::start(&["--shutdown-timeout-ms", "300"]);
    let mut silent = program.watch();
    silent.heard();
    program.signal(Signal::TERM);
    assert_eq!(program.exit_code(), Some(0));
}

#[test]
fn folder_is_served_instead_and_followed() {
    let folder = std::env::temp_dir().join(format!("headcount-www-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let page: PathBuf = folder.join("index.html");
    fs::write(&page, "one").unwrap();
    let program = Program::start(&["--www", folder.to_str().unwrap()]);
    let mut client = program.connect();
    let mut get = |path: &str| {
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        client.answer()
    };
    assert_eq!(get("/").body, b"one");
    assert_eq!(get("/index.html").body, b"one");
    assert_eq!(get("/page.js").status, 404, "the embedded page is not there");
    assert_eq!(get("/headcount.js").body, include_bytes!("../../www/headcount.js"));
    assert!(get("/socket.io/socket.io.js").body.len() > 1_000, "nor are its modules missing");
    fs::write(folder.join("headcount.js"), "my own").unwrap();
    fs::write(&page, "another").unwrap();
    let started = Instant::now();
    // Asking is no part of it: the server looks for changes by itself, once a second.
    while get("/").body != b"another" || get("/headcount.js").body != b"my own" {
        assert!(started.elapsed() < Duration::from_secs(8), "the change does not show");
        std::thread::sleep(Duration::from_millis(100));
    }
    fs::remove_dir_all(folder).unwrap();
}

/// A large message goes through a small send buffer in many turns, and arrives whole.
#[test]
fn large_echo_arrives_whole() {
    let program = Program::start(&["--echo"]);
    let mut client = program.connect();
    client.send(&wire::handshake("/echo", ""));
    assert_eq!(client.answer().status, 101);
    let large: Vec<u8> = (0..8_000_000_u32).map(|index| (index % 251) as u8).collect();
    let mut sender = client.stream.try_clone().unwrap();
    let frame = wire::frame(0x82, &large);
    let sending = std::thread::spawn(move || sender.write_all(&frame).unwrap());
    assert!(client.told() == Told::Binary(large));
    sending.join().unwrap();
}

/// A protocol error is answered even though its sender has more under way: no RST overtakes it.
#[test]
fn close_arrives_although_input_was_not_read() {
    let program = Program::start(&["--echo"]);
    for _ in 0..50 {
        let mut client = program.connect();
        client.send(&wire::handshake("/echo", ""));
        assert_eq!(client.answer().status, 101);
        let wrong = [wire::text("before"), vec![0xFF; 30_000]].concat();
        client.send(&wrong);
        assert_eq!(client.told(), Told::Text("before".into()));
        assert_eq!(client.told(), Told::Close(Some(1002)));
        assert!(!client.read());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn idle_server_sleeps() {
    let program = Program::start(&[]);
    let mut clients: Vec<Client> = (0..200).map(|_| program.watch()).collect();
    clients.iter_mut().for_each(|client| drop(client.heard()));
    let before = program.cpu_ticks();
    std::thread::sleep(Duration::from_secs(2));
    let used = program.cpu_ticks() - before;
    assert!(used <= 2, "{used} of 200 ticks: something spins");
}

/// mio tells once that a listener is ready. After accept has failed for want of descriptors it is
/// tried again all the same, and without spinning.
#[cfg(target_os = "linux")]
#[test]
fn server_without_descriptors_accepts_again_when_there_are_some() {
    let mut command = Command::new("sh");
    // The limit that the program knows of is larger than the one it will meet.
    let script = "ulimit -n 80; exec 3</dev/null 4<&3 5<&3; exec \"$0\" \"$@\"";
    command.args(["-c", script, env!("CARGO_BIN_EXE_headcount")]);
    let program = Program::start_by(command, &["--connections-max", "16"]);
    let base = program.open_files();
    let mut first: Vec<Client> = (0..16).map(|_| program.watch()).collect();
    let mut refused = program.connect();
    assert_eq!(refused.answer().status, 503, "one too many is told so");
    drop(refused);

    // Take its descriptors away while it runs: the next accept fails.
    let pid = Pid::from_child(&program.child);
    let few = rustix::process::Rlimit { current: Some(20), maximum: Some(80) };
    first.drain(..2);
    program.wait_for_open_files(base + 14);
    rustix::process::prlimit(Some(pid), rustix::process::Resource::Nofile, few).unwrap();
    let mut waiting: Vec<Client> = (0..2).map(|_| program.connect()).collect();
    waiting.iter_mut().for_each(|client| client.send(&wire::handshake("/ws", "")));
    let before = program.cpu_ticks();
    std::thread::sleep(Duration::from_millis(500));
    assert!(program.cpu_ticks() - before <= 5, "it spins");
    first[0].login("Ada");
    first[0].wait_for_names(&["Ada"]);

    let enough = rustix::process::Rlimit { current: Some(80), maximum: Some(80) };
    rustix::process::prlimit(Some(pid), rustix::process::Resource::Nofile, enough).unwrap();
    for client in &mut waiting {
        assert_eq!(client.answer().status, 101, "those who waited are served");
    }
    drop((first, waiting));
    program.wait_for_open_files(base);
}

/// Connections that end in all ways, some with an RST, leave nothing behind.
#[cfg(target_os = "linux")]
#[test]
fn storm_of_connections_leaves_nothing_behind() {
    let program = Program::start(&[]);
    let mut watcher = program.watch();
    watcher.heard();
    let base = program.open_files();
    for round in 0..20 {
        let mut clients: Vec<Client> = (0..50).map(|_| program.connect()).collect();
        for (index, client) in clients.iter_mut().enumerate() {
            match index % 5 {
                0 => {}
                1 => client.send(b"GET / HT"),
                2 => client.send(&wire::handshake("/ws", "")),
                3 => client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                _ => {
                    client.send(&wire::handshake("/ws", ""));
                    client.login(&format!("{round} {index}"));
                    assert_eq!(client.answer().status, 101);
                }
            }
            if index % 2 == 0 {
                // Unread input makes the kernel send RST.
                let socket = socket2::SockRef::from(&client.stream);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
            }
        }
    }
    program.wait_for_open_files(base);
    watcher.login("Ada");
    watcher.wait_for_names(&["Ada"]);
}

/// A client that never reads costs the server next to nothing, and the others do not wait for it.
#[cfg(target_os = "linux")]
#[test]
fn reader_that_never_reads_holds_nobody_up() {
    let mut no_rates = Vec::new();
    for flag in ["name-changes-per-minute", "messages-burst", "bytes-per-second"] {
        no_rates.extend([format!("--{flag}"), "1000000".to_owned()]);
    }
    let program = Program::start(&no_rates.iter().map(String::as_str).collect::<Vec<_>>());
    let _stuck: Vec<Client> = (0..20).map(|_| program.watch()).collect();
    let (mut talker, mut watcher) = (program.watch(), program.watch());
    watcher.heard();
    for index in 0..200 {
        let name = format!("{index:032}");
        talker.login(&name);
        let change = watcher.heard();
        assert_eq!(change[1]["joined"], json!([name]), "seq {}", change[1]["seq"]);
    }
}
