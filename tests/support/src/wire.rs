//! The client's side of the wire, written from the RFCs and on nothing of the server's.

/// A WebSocket handshake request for `path`, with `extra` lines.
pub fn handshake(path: &str, extra: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:3000\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Version: 13\r\n{extra}\r\n"
    )
    .into_bytes()
}

/// The path of a room below `start`, percent-encoded.
pub fn path(start: &str, room: &str) -> String {
    let mut path = start.to_owned();
    if !room.is_empty() {
        path.push('/');
    }
    for byte in room.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'/' => path.push(byte.into()),
            _ => path.push_str(&format!("%{byte:02X}")),
        }
    }
    path
}

/// A masked frame, its first byte as given and its length in the shortest form.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length if length < 126 => bytes.push(0x80 | length as u8),
        length if length < 65536 => {
            bytes.push(0x80 | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(0x80 | 127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    let key = [0x37, 0xfa, 0x21, 0x3d];
    bytes.extend(key);
    bytes.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ key[index % 4]));
    bytes
}

/// A text message in one frame.
pub fn text(message: &str) -> Vec<u8> {
    frame(0x81, message.as_bytes())
}

/// A login, in our own events.
pub fn login(name: &str) -> Vec<u8> {
    text(&serde_json::json!(["login", name]).to_string())
}

/// A Close frame.
pub fn close(code: u16) -> Vec<u8> {
    frame(0x88, &code.to_be_bytes())
}

/// What a server can say on a WebSocket. Masked, fragmented or reserved frames are not among it:
/// they panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

/// Takes all whole frames from the front of `bytes`. After a Close there may be nothing but Pongs
/// (RFC 6455 §5.5.1, §5.5.2).
pub fn take_frames(bytes: &mut Vec<u8>) -> Vec<Told> {
    let mut frames: Vec<Told> = Vec::new();
    while let Some((told, length)) = first_frame(bytes) {
        let is_closing = frames.iter().any(|told| matches!(told, Told::Close(_)));
        assert!(!is_closing || matches!(told, Told::Pong(_)), "after Close: {told:?}");
        frames.push(told);
        bytes.drain(..length);
    }
    frames
}

fn first_frame(bytes: &[u8]) -> Option<(Told, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    assert_eq!(second & 0x80, 0, "a server does not mask");
    let (length, start) = match second {
        126 => (u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap()) as usize, 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()) as usize, 10),
        short => (short as usize, 2),
    };
    let payload = bytes.get(start..start + length)?.to_vec();
    let told = match first {
        0x81 => Told::Text(String::from_utf8(payload).expect("text is UTF-8")),
        0x82 => Told::Binary(payload),
        0x89 => Told::Ping(payload),
        0x8A => Told::Pong(payload),
        0x88 if payload.is_empty() => Told::Close(None),
        0x88 => Told::Close(Some(u16::from_be_bytes(payload[..2].try_into().unwrap()))),
        _ => panic!("first byte {first:#x}"),
    };
    Some((told, start + length))
}

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a field that is there once.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is there twice");
        value
    }
}

/// Takes an answer from the front of `bytes`; its body too, unless it answers HEAD.
pub fn take_answer(bytes: &mut Vec<u8>, to_head: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end - 4].to_vec()).expect("a head is ASCII");
    let mut lines = head.split("\r\n");
    let status_line = lines.next()?;
    assert!(status_line.starts_with("HTTP/1.1 "), "{status_line}");
    let status = status_line[9..12].parse().expect("a status is a number");
    let fields: Vec<_> = lines
        .map(|line| line.split_once(": ").expect("a field has a colon"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let answer = Answer { status, fields, body: Vec::new() };
    let no_body = to_head || matches!(status, ..200 | 204 | 304);
    let length = answer.field("content-length").map(|length| length.parse::<usize>().unwrap());
    assert!(no_body || length.is_some(), "nothing says where the body ends");
    let length = if no_body { 0 } else { length.unwrap() };
    let body = bytes.get(end..end + length)?.to_vec();
    bytes.drain(..end + length);
    Some(Answer { body, ..answer })
}
