//! Commands and replies of Redis, in RESP3. Replies are decoded by a library.

use redis_protocol::resp3::decode::complete;

pub use redis_protocol::resp3::types::OwnedFrame as Reply;

/// The first version of Redis, and of Valkey, that is known to do.
pub const VERSION_MIN: u32 = 7;

/// A reply is no longer than this, in bytes.
pub const REPLY_BYTES_MAX: usize = 256 << 20;

/// Appends a command.
pub fn push_command(words: &[&[u8]], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// Reads the first reply of `bytes`, and says how long it is; `None` if it is not whole.
pub fn decode(bytes: &[u8]) -> Result<Option<(Reply, usize)>, BadReply> {
    match complete::decode(bytes) {
        Ok(None) if bytes.len() > REPLY_BYTES_MAX => Err(BadReply),
        Ok(reply) => Ok(reply),
        Err(_) => Err(BadReply),
    }
}

/// What the server sent is no reply in RESP3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadReply;

/// The text of a reply that is one.
pub fn text(reply: &Reply) -> Option<&str> {
    let (Reply::BlobString { data: bytes, .. }
    | Reply::SimpleString { data: bytes, .. }
    | Reply::VerbatimString { data: bytes, .. }) = reply
    else {
        return None;
    };
    std::str::from_utf8(bytes).ok()
}

/// The bytes of a reply that is a string.
pub fn bytes(reply: Reply) -> Option<Vec<u8>> {
    match reply {
        Reply::BlobString { data, .. } | Reply::SimpleString { data, .. } => Some(data),
        _ => None,
    }
}

/// What a server says of itself under a word, as in its reply to HELLO.
pub fn field(reply: &Reply, word: &str) -> Option<String> {
    let Reply::Map { data, .. } = reply else { return None };
    let (_, value) = data.iter().find(|(key, _)| text(key) == Some(word))?;
    match value {
        Reply::Number { data, .. } => Some(data.to_string()),
        value => text(value).map(str::to_owned),
    }
}

/// Whether a server that replied so to HELLO is new enough.
pub fn is_recent(hello: &Reply) -> bool {
    let version = field(hello, "version").unwrap_or_default();
    let major = version.split('.').next().and_then(|text| text.parse::<u32>().ok());
    major.is_some_and(|major| major >= VERSION_MIN)
}

/// The sentence of a reply that is an error.
pub fn error(reply: &Reply) -> Option<String> {
    match reply {
        Reply::SimpleError { data, .. } => Some(data.clone()),
        Reply::BlobError { data, .. } => Some(String::from_utf8_lossy(data).into_owned()),
        _ => None,
    }
}
