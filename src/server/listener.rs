//! A listening socket, with the options that its connections inherit.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

use crate::config::Limits;

/// Connections that may wait to be accepted; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// A listening socket.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address` and puts it into the event queue.
    pub(super) fn bind(
        address: SocketAddr,
        token: Token,
        limits: &Limits,
        registry: &Registry,
    ) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            // `[::]:80` and `0.0.0.0:80` are two addresses, so that both can be asked for.
            socket.set_only_v6(true)?;
        }
        set_inherited_options(&socket, limits)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let mut socket = TcpListener::from_std(StdListener::from(socket));
        registry.register(&mut socket, token, Interest::READABLE)?;
        let address = socket.local_addr()?;
        Ok(Listener { socket, address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.accept()
    }
}

/// Sets on the listener what Linux hands down to each accepted socket: no system calls are spent
/// on it for every connection.
fn set_inherited_options(socket: &Socket, limits: &Limits) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(limits.send_buffer_bytes as usize)?;
    let user_timeout = Duration::from_millis(u64::from(limits.tcp_user_timeout_ms));
    let keepalive = TcpKeepalive::new().with_time(user_timeout);
    socket.set_tcp_keepalive(&keepalive)?;
    // Without this the kernel takes megabytes for a peer that does not read, all of them stale by
    // the time it does.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        socket.set_tcp_notsent_lowat(limits.notsent_bytes_max)?;
        socket.set_tcp_user_timeout(Some(user_timeout))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use mio::{Events, Poll};
    use socket2::SockRef;

    use super::*;

    /// They are set on the listener, and this is the system that hands them down.
    #[cfg(target_os = "linux")]
    #[test]
    fn connection_has_the_options_that_limits_ask_for() {
        let limits = Limits {
            send_buffer_bytes: 30_000,
            notsent_bytes_max: 5_000,
            tcp_user_timeout_ms: 7_000,
            ..Limits::default()
        };
        let mut poll = Poll::new().unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(address, Token(0), &limits, poll.registry()).unwrap();
        let _client = std::net::TcpStream::connect(listener.address()).unwrap();
        poll.poll(&mut Events::with_capacity(1), None).unwrap();
        let (stream, _) = listener.accept().unwrap();
        let socket = SockRef::from(&stream);
        assert_eq!(socket.send_buffer_size().unwrap(), 60_000, "Linux doubles it");
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), 5_000);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(7)));
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(7));
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
    }
}
