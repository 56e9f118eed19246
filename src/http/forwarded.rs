//! Whose request it is that a proxy hands on: `X-Forwarded-For`, from proxies that are trusted.
//!
//! ```text
//!   client ─→ proxy A ─→ proxy B ─→ this server      X-Forwarded-For: …, client, A
//! ```
//!
//! Each proxy appends the address that a request came to it from. So the list is to be believed
//! from its right end, as long as whoever appended an element is trusted: the first address that is
//! not that of a trusted proxy is the client, and what is to its left the client may have made up.
//!
//! `Forwarded` (RFC 7239) says the same and is not looked at. A proxy that writes the one field
//! hands on the other as it came: a server that reads both lets every client choose its address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::{self, FromStr};

use super::head::RequestHead;

/// A range of addresses, written as a CIDR block (RFC 4632 §3.1, RFC 4291 §2.3).
///
/// IPv4 addresses are in it as what IPv6 maps them to, so that there is one kind of address, and
/// one that comes over a socket of IPv6 is the same as over one of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: u128,
    mask: u128,
}

/// A text is not a CIDR block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidNetwork {
    /// It is none at all.
    Malformed,
    /// The address has bits beyond the length.
    HostBits,
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Network>);

/// What a list of forwarded addresses says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarded {
    /// For nobody else: trusted proxies are all that is in the list, if anything is.
    Proxy,
    /// For a client of this address.
    Client(IpAddr),
    /// It has something in it that is no address. `by` is the proxy that let it through.
    Malformed {
        /// The nearest proxy to it, as far as is known.
        by: IpAddr,
    },
}

impl Network {
    /// Whether `address` is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        to_bits(address) & self.mask == self.first
    }

    /// Whether everyone is in it who can come over IPv4, or over IPv6.
    pub fn has_everyone(&self) -> bool {
        let some = [IpAddr::from([0; 4]), IpAddr::from([255; 4])];
        let all_v6 = self.mask == 0;
        all_v6 || some.into_iter().all(|address| self.contains(address))
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    /// An address without a length is a range of one. One with bits beyond the length is refused:
    /// whoever wrote `10.0.0.1/8` meant something else.
    fn from_str(text: &str) -> Result<Network, InvalidNetwork> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork::Malformed)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length: u32 = match length {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| InvalidNetwork::Malformed)?
            }
            Some(_) => return Err(InvalidNetwork::Malformed),
            None => bits,
        };
        let host_bits = bits.checked_sub(length).ok_or(InvalidNetwork::Malformed)?;
        let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
        let first = to_bits(address);
        match first & mask == first {
            true => Ok(Network { first, mask }),
            false => Err(InvalidNetwork::HostBits),
        }
    }
}

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidNetwork::Malformed => {
                "a range of addresses is written like 10.0.0.0/8, 127.0.0.1 or fd00::/8"
            }
            InvalidNetwork::HostBits => {
                "a range of addresses is written with its first one, like 10.0.0.0/8; a single \
                 address has no length"
            }
        })
    }
}

impl std::error::Error for InvalidNetwork {}

impl TrustedProxies {
    /// Those with an address in one of these ranges.
    pub fn new(networks: Vec<Network>) -> TrustedProxies {
        TrustedProxies(networks)
    }

    /// Whether what has this address is one.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whose request it is that came from `proxy`, which is one of these.
    pub fn forwarded(&self, proxy: IpAddr, head: &RequestHead<'_>) -> Forwarded {
        let mut by = proxy;
        let elements = head.values("x-forwarded-for").rev().flat_map(|value| {
            let elements = value.rsplit(|&byte| byte == b',');
            elements.map(<[u8]>::trim_ascii)
        });
        for element in elements {
            match decode_address(element) {
                None => return Forwarded::Malformed { by },
                Some(address) if self.contains(address) => by = address,
                Some(address) => return Forwarded::Client(address),
            }
        }
        Forwarded::Proxy
    }
}

/// An element of the list. Nothing defines the field; some proxies add the port.
fn decode_address(element: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(element).ok()?;
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    text.parse().ok().or_else(with_port).or_else(|| in_brackets().map(IpAddr::V6))
}

fn to_bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{FieldStorage, HeadLimits};

    #[test]
    fn network_has_the_addresses_with_its_first_bits() {
        for (network, inside, outside) in [
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("127.0.0.1/32", "::ffff:127.0.0.1", "::1"),
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.1.2.3"),
            ("::1", "::1", "::2"),
            ("fd00::/8", "fdff:ffff::1", "fe00::"),
            ("2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"),
            ("::/0", "2001:db8::1", ""),
            ("::/0", "192.0.2.1", ""),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.contains(inside.parse().unwrap()), "{network:?} {inside}");
            let outside = outside.parse().ok();
            assert!(!outside.is_some_and(|outside| network.contains(outside)), "{network:?}");
        }
    }

    #[test]
    fn network_is_not_guessed_at() {
        for bad in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10/8",
            "10.0.0.0 /8",
            "[::1]/128",
            "proxy",
            "10.0.0.0/255.0.0.0",
            "10.0.0.0/4294967304",
        ] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork::Malformed), "{bad}");
        }
        for bad in ["10.0.0.1/8", "fd00::1/8", "10.0.0.0/0", "0.0.0.1/31", "::1/127"] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork::HostBits), "{bad}");
        }
    }

    #[test]
    fn range_of_everyone_is_known() {
        for (network, has_everyone) in [
            ("0.0.0.0/0", true),
            ("::/0", true),
            ("::ffff:0.0.0.0/96", true),
            ("0.0.0.0/1", false),
            ("::/1", true), // All of IPv4 is mapped into it.
            ("8000::/1", false),
            ("10.0.0.0/8", false),
            ("127.0.0.1", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.has_everyone(), has_everyone, "{network:?}");
        }
    }

    /// What is said of a request that came from 127.0.0.1, where that, 10.0.0.0/8 and fd00::/8 are
    /// trusted, and whose head has these lines.
    fn forwarded(lines: &str) -> Forwarded {
        let networks = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].map(|text| text.parse().unwrap());
        let raw = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n");
        let limits = HeadLimits { head_bytes_max: 8192, fields_max: 64, target_bytes_max: 1024 };
        let mut storage = FieldStorage::default();
        let head = RequestHead::decode(raw.as_bytes(), &limits, &mut storage).unwrap();
        TrustedProxies::new(networks.into()).forwarded([127, 0, 0, 1].into(), &head)
    }

    #[test]
    fn client_is_the_first_from_the_right_that_is_no_trusted_proxy() {
        for (list, client) in [
            ("192.0.2.1", "192.0.2.1"),
            ("  192.0.2.1\t", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
            ("203.0.113.9, 192.0.2.1", "192.0.2.1"),
            ("203.0.113.9,192.0.2.1, 10.1.2.3 ,127.0.0.1", "192.0.2.1"),
            ("192.0.2.1, fd00::1, ::ffff:10.0.0.1", "192.0.2.1"),
            ("127.0.0.2", "127.0.0.2"),
            // What a client made up stands left of its own address.
            ("unknown, 192.0.2.1", "192.0.2.1"),
            (", ,\u{80}, 192.0.2.1", "192.0.2.1"),
            ("10.0.0.1, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
            ("203.0.113.9\r\nX-Forwarded-For: 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1\r\nx-forwarded-for: 10.0.0.1", "192.0.2.1"),
            ("192.0.2.1\r\nForwarded: for=203.0.113.9", "192.0.2.1"),
        ] {
            let client = client.parse().unwrap();
            let found = forwarded(&format!("X-Forwarded-For: {list}"));
            assert_eq!(found, Forwarded::Client(client), "{list}");
        }
    }

    #[test]
    fn what_is_no_address_is_laid_to_the_proxy_that_let_it_through() {
        for (list, by) in [
            ("", "127.0.0.1"),
            ("unknown", "127.0.0.1"),
            ("_hidden", "127.0.0.1"),
            ("192.0.2.1,", "127.0.0.1"),
            ("192.0.2.1 203.0.113.9", "127.0.0.1"),
            ("192.0.2.256", "127.0.0.1"),
            ("192.0.2.1:65536", "127.0.0.1"),
            ("2001:db8::1%eth0", "127.0.0.1"),
            ("\"192.0.2.1\"", "127.0.0.1"),
            ("192.0.2.1\r\nX-Forwarded-For:", "127.0.0.1"),
            ("192.0.2.1, unknown, 10.0.0.2, 10.0.0.1", "10.0.0.2"),
        ] {
            let by = by.parse().unwrap();
            let found = forwarded(&format!("X-Forwarded-For: {list}"));
            assert_eq!(found, Forwarded::Malformed { by }, "{list}");
        }
    }

    #[test]
    fn proxy_asks_for_itself_if_it_names_nobody_else() {
        for lines in ["X: y", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=192.0.2.1"] {
            assert_eq!(forwarded(lines), Forwarded::Proxy, "{lines}");
        }
    }
}
