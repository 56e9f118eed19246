//! What a server is told when it starts.
//!
//! [`Limits`] is at once the struct that the core reads, the table in `docs/limits.md` and the
//! group of flags on the command line, so that a limit is stated once: its name, meaning and
//! default. No limit can be 0, since a 0 that means "no limit" is how limits get lost.

mod bounds;
mod limits;
mod node_limits;
mod polling_limits;
mod redis;
mod room_limits;
mod room_pattern;
mod www_limits;

use std::fmt;
use std::net::SocketAddr;

use clap::ValueEnum;

use crate::http::{AllowedOrigin, HostPattern, TrustedProxies};

pub use bounds::{DataLimits, ECHO};
pub use limits::Limits;
pub use node_limits::NodeLimits;
pub use polling_limits::PollingLimits;
pub use redis::{Redis, RedisUrl};
pub use room_limits::RoomNameLimits;
pub use room_pattern::RoomPattern;
pub use www_limits::WwwLimits;

/// What a server is told when it starts.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The bounds of everything.
    pub limits: Limits,
    /// Whether `/echo` is served.
    pub echo: bool,
    /// Whether clients of Socket.IO may speak Engine.IO v3.
    pub allows_eio3: bool,
    /// Whether others are told why somebody left.
    pub shows_causes: bool,
    /// Whether what is in rooms is written down, to be there after a restart.
    pub saves: bool,
    /// The server by which rooms are shared with other processes, if they are.
    pub redis: Option<Redis>,
    /// Whose pages may connect, besides those that the same host served.
    pub origins: OriginPolicy,
    /// The hosts that requests may be for; empty: any.
    pub hosts: Vec<HostPattern>,
    /// The names of the rooms that there may be, besides the one without a name; empty: any.
    pub rooms: Vec<RoomPattern>,
    /// The proxies that are believed when they say whose request they hand on.
    pub trusted_proxies: TrustedProxies,
    /// Whether messages may be compressed.
    pub compression: Compression,
    /// Where the jitter of the pings and the epochs of the rooms start. The same seed and the same
    /// inputs give the same outputs.
    pub seed: u64,
    /// Where metrics are served; if there is no such place: at every other, to this machine.
    pub metrics_listen: Option<SocketAddr>,
    /// Where connection ids come from.
    pub secret: Secret,
}

/// What nobody else can know, if it is random. It is not shown.
#[derive(Clone, Default)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Secret {
        Secret(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Whether messages may be compressed, with permessage-deflate (RFC 7692).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Compression {
    /// Never
    Off,
    /// Each message by itself: an idle connection holds no memory for it
    #[default]
    On,
    /// With context takeover, if the client asks: some 40 KiB for each such connection
    Takeover,
}

/// Which origins may open a WebSocket. The origin that the request's own host names always may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginPolicy {
    /// These too.
    Listed(Vec<AllowedOrigin>),
    /// All of them.
    Any,
}

impl Default for OriginPolicy {
    fn default() -> OriginPolicy {
        OriginPolicy::Listed(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connection ids are made from it: a configuration that is logged must not give it away.
    #[test]
    fn secret_is_not_shown() {
        let shown = format!("{:?} {:#?}", Secret::new([7; 32]), Some(Secret::new([7; 32])));
        assert!(!shown.contains('7'), "{shown}");
    }
}
