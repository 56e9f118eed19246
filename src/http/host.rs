//! The names that a server was told it has, and whether a request is for one of them (RFC 9110
//! §7.2).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::{self, FromStr};

use super::head::host_name;

/// A host, or all hosts whose names end alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPattern {
    /// `*`: whatever a request is for.
    Any,
    /// `example.com` or `192.0.2.1`, in lower case and without a dot at the end.
    Name(String),
    /// `*.example.com`: every name below that one, at any depth.
    Below(String),
    /// `.example.com`: the name and those below it.
    Domain(String),
    /// `[::1]`.
    Address(Ipv6Addr),
}

/// Why a text is no [`HostPattern`]; it says how to write one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidHost {
    /// It is no name at all.
    Malformed,
    /// It has more to it than a name.
    NotBare,
    /// It has letters that no request has.
    NotAscii,
    /// A `*` stands in the middle of something.
    Star,
    /// It ends in a number, as an address does, and is none.
    Number,
}

/// The longest name in the DNS and the longest label of one, in bytes (RFC 1035 §2.3.4).
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

impl HostPattern {
    /// Whether the `Host` of a request, a name or address with or without a port, is meant.
    pub fn matches(&self, host: &[u8]) -> bool {
        let name = host_name(host);
        // `example.com.` is the same name, written from the root of the DNS on.
        let name = name.strip_suffix(b".").unwrap_or(name);
        let is_below = |parent: &str| {
            let (labels, end) = name.split_at(name.len().saturating_sub(parent.len()));
            matches!(labels, [_, .., b'.']) && end.eq_ignore_ascii_case(parent.as_bytes())
        };
        match self {
            HostPattern::Any => true,
            HostPattern::Name(known) => name.eq_ignore_ascii_case(known.as_bytes()),
            HostPattern::Below(parent) => is_below(parent),
            HostPattern::Domain(known) => {
                name.eq_ignore_ascii_case(known.as_bytes()) || is_below(known)
            }
            HostPattern::Address(known) => address_in_brackets(name) == Some(*known),
        }
    }
}

impl FromStr for HostPattern {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<HostPattern, InvalidHost> {
        let text = text.trim();
        if text == "*" {
            return Ok(HostPattern::Any);
        }
        if let Ok(address) = text.parse() {
            return Ok(HostPattern::Address(address));
        }
        if let Some(address) = address_in_brackets(text.as_bytes()) {
            return Ok(HostPattern::Address(address));
        }
        if text.contains([':', '/', '@', '[', ']']) {
            return Err(InvalidHost::NotBare);
        }
        if !text.is_ascii() {
            return Err(InvalidHost::NotAscii);
        }
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let (name, pattern): (_, fn(String) -> HostPattern) = match text.strip_prefix("*.") {
            Some(parent) => (parent, HostPattern::Below),
            None => match text.strip_prefix('.') {
                Some(name) => (name, HostPattern::Domain),
                None => (text.as_str(), HostPattern::Name),
            },
        };
        check_name(name)?;
        let pattern = pattern(name.to_owned());
        // What ends in a number is an address to every browser (WHATWG URL, "ends in a number").
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
        let is_address = matches!(pattern, HostPattern::Name(_)) && is_ipv4(name);
        if is_number && !is_address { Err(InvalidHost::Number) } else { Ok(pattern) }
    }
}

fn check_name(name: &str) -> Result<(), InvalidHost> {
    if name.contains('*') {
        return Err(InvalidHost::Star);
    }
    // `_` is in no host name by RFC 952, and in some that are used.
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    match name.len() <= NAME_BYTES_MAX && name.split('.').all(is_label) {
        true => Ok(()),
        false => Err(InvalidHost::Malformed),
    }
}

fn is_ipv4(name: &str) -> bool {
    name.parse::<Ipv4Addr>().is_ok()
}

fn address_in_brackets(host: &[u8]) -> Option<Ipv6Addr> {
    let address = host.strip_prefix(b"[")?.strip_suffix(b"]")?;
    str::from_utf8(address).ok()?.parse().ok()
}

impl fmt::Display for InvalidHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidHost::Malformed => {
                "a host name is written like example.com, *.example.com for all below it, or [::1]"
            }
            InvalidHost::NotBare => {
                "a host name is written without scheme and port, like example.com or [::1]; every \
                 port is allowed"
            }
            InvalidHost::NotAscii => {
                "a host name is written as browsers send it, in ASCII: xn--bcher-kva.example for \
                 bücher.example"
            }
            InvalidHost::Star => {
                "* stands for whole labels at the beginning, like *.example.com, or alone for any \
                 name"
            }
            InvalidHost::Number => "an address is written in full, like 192.0.2.1 or [2001:db8::1]",
        })
    }
}

impl std::error::Error for InvalidHost {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_for_a_host_if_its_name_is() {
        for (pattern, hosts) in [
            ("example.com", "example.com EXAMPLE.com example.com. example.com:80 example.com:"),
            ("EXAMPLE.com.", "example.com example.com.:3000"),
            ("*.example.com", "a.example.com A.b.Example.COM:8080 a.example.com."),
            (".example.com", "example.com a.example.com example.com.:1"),
            ("localhost", "localhost LOCALHOST:3000"),
            ("192.0.2.1", "192.0.2.1 192.0.2.1:80"),
            ("::1", "[::1] [::1]:3000 [0:0:0:0:0:0:0:1]"),
            ("[2001:DB8:0::1]", "[2001:db8::1] [2001:DB8::1]:80"),
            ("*", "anything [::2] 192.0.2.9"),
        ] {
            let pattern: HostPattern = pattern.parse().unwrap();
            for host in hosts.split(' ') {
                assert!(pattern.matches(host.as_bytes()), "{pattern:?} {host}");
            }
        }
    }

    #[test]
    fn request_is_not_for_a_host_that_only_looks_alike() {
        for (pattern, hosts) in [
            ("example.com", "a.example.com example.com.evil.com evil-example.com example.com.."),
            ("*.example.com", "example.com .example.com evilexample.com a.example.com.evil.com"),
            (".example.com", "evilexample.com .example.com example.com.evil.com xample.com"),
            ("192.0.2.1", "192.0.2.10 1.192.0.2.1 [::ffff:192.0.2.1]"),
            ("[::1]", "::1 [::2] [::1 1] [::1].evil.com"),
        ] {
            let pattern: HostPattern = pattern.parse().unwrap();
            for host in hosts.split(' ').chain([""]) {
                assert!(!pattern.matches(host.as_bytes()), "{pattern:?} {host}");
            }
        }
    }

    /// A setting that no request can match is refused, and not taken without a word.
    #[test]
    fn what_no_request_can_have_as_its_host_is_refused() {
        for (text, problem) in [
            ("", InvalidHost::Malformed),
            (".", InvalidHost::Malformed),
            ("..", InvalidHost::Malformed),
            ("*.", InvalidHost::Star),
            ("a..b", InvalidHost::Malformed),
            ("a b", InvalidHost::Malformed),
            ("a%41", InvalidHost::Malformed),
            ("a?b", InvalidHost::Malformed),
            ("http://example.com", InvalidHost::NotBare),
            ("//example.com", InvalidHost::NotBare),
            ("example.com/", InvalidHost::NotBare),
            ("example.com:3000", InvalidHost::NotBare),
            ("localhost:*", InvalidHost::NotBare),
            ("ann@example.com", InvalidHost::NotBare),
            ("10.0.0.0/8", InvalidHost::NotBare),
            ("[::1]:80", InvalidHost::NotBare),
            ("[::1", InvalidHost::NotBare),
            ("[]", InvalidHost::NotBare),
            ("[x]", InvalidHost::NotBare),
            ("[fe80::1%eth0]", InvalidHost::NotBare),
            ("*.[::1]", InvalidHost::NotBare),
            ("bücher.example", InvalidHost::NotAscii),
            ("example。com", InvalidHost::NotAscii),
            ("a.*.com", InvalidHost::Star),
            ("*example.com", InvalidHost::Star),
            ("*.*.example.com", InvalidHost::Star),
            ("www*", InvalidHost::Star),
            ("256.0.0.1", InvalidHost::Number),
            ("127.1", InvalidHost::Number),
            ("3000", InvalidHost::Number),
            ("0x7f000001", InvalidHost::Number),
            ("*.0.0.1", InvalidHost::Number),
            (".192.0.2.1", InvalidHost::Number),
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(problem), "{text}");
        }
        let long = "a".repeat(LABEL_BYTES_MAX + 1);
        assert_eq!(long.parse::<HostPattern>(), Err(InvalidHost::Malformed));
        let long = "a.".repeat(NAME_BYTES_MAX / 2 + 1) + "b";
        assert_eq!(long.parse::<HostPattern>(), Err(InvalidHost::Malformed));
    }
}
