//! Which pages may connect, and for the log those that may not: an operator has to see which
//! origins `--allow-origin` leaves out.

use std::fmt;

use crate::addresses::AddressKey;
use crate::config::OriginPolicy;
use crate::connection::Connection;
use crate::http::{RequestHead, is_own_origin};

use super::Hub;
use super::context::Context;

/// An origin whose request was refused. To display it is safe, whatever a peer sent: it is in
/// printable ASCII, quotes escaped, and no longer than a real origin may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedOrigin {
    /// The field, or its beginning.
    field: Box<[u8]>,
    is_cut: bool,
    /// Where the request came from, unless that is exempt.
    pub address: Option<AddressKey>,
}

/// The origin of a page on a host of 63 characters with a port fits in, and one line stays short.
const BYTES_MAX: usize = 100;

impl RefusedOrigin {
    fn new(field: &[u8], address: Option<AddressKey>) -> RefusedOrigin {
        let kept = field.get(..BYTES_MAX).unwrap_or(field);
        RefusedOrigin { field: kept.into(), is_cut: kept.len() < field.len(), address }
    }
}

impl fmt::Display for RefusedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.is_cut { "..." } else { "" };
        write!(f, "{}{end}", self.field.escape_ascii())
    }
}

impl Hub {
    /// Takes the origins that were refused in this turn. There is at most one for each connection,
    /// as that ends with it.
    pub fn take_refused_origins(&mut self) -> Vec<RefusedOrigin> {
        std::mem::take(&mut self.context.refused_origins)
    }
}

impl Context {
    /// RFC 6455 §10.2. A client that is no browser need not say where it comes from.
    pub(super) fn allows_origin(&self, head: &RequestHead<'_>) -> bool {
        let Ok(origin) = head.single("origin") else { return false };
        let (Some(origin), OriginPolicy::Listed(listed)) = (origin, &self.config.origins) else {
            return true;
        };
        is_own_origin(origin, head.host) || listed.iter().any(|other| other.matches(origin))
    }

    /// Remembers an origin that is not allowed, until the driver takes it.
    pub(super) fn note_refused_origin(&mut self, from: &Connection, head: &RequestHead<'_>) {
        let field = head.single("origin").ok().flatten().unwrap_or(b"more than one");
        self.refused_origins.push(RefusedOrigin::new(field, from.address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_shown_in_printable_ascii_and_short() {
        let shown = |field: &[u8]| RefusedOrigin::new(field, None).to_string();
        assert_eq!(shown(b"https://app.com"), "https://app.com");
        assert_eq!(shown(b""), "");
        assert_eq!(shown(b"a\" b\\\x1b[31m\x9b\xc3\xa9\t"), r#"a\" b\\\x1b[31m\x9b\xc3\xa9\t"#);
        let long = shown(&[b'x'; 5_000]);
        assert_eq!(long, format!("{}...", "x".repeat(100)));
        // The most that escapes can make of it.
        assert_eq!(shown(&[0x9B; 5_000]).len(), 4 * 100 + 3);
    }
}
