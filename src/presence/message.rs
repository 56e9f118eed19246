//! What a room says, in JSON.
//!
//! The same bytes are a message of ours and, after a prefix, the payload of other protocols.

use std::rc::Rc;

use super::data::Status;
use super::digest::Digest;
use super::entries::Seen;
use super::epoch::Epoch;
use super::log::Seq;
use super::roster::Change;

/// The whole of a room as of one commit: all that is told of it.
#[derive(Clone, Debug)]
pub struct State<'a, E> {
    /// The room's name.
    pub room: &'a str,
    /// Which making of the room this is.
    pub epoch: Epoch,
    /// The commit.
    pub seq: Seq,
    /// That of the entries.
    pub digest: Digest,
    pub(super) entries: E,
    /// About how long it is, in bytes.
    pub(super) bytes: usize,
}

impl<'a, E: Iterator<Item = (&'a str, &'a Seen)> + Clone> State<'a, E> {
    /// `["roster", {…}]`, or the same under the name of another event.
    pub fn message(self, event: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes + 96);
        out.extend_from_slice(b"[");
        push_json(event, &mut out);
        out.push(b',');
        self.push(&mut out);
        out.push(b']');
        out
    }

    /// `{…}`: the body of `GET /roster`.
    pub fn document(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes + 96);
        self.push(&mut out);
        out.push(b'\n');
        out
    }

    fn push(self, out: &mut Vec<u8>) {
        out.push(b'{');
        push_room(self.room, out);
        out.extend_from_slice(b"\"epoch\":");
        push_json(&self.epoch.to_string(), out);
        out.extend_from_slice(b",\"seq\":");
        push_json(&self.seq.as_u64(), out);
        push_digest(self.digest, out);
        out.extend_from_slice(b",\"names\":");
        push_names(self.entries.clone().map(|(name, _)| name), out);
        let status = self.entries.clone().filter(|(_, seen)| seen.status != Status::Active);
        push_words("status", status.map(|(name, seen)| (name, seen.status.word())), out);
        let data = self.entries.filter_map(|(name, seen)| Some((name, Some(seen.data.as_ref()?))));
        push_data(data, out);
        out.push(b'}');
    }
}

/// `["change", {"room": …, "seq": …, "digest": …, "joined": […], "left": […], …}]`: what commit
/// `seq` changed, and the digest of the roster after that.
pub fn change(room: &str, seq: Seq, digest: Digest, change: &Change) -> Vec<u8> {
    let mut out = begun("change", room, seq);
    push_digest(digest, &mut out);
    push_change(change, &mut out);
    out
}

/// Appends what a change says, and ends the message.
fn push_change(change: &Change, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"joined\":");
    push_names(change.joined.iter().map(|name| &**name), out);
    out.extend_from_slice(b",\"left\":");
    push_names(change.left.iter().map(|name| &**name), out);
    push_words("status", change.status.iter().map(|(name, status)| (&**name, status.word())), out);
    push_data(change.data.iter().map(|(name, data)| (&**name, data.as_ref())), out);
    push_words("causes", change.causes.iter().map(|(name, leave)| (&**name, leave.word())), out);
    out.extend_from_slice(b"}]");
}

/// `["change", {"room": …, "epoch": …, "seq": …, …}]`: what leads from a client's own copy to
/// commit `seq` of this epoch. It may be nothing.
pub fn resumed(room: &str, epoch: Epoch, seq: Seq, digest: Digest, change: &Change) -> Vec<u8> {
    let mut out = b"[\"change\",{".to_vec();
    push_room(room, &mut out);
    out.extend_from_slice(b"\"epoch\":");
    push_json(&epoch.to_string(), &mut out);
    out.extend_from_slice(b",\"seq\":");
    push_json(&seq.as_u64(), &mut out);
    push_digest(digest, &mut out);
    push_change(change, &mut out);
    out
}

/// `["count", {"room": …, "seq": …, "count": …}]`: how many names there were at commit `seq`.
pub fn count(room: &str, seq: Seq, count: u32) -> Vec<u8> {
    let mut out = begun("count", room, seq);
    out.extend_from_slice(b",\"count\":");
    push_json(&count, &mut out);
    out.extend_from_slice(b"}]");
    out
}

/// `["event", {"room": …, "seq": …`: how a message of commit `seq` begins.
pub fn begun(event: &str, room: &str, seq: Seq) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.push(b'[');
    push_json(event, &mut out);
    out.extend_from_slice(b",{");
    push_room(room, &mut out);
    out.extend_from_slice(b"\"seq\":");
    push_json(&seq.as_u64(), &mut out);
    out
}

/// Appends `,"digest": …`.
pub fn push_digest(digest: Digest, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"digest\":");
    push_json(&digest.to_string(), out);
}

/// Appends `"room": …,` unless the room has no name.
fn push_room(room: &str, out: &mut Vec<u8>) {
    if !room.is_empty() {
        out.extend_from_slice(b"\"room\":");
        push_json(room, out);
        out.push(b',');
    }
}

/// Appends names as a JSON array.
pub fn push_names<N: serde::Serialize>(names: impl Iterator<Item = N>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, name) in names.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_json(&name, out);
    }
    out.push(b']');
}

/// Appends `,"key":{…}`, a word for each name, if there is one.
fn push_words<'a>(
    key: &str,
    all: impl Iterator<Item = (&'a str, &'static str)>,
    out: &mut Vec<u8>,
) {
    let mut is_open = false;
    for (name, word) in all {
        match std::mem::replace(&mut is_open, true) {
            true => out.push(b','),
            false => {
                out.push(b',');
                push_json(key, out);
                out.extend_from_slice(b":{");
            }
        }
        push_json(name, out);
        out.push(b':');
        push_json(word, out);
    }
    if is_open {
        out.push(b'}');
    }
}

/// Appends `,"data":{…}`, if there is something in it.
fn push_data<'a>(all: impl Iterator<Item = (&'a str, Option<&'a Rc<str>>)>, out: &mut Vec<u8>) {
    let mut open: &[u8] = b",\"data\":{";
    for (name, data) in all {
        out.extend_from_slice(open);
        open = b",";
        push_json(name, out);
        out.push(b':');
        out.extend_from_slice(data.map_or(b"null", |data| data.as_bytes()));
    }
    if open == b"," {
        out.push(b'}');
    }
}

/// Appends a value that can't fail to be written: a number, a string.
pub fn push_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "numbers and strings go into memory without error");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_only_what_is_not_the_default_is_told() {
        let seen = |status, data: Option<&str>| Seen { status, data: data.map(Rc::from) };
        let entries = [
            ("\"\\", seen(Status::Active, None)),
            ("</script>", seen(Status::Idle, None)),
            ("李雷", seen(Status::Hidden, Some(r#"{"a":1}"#))),
        ];
        let state = |room: &'static str, most: usize| State {
            room,
            epoch: Epoch::NONE,
            seq: Seq::START,
            digest: Digest::default(),
            entries: entries.iter().take(most).map(|(name, seen)| (*name, seen)),
            bytes: 0,
        };
        assert_eq!(
            String::from_utf8(state("a room", 3).message("roster")).unwrap(),
            "[\"roster\",{\"room\":\"a room\",\"epoch\":\"0000000000000000\",\"seq\":0,\
             \"digest\":\"0000000000000000\",\
             \"names\":[\"\\\"\\\\\",\"</script>\",\"李雷\"],\
             \"status\":{\"</script>\":\"idle\",\"李雷\":\"hidden\"},\
             \"data\":{\"李雷\":{\"a\":1}}}]"
        );
        assert_eq!(
            String::from_utf8(state("", 1).document()).unwrap(),
            "{\"epoch\":\"0000000000000000\",\"seq\":0,\"digest\":\"0000000000000000\",\
             \"names\":[\"\\\"\\\\\"]}\n"
        );
    }

    #[test]
    fn change_and_count_name_their_room() {
        let joined = vec!["Eve".into()];
        let status = vec![("Eve".into(), Status::Active), ("Ada".into(), Status::Idle)];
        let data = vec![("Eve".into(), None)];
        let said = change(
            "",
            Seq::START,
            Digest::default(),
            &Change { joined, status, data, ..Change::default() },
        );
        let expected = "[\"change\",{\"seq\":0,\"digest\":\"0000000000000000\",\
             \"joined\":[\"Eve\"],\"left\":[],\
             \"status\":{\"Eve\":\"active\",\"Ada\":\"idle\"},\"data\":{\"Eve\":null}}]";
        assert_eq!(String::from_utf8(said).unwrap(), expected);
        let said = String::from_utf8(count("x", Seq::START, 7)).unwrap();
        assert_eq!(said, r#"["count",{"room":"x","seq":0,"count":7}]"#);
    }
}
