//! Payloads of long-polling in Engine.IO v3: what a slow decoder makes of them, and the same again
//! when they are written and read once more.

use headcount::socketio::{Engine, Message, Outgoing, payload};

/// A packet of a payload.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Bytes(Vec<u8>),
}

/// The body of one POST.
pub(super) fn payload(input: &[u8]) {
    let found = decoded(input);
    assert_eq!(found, expected(input));
    let Some(parts) = found else { return };
    let texts = || parts.iter().filter(|part| matches!(part, Part::Text(_)));
    let mut again = Vec::new();
    for part in texts() {
        let Part::Text(text) = part else { continue };
        payload::push(&Outgoing::Text(text.clone().into()), Engine::V3, &mut again);
    }
    if !again.is_empty() {
        assert!(decoded(&again).expect("it was written here").iter().eq(texts()));
    }
}

fn decoded(input: &[u8]) -> Option<Vec<Part>> {
    let parts = payload::parts(input, Engine::V3).map(|part| {
        Some(match part.ok()?.message() {
            Message::Text(text) => Part::Text(text.to_owned()),
            Message::Binary(bytes) => Part::Bytes(bytes.to_vec()),
        })
    });
    parts.collect()
}

/// What `input` is, by the protocol's text: each packet, unless something is wrong with one.
fn expected(input: &[u8]) -> Option<Vec<Part>> {
    let parts = match *input.first()? {
        0 | 1 => from_bytes(input)?,
        _ => from_text(&str::from_utf8(input).ok()?.encode_utf16().collect::<Vec<_>>())?,
    };
    Some(parts.into_iter().filter(|part| *part != Part::Text(String::new())).collect())
}

fn from_text(mut units: &[u16]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    while !units.is_empty() {
        let colon = units.iter().position(|&unit| unit == u16::from(b':'))?;
        let digits = String::from_utf16(&units[..colon]).ok()?;
        let (text, rest) = units[colon + 1..].split_at_checked(length(&digits)?)?;
        parts.push(Part::Text(String::from_utf16(text).ok()?));
        units = rest;
    }
    Some(parts)
}

fn from_bytes(mut bytes: &[u8]) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        let end = rest.iter().position(|&byte| byte == 255)?;
        let digits: Option<String> =
            rest[..end].iter().map(|&digit| char::from_digit(digit.into(), 10)).collect();
        let (content, rest) = rest[end + 1..].split_at_checked(length(&digits?)?)?;
        parts.push(match kind {
            0 => Part::Text(str::from_utf8(content).ok()?.to_owned()),
            1 => Part::Bytes(content.to_vec()),
            _ => return None,
        });
        bytes = rest;
    }
    Some(parts)
}

fn length(digits: &str) -> Option<usize> {
    let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit());
    is_number.then(|| digits.parse().ok())?
}
