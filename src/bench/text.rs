//! How messages are written, and the body of `GET /roster`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::people::Status;

/// A message from the server.
pub(super) enum Text<'a> {
    Roster(RosterText<'a>),
    Change(ChangeText<'a>),
    Count(CountText<'a>),
    Refused(String),
}

/// The whole of a room.
#[derive(Deserialize)]
pub(super) struct RosterText<'a> {
    #[serde(borrow)]
    pub(super) room: Option<Cow<'a, str>>,
    pub(super) epoch: Epoch,
    pub(super) seq: u64,
    #[serde(borrow)]
    pub(super) names: Vec<Cow<'a, str>>,
    #[serde(default)]
    pub(super) status: BTreeMap<String, Status>,
    #[serde(default)]
    pub(super) data: BTreeMap<String, Map<String, Value>>,
}

/// What one commit changed.
#[derive(Deserialize)]
pub(super) struct ChangeText<'a> {
    #[serde(borrow)]
    pub(super) room: Option<Cow<'a, str>>,
    pub(super) seq: u64,
    #[serde(borrow)]
    pub(super) joined: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) left: Vec<Cow<'a, str>>,
    #[serde(default)]
    pub(super) status: BTreeMap<String, Status>,
    #[serde(default)]
    pub(super) data: BTreeMap<String, Option<Map<String, Value>>>,
}

/// How many are there.
#[derive(Deserialize)]
pub(super) struct CountText<'a> {
    #[serde(borrow)]
    pub(super) room: Option<Cow<'a, str>>,
    pub(super) seq: u64,
    pub(super) count: u64,
}

#[derive(Deserialize)]
struct ErrorText {
    code: String,
}

/// Which making of a room something is of: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Epoch, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let is_epoch = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_epoch.then(|| u64::from_str_radix(&text, 16).ok()).flatten();
        number.map(Epoch).ok_or_else(|| D::Error::custom("an epoch has 16 hexadecimal digits"))
    }
}

/// Reads a message, if it is one of those that are for us.
pub(super) fn message(payload: &[u8]) -> Option<Text<'_>> {
    let (event, body) = serde_json::from_slice::<(&str, &RawValue)>(payload).ok()?;
    let body = body.get();
    match event {
        "roster" => serde_json::from_str(body).ok().map(Text::Roster),
        "change" => serde_json::from_str(body).ok().map(Text::Change),
        "count" => serde_json::from_str(body).ok().map(Text::Count),
        "error" => serde_json::from_str(body).ok().map(|ErrorText { code }| Text::Refused(code)),
        _ => None,
    }
}

/// Reads the body of `GET /roster`.
pub(super) fn document(body: &[u8]) -> Option<RosterText<'_>> {
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_not_read() {
        for text in [
            &b"[]"[..],
            b"\xff",
            b"[\"roster\"]",
            br#"["roster",7]"#,
            br#"["roster",{"seq":1,"names":[]}]"#,
            br#"["roster",{"epoch":"1","seq":1,"names":[]}]"#,
            br#"["roster",{"epoch":"+000000000000001","seq":1,"names":[]}]"#,
            br#"["change",{"seq":1,"joined":[]}]"#,
            br#"["change",{"seq":1,"joined":[],"left":[],"status":{"Ada":"away"}}]"#,
            br#"["change",{"seq":1,"joined":[],"left":[],"data":{"Ada":7}}]"#,
            br#"["count",{"seq":1}]"#,
            br#"["news",{}]"#,
        ] {
            assert!(message(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
    }
}
