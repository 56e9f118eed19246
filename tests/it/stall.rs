//! A turn that takes too long, on a machine whose clock jumps while it accepts.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use headcount::assets::Assets;
use headcount::config::Config;
use headcount::connection::ConnectionId;
use headcount::server::{Event, Net, Server};

/// Nobody connects, and to find that out takes the next of `accepting`.
struct Slow {
    now: Duration,
    accepting: Vec<Duration>,
}

impl Net for Slow {
    type Stream = ();

    fn poll(&mut self, events: &mut Vec<Event>, _: Option<Duration>) -> io::Result<()> {
        events.push(Event::Listener(0));
        Ok(())
    }

    fn accept(&mut self, _: usize) -> io::Result<((), SocketAddr)> {
        self.now += self.accepting.pop().unwrap();
        Err(ErrorKind::WouldBlock.into())
    }

    fn register(&mut self, (): &mut (), _: ConnectionId) -> io::Result<()> {
        unreachable!("there are no connections")
    }

    fn read(&mut self, (): &mut (), _: &mut [u8]) -> io::Result<usize> {
        unreachable!("there are no connections")
    }

    fn write(&mut self, (): &mut (), _: &[&[u8]]) -> io::Result<usize> {
        unreachable!("there are no connections")
    }

    fn shutdown(&mut self, (): &mut ()) -> io::Result<()> {
        unreachable!("there are no connections")
    }

    fn close(&mut self, (): ()) {}

    fn stop_listening(&mut self) {}

    fn elapsed(&self) -> Duration {
        self.now
    }

    fn date(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn turn_over_the_limit_is_counted_and_logged_with_its_phases() {
    let accepting = [99_999, 100_000, 250].map(Duration::from_micros).to_vec();
    let net = Slow { now: Duration::ZERO, accepting };
    let mut server = Server::new(Config::default(), Assets::embedded(), net, 1);
    let written = Written::default();
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        (0..3).for_each(|_| assert_eq!(server.turn().unwrap(), None));
    });
    let turns = server.hub().tally().turns;
    assert_eq!((turns.count(), turns.stalls, turns.longest_us), (3, 1, 100_000));
    assert_eq!(turns.sum_us, 99_999 + 100_000 + 250);
    let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");
    let phases = "total_us=100000 events_us=0 accept_us=100000 read_us=0 sweep_us=0";
    assert!(log.contains("WARN") && log.contains("the loop stalled"), "{log}");
    assert!(log.contains(phases), "{log}");
}
