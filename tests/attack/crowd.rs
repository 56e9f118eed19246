//! Many clients, each a socket and no more.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::process::PATIENCE;
use crate::program::reset;
use crate::wire;

/// Clients that are open. When they are dropped, each sends RST, which leaves no port behind that
/// the next ones would have to wait for.
pub struct Crowd {
    pub streams: Vec<TcpStream>,
}

impl Crowd {
    /// Opens connections, each of which sends `request` at once.
    pub fn connect(address: SocketAddr, count: usize, request: &[u8]) -> Crowd {
        raise_files();
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            let mut stream = TcpStream::connect(address).expect("the server listens");
            stream.set_nodelay(true).unwrap();
            stream.write_all(request).expect("a new socket takes a request");
            streams.push(stream);
        }
        Crowd { streams }
    }

    /// Opens WebSockets on the roster and waits until each of them is one.
    pub fn watch(address: SocketAddr, count: usize) -> Crowd {
        Crowd::upgrade(address, count, &wire::handshake("/ws", ""))
    }

    /// Opens connections with a request that switches protocols, and waits until each has.
    pub fn upgrade(address: SocketAddr, count: usize, request: &[u8]) -> Crowd {
        let crowd = Crowd::connect(address, count, request);
        for mut stream in &crowd.streams {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).expect("an answer");
            assert_eq!(status, *b"HTTP/1.1 101");
            stream.set_nonblocking(true).unwrap();
        }
        crowd
    }

    pub fn send(&self, bytes: &[u8]) {
        for mut stream in &self.streams {
            // Whoever was cut off meanwhile can't send, and is found by `read`.
            let _ = stream.write_all(bytes);
        }
    }

    /// Reads what has come, throws it away, and drops those that were closed.
    pub fn read(&mut self) {
        self.streams.retain(|stream| read_away(stream).is_some());
    }

    /// Reads until all are closed, and says how long after `started` the first and the last were.
    pub fn wait_for_end(&mut self, started: Instant) -> (Duration, Duration) {
        let count = self.streams.len();
        let mut first = None;
        loop {
            self.read();
            let elapsed = started.elapsed();
            if self.streams.len() < count {
                first.get_or_insert(elapsed);
            }
            if self.streams.is_empty() {
                return (first.unwrap_or(elapsed), elapsed);
            }
            assert!(elapsed < PATIENCE, "{} of {count} are open", self.streams.len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.streams.drain(..).for_each(reset);
    }
}

/// Reads what has come without waiting, and says how many bytes; `None` once the peer has closed.
pub fn read_away(mut stream: &TcpStream) -> Option<usize> {
    stream.set_nonblocking(true).unwrap();
    let mut buffer = [0; 64 * 1024];
    let mut bytes = 0;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(length) => bytes += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Some(bytes),
            Err(_) => return None,
        }
    }
}

/// Asks for a name.
pub fn login(mut stream: &TcpStream, name: &str) {
    stream.write_all(&wire::login(name)).expect("the server reads");
}

/// Closes the sending half.
pub fn half_close(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
}

/// Lets this process open as many files as it may.
fn raise_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
