//! The request line (RFC 9112 §3).

use super::error::RequestError;

/// The version of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1, or a later one of the same major version
    Http11,
}

/// A method, a target and a version. The first two are words so far, and no more is known of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) version: Version,
}

impl<'a> RequestLine<'a> {
    /// Decodes the line at the front of `head`, and gives what follows it.
    pub(super) fn split_off(
        mut head: &'a [u8],
    ) -> Result<(RequestLine<'a>, &'a [u8]), RequestError> {
        // RFC 9112 §2.2: empty lines before it are ignored.
        while let Some(rest) = head.strip_prefix(b"\r\n") {
            head = rest;
        }
        let end = head.iter().position(|&byte| byte == b'\r').ok_or(RequestError::Malformed)?;
        let (line, rest) = head.split_at(end);
        let rest = rest.strip_prefix(b"\r\n").ok_or(RequestError::Malformed)?;
        Ok((RequestLine::decode(line)?, rest))
    }

    /// Decodes a line, without its CRLF: three words, one space between them and nothing else.
    pub(super) fn decode(line: &'a [u8]) -> Result<RequestLine<'a>, RequestError> {
        let mut words = line.split(|&byte| byte == b' ');
        let (Some(method), Some(target @ [_, ..]), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(RequestError::Malformed);
        };
        let version = match version.strip_prefix(b"HTTP/") {
            Some(b"1.0") => Version::Http10,
            // RFC 9110 §6.2: a higher minor version is processed as the highest that is known.
            Some([b'1', b'.', b'1'..=b'9']) => Version::Http11,
            Some([b'0'..=b'9', b'.', b'0'..=b'9']) => return Err(RequestError::Version),
            _ => return Err(RequestError::Malformed),
        };
        Ok(RequestLine { method, target, version })
    }
}
