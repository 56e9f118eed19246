//! System calls that fail or do less than they were asked to.

use std::io::{self, Read, Write};
use std::process::Command;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::Duration;

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::crowd::Crowd;
use crate::meter::{self, Meter};
use crate::program::{Client, Program, metric, reset};
use crate::shown;
use crate::wire::{self, Told};

/// What a pipe takes before it is full (pipe(7)).
const PIPE_BYTES: usize = 65_536;

/// Starts the program under strace, which makes system calls fail as `fault` says.
pub fn start_with_faults(fault: &str, arguments: &[&str]) -> Program {
    let mut command = Command::new("strace");
    let calls = fault.split(':').next().unwrap();
    // With -D it is strace that is the grandchild, and the program is the child.
    command.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={fault}"), env!("CARGO_BIN_EXE_headcount")]);
    Program::start_by(command, arguments)
}

/// Reads until a change has this name, and no other, in this list.
fn wait_for_change(watcher: &mut Client, list: &str, name: &str) {
    while watcher.heard()[1][list] != json!([name]) {}
}

/// Every third call that a signal can interrupt is interrupted.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d12_interrupted_calls_are_made_again() {
    let calls = "read,recvfrom,readv,write,sendto,writev,sendmsg,accept4,epoll_wait";
    let program = start_with_faults(&format!("{calls}:error=EINTR:when=5+3"), &["--echo"]);
    let base = program.open_files();
    let mut watcher = program.watch();
    for round in 0..20 {
        let name = format!("Ada {round}");
        let mut ada = program.watch();
        ada.login(&name);
        wait_for_change(&mut watcher, "joined", &name);
        let mut echo = program.connect();
        echo.send(&wire::handshake("/echo", ""));
        assert_eq!(echo.answer().status, 101);
        let message = vec![round; 200_000];
        echo.send(&wire::frame(0x82, &message));
        assert!(echo.told() == Told::Binary(message));
        drop((ada, echo));
        wait_for_change(&mut watcher, "left", &name);
    }
    drop(watcher);
    program.wait_for_base(base);
    shown("D12", "EINTR at every third read, write, accept and wait: all streams valid");
}

/// A peer takes a few bytes at a time, so that writes end anywhere in a frame.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d12_short_writes_leave_the_stream_valid() {
    let program =
        Program::start(&["--echo", "--send-buffer-bytes", "1", "--notsent-bytes-max", "1"]);
    // Segments that are small beside the buffer, or TCP waits each time for the window to open.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    socket.set_tcp_mss(128).unwrap();
    socket.connect(&program.addresses[0].into()).unwrap();
    let mut client = Client { stream: socket.into(), inbox: Vec::new(), frames: Vec::new() };
    client.send(&wire::handshake("/echo", ""));
    assert_eq!(client.answer().status, 101);
    let messages: Vec<Vec<u8>> =
        (0..100_u8).map(|byte| vec![byte; 1 + 397 * usize::from(byte)]).collect();
    let frames: Vec<u8> = messages.iter().flat_map(|message| wire::frame(0x82, message)).collect();
    let mut sender = client.stream.try_clone().unwrap();
    let sending = thread::spawn(move || sender.write_all(&frames).unwrap());
    let mut received = Vec::new();
    let mut some = [0; 997];
    while received.len() < messages.len() {
        let length = client.stream.read(&mut some).unwrap();
        client.inbox.extend_from_slice(&some[..length]);
        received.extend(wire::take_frames(&mut client.inbox));
    }
    let sent: Vec<Told> = messages.into_iter().map(Told::Binary).collect();
    assert!(received == sent, "the stream is not what was sent");
    sending.join().unwrap();
    shown("D12", "100 frames through the smallest buffers, read 997 bytes at a time: valid");
}

/// Standard error is a pipe that is full and that nobody reads, while there is much to say.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d14_log_that_nobody_reads_holds_nobody_up() {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(&[b'\n'; PIPE_BYTES]).unwrap();
    let mut command = Program::command();
    command.stderr(writer);
    let flags = [&["--log-level=debug"], &meter::FLAGS[..]].concat();
    let program = Program::start_by(command, &flags);
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 50);
    let (others, count) = meter.withstand(|is_over| {
        let mut count = 0;
        while !is_over.load(Relaxed) {
            drop(Crowd::connect(address, 10, b"no request\r\n\r\n"));
            count += 10;
            thread::sleep(Duration::from_millis(10));
        }
        count
    });
    drop(meter);
    program.wait_for_base(base);
    let dropped = metric(program.addresses[0], "log_lines_dropped_total");
    assert!(dropped > 0.0, "all lines were written");
    drop(reader);
    shown("D14", &format!("{count} bad requests, a log that is stuck, {dropped} lines; {others}"));
}

/// A write to a peer that is gone makes SIGPIPE or ECONNRESET, and ends that peer alone.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d12_write_to_a_closed_peer_ends_only_that_one() {
    let program = Program::start(&[]);
    let base = program.open_files();
    let mut watcher = program.watch();
    for round in 0..20 {
        let name = format!("Ada {round}");
        let mut gone = Crowd::watch(program.addresses[0], 100);
        let mut ada = program.watch();
        // These and the login are one turn's news, and the login is told to all of them.
        gone.streams.drain(..).enumerate().for_each(|(index, stream)| match index % 2 {
            0 => reset(stream),
            _ => drop(stream),
        });
        ada.login(&name);
        wait_for_change(&mut watcher, "joined", &name);
        drop(ada);
        wait_for_change(&mut watcher, "left", &name);
    }
    drop(watcher);
    program.wait_for_base(base);
    shown("D12", "2,000 peers closed while they are written to: the others go on");
}

/// A connection that can't be put into the event queue is closed, and its place is given back.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d12_connection_that_can_not_be_watched_is_closed() {
    let program = start_with_faults("epoll_ctl:error=ENOSPC:when=4+2", &[]);
    let base = program.open_files();
    let crowd = Crowd::connect(program.addresses[0], 40, &wire::handshake("/ws", ""));
    let mut served = 0;
    for mut stream in &crowd.streams {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        match stream.read(&mut [0; 12]) {
            Ok(12) => served += 1,
            Ok(0) | Err(_) => {}
            Ok(length) => panic!("{length} bytes"),
        }
    }
    assert_eq!(served, 20, "every second one is served");
    drop(crowd);
    program.wait_for_base(base);
    shown("D12", "epoll_ctl with ENOSPC for every second connection: closed, place given back");
}
