//! An origin that was refused, for the log: an operator has to see which pages `--allow-origin`
//! leaves out.

use std::fmt;

use crate::addresses::AddressKey;

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
    pub(super) fn new(field: &[u8], address: Option<AddressKey>) -> RefusedOrigin {
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
