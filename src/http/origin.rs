//! Web origins (RFC 6454): whose page is it that opens a WebSocket here?
//!
//! A WebSocket is not bound by the same-origin policy, so the server has to ask (RFC 6455 §10.2).

/// Whether `field`, the value of an `Origin` field, is the host and port that the request was for,
/// by its `Host`.
///
/// The scheme is left open: behind a proxy that ends TLS the origin says `https`, and this server
/// can't know. A `Host` without a port means the default one of that scheme.
pub fn is_own_origin(field: &[u8], host: &[u8]) -> bool {
    let Some((default_port, authority)) = split_page(field).or_else(|| split_socket(field)) else {
        return false;
    };
    let (name, port) = split_port(authority);
    let (host_name, host_port) = split_port(host);
    !name.is_empty()
        && name.eq_ignore_ascii_case(host_name)
        && port.unwrap_or(default_port) == host_port.unwrap_or(default_port)
}

/// The default port and the authority of a page's origin, which a browser writes in lower case.
fn split_page(origin: &[u8]) -> Option<(&'static [u8], &[u8])> {
    let http = origin.strip_prefix(b"http://").map(|authority| (&b"80"[..], authority));
    let https = || origin.strip_prefix(b"https://").map(|authority| (&b"443"[..], authority));
    let is_lower = |(_, authority): &(_, &[u8])| !authority.iter().any(u8::is_ascii_uppercase);
    http.or_else(https).filter(is_lower)
}

/// The same of a client that gives the WebSocket's own address as its origin. No page can have such
/// an origin, so it lets no page in, and its case is the client's affair.
fn split_socket(origin: &[u8]) -> Option<(&'static [u8], &[u8])> {
    let colon = origin.iter().position(|&byte| byte == b':')?;
    let (scheme, rest) = origin.split_at_checked(colon)?;
    let default_port: &[u8] = match () {
        () if scheme.eq_ignore_ascii_case(b"ws") => b"80",
        () if scheme.eq_ignore_ascii_case(b"wss") => b"443",
        () => return None,
    };
    Some((default_port, rest.strip_prefix(b"://")?))
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
            ("ws://app.com", "app.com", true),
            ("ws://app.com:80", "app.com", true),
            ("ws://app.com:3000", "app.com:3000", true),
            ("wss://app.com", "app.com:443", true),
            ("WS://App.com:3000", "app.COM:3000", true),
            ("ws://[::1]:3000", "[::1]:3000", true),
            ("wss://[2001:DB8::1]", "[2001:db8::1]", true),
            ("wss://app.com", "app.com:80", false),
            ("ws://app.com:443", "app.com", false),
            ("ws://evil.com", "app.com", false),
            ("ws://app.com.evil.com", "app.com", false),
            ("ws://user@app.com", "app.com", false),
            ("ws://", "", false),
            ("ws:app.com", "app.com", false),
            ("wsx://app.com", "app.com", false),
            ("ftp://app.com", "app.com", false),
            ("null", "app.com", false),
            ("", "app.com", false),
        ] {
            let found = is_own_origin(origin.as_bytes(), host.as_bytes());
            assert_eq!(found, same, "{origin} at {host}");
        }
    }
}
