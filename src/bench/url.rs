//! Where a server is: `ws://HOST:PORT`.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// The address of a headcount server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// Host and port as they were written, for the `Host` field.
    pub(crate) authority: String,
    /// What comes before `/ws`, `/echo` and `/roster`, for a server behind a proxy.
    pub(crate) prefix: String,
    pub(crate) address: SocketAddr,
}

impl Url {
    /// A server on this machine.
    pub(crate) fn local(address: SocketAddr) -> Url {
        Url { authority: address.to_string(), prefix: String::new(), address }
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
        let rest = match text.split_once("://") {
            Some(("ws" | "http", rest)) => rest,
            Some(("wss" | "https", _)) => {
                return Err("there is no TLS here: give a ws:// URL".into());
            }
            _ => return Err("a URL is written like ws://127.0.0.1:3000".into()),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix("ws").unwrap_or(path).trim_end_matches('/');
        let prefix = if path.is_empty() { String::new() } else { format!("/{path}") };
        if !prefix.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte)) {
            return Err("it may have a path of visible ASCII characters, and no query".into());
        }
        let has_port = authority.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
        let with_port = if has_port { authority.into() } else { format!("{authority}:80") };
        let address = with_port
            .to_socket_addrs()
            .map_err(|_| format!("no address is known for {with_port}"))?
            .next()
            .ok_or_else(|| format!("no address is known for {with_port}"))?;
        Ok(Url { authority: authority.into(), prefix, address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_names_a_host_and_what_comes_before_the_paths() {
        for (text, authority, prefix, address) in [
            ("ws://127.0.0.1:3000", "127.0.0.1:3000", "", "127.0.0.1:3000"),
            ("http://127.0.0.1:3000/", "127.0.0.1:3000", "", "127.0.0.1:3000"),
            ("ws://127.0.0.1:3000/ws", "127.0.0.1:3000", "", "127.0.0.1:3000"),
            ("ws://127.0.0.1/live/here/ws", "127.0.0.1", "/live/here", "127.0.0.1:80"),
            ("ws://[::1]:9/x/", "[::1]:9", "/x", "[::1]:9"),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!((&*url.authority, &*url.prefix), (authority, prefix), "{text}");
            assert_eq!(url.address, address.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "127.0.0.1:3000",
            "wss://127.0.0.1",
            "ftp://127.0.0.1",
            "ws://127.0.0.1/a b",
            "ws://127.0.0.1/?a",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }
}
