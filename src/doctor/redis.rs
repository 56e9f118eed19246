//! `headcount doctor --redis`: whether a Redis or Valkey server is one for `--redis`.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant, SystemTime};

use headcount::backplane::redis::{self, Reply};
use headcount::config::Redis;

use crate::system;

/// Nothing is waited for longer.
const PATIENCE: Duration = Duration::from_secs(3);

/// A node that reads too slowly is cut off beyond this, in bytes. It is what servers have unless
/// they are told otherwise.
const OUTPUT_BYTES_MIN: u64 = 32 << 20;

/// The role of the one that is written to.
pub(super) const MASTER: &str = "master";

const PINGS: usize = 50;

/// A change is at another node after about one and a half of these.
const LATENCY_MAX: Duration = Duration::from_millis(5);

/// Connections that are to be free: for nodes that start, and for people who look.
const CONNECTIONS_FREE_MIN: u64 = 32;

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Fine,
    /// It will do, but worse than it could.
    Poor,
    /// It will not do.
    Unfit,
}

/// One thing that was looked at.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) mark: Mark,
    pub(super) what: &'static str,
    pub(super) value: String,
    /// What to change if it is not fine.
    pub(super) remedy: &'static str,
}

/// What there is to say of the server of this place in the list.
pub(super) fn examine(redis: &Redis, server: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut client = match Client::connect(redis, server) {
        Ok(client) => client,
        Err(reason) => {
            let remedy = "start it, or correct the URL, the port or the firewall";
            findings.push(finding("reachable", Mark::Unfit, reason, remedy));
            return findings;
        }
    };
    findings.push(finding("reachable", Mark::Fine, client.address.clone(), ""));
    match client.hello(redis, server) {
        Ok(hello) => findings.extend(identity(&hello, redis.servers.len() == 1)),
        Err(reason) => {
            let remedy = "correct the URL or the password: --redis-password-file, or the variable";
            findings.push(finding("login", Mark::Unfit, reason, remedy));
            return findings;
        }
    }
    // One of another kind will not be used, however it is set up.
    if findings.iter().all(|finding| finding.mark != Mark::Unfit) {
        findings.push(rights(&mut client, redis.database()));
        findings.extend([output_limit(&mut client), connections(&mut client)]);
        findings.extend([latency(&mut client), clock(&mut client), eviction(&mut client)]);
    }
    findings
}

fn finding(
    what: &'static str,
    mark: Mark,
    value: impl Into<String>,
    remedy: &'static str,
) -> Finding {
    Finding { mark, what, value: value.into(), remedy }
}

/// What a server says of itself. One that is not alone may be a replica until it is needed.
fn identity(hello: &Reply, is_alone: bool) -> [Finding; 3] {
    let field = |word| redis::field(hello, word).unwrap_or_default();
    let (version, mode, role) = (field("version"), field("mode"), field("role"));
    let fits = |is_fit| if is_fit { Mark::Fine } else { Mark::Unfit };
    let is_new = fits(redis::is_recent(hello));
    let name = format!("{} {version}", field("server"));
    [
        finding("version", is_new, name, "Redis 7 or later is needed, or Valkey"),
        finding(
            "mode",
            fits(mode == "standalone"),
            mode,
            "name a single server, or one with replicas: no cluster, and no sentinel",
        ),
        finding(
            "role",
            fits(role == MASTER || !is_alone),
            role,
            "name the primary, or both, with two --redis",
        ),
    ]
}

/// What gives a user the rights that a node needs.
const RIGHTS: &str = "ACL SETUSER … &headcount:* +hello +client|setname +publish +subscribe \
                      +unsubscribe +role +ping";

/// Whether what headcount does is allowed: a message on a channel of its own comes back.
fn rights(client: &mut Client, database: u32) -> Finding {
    let channel = format!("headcount:{database}:doctor");
    let text = channel.as_bytes();
    let mut tried = || -> Result<(), String> {
        client.send(&[b"SUBSCRIBE", text])?;
        client.reply()?;
        client.send(&[b"PUBLISH", text, b"hello"])?;
        // The message, and how many have heard it, in any order.
        client.reply()?;
        client.reply()?;
        client.send(&[b"UNSUBSCRIBE", text])?;
        client.reply()?;
        client.ask(&[b"ROLE"]).map(|_| ())
    };
    match tried() {
        Ok(()) => finding("rights", Mark::Fine, "it hands on messages", ""),
        Err(reason) => finding("rights", Mark::Unfit, reason, RIGHTS),
    }
}

/// What a node may be behind before it is cut off.
fn output_limit(client: &mut Client) -> Finding {
    let what = "output buffer limit";
    let remedy = "CONFIG SET client-output-buffer-limit 'pubsub 32mb 8mb 60', or more: what a \
                  node has in a room must fit";
    let limits = client.ask(&[b"CONFIG", b"GET", b"client-output-buffer-limit"]);
    let limits = limits.ok().and_then(|reply| redis::field(&reply, "client-output-buffer-limit"));
    let limits = limits.unwrap_or_default();
    let mut words = limits.split(' ').skip_while(|word| *word != "pubsub").skip(1);
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
    let (Some(hard), Some(soft), Some(seconds)) = (number(), number(), number()) else {
        return finding(what, Mark::Fine, "it does not say", "");
    };
    let is_low = (1..OUTPUT_BYTES_MIN).contains(&hard) || (1..OUTPUT_BYTES_MIN / 4).contains(&soft);
    let mib = |bytes: u64| match bytes {
        0 => "none".to_owned(),
        bytes => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
    };
    let value = format!("pubsub {}, {} for {seconds} s", mib(hard), mib(soft));
    finding(what, if is_low { Mark::Poor } else { Mark::Fine }, value, remedy)
}

fn connections(client: &mut Client) -> Finding {
    let remedy = "CONFIG SET maxclients N: each node has one connection";
    let number = |text: &str, field: &str| info(text, field)?.parse::<u64>().ok();
    let text = client.text(&[b"INFO", b"clients"]).unwrap_or_default();
    let (Some(now), Some(most)) = (number(&text, "connected_clients"), number(&text, "maxclients"))
    else {
        return finding("connections", Mark::Fine, "it does not say", "");
    };
    let is_low = most.saturating_sub(now) < CONNECTIONS_FREE_MIN;
    let mark = if is_low { Mark::Poor } else { Mark::Fine };
    finding("connections", mark, format!("{now} of {most}"), remedy)
}

fn latency(client: &mut Client) -> Finding {
    let remedy = "a server that is nearer or has less to do: changes are that much later";
    let mut times = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let start = Instant::now();
        if let Err(reason) = client.ask(&[b"PING"]) {
            return finding("latency", Mark::Unfit, reason, RIGHTS);
        }
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let median = times.get(PINGS / 2).copied().unwrap_or_default();
    let most = times.last().copied().unwrap_or_default();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let value = format!("{:.2} ms, at most {:.2} ms", ms(median), ms(most));
    finding("latency", if median > LATENCY_MAX { Mark::Poor } else { Mark::Fine }, value, remedy)
}

/// Nothing depends on it, but people compare logs.
fn clock(client: &mut Client) -> Finding {
    let time = client.ask(&[b"TIME"]).ok().and_then(|reply| match reply {
        Reply::Array { data, .. } => {
            let seconds: f64 = redis::text(data.first()?)?.parse().ok()?;
            let micros: f64 = redis::text(data.get(1)?)?.parse().ok()?;
            Some(seconds + micros / 1e6)
        }
        _ => None,
    });
    let here = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let value = match time {
        Some(time) => {
            format!("{:+.3} s from here; headcount does not use it", time - here.as_secs_f64())
        }
        None => "it does not say; headcount does not use it".to_owned(),
    };
    finding("clock", Mark::Fine, value, "")
}

/// Nothing depends on it, but people ask.
fn eviction(client: &mut Client) -> Finding {
    let text = client.text(&[b"INFO", b"memory"]).unwrap_or_default();
    let policy = info(&text, "maxmemory_policy").unwrap_or("it does not say");
    finding("eviction policy", Mark::Fine, format!("{policy}; headcount stores nothing"), "")
}

fn info<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(str::trim)
}

/// A connection that waits for each reply.
struct Client {
    stream: TcpStream,
    address: String,
    input: Vec<u8>,
}

impl Client {
    fn connect(redis: &Redis, server: usize) -> Result<Client, String> {
        let url = redis.servers.get(server).cloned().unwrap_or_default();
        let addresses = (&*url.host, url.port).to_socket_addrs().map_err(|error| said(&error))?;
        let mut reason = "its name has no address".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => {
                    let timeouts =
                        [stream.set_nodelay(true), stream.set_read_timeout(Some(PATIENCE))];
                    timeouts
                        .into_iter()
                        .collect::<io::Result<()>>()
                        .map_err(|error| said(&error))?;
                    return Ok(Client { stream, address: address.to_string(), input: Vec::new() });
                }
                Err(error) => reason = format!("{address}: {}", said(&error)),
            }
        }
        Err(reason)
    }

    fn hello(&mut self, redis: &Redis, server: usize) -> Result<Reply, String> {
        let mut words: Vec<&[u8]> = vec![b"HELLO", b"3"];
        if let (user, Some(password)) = redis.credentials(server) {
            words.extend([&b"AUTH"[..], user.unwrap_or("default").as_bytes(), password.as_bytes()]);
        }
        words.extend([&b"SETNAME"[..], b"headcount-doctor"]);
        match self.ask(&words) {
            Ok(reply @ Reply::Map { .. }) => Ok(reply),
            Ok(_) => Err("it is no Redis: its reply to HELLO is none".to_owned()),
            Err(reason) if reason.starts_with("NOAUTH") => Err("it requires a password".to_owned()),
            Err(reason) if reason.starts_with("WRONGPASS") => {
                Err("the user or the password is wrong".to_owned())
            }
            Err(reason) => Err(reason),
        }
    }

    fn ask(&mut self, words: &[&[u8]]) -> Result<Reply, String> {
        self.send(words)?;
        self.reply()
    }

    fn text(&mut self, words: &[&[u8]]) -> Option<String> {
        redis::text(&self.ask(words).ok()?).map(str::to_owned)
    }

    fn send(&mut self, words: &[&[u8]]) -> Result<(), String> {
        let mut bytes = Vec::new();
        redis::push_command(words, &mut bytes);
        self.stream.write_all(&bytes).map_err(|error| said(&error))
    }

    /// The next reply or message.
    fn reply(&mut self) -> Result<Reply, String> {
        let end = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        loop {
            let decoded = redis::decode(&self.input);
            if let Some((reply, length)) =
                decoded.map_err(|_| "it is no Redis: it does not speak RESP3".to_owned())?
            {
                self.input.drain(..length);
                return redis::error(&reply).map_or(Ok(reply), Err);
            }
            match self.stream.read(&mut buffer) {
                _ if Instant::now() > end => return Err("it does not answer".to_owned()),
                Ok(0) => return Err("it closed the connection".to_owned()),
                Ok(length) => self.input.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err("it does not answer".to_owned());
                }
                Err(error) => return Err(said(&error)),
            }
        }
    }
}

fn said(error: &io::Error) -> String {
    system::describe(error)
}
