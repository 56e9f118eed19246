//! What nodes say to each other, in JSON.
//!
//! ```text
//! to all nodes
//! {"v":2,"from":NODE,"beat":7,                      I am here
//!     "heads":[[ROOM,N,COUNT,DIGEST], …],           my part of these rooms is …
//!     "known":[[ROOM,NODE,N], …]}                   of yours I know this
//! {"v":2,"from":NODE,"bye":true}                    I am not here any more
//! to one
//! {"v":2,"from":NODE,"heads":[[ROOM,N,COUNT,DIGEST], …]}
//! {"v":2,"from":NODE,"ask":[7,[[ROOM,N,NUMBER], …]]}
//!                                                   of yours I know N, what is it from NUMBER on?
//! {"v":2,"from":NODE,"answer":[7,[[ROOM,N,COUNT,DIGEST,PIECE], …]]}
//!                                                   some of what you asked for as question 7
//! to those in a room
//! {"v":2,"from":NODE,"head":[N,COUNT,DIGEST], …}    my part of it is …
//!     "after":N,"set":[MEMBER, …],"gone":[NUMBER, …] and this is what changed since N
//!     "known":[[ROOM,NODE,N], …]                     and who has another than this is to say so
//! PIECE: null, or [NUMBER,NUMBER or null,[MEMBER, …]] from one number up to another, or the end
//! MEMBER: [NUMBER,NAME,CLIENT,STATUS,CLAIM,SET,[[KEY,VALUE,SET], …]]
//! ```
//!
//! A node of a version that says other things has another `v`, and is not understood.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::presence::{
    CLOCK_MAX, ClientId, Content, Data, Digest, Name, NodeId, PartHead, PartMember, Report, Status,
};

/// The version of all this.
const VERSION: u32 = 2;

/// What a node says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// It has this in some rooms, and knows that of others; with a number, it is there.
    Node { from: NodeId, beat: Option<u64>, heads: Vec<(Name, PartHead)>, known: Vec<Known> },
    /// It ends.
    Bye { from: NodeId },
    /// It asks for parts.
    Ask { from: NodeId, number: u64, wanted: Vec<Wanted> },
    /// It has this in the rooms that it was asked for, or in the first of them.
    Answer { from: NodeId, number: u64, parts: Vec<(Name, Report)> },
    /// What its part of a room is or what changed in it, and perhaps what it knows of others there,
    /// who are all asked.
    Room { from: NodeId, report: Report, known: Option<Vec<Known>> },
}

/// The last change of a node's part of a room that another node knows.
pub(super) type Known = (Name, NodeId, u64);

/// A room in which a node wants another's part, the change of it that it knows, and from which
/// number on.
pub(super) type Wanted = (Name, u64, u64);

#[derive(Default, Serialize, Deserialize)]
struct Wire<'a> {
    v: u32,
    #[serde(borrow)]
    from: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beat: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    heads: Vec<HeadWire<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bye: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    ask: Option<(u64, Vec<WantedWire<'a>>)>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    answer: Option<(u64, Vec<PartWire<'a>>)>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    head: Option<(u64, u32, Cow<'a, str>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    set: Vec<Member<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    known: Option<Vec<KnownWire<'a>>>,
}

type HeadWire<'a> = (Cow<'a, str>, u64, u32, Cow<'a, str>);

type KnownWire<'a> = (Cow<'a, str>, Cow<'a, str>, u64);

type WantedWire<'a> = (Cow<'a, str>, u64, u64);

type PieceWire<'a> = (u64, Option<u64>, Vec<Member<'a>>);

#[derive(Serialize, Deserialize)]
struct PartWire<'a>(
    #[serde(borrow)] Cow<'a, str>,
    u64,
    u32,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Option<PieceWire<'a>>,
);

#[derive(Serialize, Deserialize)]
struct Member<'a>(
    u64,
    #[serde(borrow)] Cow<'a, str>,
    Option<Cow<'a, str>>,
    u8,
    u64,
    u64,
    #[serde(borrow)] Vec<(Cow<'a, str>, &'a RawValue, u64)>,
);

impl Message {
    pub(super) fn from(&self) -> NodeId {
        match *self {
            Message::Node { from, .. }
            | Message::Bye { from }
            | Message::Ask { from, .. }
            | Message::Answer { from, .. }
            | Message::Room { from, .. } => from,
        }
    }

    pub(super) fn encode(&self) -> String {
        let from = Cow::from(self.from().to_string());
        let mut wire = Wire { v: VERSION, from, ..Wire::default() };
        match self {
            Message::Node { beat, heads, known, .. } => {
                wire.beat = *beat;
                wire.heads = heads.iter().map(|(name, head)| head_to(name, *head)).collect();
                wire.known = (!known.is_empty()).then(|| known_to(known));
            }
            Message::Bye { .. } => wire.bye = Some(true),
            Message::Ask { number, wanted, .. } => {
                let wanted = wanted.iter().map(|(name, n, from)| ((&**name).into(), *n, *from));
                wire.ask = Some((*number, wanted.collect()));
            }
            Message::Answer { number, parts, .. } => {
                wire.answer = Some((*number, parts.iter().map(part_to).collect()));
            }
            Message::Room { report: Report { head, content }, known, .. } => {
                wire.head = Some((head.n, head.count, head.digest.to_string().into()));
                if let Content::Delta { after, set, gone } = content {
                    wire.after = Some(*after);
                    wire.set = members(set);
                    wire.gone.clone_from(gone);
                }
                wire.known = known.as_deref().map(known_to);
            }
        }
        serde_json::to_string(&wire).expect("it has nothing that is not JSON")
    }

    /// Reads what a node says; `None` if it is none of this version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Message> {
        let wire: Wire<'_> = serde_json::from_slice(bytes).ok()?;
        let from = NodeId::parse(&wire.from).filter(|_| wire.v == VERSION)?;
        if wire.bye.is_some() {
            return Some(Message::Bye { from });
        }
        if let Some((number, wanted)) = wire.ask {
            let wanted = wanted.into_iter().map(|(name, n, from)| (Name::from(&*name), n, from));
            return Some(Message::Ask { from, number, wanted: wanted.collect() });
        }
        if let Some((number, parts)) = wire.answer {
            let parts = parts.iter().map(part_of).collect::<Option<_>>()?;
            return Some(Message::Answer { from, number, parts });
        }
        let known = match wire.known {
            Some(known) => Some(known.iter().map(known_of).collect::<Option<_>>()?),
            None => None,
        };
        let Some((n, count, digest)) = wire.head else {
            let heads = wire.heads.iter().map(|(name, n, count, digest)| {
                Some((Name::from(&**name), head_of(*n, *count, digest)?))
            });
            let heads = heads.collect::<Option<_>>()?;
            let known = known.unwrap_or_default();
            return Some(Message::Node { from, beat: wire.beat, heads, known });
        };
        let head = head_of(n, count, &digest)?;
        let content = match wire.after {
            None => Content::Head,
            Some(after) => Content::Delta { after, set: taken(&wire.set)?, gone: wire.gone },
        };
        Some(Message::Room { from, report: Report { head, content }, known })
    }
}

fn head_to(name: &Name, head: PartHead) -> HeadWire<'_> {
    ((&**name).into(), head.n, head.count, head.digest.to_string().into())
}

fn head_of(n: u64, count: u32, digest: &str) -> Option<PartHead> {
    Some(PartHead { n, count, digest: Digest::parse(digest)? })
}

fn part_to((name, Report { head, content }): &(Name, Report)) -> PartWire<'_> {
    let (name, n, count, digest) = head_to(name, *head);
    let piece = match content {
        Content::Piece { from, to, members: all } => Some((*from, *to, members(all))),
        Content::Head | Content::Delta { .. } => None,
    };
    PartWire(name, n, count, digest, piece)
}

fn part_of(PartWire(name, n, count, digest, piece): &PartWire<'_>) -> Option<(Name, Report)> {
    let content = match piece {
        None => Content::Head,
        Some((from, to, all)) => {
            to.is_none_or(|to| *from < to).then_some(())?;
            Content::Piece { from: *from, to: *to, members: taken(all)? }
        }
    };
    Some((Name::from(&**name), Report { head: head_of(*n, *count, digest)?, content }))
}

fn known_to(known: &[Known]) -> Vec<KnownWire<'static>> {
    let known = known.iter();
    known.map(|(room, node, n)| (room.to_string().into(), node.to_string().into(), *n)).collect()
}

fn known_of((room, node, n): &KnownWire<'_>) -> Option<Known> {
    Some((Name::from(&**room), NodeId::parse(node)?, *n))
}

fn members(all: &[(u64, PartMember)]) -> Vec<Member<'_>> {
    let raw = |json| serde_json::from_str(json).expect("values of data are JSON");
    let mut wires = Vec::with_capacity(all.len());
    for (number, PartMember { name, client, claim, status, data, set }) in all {
        let client = client.map(|client| client.to_string().into());
        let fields = data.fields().map(|(key, json, set)| (key.into(), raw(json), set)).collect();
        wires.push(Member(*number, (&**name).into(), client, *status as u8, *claim, *set, fields));
    }
    wires
}

fn taken(wires: &[Member<'_>]) -> Option<Vec<(u64, PartMember)>> {
    let member = |wire: &Member<'_>| {
        let Member(number, name, client, status, claim, set, fields) = wire;
        let client = match client {
            Some(text) => Some(ClientId::parse(text)?),
            None => None,
        };
        let status = *Status::ALL.get(usize::from(*status))?;
        let fields = fields.iter().map(|(key, json, set)| (&**key, json.get(), *set));
        let (name, data) = ((&**name).into(), Data::of_fields(fields));
        let (claim, set) = (*claim, *set);
        let sets = data.fields().map(|(_, _, set)| set);
        sets.chain([claim, set]).all(|at| at <= CLOCK_MAX).then_some(())?;
        Some((*number, PartMember { name, client, claim, status, data, set }))
    };
    wires.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &Message, text: &str) {
        assert_eq!(message.encode(), text);
        assert_eq!(Message::decode(text.as_bytes()).as_ref(), Some(message));
    }

    #[test]
    fn message_is_read_as_it_is_written() {
        let from = NodeId::from_bits(0xab);
        let head = PartHead { n: 7, count: 2, digest: Digest::from_bits(0x1f) };
        let fields = [("k", "[1,\"\\u2028\"]", 5)].into_iter();
        let client = ClientId::parse("00ff10a0b1c2d3e4f5061728394a5b6c");
        let (data, status) = (Data::of_fields(fields), Status::Idle);
        let member = PartMember { name: "A\"da".into(), client, claim: 3, status, data, set: 5 };
        let room = |content, known| Message::Room { from, report: Report { head, content }, known };
        let start = r#"{"v":2,"from":"00000000000000ab","beat":9"#;
        let known = r#","known":[["y","00000000000000ab",4]]}"#;
        let beat = |heads, known| Message::Node { from, beat: Some(9), heads, known };
        check(&beat(vec![], vec![]), &format!("{start}}}"));
        check(
            &beat(vec![("x".into(), head)], vec![("y".into(), from, 4)]),
            &[start, r#","heads":[["x",7,2,"000000000000001f"]]"#, known].concat(),
        );
        check(&Message::Bye { from }, r#"{"v":2,"from":"00000000000000ab","bye":true}"#);
        let (set, gone) = (vec![(4, member.clone())], vec![8]);
        let start = r#"{"v":2,"from":"00000000000000ab","head":[7,2,"000000000000001f"]"#;
        let wire = r#"[4,"A\"da","00ff10a0b1c2d3e4f5061728394a5b6c",1,3,5,[["k",[1,"\u2028"],5]]]"#;
        check(
            &room(Content::Delta { after: 6, set, gone }, None),
            &format!(r#"{start},"after":6,"set":[{wire}],"gone":[8]}}"#),
        );
        let piece =
            |from, to, members| Report { head, content: Content::Piece { from, to, members } };
        let parts = vec![
            ("x".into(), piece(0, Some(7), vec![(4, member)])),
            ("y".into(), piece(7, None, vec![])),
            ("".into(), Report { head, content: Content::Head }),
        ];
        let head = r#"7,2,"000000000000001f""#;
        let x = format!(r#"["x",{head},[0,7,[{wire}]]]"#);
        let others = format!(r#"["y",{head},[7,null,[]]],["",{head},null]"#);
        let from_it = r#"{"v":2,"from":"00000000000000ab""#;
        check(
            &Message::Answer { from, number: 3, parts },
            &format!(r#"{from_it},"answer":[3,[{x},{others}]]}}"#),
        );
        check(
            &Message::Ask { from, number: 3, wanted: vec![("x".into(), 7, 2)] },
            &format!(r#"{from_it},"ask":[3,[["x",7,2]]]}}"#),
        );
        check(
            &room(Content::Head, Some(vec![("".into(), from, 2)])),
            &format!(r#"{start},"known":[["","00000000000000ab",2]]}}"#),
        );
    }

    #[test]
    fn message_of_others_is_none() {
        for text in [
            "",
            "hello",
            "{}",
            "[]",
            r#"{"v":3,"from":"00000000000000ab","beat":9}"#,
            r#"{"v":2,"from":"ab","beat":9}"#,
            r#"{"v":2,"from":"00000000000000ab","known":[["",1,2]]}"#,
            r#"{"v":2,"from":"00000000000000ab","head":[7,2,"1f"]}"#,
            r#"{"v":2,"from":"00000000000000ab","head":[7,2,"0000000000000001"],"gone":1}"#,
            r#"{"v":2,"from":"00000000000000ab","ask":[3,[["x"]]]}"#,
            r#"{"v":2,"from":"00000000000000ab","answer":[3,[["",7,2,"1f",null]]]}"#,
        ] {
            assert_eq!(Message::decode(text.as_bytes()), None, "{text}");
        }
        let ends_at = |to| {
            let part = format!(r#"["",7,0,"0000000000000000",[4,{to},[]]]"#);
            format!(r#"{{"v":2,"from":"00000000000000ab","answer":[3,[{part}]]}}"#)
        };
        assert!(Message::decode(ends_at(5).as_bytes()).is_some());
        assert_eq!(Message::decode(ends_at(4).as_bytes()), None, "a piece of nothing");
    }
}
