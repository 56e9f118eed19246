//! The sockets of clients: of many more than one address has ports.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process;

use mio::net::TcpStream;
use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

/// Clients that share a source address; each has a port of its own, of some 28,000 that there are.
pub(crate) const CLIENTS_PER_SOURCE: usize = 10_000;

/// Connects the client of this number, without waiting until it is connected.
pub(crate) fn connect(to: SocketAddr, client: usize) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let IpAddr::V4(Ipv4Addr::LOCALHOST) = to.ip() {
        // Generators that run at the same time have addresses of their own.
        let generator = process::id() as u8;
        let source = 1 + (client / CLIENTS_PER_SOURCE % 250) as u8;
        let source = Ipv4Addr::new(127, generator, 1, source);
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    match socket.connect(&to.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

fn is_under_way(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || Errno::from_io_error(error) == Some(Errno::INPROGRESS)
}
