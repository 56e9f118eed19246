//! What a client hears: answers and frames, taken apart by code that shares nothing with the
//! server's. Whatever no server may send panics.

use std::collections::VecDeque;

use flate2::{Decompress, FlushDecompress};

use super::pages::Asked;

/// What a client heard.
#[derive(Debug)]
pub enum Heard {
    /// An answer, and what was asked, if that has one only.
    Answer(u16, Option<Asked>),
    /// An answer whose body is a roster.
    Document(Vec<u8>),
    /// An answer to a request of a session.
    Polled(u16, Vec<u8>),
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

/// The listening half of a client.
#[derive(Debug, Default)]
pub struct Ear {
    pub inbox: Vec<u8>,
    used: usize,
    /// How each request that was not answered is to be answered.
    pub asked: VecDeque<Asked>,
    is_upgraded: bool,
    deflates: bool,
    has_heard_close: bool,
    has_heard_last_answer: bool,
}

impl Ear {
    /// The next thing that was said, if it is whole.
    pub fn next(&mut self) -> Option<Heard> {
        let rest = &self.inbox[self.used..];
        let found = if self.is_upgraded { self.frame(rest) } else { self.answer(rest) };
        let Some((heard, length)) = found else {
            self.inbox.drain(..self.used);
            self.used = 0;
            return None;
        };
        let said = &self.inbox[self.used..self.used + length];
        match heard {
            Heard::Close(_) => self.has_heard_close = true,
            Heard::Answer(status, asked) => {
                assert!(!self.has_heard_last_answer, "an answer after the last");
                self.has_heard_last_answer = contains(said, b"\r\nConnection: close\r\n");
                if status == 101 {
                    self.deflates = contains(said, b"permessage-deflate");
                    let accept = contains(said, b": s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
                    assert!(accept, "the accept key is wrong");
                    self.is_upgraded = true;
                }
                self.asked.pop_front();
                if asked.is_some_and(|asked| asked.is_polled) {
                    let body = body(said);
                    self.used += length;
                    return Some(Heard::Polled(status, body));
                }
                if status == 200 && asked.is_some_and(|asked| asked.is_roster && !asked.is_head) {
                    assert_eq!(asked.map(|asked| asked.status), Some(200));
                    let body = body(said);
                    self.used += length;
                    return Some(Heard::Document(body));
                }
            }
            _ => {}
        }
        self.used += length;
        Some(heard)
    }

    /// Whether the server answers nothing more.
    pub fn has_heard_last_answer(&self) -> bool {
        self.has_heard_last_answer
    }

    /// Whether all that came is understood: an end in the middle of something is none.
    pub fn is_between_words(&self) -> bool {
        self.used == self.inbox.len()
    }

    fn answer(&self, bytes: &[u8]) -> Option<(Heard, usize)> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&bytes[..end]).expect("a head is ASCII");
        assert!(head.starts_with("HTTP/1.1 "), "this is no answer: {head:?}");
        let status: u16 = head[9..12].parse().expect("a status is a number");
        assert!(matches!(status, 101 | 200 | 204 | 304 | 400..=431 | 501 | 503 | 505), "{head:?}");
        let length = head.split("\r\n").find_map(|line| line.strip_prefix("Content-Length: "));
        let asked = self.asked.front().copied();
        let to_head = asked.is_some_and(|asked| asked.is_head);
        // A connection that is refused is told so before anybody knows what it asks.
        let is_unasked = matches!(status, 429 | 503);
        let has_body = (!to_head || is_unasked) && !matches!(status, ..200 | 204 | 304);
        let length = match length {
            Some(length) if has_body => length.parse().expect("a length is a number"),
            None if has_body => panic!("nothing says where the body ends: {head}"),
            _ => 0,
        };
        (bytes.len() >= end + length).then_some((Heard::Answer(status, asked), end + length))
    }

    fn frame(&self, bytes: &[u8]) -> Option<(Heard, usize)> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        assert_eq!(second & 0x80, 0, "a server does not mask");
        let (length, start) = match second {
            126 => (u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
            127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?), 10),
            short => (u64::from(short), 2),
        };
        let shortest = if length < 126 {
            2
        } else if length < 1 << 16 {
            4
        } else {
            10
        };
        assert_eq!(start, shortest, "a length of {length} in a form that is not the shortest");
        assert!(length < 1 << 24, "a frame of {length} bytes");
        let length = length as usize;
        let payload = bytes.get(start..start + length)?;
        let is_deflated = first & 0x40 != 0;
        assert!(!is_deflated || self.deflates, "compression was not agreed on");
        assert!(first & 8 == 0 || length <= 125 && !is_deflated, "a control frame {first:#x}");
        let payload = if is_deflated { inflate(payload) } else { payload.to_vec() };
        let heard = match first & !0x40 {
            0x81 => Heard::Text(payload),
            0x82 => Heard::Binary(payload),
            0x89 => Heard::Ping(payload),
            0x8A => Heard::Pong(payload),
            0x88 if payload.is_empty() => Heard::Close(None),
            0x88 => Heard::Close(Some(u16::from_be_bytes([payload[0], payload[1]]))),
            _ => panic!("first byte {first:#x}"),
        };
        // RFC 6455 §5.5.2: a Ping that comes between the two Close frames is answered.
        let is_allowed = !self.has_heard_close || matches!(heard, Heard::Pong(_));
        assert!(is_allowed, "after Close: {heard:?}");
        Some((heard, start + length))
    }
}

fn body(answer: &[u8]) -> Vec<u8> {
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n");
    answer[start.expect("a head ends") + 4..].to_vec()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// RFC 7692 §7.2.2, for a message that refers to none before it.
fn inflate(payload: &[u8]) -> Vec<u8> {
    let mut input = payload.to_vec();
    input.extend([0, 0, 0xFF, 0xFF]);
    let mut inflater = Decompress::new(false);
    let mut out = Vec::with_capacity(16 * payload.len() + 1024);
    loop {
        let used = inflater.total_in() as usize;
        let status = inflater.decompress_vec(&input[used..], &mut out, FlushDecompress::Sync);
        status.expect("what is sent can be inflated");
        if inflater.total_in() as usize == input.len() && out.len() < out.capacity() {
            return out;
        }
        out.reserve(out.capacity());
    }
}
