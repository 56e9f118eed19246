//! The path of a target, decoded (RFC 3986 §2.1): the one form in which paths are compared.
//!
//! A browser leaves characters as they are that another client encodes, and writes the digits of an
//! escape in either case. RFC 3986 §6.2.2 says that these are the same path, and they are once they
//! are decoded. That happens once: `%2541` is the name `%41`.

use std::borrow::Cow;
use std::str;

/// Decodes the escapes of a path. `None` if one of them is broken, if the result is not UTF-8, or
/// if it would not be the same path: with a slash that parts no segments, or with a NUL, which no
/// file name has and which ends a string for whoever reads it in C.
pub(super) fn decode(path: &str) -> Option<Cow<'_, str>> {
    unescape(path, |byte| matches!(byte, b'/' | b'\0'))
}

/// Decodes the escapes of a part of a URL. `None` if one of them is broken or refused, or if the
/// result is not UTF-8.
pub fn unescape(text: &str, is_refused: impl Fn(u8) -> bool) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut parts = text.as_bytes().split(|&byte| byte == b'%');
    let mut decoded = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let [high, low, rest @ ..] = part else { return None };
        let byte = digit(*high)? << 4 | digit(*low)?;
        if is_refused(byte) {
            return None;
        }
        decoded.push(byte);
        decoded.extend_from_slice(rest);
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Encodes the name of a file or folder as one segment that begins a relative reference: all but
/// the unreserved characters (RFC 3986 §2.3), and so no colon that would make it a scheme.
pub fn encode_segment(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_decoded_once_or_refused() {
        for (path, decoded) in [
            ("/", Some("/")),
            ("/a!$&'()*+,;=:@|^[]{}", Some("/a!$&'()*+,;=:@|^[]{}")),
            ("/%61%2e%7E%7e", Some("/a.~~")),
            ("/%c3%bc%C3%BC", Some("/üü")),
            ("/%2541%25", Some("/%41%")),
            ("/%3f%23%20", Some("/?# ")),
            ("/%5C%5c", Some("/\\\\")),
            ("/%2e%2e/a", Some("/../a")),
            ("/a%2fb", None),
            ("/a%2Fb", None),
            ("/%00", None),
            ("/%", None),
            ("/%4", None),
            ("/%4/", None),
            ("/%zz", None),
            ("/%+1", None),
            ("/% 1", None),
            ("/%%41", None),
            ("/%80", None),
            ("/%c3", None),
            ("/%c0%af", None),
            ("/%ed%a0%80", None),
        ] {
            assert_eq!(decode(path).as_deref(), decoded, "{path}");
        }
    }

    #[test]
    fn segment_is_encoded_so_that_it_comes_back() {
        let every: String = (1..0x180_u32).filter_map(char::from_u32).collect();
        let name = every.replace('/', "");
        let encoded = encode_segment(&name);
        assert!(
            encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
        );
        assert_eq!(decode(&encoded).as_deref(), Some(&*name));
    }
}
