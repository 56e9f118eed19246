//! Bytes that many connections send, held once.

use bytes::Bytes;

/// Encoded bytes that many connections send: a whole frame, or the body of an HTTP response. They
/// are never copied: not to be shared, not to send a part of them, and not to come from a thread
/// that has read them from a file.
pub type Shared = Bytes;
