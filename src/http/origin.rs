//! Web origins (RFC 6454): whose page is it that opens a WebSocket here?
//!
//! A WebSocket is not bound by the same-origin policy, so the server has to ask (RFC 6455 §10.2).

use std::fmt;
use std::str::FromStr;

/// An origin as browsers write it: scheme, host and, unless it is the scheme's own, port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// A text is not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidOrigin;

impl Origin {
    /// Whether `field`, the value of an `Origin` field, is this origin. Browsers send the one
    /// serialization that RFC 6454 §6.2 defines, so the bytes are compared.
    pub fn matches(&self, field: &[u8]) -> bool {
        self.0.as_bytes() == field
    }

    /// The serialization.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `field`, the value of an `Origin` field, is the host and port that the request was
    /// for, by its `Host`.
    ///
    /// The scheme is left open: behind a proxy that ends TLS the origin says `https`, and this
    /// server can't know. A `Host` without a port means the default one of that scheme.
    pub fn is_of_host(field: &[u8], host: &[u8]) -> bool {
        let Some((default_port, authority)) = split_scheme(field) else { return false };
        // Hosts are compared without regard to case, but a browser's origin is in lower case.
        if authority.iter().any(u8::is_ascii_uppercase) {
            return false;
        }
        let (name, port) = split_port(authority);
        let (host_name, host_port) = split_port(host);
        !name.is_empty()
            && name.eq_ignore_ascii_case(host_name)
            && port.unwrap_or(default_port) == host_port.unwrap_or(default_port)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Origin, InvalidOrigin> {
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let (default_port, authority) = split_scheme(text.as_bytes()).ok_or(InvalidOrigin)?;
        let is_allowed = |&byte: &u8| byte.is_ascii_graphic() && !b"/?#@,".contains(&byte);
        if authority.is_empty() || !authority.iter().all(is_allowed) {
            return Err(InvalidOrigin);
        }
        // A default port is not written (RFC 6454 §6.2).
        let shortened = match split_port(authority) {
            (_, Some(port)) if port == default_port => text.rsplit_once(':').map(|(head, _)| head),
            _ => None,
        };
        Ok(Origin(shortened.unwrap_or(&text).to_owned()))
    }
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an origin is written like https://example.com or http://localhost:8080")
    }
}

impl std::error::Error for InvalidOrigin {}

/// The default port of the origin's scheme and what follows `://`.
fn split_scheme(origin: &[u8]) -> Option<(&'static [u8], &[u8])> {
    if let Some(authority) = origin.strip_prefix(b"http://") {
        return Some((b"80", authority));
    }
    Some((b"443", origin.strip_prefix(b"https://")?))
}

/// Host and port; the colons inside `[::1]` are none of a port.
pub(super) fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    match authority.iter().rposition(|&byte| byte == b':') {
        Some(colon) if !authority[colon..].contains(&b']') => {
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_the_same_host_only_if_name_and_port_are() {
        for (origin, host, same) in [
            ("http://app.com", "app.com", true),
            ("http://app.com", "APP.com", true),
            ("http://app.com", "app.com:80", true),
            ("https://app.com", "app.com", true),
            ("https://app.com", "app.com:443", true),
            ("http://app.com:3000", "app.com:3000", true),
            ("http://[::1]:3000", "[::1]:3000", true),
            ("http://[::1]", "[::1]", true),
            ("https://app.com", "app.com:80", false),
            ("http://app.com:3000", "app.com", false),
            ("http://app.com:3001", "app.com:3000", false),
            ("http://evil.com", "app.com", false),
            ("http://app.com.evil.com", "app.com", false),
            ("http://evilapp.com", "app.com", false),
            ("http://app.com.", "app.com", false),
            ("HTTP://APP.COM", "app.com", false),
            ("http://APP.COM", "app.com", false),
            ("http://user@app.com", "app.com", false),
            ("http://app.com/", "app.com", false),
            ("http://app.com http://app.com", "app.com", false),
            ("http://", "", false),
            ("ftp://app.com", "app.com", false),
            ("null", "app.com", false),
            ("", "app.com", false),
        ] {
            let found = Origin::is_of_host(origin.as_bytes(), host.as_bytes());
            assert_eq!(found, same, "{origin} at {host}");
        }
    }

    #[test]
    fn origin_is_read_in_the_form_that_browsers_send() {
        let origin = |text: &str| text.parse::<Origin>().map(|origin| origin.0);
        assert_eq!(origin("https://Example.com/"), Ok("https://example.com".into()));
        assert_eq!(origin("https://example.com:443"), Ok("https://example.com".into()));
        assert_eq!(origin("http://example.com:443"), Ok("http://example.com:443".into()));
        for bad in ["example.com", "https://", "https://a/b", "https://a, https://b", "null"] {
            assert_eq!(origin(bad), Err(InvalidOrigin), "{bad}");
        }
    }
}
