//! The digest of a roster, computed from what a client knows of it.

use serde_json::Value;

/// That of names with their status and their data. Written after the protocol's page, not after the
/// server.
pub fn digest<'a>(
    entries: impl Iterator<Item = (&'a str, Option<&'a str>, Option<Value>)>,
) -> String {
    let (mut first, mut second) = (0_u32, 0_u32);
    for (name, status, data) in entries {
        let canonical = |data| serde_json_canonicalizer::to_string(&data).expect("data are JSON");
        let data = data.map(canonical).unwrap_or_default();
        let text = [name, status.unwrap_or("active"), &data].join("\0");
        first = first.wrapping_add(lane(text.as_bytes(), 0x811c_9dc5, 0x0100_0193));
        second = second.wrapping_add(lane(text.as_bytes(), 0x050c_5d1f, 0x9e37_79b1));
    }
    format!("{first:08x}{second:08x}")
}

fn lane(bytes: &[u8], basis: u32, prime: u32) -> u32 {
    let fold = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(prime);
    let mut hash = bytes.iter().fold(basis, fold) ^ bytes.len() as u32;
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

/// A message without its digest, for a test that is about something else. It must look like one.
pub fn without(mut message: Value) -> Value {
    let data = message.get_mut(1).and_then(Value::as_object_mut);
    if let Some(digest) = data.and_then(|data| data.remove("digest")) {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let digest = digest.as_str().expect("a digest is text");
        assert!(digest.len() == 16 && digest.bytes().all(is_digit), "{digest}");
    }
    message
}
