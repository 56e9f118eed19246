//! How messages are written, and the body of `GET /roster`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::value::RawValue;

use super::digest::Digest;
use super::hexadecimal::hexadecimal;
use super::people::{Data, Status};

/// A message from the server.
pub(super) enum Text<'a> {
    Roster(RosterText<'a>),
    Change(ChangeText<'a>),
    Count(CountText<'a>),
    Welcome(WelcomeText<'a>),
    Bye,
    Refused(String),
}

/// The whole of a room.
#[derive(Deserialize)]
pub(super) struct RosterText<'a> {
    #[serde(borrow)]
    pub(super) room: Option<Cow<'a, str>>,
    pub(super) epoch: Epoch,
    pub(super) seq: u64,
    pub(super) digest: Digest,
    #[serde(borrow)]
    pub(super) names: Vec<Cow<'a, str>>,
    #[serde(default)]
    pub(super) status: BTreeMap<String, Status>,
    #[serde(borrow, default)]
    pub(super) data: BTreeMap<String, DataText<'a>>,
}

/// What one commit changed; with an epoch, what leads to that commit from the copy that a client
/// came back with.
#[derive(Deserialize)]
pub(super) struct ChangeText<'a> {
    #[serde(borrow)]
    pub(super) room: Option<Cow<'a, str>>,
    pub(super) epoch: Option<Epoch>,
    pub(super) seq: u64,
    pub(super) digest: Digest,
    #[serde(borrow)]
    pub(super) joined: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) left: Vec<Cow<'a, str>>,
    #[serde(default)]
    pub(super) status: BTreeMap<String, Status>,
    #[serde(borrow, default)]
    pub(super) data: BTreeMap<String, Option<DataText<'a>>>,
}

/// Presence data: an object, as it was written.
pub(super) struct DataText<'a>(&'a str);

impl DataText<'_> {
    pub(super) fn data(&self) -> Data {
        Data::told(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for DataText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DataText<'a>, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        let object = text.starts_with('{').then_some(DataText(text));
        object.ok_or_else(|| D::Error::custom("presence data are an object"))
    }
}

/// How many are there.
#[derive(Deserialize)]
pub(super) struct CountText<'a> {
    #[serde(borrow)]
    pub(super) room: Option<Cow<'a, str>>,
    pub(super) seq: u64,
    pub(super) count: u64,
}

/// The reply to a hello.
#[derive(Deserialize)]
pub(super) struct WelcomeText<'a> {
    /// Rooms in which the client is still logged in.
    #[serde(borrow)]
    pub(super) resumed: Vec<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ErrorText {
    code: String,
}

/// Which making of a room something is of: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Epoch, D::Error> {
        hexadecimal(deserializer).map(Epoch)
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
        "welcome" => serde_json::from_str(body).ok().map(Text::Welcome),
        "bye" => Some(Text::Bye),
        "error" => serde_json::from_str(body).ok().map(|ErrorText { code }| Text::Refused(code)),
        _ => None,
    }
}

/// The names that are gone by a change.
pub(super) fn left(payload: &[u8]) -> Vec<String> {
    match message(payload) {
        Some(Text::Change(change)) => change.left.into_iter().map(Cow::into_owned).collect(),
        _ => Vec::new(),
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
            br#"["roster",{"epoch":"0000000000000001","seq":1,"names":[]}]"#,
            br#"["change",{"seq":1,"joined":[],"left":[]}]"#,
            br#"["welcome",{}]"#,
            br#"["count",{"seq":1}]"#,
            br#"["news",{}]"#,
        ] {
            assert!(message(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
        let digest = r#""digest":"0000000000000000""#;
        let change = |rest: &str| {
            let text = format!(r#"["change",{{"seq":1,{digest},"joined":[]{rest}}}]"#);
            message(text.as_bytes()).is_some()
        };
        assert!(change(r#","left":[],"status":{"Ada":"idle"},"data":{"Ada":{},"Bob":null}"#));
        for rest in [
            "",
            r#","left":[],"epoch":"1""#,
            r#","left":[],"status":{"Ada":"away"}"#,
            r#","left":[],"data":{"Ada":7}"#,
        ] {
            assert!(!change(rest), "{rest}");
        }
        for epoch in ["1", "+000000000000001", "00000000000000001"] {
            let text = format!(r#"["roster",{{"epoch":"{epoch}","seq":1,{digest},"names":[]}}]"#);
            assert!(message(text.as_bytes()).is_none(), "{epoch}");
        }
    }
}
