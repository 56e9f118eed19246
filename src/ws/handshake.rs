//! The opening handshake, from the server's side (RFC 6455 §4.2).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::http::{RequestHead, Version, is_token};

use super::extension::{self, DeflateParameters};

/// What RFC 6455 §4.2.2 has the server append to the client's key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Why a request does not open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeError {
    /// HTTP/1.0 (§4.2.1, 1: "HTTP/1.1 or higher").
    OldHttp,
    /// The request has a body.
    Body,
    /// `Upgrade` does not name `websocket` (§4.2.1, 3).
    NotWebSocket,
    /// `Connection` does not name `Upgrade` (§4.2.1, 4).
    NoConnectionUpgrade,
    /// `Sec-WebSocket-Key` is not there once, or is not 16 bytes in base64 (§4.2.1, 5).
    BadKey,
    /// `Sec-WebSocket-Version` is not there, or is not 13 (§4.2.1, 6).
    WrongVersion,
    /// `Sec-WebSocket-Version` is there more than once (§11.3.5).
    RepeatedVersion,
    /// `Sec-WebSocket-Protocol` is not a list of tokens (§11.3.4).
    BadProtocols,
    /// `Sec-WebSocket-Extensions` does not follow its grammar (§9.1).
    BadExtensions,
}

impl HandshakeError {
    /// Whether the response is 426 Upgrade Required, and not 400.
    ///
    /// RFC 6455 §4.2.2, 4: a version that the server does not understand is answered with "an
    /// appropriate HTTP error code (such as 426 Upgrade Required)".
    pub const fn asks_for_upgrade(self) -> bool {
        matches!(self, HandshakeError::NotWebSocket | HandshakeError::WrongVersion)
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HandshakeError::OldHttp => "a WebSocket needs HTTP/1.1",
            HandshakeError::Body => "the request for a WebSocket has no body",
            HandshakeError::NotWebSocket => "this is a WebSocket: Upgrade: websocket is needed",
            HandshakeError::NoConnectionUpgrade => "Connection: Upgrade is needed",
            HandshakeError::BadKey => "Sec-WebSocket-Key must be 16 bytes in base64, once",
            HandshakeError::WrongVersion => "Sec-WebSocket-Version must be 13",
            HandshakeError::RepeatedVersion => "Sec-WebSocket-Version is given more than once",
            HandshakeError::BadProtocols => "Sec-WebSocket-Protocol is malformed",
            HandshakeError::BadExtensions => "Sec-WebSocket-Extensions is malformed",
        })
    }
}

impl std::error::Error for HandshakeError {}

/// What the server chooses of what a client offers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes<'a> {
    /// A subprotocol, chosen if it is among those that the client offers.
    pub subprotocol: Option<&'a str>,
    /// Whether messages may be compressed.
    pub deflates: bool,
    /// Whether a message may then refer to those before it.
    pub allows_takeover: bool,
}

/// Reads a client's opening handshake and appends the response to `out`, all of it but the status
/// line's reason being fixed by RFC 6455 §4.2.2.
///
/// What is agreed on about compression is returned.
pub fn accept(
    head: &RequestHead<'_>,
    wishes: Wishes<'_>,
    out: &mut Vec<u8>,
) -> Result<Option<DeflateParameters>, HandshakeError> {
    if head.version == Version::Http10 {
        return Err(HandshakeError::OldHttp);
    }
    if !head.has_token("upgrade", "websocket") {
        return Err(HandshakeError::NotWebSocket);
    }
    if !head.has_token("connection", "upgrade") {
        return Err(HandshakeError::NoConnectionUpgrade);
    }
    // RFC 9110 §7.8: the protocol can't change in the middle of a request. No client sends a body
    // here, and what two readers take for one could be frames to one of them.
    if !head.body.is_zero() {
        return Err(HandshakeError::Body);
    }
    // The version goes first: another version may have another kind of key.
    match head.single("sec-websocket-version") {
        Ok(Some(b"13")) => {}
        Ok(_) => return Err(HandshakeError::WrongVersion),
        Err(_) => return Err(HandshakeError::RepeatedVersion),
    }
    let key = match head.single("sec-websocket-key") {
        Ok(Some(key)) if is_key(key) => key,
        _ => return Err(HandshakeError::BadKey),
    };
    if !lists_subprotocols(head) {
        return Err(HandshakeError::BadProtocols);
    }
    let offers = head.values("sec-websocket-extensions");
    let deflate = extension::negotiate(offers, wishes.allows_takeover)
        .map_err(|_| HandshakeError::BadExtensions)?
        .filter(|_| wishes.deflates);

    out.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\n\
          Upgrade: websocket\r\n\
          Connection: Upgrade\r\n\
          Sec-WebSocket-Accept: ",
    );
    out.extend_from_slice(&accept_key(key));
    // RFC 6455 §4.2.2, 5: at most one of the client's own, or no such field.
    if let Some(chosen) = wishes.subprotocol.filter(|chosen| offers_subprotocol(head, chosen)) {
        out.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
        out.extend_from_slice(chosen.as_bytes());
    }
    if let Some(deflate) = &deflate {
        out.extend_from_slice(b"\r\nSec-WebSocket-Extensions: ");
        out.extend_from_slice(deflate.encode().as_bytes());
    }
    out.extend_from_slice(b"\r\n\r\n");
    Ok(deflate)
}

/// The proof that the server read the client's key (§4.2.2, 5).
pub fn accept_key(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut encoded = [0; 28];
    let written = STANDARD.encode_slice(digest, &mut encoded);
    debug_assert_eq!(written, Ok(28), "20 bytes are 28 characters of base64");
    encoded
}

/// Whether `key` is 16 bytes in base64: 22 characters and two of padding. The bits that padding
/// leaves over may be anything, as the key is a nonce that nobody decodes.
fn is_key(key: &[u8]) -> bool {
    let in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.split_last_chunk::<2>().is_some_and(|(digits, padding)| {
        padding == b"==" && digits.len() == 22 && digits.iter().all(in_alphabet)
    })
}

/// Whether subprotocols, if any are offered, are a list of one token or more (RFC 6455 §4.3), with
/// empty elements beside it or without (RFC 9110 §5.6.1.2).
fn lists_subprotocols(head: &RequestHead<'_>) -> bool {
    let is_given = head.values("sec-websocket-protocol").next().is_some();
    let mut offers = head.list("sec-websocket-protocol").peekable();
    offers.peek().is_some() == is_given && offers.all(is_token)
}

/// Whether a client offers this subprotocol. Names are compared as they are: RFC 6455 §11.5 does
/// not fold case.
pub fn offers_subprotocol(head: &RequestHead<'_>, name: &str) -> bool {
    head.list("sec-websocket-protocol").any(|offer| offer == name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_key_is_that_of_the_rfc() {
        // RFC 6455 §1.3.
        assert_eq!(&accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn key_is_sixteen_bytes_in_base64() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(is_key(b"/+AAAAAAAAAAAAAAAAAAAB=="), "bits under the padding are free");
        for bad in [
            &b""[..],
            b"==",
            b"dGhlIHNhbXBsZSBub25jZQ",
            b"dGhlIHNhbXBsZSBub25jZQ=",
            b"dGhlIHNhbXBsZSBub25jZQA=",
            b"dGhlIHNhbXBsZSBub25jZWFh",
            b"dGhlIHNhbXBsZSBub25j-Q==",
            b"dGhlIHNhbXBsZSBub25jZQ===",
            b"dGhl IHNhbXBsZSBub25jZQ==",
        ] {
            assert!(!is_key(bad), "{}", bad.escape_ascii());
        }
    }
}
