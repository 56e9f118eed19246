//! Where a server is: `ws://HOST:PORT`, and what comes before its paths.

use std::fmt;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// The port of `ws` and `http` (RFC 6455 §3, RFC 9110 §4.2.1).
const DEFAULT_PORT: u16 = 80;

/// The address of a headcount server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// Host and port as they were written, for the `Host` field.
    pub(crate) authority: String,
    /// What comes before `/ws`, `/echo` and `/roster`, for a server behind a proxy.
    pub(crate) prefix: String,
    /// Where the host may be, one at least: `localhost` is `::1` and 127.0.0.1, and a server may
    /// listen at one of the two.
    addresses: Vec<SocketAddr>,
}

/// A URL that was taken apart, before anybody looked for its host.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'a> {
    /// Host and, if it is there, port.
    authority: &'a str,
    /// The host without the brackets of an IPv6 address.
    host: &'a str,
    port: u16,
    prefix: String,
}

impl Url {
    /// A server on this machine.
    pub(crate) fn local(address: SocketAddr) -> Url {
        let authority = address.to_string();
        Url { authority, prefix: String::new(), addresses: vec![address] }
    }

    /// The address to connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Keeps the first address that can be connected to, if there are several. If there is none,
    /// the error is that of the first: whoever connects to it meets it again.
    pub(crate) fn reach(mut self, mut connect: impl FnMut(SocketAddr) -> io::Result<()>) -> Url {
        let reached = match self.addresses.len() {
            1 => None,
            _ => self.addresses.iter().position(|&address| connect(address).is_ok()),
        };
        self.addresses.swap(0, reached.unwrap_or(0));
        self.addresses.truncate(1);
        self
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ws://{}{}", self.authority, self.prefix)
    }
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Url, String> {
        let Parts { authority, host, port, prefix } = split(text.trim())?;
        let addresses: Vec<SocketAddr> =
            (host, port).to_socket_addrs().into_iter().flatten().collect();
        if addresses.is_empty() {
            return Err(format!("no address is known for {host}"));
        }
        Ok(Url { authority: authority.into(), prefix, addresses })
    }
}

fn split(text: &str) -> Result<Parts<'_>, String> {
    let malformed = || "a URL is written like ws://127.0.0.1:3000".to_owned();
    let (scheme, rest) = text.split_once("://").ok_or_else(malformed)?;
    match scheme.to_ascii_lowercase().as_str() {
        "ws" | "http" => {}
        "wss" | "https" => {
            return Err("there is no TLS here: give the ws:// URL that is behind it".into());
        }
        _ => return Err(malformed()),
    }
    if let Some(end) = rest.find(['?', '#']) {
        let (_, end) = rest.split_at(end);
        return Err(format!("leave out {end}: the paths are those of the scenario"));
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("leave out what stands before @: nobody logs in by URL here".into());
    }
    let authority = authority.strip_suffix(':').unwrap_or(authority);
    let (host, port) = split_authority(authority)?;
    let prefix = prefix(path)?;
    Ok(Parts { authority, host, port, prefix })
}

fn split_authority(authority: &str) -> Result<(&str, u16), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').unwrap_or((rest, "?"));
            if host.parse::<Ipv6Addr>().is_err() || !(port.is_empty() || port.starts_with(':')) {
                return Err("an IPv6 address is written like ws://[::1]:3000".into());
            }
            (host, port.strip_prefix(':'))
        }
        None => match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("an IPv6 address is in brackets, as in ws://[::1]:3000".into());
            }
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return Err("the host is a name in ASCII or an address, as in ws://example.com".into());
    }
    let Some(port) = port else { return Ok((host, DEFAULT_PORT)) };
    let number = port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok());
    match number.flatten() {
        Some(number @ 1..) => Ok((host, number)),
        _ => Err(format!("{port} is no port: it is a number from 1 to 65535")),
    }
}

/// What comes before the server's own paths: all but a last segment that is `ws`, since that URL is
/// at hand more often.
fn prefix(path: &str) -> Result<String, String> {
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the path is written in visible ASCII, with % for everything else".into());
    }
    let path = path.trim_end_matches('/');
    let path = match path.rsplit_once('/') {
        Some((before, "ws")) => before.trim_end_matches('/'),
        None if path == "ws" => "",
        _ => path,
    };
    Ok(if path.is_empty() { String::new() } else { format!("/{path}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_names_a_host_and_what_comes_before_the_paths() {
        for (text, authority, prefix, host, port) in [
            ("ws://127.0.0.1:3000", "127.0.0.1:3000", "", "127.0.0.1", 3000),
            ("http://127.0.0.1:3000/", "127.0.0.1:3000", "", "127.0.0.1", 3000),
            ("WS://127.0.0.1:3000/ws", "127.0.0.1:3000", "", "127.0.0.1", 3000),
            ("Http://a/ws/", "a", "", "a", 80),
            ("ws://127.0.0.1/live/here/ws", "127.0.0.1", "/live/here", "127.0.0.1", 80),
            ("ws://a/news", "a", "/news", "a", 80),
            ("ws://a/news/ws", "a", "/news", "a", 80),
            ("ws://a/ws/news", "a", "/ws/news", "a", 80),
            ("ws://a/ws/ws", "a", "/ws", "a", 80),
            ("ws://a/WS", "a", "/WS", "a", 80),
            ("ws://[::1]:9/x/", "[::1]:9", "/x", "::1", 9),
            ("ws://[::1]", "[::1]", "", "::1", 80),
            ("ws://Example.com:", "Example.com", "", "Example.com", 80),
            ("ws://a_b:65535", "a_b:65535", "", "a_b", 65535),
        ] {
            let parts = Parts { authority, host, port, prefix: prefix.into() };
            assert_eq!(split(text), Ok(parts), "{text}");
        }
        let url: Url = " ws://127.0.0.1:3000/x/ws".parse().unwrap();
        assert_eq!(url.address(), "127.0.0.1:3000".parse().unwrap());
        assert_eq!(url.to_string(), "ws://127.0.0.1:3000/x");
    }

    #[test]
    fn what_is_no_url_is_refused_with_a_word_on_how() {
        for (text, words) in [
            ("", "a URL is written like"),
            ("127.0.0.1:3000", "a URL is written like"),
            ("localhost:3000/ws", "a URL is written like"),
            ("ftp://127.0.0.1", "a URL is written like"),
            ("wss://127.0.0.1", "there is no TLS here"),
            ("HTTPS://127.0.0.1", "there is no TLS here"),
            ("ws://", "the host is"),
            ("ws:///ws", "the host is"),
            ("ws://:3000", "the host is"),
            ("ws://bücher.example", "the host is"),
            ("ws://a b", "the host is"),
            ("ws://a%2fb", "the host is"),
            ("ws://127.0.0.1:99999", "99999 is no port"),
            ("ws://127.0.0.1:0", "0 is no port"),
            ("ws://127.0.0.1:+80", "+80 is no port"),
            ("ws://127.0.0.1:http", "http is no port"),
            ("ws://[::1]:x", "x is no port"),
            ("ws://::1", "is in brackets"),
            ("ws://::1:3000", "is in brackets"),
            ("ws://[::1", "like ws://[::1]:3000"),
            ("ws://[::1]3000", "like ws://[::1]:3000"),
            ("ws://[127.0.0.1]", "like ws://[::1]:3000"),
            ("ws://[fe80::1%25eth0]", "like ws://[::1]:3000"),
            ("ws://ann:secret@127.0.0.1", "before @"),
            ("ws://127.0.0.1/?a=b", "leave out ?a=b"),
            ("ws://127.0.0.1?a", "leave out ?a"),
            ("ws://127.0.0.1/ws#x", "leave out #x"),
            ("ws://127.0.0.1/a b", "visible ASCII"),
            ("ws://127.0.0.1/ü", "visible ASCII"),
            ("ws://nobody.invalid", "no address is known"),
        ] {
            let problem = text.parse::<Url>().unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }

    /// Whichever of the two addresses of `localhost` the server listens at.
    #[test]
    fn every_address_of_a_name_is_tried() {
        let [open, closed] = ["127.0.0.1:1", "[::1]:1"].map(|text| text.parse().unwrap());
        let mut tried = Vec::new();
        for addresses in [vec![open, closed], vec![closed, open], vec![closed, closed, open]] {
            let url = Url { addresses, ..Url::local(closed) };
            let url = url.reach(|address| {
                tried.push(address);
                (address == open).then_some(()).ok_or(io::ErrorKind::ConnectionRefused.into())
            });
            assert_eq!((url.address(), url.addresses.len()), (open, 1));
        }
        assert_eq!(tried, [open, closed, open, closed, closed, open]);
        let refused = |_| Err(io::ErrorKind::ConnectionRefused.into());
        let url = Url { addresses: vec![closed, open], ..Url::local(closed) };
        assert_eq!(url.reach(refused).address(), closed);
        let url = Url::local(open).reach(|_| panic!("there is nothing to choose"));
        assert_eq!(url.address(), open);
    }
}
