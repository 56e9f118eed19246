//! Socket.IO v5 packets: text ↔ values.
//!
//! ```text
//!   type [attachments "-"] ["/" namespace ","] [ack id] [payload]
//!   5     2            -     /room        ,     12      ["shout",{"_placeholder":true,"num":0},…]
//! ```
//!
//! Everything before the payload is read byte by byte, and the payload is only looked at: it stays
//! as it was sent. So does a placeholder, as nothing here puts an attachment in its place.

use super::error::PacketError;
use super::json::{self, Shape};

/// The bounds of a packet.
#[derive(Clone, Copy, Debug)]
pub struct PacketLimits {
    /// Binary messages that belong to it.
    pub attachments_max: u32,
    /// The name of its namespace, in bytes.
    pub namespace_bytes_max: u32,
    /// Arrays and objects in one another.
    pub json_depth_max: u32,
}

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// To join a namespace, or that it is joined.
    Connect = b'0',
    /// To leave it.
    Disconnect = b'1',
    /// An event.
    Event = b'2',
    /// The acknowledgement of one.
    Ack = b'3',
    /// That a namespace can't be joined.
    ConnectError = b'4',
    /// An event with attachments.
    BinaryEvent = b'5',
    /// An acknowledgement with attachments.
    BinaryAck = b'6',
}

/// A packet, without its attachments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is for.
    pub kind: Kind,
    /// How many binary messages follow it and belong to it.
    pub attachments: u32,
    /// The namespace, with its slash; that of the main one is `/`.
    pub namespace: &'a str,
    /// The number of the acknowledgement that is asked for, or of this one.
    pub ack: Option<u64>,
    /// JSON, as it was sent.
    pub payload: Option<&'a str>,
}

/// The main namespace, which has no name.
pub const MAIN: &str = "/";

/// Names that an event can't have, as they mean something to the libraries themselves.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

impl<'a> Packet<'a> {
    /// Decodes the text of an Engine.IO message.
    pub fn decode(text: &'a str, limits: &PacketLimits) -> Result<Packet<'a>, PacketError> {
        let first = text.bytes().next();
        let kind = first.and_then(Kind::decode).ok_or(PacketError::UnknownType)?;
        let rest = text.split_at(1).1;
        let (attachments, rest) = match kind {
            Kind::BinaryEvent | Kind::BinaryAck => split_attachments(rest, limits)?,
            _ => (0, rest),
        };
        let (namespace, rest) = split_namespace(rest, limits)?;
        let (ack, rest) = split_ack(rest)?;
        let payload = (!rest.is_empty()).then_some(rest);
        if !kind.takes(payload, limits)? {
            return Err(PacketError::BadPayload);
        }
        Ok(Packet { kind, attachments, namespace, ack, payload })
    }

    /// Appends the packet as the text of an Engine.IO message, without the digit of that.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        if matches!(self.kind, Kind::BinaryEvent | Kind::BinaryAck) {
            push_number(u64::from(self.attachments), out);
            out.push(b'-');
        }
        if self.namespace != MAIN {
            out.extend_from_slice(self.namespace.as_bytes());
            out.push(b',');
        }
        if let Some(ack) = self.ack {
            push_number(ack, out);
        }
        out.extend_from_slice(self.payload.unwrap_or_default().as_bytes());
    }
}

impl Kind {
    const fn decode(byte: u8) -> Option<Kind> {
        Some(match byte {
            b'0' => Kind::Connect,
            b'1' => Kind::Disconnect,
            b'2' => Kind::Event,
            b'3' => Kind::Ack,
            b'4' => Kind::ConnectError,
            b'5' => Kind::BinaryEvent,
            b'6' => Kind::BinaryAck,
            _ => return None,
        })
    }

    /// Whether a packet of this kind may have this payload.
    fn takes(self, payload: Option<&str>, limits: &PacketLimits) -> Result<bool, PacketError> {
        let Some(payload) = payload else {
            return Ok(matches!(self, Kind::Connect | Kind::Disconnect));
        };
        let shape = json::shape(payload, limits.json_depth_max)?;
        Ok(match self {
            Kind::Connect => shape == Shape::Object,
            Kind::Disconnect => false,
            Kind::Event | Kind::BinaryEvent => shape == Shape::Array && is_event(payload),
            Kind::Ack | Kind::BinaryAck => shape == Shape::Array,
            Kind::ConnectError => shape != Shape::Array,
        })
    }
}

/// Whether an array begins with what an event may be called: a number, or a string that is not
/// reserved.
fn is_event(array: &str) -> bool {
    let Some((name, _)) = json::split_first(array) else { return false };
    match name.as_bytes() {
        [b'"', ..] => !RESERVED.iter().any(|reserved| json::is_string(name, reserved)),
        [b'-' | b'0'..=b'9', ..] => true,
        _ => false,
    }
}

fn split_attachments<'a>(
    text: &'a str,
    limits: &PacketLimits,
) -> Result<(u32, &'a str), PacketError> {
    let (digits, rest) = text.split_once('-').ok_or(PacketError::BadAttachments)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PacketError::BadAttachments);
    }
    // Digits that are no u32 are too many.
    match digits.parse() {
        Ok(count) if count <= limits.attachments_max => Ok((count, rest)),
        _ => Err(PacketError::TooManyAttachments),
    }
}

fn split_namespace<'a>(
    text: &'a str,
    limits: &PacketLimits,
) -> Result<(&'a str, &'a str), PacketError> {
    if !text.starts_with('/') {
        return Ok((MAIN, text));
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    if namespace.len() > limits.namespace_bytes_max as usize {
        return Err(PacketError::NamespaceTooLong);
    }
    Ok((namespace, rest))
}

fn split_ack(text: &str) -> Result<(Option<u64>, &str), PacketError> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() {
        return Ok((None, rest));
    }
    let ack = digits.parse().map_err(|_| PacketError::BadAckId)?;
    Ok((Some(ack), rest))
}

pub(super) fn push_number(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(number.to_string().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: PacketLimits =
        PacketLimits { attachments_max: 10, namespace_bytes_max: 12, json_depth_max: 4 };

    const EVENT: Packet<'static> = Packet {
        kind: Kind::Event,
        attachments: 0,
        namespace: MAIN,
        ack: None,
        payload: Some(r#"["a"]"#),
    };

    #[track_caller]
    fn check(text: &str, expected: Result<Packet<'_>, PacketError>) {
        let found = Packet::decode(text, &LIMITS);
        assert_eq!(found, expected, "{text}");
        if let Ok(packet) = found {
            let mut out = Vec::new();
            packet.encode(&mut out);
            let again = String::from_utf8(out).unwrap();
            assert_eq!(Packet::decode(&again, &LIMITS), found, "{text} is {again}");
        }
    }

    #[test]
    fn packet_is_what_the_protocol_says() {
        let connect = Packet { kind: Kind::Connect, payload: None, ..EVENT };
        let custom = Packet { namespace: "/custom", ..connect };
        for (text, packet) in [
            ("0", connect),
            ("0{}", Packet { payload: Some("{}"), ..connect }),
            ("0/,", connect),
            ("0/custom", custom),
            ("0/custom,", custom),
            (r#"0/custom,{"a":1}"#, Packet { payload: Some(r#"{"a":1}"#), ..custom }),
            ("0/a?b=c&d", Packet { namespace: "/a?b=c&d", ..connect }),
            ("1", Packet { kind: Kind::Disconnect, ..connect }),
            ("1/custom,", Packet { kind: Kind::Disconnect, ..custom }),
            (r#"2["a"]"#, EVENT),
            (r#"2[7]"#, Packet { payload: Some("[7]"), ..EVENT }),
            (r#"212["a"]"#, Packet { ack: Some(12), ..EVENT }),
            (r#"2/x,012["a"]"#, Packet { ack: Some(12), namespace: "/x", ..EVENT }),
            (r#"2/1,["a"]"#, Packet { namespace: "/1", ..EVENT }),
            ("312[]", Packet { kind: Kind::Ack, ack: Some(12), payload: Some("[]"), ..EVENT }),
            ("3[]", Packet { kind: Kind::Ack, payload: Some("[]"), ..EVENT }),
            ("4{}", Packet { kind: Kind::ConnectError, payload: Some("{}"), ..EVENT }),
            (
                r#"52-/x,3["a"]"#,
                Packet {
                    kind: Kind::BinaryEvent,
                    attachments: 2,
                    namespace: "/x",
                    ack: Some(3),
                    ..EVENT
                },
            ),
            (r#"510-["a"]"#, Packet { kind: Kind::BinaryEvent, attachments: 10, ..EVENT }),
            (r#"50-["a"]"#, Packet { kind: Kind::BinaryEvent, ..EVENT }),
            (
                "61-0[]",
                Packet {
                    kind: Kind::BinaryAck,
                    attachments: 1,
                    ack: Some(0),
                    payload: Some("[]"),
                    ..EVENT
                },
            ),
        ] {
            check(text, Ok(packet));
        }
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        use PacketError::*;
        for (text, error) in [
            ("", UnknownType),
            ("7", UnknownType),
            ("abc", UnknownType),
            ("é", UnknownType),
            ("0[]", BadPayload),
            ("0null", BadPayload),
            ("0{", BadPayload),
            ("1{}", BadPayload),
            ("2", BadPayload),
            ("2{}", BadPayload),
            ("2[]", BadPayload),
            ("2[null]", BadPayload),
            ("2[[]]", BadPayload),
            ("2abc[\"a\"]", BadPayload),
            ("2[\"a\"", BadPayload),
            ("2[\"a\"]x", BadPayload),
            ("2[\"disconnect\"]", BadPayload),
            ("2[\"connect\\u005ferror\"]", BadPayload),
            ("2-1[\"a\"]", BadPayload),
            ("218446744073709551616[\"a\"]", BadAckId),
            ("31", BadPayload),
            ("31{}", BadPayload),
            ("4[]", BadPayload),
            ("5[\"a\"]", BadAttachments),
            ("5-[\"a\"]", BadAttachments),
            ("5+1-[\"a\"]", BadAttachments),
            ("51[\"a-b\"]", BadAttachments),
            ("511-[\"a\"]", TooManyAttachments),
            ("599999999999-[\"a\"]", TooManyAttachments),
            ("0/123456789012", NamespaceTooLong),
            ("0/123456789012,", NamespaceTooLong),
            ("2[\"a\",[[[[]]]]]", TooDeep),
            ("0{\"a\":[[[[", TooDeep),
        ] {
            check(text, Err(error));
        }
    }
}
