//! Bytes that many connections send, held once.

use std::rc::Rc;

/// Encoded bytes that many connections send: a whole frame, or the content of an HTTP response.
pub type Shared = Rc<[u8]>;
