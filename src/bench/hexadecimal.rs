//! Numbers that are written as 16 hexadecimal digits: epochs and digests.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, de::Error};

/// Reads 16 hexadecimal digits.
pub(super) fn hexadecimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    let is_digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = is_digits.then(|| u64::from_str_radix(&text, 16).ok()).flatten();
    number.ok_or_else(|| D::Error::custom("epochs and digests have 16 hexadecimal digits"))
}
