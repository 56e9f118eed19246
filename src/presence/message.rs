//! What a room says, in JSON.
//!
//! The same bytes are a message of ours and, after a prefix, the payload of other protocols.

use super::log::Seq;
use super::roster::Change;

/// `["roster", {"seq": …, "names": […]}]`: the whole roster as of commit `seq`.
pub fn roster<'a>(seq: Seq, names: impl Iterator<Item = &'a str>, bytes: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes + 64);
    out.extend_from_slice(b"[\"roster\",");
    push_roster(seq, names, &mut out);
    out.extend_from_slice(b"}]");
    out
}

/// `["change", {"seq": …, "joined": […], "left": […]}]`: what commit `seq` changed.
pub fn change(seq: Seq, change: &Change) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(b"[\"change\",{\"seq\":");
    push_json(&seq.as_u64(), &mut out);
    out.extend_from_slice(b",\"joined\":");
    push_names(change.joined.iter().map(|name| &**name), &mut out);
    out.extend_from_slice(b",\"left\":");
    push_names(change.left.iter().map(|name| &**name), &mut out);
    out.extend_from_slice(b"}]");
    out
}

/// `{"seq": …, "names": […], "watching": …}`: the body of `GET /roster`. `watching` counts the
/// connections that follow the roster and are not on it.
pub fn document<'a>(seq: Seq, names: impl Iterator<Item = &'a str>, watching: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    push_roster(seq, names, &mut out);
    out.extend_from_slice(b",\"watching\":");
    push_json(&watching, &mut out);
    out.extend_from_slice(b"}\n");
    out
}

/// Everything of a roster but its closing brace.
fn push_roster<'a>(seq: Seq, names: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"seq\":");
    push_json(&seq.as_u64(), out);
    out.extend_from_slice(b",\"names\":");
    push_names(names, out);
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

/// Appends a value that can't fail to be written: a number, a string.
pub fn push_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "numbers and strings go into memory without error");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_json() {
        let names = ["\"\\", "</script>", "李雷"];
        assert_eq!(
            String::from_utf8(roster(Seq::START, names.into_iter(), 0)).unwrap(),
            r#"["roster",{"seq":0,"names":["\"\\","</script>","李雷"]}]"#
        );
        let joined = vec!["Eve".into()];
        let change = change(Seq::START, &Change { joined, left: vec![] });
        assert_eq!(change, br#"["change",{"seq":0,"joined":["Eve"],"left":[]}]"#);
        let document = document(Seq::START, ["Ada"].into_iter(), 2);
        assert_eq!(document, b"{\"seq\":0,\"names\":[\"Ada\"],\"watching\":2}\n");
    }
}
