//! Origins that an operator lets in: what `--allow-origin` takes, and which fields it means.
//!
//! A browser sends one serialization of an origin (RFC 6454 §6.2, HTML "serialization of an
//! origin"), so the setting is brought into that form once and the bytes are compared. What no
//! browser or app can send would never match: it is an error, whose sentence says how to write it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::origin::split_port;

/// An origin, or the origins below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigin(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// Of a web page: in lower case, without a default port.
    Web(String),
    /// Of an app, an extension or a file, in the case that it was given in: schemes differ in
    /// whether they keep that. `null` is one too.
    App(String),
    /// Of the pages on any host below a domain.
    Below {
        /// Scheme and slashes.
        start: String,
        /// A dot, the domain, and maybe a port.
        end: String,
    },
}

/// Why nobody can have this origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginError {
    /// There is no `scheme://`.
    NoScheme,
    /// Pages of that scheme have no origin of their own.
    Opaque,
    /// There is more than one, or white space.
    Several,
    /// Something follows the host and port.
    Path,
    /// A user name comes before the host.
    UserInfo,
    /// The port is no number that a port has.
    Port,
    /// The host is not in ASCII.
    International,
    /// The host is no host name.
    Host,
    /// The host ends in a number and is no IPv4 address, or is no IPv6 address.
    Address,
    /// `*` is not the whole first label of a domain.
    Wildcard,
    /// `*` stands below what anybody can have names in.
    TooWide,
}

/// Their pages have an opaque origin, which is sent as `null`; or there are no such pages any more.
const OPAQUE: [&str; 6] = ["about", "blob", "data", "ftp", "javascript", "view-source"];

/// Labels under which a country has its registrations: `co.uk`, `com.au`.
const REGISTRIES: [&str; 10] = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"];

impl AllowedOrigin {
    /// Whether `field`, the value of an `Origin` field, is meant.
    pub fn matches(&self, field: &[u8]) -> bool {
        match &self.0 {
            Form::Web(origin) => origin.as_bytes() == field,
            Form::App(origin) => origin.as_bytes().eq_ignore_ascii_case(field),
            Form::Below { start, end } => {
                let rest = field.strip_prefix(start.as_bytes());
                let labels = rest.and_then(|rest| rest.strip_suffix(end.as_bytes()));
                // Whole labels, as browsers write them: no trick with other characters gets by.
                labels.is_some_and(|labels| labels.split(|&byte| byte == b'.').all(is_lower_label))
            }
        }
    }
}

impl FromStr for AllowedOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<AllowedOrigin, OriginError> {
        if text == "null" {
            return Ok(AllowedOrigin(Form::App(text.to_owned())));
        }
        let (scheme, _) = text.split_once(':').ok_or(OriginError::NoScheme)?;
        if OPAQUE.iter().any(|opaque| opaque.eq_ignore_ascii_case(scheme)) {
            return Err(OriginError::Opaque);
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::NoScheme)?;
        if !is_scheme(scheme) {
            return Err(OriginError::NoScheme);
        }
        if rest.contains(|c: char| c == ',' || c.is_whitespace() || c.is_control()) {
            return Err(OriginError::Several);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '\\', '?', '#']) {
            return Err(OriginError::Path);
        }
        if rest.contains('@') {
            return Err(OriginError::UserInfo);
        }
        // RFC 3986 §3.1: a scheme has no case.
        let scheme = scheme.to_ascii_lowercase();
        match default_port(&scheme) {
            Some(default) => web(&scheme, rest, default),
            None => app(&scheme, rest),
        }
        .map(AllowedOrigin)
    }
}

/// The port of a scheme of the web, which is not written.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// The origin of a page, as browsers write it.
fn web(scheme: &str, authority: &str, default_port: u16) -> Result<Form, OriginError> {
    let (host, port) = split_host(authority)?;
    // A default port is not written (RFC 6454 §6.2).
    let port = port.filter(|&port| port != default_port);
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    if let Some(domain) = host.strip_prefix("*.") {
        let domain = domain_below_which_all_may(domain)?;
        return Ok(Form::Below { start: format!("{scheme}://"), end: format!(".{domain}{port}") });
    }
    let origin = format!("{scheme}://{}{port}", host_name(host)?);
    // Only pages are sure to write it in one way: an app that says `ws://` does it by itself.
    let is_page = matches!(scheme, "http" | "https");
    Ok(if is_page { Form::Web(origin) } else { Form::App(origin) })
}

/// The origin of an app: its scheme is its own, and what it calls a host is up to it.
fn app(scheme: &str, authority: &str) -> Result<Form, OriginError> {
    // Every file is of one origin, where that is not null.
    if scheme == "file" && !authority.is_empty() {
        return Err(OriginError::Path);
    }
    let (host, port) = split_host(authority)?;
    if host.contains('*') {
        return Err(OriginError::Wildcard);
    }
    // WHATWG URL, "forbidden host code point".
    if !host.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"%<>[]^`{|}:".contains(&byte)) {
        return Err(OriginError::Host);
    }
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(Form::App(format!("{scheme}://{host}{port}")))
}

fn split_host(authority: &str) -> Result<(&str, Option<u16>), OriginError> {
    let (host, port) = split_port(authority.as_bytes());
    let host = authority.get(..host.len()).unwrap_or_default();
    let port = match port {
        None | Some([]) => None,
        Some(digits) if digits.iter().all(u8::is_ascii_digit) => {
            let number = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            Some(number.filter(|&port| port > 0).ok_or(OriginError::Port)?)
        }
        Some(_) => return Err(OriginError::Port),
    };
    Ok((host, port))
}

/// A host as WHATWG URL serializes it.
fn host_name(host: &str) -> Result<String, OriginError> {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').ok_or(OriginError::Address)?;
        let address: Ipv6Addr = address.parse().map_err(|_| OriginError::Address)?;
        // Browsers write this in hexadecimal, and Rust does not.
        return Ok(match (address.to_ipv4_mapped(), address.segments()) {
            (Some(_), [.., high, low]) => format!("[::ffff:{high:x}:{low:x}]"),
            _ => format!("[{address}]"),
        });
    }
    if !host.is_ascii() {
        return Err(OriginError::International);
    }
    if host.contains('*') {
        return Err(OriginError::Wildcard);
    }
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    if name.len() > 253 || !name.split('.').all(|label| is_lower_label(label.as_bytes())) {
        return Err(OriginError::Host);
    }
    if ends_in_number(name) && host.parse::<Ipv4Addr>().is_err() {
        return Err(OriginError::Address);
    }
    Ok(host)
}

/// A domain whose owner has all the names below it.
fn domain_below_which_all_may(domain: &str) -> Result<String, OriginError> {
    if domain.contains(['*', '[', ':']) {
        return Err(OriginError::Wildcard);
    }
    let domain = host_name(domain)?;
    if ends_in_number(&domain) {
        return Err(OriginError::Wildcard);
    }
    let labels: Vec<&str> = domain.trim_end_matches('.').split('.').collect();
    match labels[..] {
        // This machine: RFC 6761 §6.3.
        ["localhost"] => Ok(domain),
        [_] => Err(OriginError::TooWide),
        [second, country] if country.len() == 2 && REGISTRIES.contains(&second) => {
            Err(OriginError::TooWide)
        }
        _ => Ok(domain),
    }
}

/// RFC 3986 §3.1.
fn is_scheme(scheme: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(is_part)
}

fn is_lower_label(label: &[u8]) -> bool {
    let is_part =
        |&byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=63).contains(&label.len()) && label.iter().all(is_part)
}

/// WHATWG URL, "ends in a number checker": such a host is an IPv4 address or nothing.
fn ends_in_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x");
    hexadecimal.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        || !last.is_empty() && last.bytes().all(|digit| digit.is_ascii_digit())
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OriginError::NoScheme => {
                "an origin is written like https://example.com, http://localhost:8080, \
                 capacitor://localhost or null"
            }
            OriginError::Opaque => {
                "pages of that scheme have no origin of their own: they send null"
            }
            OriginError::Several => "give the flag once for each origin, without commas and spaces",
            OriginError::Path => "an origin ends after its host and port, without a path",
            OriginError::UserInfo => "an origin has no user name: leave out what is before the @",
            OriginError::Port => {
                "a port is a number from 1 to 65535: give the flag once for each port"
            }
            OriginError::International => {
                "write the host in ASCII, as browsers send it: xn--bcher-kva.example for \
                 b\u{fc}cher.example"
            }
            OriginError::Host => "no browser or app sends such a host",
            OriginError::Address => {
                "write an IP address in full, like http://127.0.0.1:3000 or http://[::1]:3000"
            }
            OriginError::Wildcard => {
                "* can only be the whole first label of a domain, as in https://*.example.com"
            }
            OriginError::TooWide => {
                "anybody can have a name below that domain: name your own, as in \
                 https://*.example.com"
            }
        })
    }
}

impl std::error::Error for OriginError {}
