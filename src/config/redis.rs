//! Where the Redis or Valkey server is that hands on what nodes say.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::http::unescape;

/// Where Redis listens if nothing else is said.
const DEFAULT_PORT: NonZeroU16 = NonZeroU16::new(6379).unwrap();

/// The server that hands on what nodes say, and who this node is.
#[derive(Clone, Default)]
pub struct Redis {
    /// Where it may be: they are tried in turn until one is a master.
    pub servers: Vec<RedisUrl>,
    /// The password, if it is not in the URL. It is not shown.
    pub password: Option<String>,
    /// The number of this node, chosen at random.
    pub node: u64,
}

impl Redis {
    /// The number of the database, which is a part of the names of channels.
    pub fn database(&self) -> u32 {
        self.servers.first().map_or(0, |url| url.database)
    }

    /// The user and the password for the server of this place in the list.
    pub fn credentials(&self, server: usize) -> (Option<&str>, Option<&str>) {
        let url = self.servers.get(server);
        let password = url.and_then(|url| url.password.as_deref()).or(self.password.as_deref());
        (url.and_then(|url| url.user.as_deref()), password)
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redis({:?})", self.servers)
    }
}

/// `redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]`. The password is not shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RedisUrl {
    /// A name or an address.
    pub host: String,
    /// 6379 if none is said.
    pub port: u16,
    /// 0 if none is said.
    pub database: u32,
    user: Option<String>,
    password: Option<String>,
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brackets = if self.host.contains(':') { ["[", "]"] } else { [""; 2] };
        let RedisUrl { host, port, database, .. } = self;
        write!(f, "redis://{}{host}{}:{port}/{database}", brackets[0], brackets[1])
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RedisUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<RedisUrl, &'static str> {
        let rest = match text.split_once("://") {
            Some(("redis", rest)) => rest,
            Some(("rediss", _)) => {
                return Err("TLS is not supported; use redis:// through a tunnel");
            }
            _ => return Err("it must begin with redis://"),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, address) = match authority.rsplit_once('@') {
            Some((login, address)) => (Some(login), address),
            None => (None, authority),
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, "")))
        {
            Some((user, password)) => (decoded(user)?, decoded(password)?),
            None => (None, None),
        };
        let (host, port) = match address.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or("a bracket is not closed")?;
                (host, port.strip_prefix(':'))
            }
            None => match address.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (address, None),
            },
        };
        let port = port.map_or(Ok(DEFAULT_PORT), str::parse);
        let port = port.map_err(|_| "the port is not a number from 1 to 65535")?.get();
        if host.is_empty() || host.contains(|char: char| char.is_whitespace() || char == '?') {
            return Err("there is no host in it");
        }
        let database = match path {
            "" => 0,
            path => path.parse().map_err(|_| "the database is not a number")?,
        };
        Ok(RedisUrl { host: host.to_owned(), port, database, user, password })
    }
}

/// What is written in a part of a URL, if it is anything.
fn decoded(text: &str) -> Result<Option<String>, &'static str> {
    let text = unescape(text, |_| false).ok_or("an escape in it is broken")?;
    Ok((!text.is_empty()).then(|| text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_read_and_shown_without_its_password() {
        for (text, shown, user, password) in [
            ("redis://a", "redis://a:6379/0", None, None),
            ("redis://a:1/", "redis://a:1/0", None, None),
            ("redis://[::1]:1/2", "redis://[::1]:1/2", None, None),
            ("redis://[::1]", "redis://[::1]:6379/0", None, None),
            ("redis://:geheim@a", "redis://a:6379/0", None, Some("geheim")),
            ("redis://u:p%40:%2F@a/3", "redis://a:6379/3", Some("u"), Some("p@:/")),
            ("redis://u@a", "redis://a:6379/0", Some("u"), None),
        ] {
            let url: RedisUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), shown);
            assert_eq!((url.user.as_deref(), url.password.as_deref()), (user, password), "{text}");
        }
    }

    #[test]
    fn url_that_is_none_is_refused() {
        for text in [
            "",
            "a",
            "a:6379",
            "http://a",
            "rediss://a",
            "redis://",
            "redis://:1",
            "redis://a:b",
            "redis://a:65536",
            "redis://a:0",
            "redis://a/b",
            "redis://[::1",
            "redis://%zz@a",
            "redis://%+1@a",
            "redis://a b",
        ] {
            assert!(text.parse::<RedisUrl>().is_err(), "{text}");
        }
    }
}
