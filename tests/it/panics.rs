//! A bug in what is done for one connection ends that connection, and no other.

use std::io;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use headcount::assets::Assets;
use headcount::config::Config;
use headcount::connection::{Cause, ConnectionId};
use headcount::hub::Part;
use headcount::server::{Ended, Event, MioNet, Net, Server};
use rustix::process::Signal;

use crate::metrics;
use crate::program::Program;
use crate::wire::{self, Told};
use crate::world::World;

/// What a peer sends to show the bug.
const CUE: &[u8] = b"bug!";

/// A machine with a bug: to read [`CUE`] panics.
struct Faulty(MioNet);

impl Net for Faulty {
    type Stream = <MioNet as Net>::Stream;

    fn poll(&mut self, events: &mut Vec<Event>, timeout: Option<Duration>) -> io::Result<()> {
        self.0.poll(events, timeout)
    }

    fn accept(&mut self, listener: usize) -> io::Result<(Self::Stream, SocketAddr)> {
        self.0.accept(listener)
    }

    fn register(&mut self, stream: &mut Self::Stream, id: ConnectionId) -> io::Result<()> {
        self.0.register(stream, id)
    }

    fn read(&mut self, stream: &mut Self::Stream, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(stream, buffer)?;
        assert!(!buffer[..length].windows(CUE.len()).any(|bytes| bytes == CUE), "this is the bug");
        Ok(length)
    }

    fn write(&mut self, stream: &mut Self::Stream, chunks: &[&[u8]]) -> io::Result<usize> {
        self.0.write(stream, chunks)
    }

    fn shutdown(&mut self, stream: &mut Self::Stream) -> io::Result<()> {
        self.0.shutdown(stream)
    }

    fn close(&mut self, stream: Self::Stream) {
        self.0.close(stream);
    }

    fn stop_listening(&mut self) {
        self.0.stop_listening();
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn date(&self) -> SystemTime {
        self.0.date()
    }
}

/// A server with a bug, which the program has not. It runs until a signal ends it.
#[test]
#[ignore = "it is the server of another test"]
fn faulty_server() {
    let config = Config::default();
    let mut net = MioNet::bind(&["127.0.0.1:0".parse().unwrap()], &config.limits).unwrap();
    net.handle_signals().unwrap();
    for address in net.addresses() {
        println!("\nheadcount listening on http://{address}");
    }
    let mut server = Server::new(config, Assets::embedded(), Faulty(net), 1);
    server.catch_panics();
    assert_eq!(server.run().unwrap(), Ended::Stopped);
}

/// A frame with the key that is the cue.
fn cue() -> Vec<u8> {
    [b"\x81\x82", CUE, b"\0\0"].concat()
}

/// On real sockets: the peer is told 1011, the others go on, and the server ends as it should.
#[test]
fn bug_in_one_connection_leaves_the_others_untouched() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "panics::faulty_server", "--nocapture"]);
    command.stderr(Stdio::null());
    let mut program = Program::other(command);
    let (mut ada, mut faulty) = (program.watch(), program.watch());
    ada.login("Ada");
    faulty.login("Eve");
    ada.wait_for_names(&["Ada", "Eve"]);
    faulty.send(&[cue(), wire::text("x")].concat());
    while faulty.told() != Told::Close(Some(1011)) {}
    assert!(!faulty.read(), "the server closes first");
    let change = ada.heard();
    assert_eq!(change[1]["left"], serde_json::json!(["Eve"]), "its name goes with it");
    ada.login("Ada again");
    assert_eq!(ada.heard()[1]["joined"], serde_json::json!(["Ada again"]));

    // With requests before it, in pieces, and from one who does not wait for the answer.
    for _ in 0..20 {
        let mut hasty = program.connect();
        hasty.send(&[wire::handshake("/ws", ""), cue()].concat());
    }
    drop(faulty);
    let mut client = program.connect();
    let samples = loop {
        client.send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        let samples = metrics::parse(&String::from_utf8(client.answer().body).unwrap());
        if samples["headcount_connections_closed_total{cause=\"panicked\"}"] == 21.0 {
            break samples;
        }
    };
    assert_eq!(samples["headcount_panics_total"], 21.0);
    assert_eq!(samples["headcount_connections{state=\"present\"}"], 1.0);
    program.signal(Signal::TERM);
    drop((ada, client));
    assert_eq!(program.exit_code(), Some(0));
}

/// What is under way is sent to its end, so that the Close frame is one.
#[test]
fn close_follows_what_was_said_before_the_bug() {
    let mut world = World::new();
    let peer = world.watch();
    world.login(peer, "Ada");
    world.say(peer, "[");
    world.hub.panicked(world.id(peer), Part::Input, world.now());
    world.turn();
    let told = world.told(peer);
    assert!(matches!(&told[..], [Told::Text(_), Told::Text(_), Told::Close(Some(1011))]));
    world.pass_ms(50);
    assert_eq!(world.names(), [""; 0]);
    world.end(peer);
    assert_eq!(world.cause(peer), Some(Cause::Panicked));
}

/// After a bug in sending nobody knows where a frame ends; and HTTP has no words for this.
#[test]
fn connection_is_cut_where_no_frame_can_follow() {
    for part in [Part::Input, Part::Output] {
        let mut world = World::new();
        let (watcher, browser) = (world.watch(), world.connect());
        for peer in [watcher, browser] {
            world.hub.panicked(world.id(peer), part, world.now());
            world.turn();
        }
        assert_eq!(world.is_closed(watcher), part == Part::Output);
        assert!(world.is_closed(browser) && world.inbox(browser).is_empty());
        assert_eq!(world.hub.tally().panics, 2);
    }
}

/// A connection that is ending for a bug and shows another is cut.
#[test]
fn second_bug_ends_at_once() {
    let mut world = World::new();
    let peer = world.watch();
    for is_closed in [false, true] {
        world.hub.panicked(world.id(peer), Part::Input, world.now());
        world.turn();
        assert_eq!(world.is_closed(peer), is_closed);
    }
}
