//! One peer that sends all it can, and a thousand that send nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::crowd::{Crowd, half_close, read_away};
use crate::meter::{self, Meter};
use crate::program::{Client, Program};
use crate::shown;
use crate::wire::{self, Told};

/// Has large messages echoed as fast as they go, until it is over; the rate in MB/s.
fn line_rate(address: SocketAddr, is_over: &AtomicBool) -> f64 {
    let mut client = Client::connect(address);
    client.send(&wire::handshake("/echo", ""));
    assert_eq!(client.answer().status, 101);
    let frame = wire::frame(0x82, &[7; 60_000]);
    let (mut sender, mut receiver) = (client.stream.try_clone().unwrap(), client.stream);
    let started = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            while !is_over.load(Relaxed) {
                sender.write_all(&frame).unwrap();
            }
            half_close(&sender);
        });
        let mut buffer = vec![0; 256 * 1024];
        let mut bytes = 0;
        // The half-close ends it: what is on its way comes first, and then the server's end.
        while let Ok(length @ 1..) = receiver.read(&mut buffer) {
            bytes += length;
        }
        bytes as f64 / 1e6 / started.elapsed().as_secs_f64()
    })
}

#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d4_busy_peer_starves_nobody() {
    let program = Program::start(&[&["--echo"], &meter::FLAGS[..]].concat());
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 1000);
    let (others, rate) = meter.withstand(|is_over| line_rate(address, is_over));
    drop(meter);
    program.wait_for_base(base);
    shown("D4", &format!("one peer echoes {rate:.0} MB/s beside 1,000 quiet ones; {others}"));
}

/// 1,000 connections that do nothing: what is left is their pings, which they answer.
#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d5_idle_server_sleeps() {
    let program = Program::start(&[]);
    let base = program.open_files();
    let mut idle = Idle::connect(program.addresses[0], 1000);
    idle.answer_for(Duration::from_secs(5));
    let (usage, pings) = program.usage(|| idle.answer_for(Duration::from_secs(60)));
    drop(idle);
    program.wait_for_base(base);
    assert!(pings >= 2000, "{pings} pings");
    assert!(usage.wakeups_per_second < 5.0 && usage.cpu_percent < 0.1, "{usage}");
    shown("D5", &format!("1,000 idle connections for 60 s, {pings} pings answered: {usage}"));
}

/// Clients that answer pings and do nothing else.
struct Idle {
    poll: Poll,
    clients: Vec<TcpStream>,
}

impl Idle {
    fn connect(address: SocketAddr, count: usize) -> Idle {
        let poll = Poll::new().unwrap();
        let mut crowd = Crowd::watch(address, count);
        crowd.streams.iter().for_each(|stream| assert!(read_away(stream).is_some()));
        let clients = crowd.streams.drain(..).enumerate().map(|(index, stream)| {
            let mut stream = TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE).unwrap();
            stream
        });
        let clients = clients.collect();
        Idle { poll, clients }
    }

    /// Answers each ping at once, and says how many there were.
    fn answer_for(&mut self, duration: Duration) -> usize {
        let end = Instant::now() + duration;
        let mut events = Events::with_capacity(1024);
        let mut pings = 0;
        while let Some(rest) = end.checked_duration_since(Instant::now()) {
            self.poll.poll(&mut events, Some(rest)).unwrap();
            for event in &events {
                pings += answer_pings(&mut self.clients[event.token().0]);
            }
        }
        pings
    }
}

fn answer_pings(stream: &mut TcpStream) -> usize {
    let mut bytes = [0; 1024];
    let length = match stream.read(&mut bytes) {
        Ok(length) => length,
        Err(error) if error.kind() == ErrorKind::WouldBlock => return 0,
        Err(error) => panic!("{error}"),
    };
    assert!(length > 0, "the server has closed");
    let mut pings = 0;
    for frame in wire::take_frames(&mut bytes[..length].to_vec()) {
        if let Told::Ping(data) = frame {
            stream.write_all(&wire::frame(0x8A, &data)).unwrap();
            pings += 1;
        }
    }
    pings
}

/// One peer after the other sends 100,000 messages, as fast as they are taken, and is closed with
/// 1008.
fn flood(address: SocketAddr, is_over: &AtomicBool) -> u32 {
    let messages = wire::text(r#"["logout"]"#).repeat(100_000);
    let mut floods = 0;
    while !is_over.load(Relaxed) {
        let mut peer = Client::connect(address);
        peer.send(&wire::handshake("/ws", ""));
        assert_eq!(peer.answer().status, 101);
        // The server does not read all of that: its end of the connection is what stops this.
        let _ = peer.stream.write_all(&messages);
        while !matches!(peer.told(), Told::Close(Some(1008))) {}
        floods += 1;
    }
    floods
}

#[test]
#[ignore = "thousands of real sockets: .ci/run runs it"]
fn d15_flood_of_messages_is_cut_off_and_others_are_fine() {
    let program = Program::start(&meter::FLAGS);
    let (address, base) = (program.addresses[0], program.open_files());
    let mut meter = Meter::connect(address, 50);
    let (others, floods) = meter.withstand(|is_over| flood(address, is_over));
    drop(meter);
    program.wait_for_base(base);
    shown("D15", &format!("{floods} floods of 100,000 messages, each closed with 1008; {others}"));
}
