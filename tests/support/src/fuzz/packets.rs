//! Packets of Socket.IO: what a slow decoder makes of them, and the same again when they are
//! written and read once more.

use headcount::socketio::{Kind, Packet, PacketLimits};

use super::payloads::payload;

/// Limits that a short input reaches, and some that it does not.
pub const LIMITS: [PacketLimits; 2] = [
    PacketLimits { attachments_max: 3, namespace_bytes_max: 5, json_depth_max: 3 },
    PacketLimits { attachments_max: 1_000, namespace_bytes_max: 1_000, json_depth_max: 100 },
];

/// The target: the text of one packet. As a payload it is mostly none, but a fuzzer finds those.
pub fn packet_thorough(input: &[u8]) {
    payload(input);
    let Ok(text) = std::str::from_utf8(input) else { return };
    for limits in &LIMITS {
        let found = Packet::decode(text, limits);
        assert_eq!(found.ok(), expected(text, limits), "{found:?}");
        if let Ok(packet) = found {
            let mut out = Vec::new();
            packet.encode(&mut out);
            let again = std::str::from_utf8(&out).expect("a packet is text");
            assert_eq!(Packet::decode(again, limits), found, "written as {again}");
        }
    }
}

/// A text that is read from its front.
struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.0.chars().next()
    }

    fn take(&mut self, expected: char) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c| !is_part(c)).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(end);
        self.0 = rest;
        part
    }

    fn digits(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_digit())
    }

    fn space(&mut self) {
        self.take_while(|c| " \t\r\n".contains(c));
    }

    /// A JSON value (RFC 8259) with room for so many arrays and objects in one another.
    fn value(&mut self, room: u32) -> Option<()> {
        self.space();
        match self.peek()? {
            '[' => self.list('[', ']', room, Reader::value)?,
            '{' => self.list('{', '}', room, Reader::member)?,
            '"' => drop(self.string()?),
            't' | 'f' | 'n' => {
                let word = self.take_while(|c| c.is_ascii_lowercase());
                ["true", "false", "null"].contains(&word).then_some(())?;
            }
            _ => self.number()?,
        }
        self.space();
        Some(())
    }

    fn list(
        &mut self,
        open: char,
        close: char,
        room: u32,
        element: fn(&mut Self, u32) -> Option<()>,
    ) -> Option<()> {
        let room = room.checked_sub(1)?;
        self.take(open)?;
        self.space();
        if self.take(close).is_some() {
            return Some(());
        }
        loop {
            element(self, room)?;
            if self.take(close).is_some() {
                return Some(());
            }
            self.take(',')?;
        }
    }

    fn member(&mut self, room: u32) -> Option<()> {
        self.space();
        self.string()?;
        self.space();
        self.take(':')?;
        self.value(room)
    }

    /// A string, each of its escaped characters as UTF-16.
    fn string(&mut self) -> Option<Vec<u16>> {
        self.take('"')?;
        let mut units = Vec::new();
        loop {
            let c = self.peek()?;
            self.take(c)?;
            match c {
                '"' => return Some(units),
                '\\' => units.push(self.escape()?),
                '\0'..='\x1f' => return None,
                _ => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn escape(&mut self) -> Option<u16> {
        let c = self.peek()?;
        self.take(c)?;
        let plain = match c {
            '"' | '\\' | '/' => c,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (hex, rest) = self.0.split_at_checked(4)?;
                self.0 = rest;
                let is_hex = hex.chars().all(|c| c.is_ascii_hexdigit());
                return is_hex.then(|| u16::from_str_radix(hex, 16).ok())?;
            }
            _ => return None,
        };
        u16::try_from(u32::from(plain)).ok()
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.take('-');
        let whole = self.digits();
        let mut is_number = whole == "0" || !whole.is_empty() && !whole.starts_with('0');
        if self.take('.').is_some() {
            is_number &= !self.digits().is_empty();
        }
        if self.take('e').or_else(|| self.take('E')).is_some() {
            let _ = self.take('+').or_else(|| self.take('-'));
            is_number &= !self.digits().is_empty();
        }
        is_number.then_some(())
    }
}

/// What `text` is, by the protocol's text.
pub fn expected<'a>(text: &'a str, limits: &PacketLimits) -> Option<Packet<'a>> {
    let mut reader = Reader(text);
    let kinds = [
        Kind::Connect,
        Kind::Disconnect,
        Kind::Event,
        Kind::Ack,
        Kind::ConnectError,
        Kind::BinaryEvent,
        Kind::BinaryAck,
    ];
    let first = reader.peek()?;
    let kind = *kinds.get(first.to_digit(10)? as usize)?;
    reader.take(first)?;
    let mut attachments = 0;
    if matches!(kind, Kind::BinaryEvent | Kind::BinaryAck) {
        attachments = reader.digits().parse().ok()?;
        reader.take('-')?;
    }
    let mut namespace = "/";
    if reader.peek() == Some('/') {
        namespace = reader.take_while(|c| c != ',');
        let _ = reader.take(',');
    }
    let digits = reader.digits();
    let ack = if digits.is_empty() { None } else { Some(digits.parse().ok()?) };
    let payload = (!reader.0.is_empty()).then_some(reader.0);
    let is_within = attachments <= limits.attachments_max
        && namespace.len() <= limits.namespace_bytes_max as usize;
    (is_within && fits(kind, payload, limits)).then_some(Packet {
        kind,
        attachments,
        namespace,
        ack,
        payload,
    })
}

fn fits(kind: Kind, payload: Option<&str>, limits: &PacketLimits) -> bool {
    let Some(payload) = payload else { return matches!(kind, Kind::Connect | Kind::Disconnect) };
    let mut reader = Reader(payload);
    if reader.value(limits.json_depth_max).is_none() || !reader.0.is_empty() {
        return false;
    }
    let first = payload.trim_start().chars().next();
    match kind {
        Kind::Connect => first == Some('{'),
        Kind::Disconnect => false,
        Kind::Event | Kind::BinaryEvent => first == Some('[') && has_name(payload),
        Kind::Ack | Kind::BinaryAck => first == Some('['),
        Kind::ConnectError => first != Some('['),
    }
}

/// Whether a whole array begins with what an event may be called.
fn has_name(array: &str) -> bool {
    let mut reader = Reader(array);
    reader.space();
    reader.take('[').expect("it is an array");
    reader.space();
    match reader.peek() {
        Some('"') => {
            let name = reader.string().expect("it was read before");
            let reserved = [
                "connect",
                "connect_error",
                "disconnect",
                "disconnecting",
                "newListener",
                "removeListener",
            ];
            !reserved.iter().any(|reserved| reserved.encode_utf16().eq(name.iter().copied()))
        }
        Some('-' | '0'..='9') => true,
        _ => false,
    }
}
