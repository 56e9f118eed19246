//! A slow decoder of request bodies, written from RFC 9112 §6 and §7 with the plainest means.
//!
//! It has no states within a line. A line is split into its parts when it is whole; and one that is
//! not whole is judged by trying whether anything could still make it a good one.

use headcount::http::{BodyLength, RequestError};

/// What has come of a body, after a byte at a time.
pub struct SlowBody {
    length: BodyLength,
    bytes_max: u64,
    pub data: Vec<u8>,
    extras: usize,
    /// The line that is under way, or the CRLF behind the data of a chunk.
    line: Vec<u8>,
    part: Part,
}

/// What the next line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Size,
    /// So many bytes of data, before a CRLF.
    Data(u64),
    AfterData,
    Trailer,
    End,
}

/// What the beginning of a line that has any sense becomes one with.
const ENDINGS: [&str; 9] =
    ["", "\n", "\r\n", "0\r\n", ";a\r\n", "a\r\n", "\"\r\n", "x\"\r\n", ":\r\n"];

impl SlowBody {
    /// A body of such a length, or the reason why none is awaited.
    pub fn new(length: BodyLength, bytes_max: u64) -> Result<SlowBody, RequestError> {
        let (data, line) = (Vec::new(), Vec::new());
        let part = match length {
            BodyLength::Known(bytes) if bytes > bytes_max => {
                return Err(RequestError::BodyTooLarge);
            }
            BodyLength::Known(0) => Part::End,
            BodyLength::Known(bytes) => Part::Data(bytes),
            BodyLength::Chunked => Part::Size,
        };
        Ok(SlowBody { length, bytes_max, data, extras: 0, line, part })
    }

    pub fn is_complete(&self) -> bool {
        self.part == Part::End
    }

    /// One more byte of it.
    pub fn push(&mut self, byte: u8) -> Result<(), RequestError> {
        if let Part::Data(left) = self.part {
            self.data.push(byte);
            self.part = match (left, self.length) {
                (1, BodyLength::Chunked) => Part::AfterData,
                (1, BodyLength::Known(_)) => Part::End,
                _ => Part::Data(left - 1),
            };
            return Ok(());
        }
        self.line.push(byte);
        let is_good = |line: &[u8]| match self.part {
            Part::Size => size_line(line).is_some(),
            Part::Trailer => is_trailer_line(line),
            _ => line == b"\r\n",
        };
        let may_become_good =
            ENDINGS.iter().any(|end| is_good(&[&self.line, end.as_bytes()].concat()));
        if !may_become_good {
            return Err(RequestError::BadChunk);
        }
        self.check_limits()?;
        if self.line.ends_with(b"\r\n") {
            self.end_line();
        }
        Ok(())
    }

    fn check_limits(&mut self) -> Result<(), RequestError> {
        let line = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        let extra = match self.part {
            Part::Size => {
                let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                let size = number(&text[..digits]);
                let is_known = self.line.len() > digits;
                if is_known && size > u128::from(self.bytes_max) - self.data.len() as u128 {
                    return Err(RequestError::BodyTooLarge);
                }
                text.len() - digits
            }
            // The empty line is none of them.
            Part::Trailer if text.is_empty() => 0,
            Part::Trailer => self.line.len(),
            _ => 0,
        };
        match self.extras + extra > 4096 {
            true => Err(RequestError::ExtrasTooLong),
            false => Ok(()),
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.part = match self.part {
            Part::Size => {
                let (size, extra) = size_line(&line).expect("it was judged");
                self.extras += extra;
                if size == 0 { Part::Trailer } else { Part::Data(size) }
            }
            Part::Trailer if line == b"\r\n" => Part::End,
            Part::Trailer => {
                self.extras += line.len();
                Part::Trailer
            }
            _ => Part::Size,
        };
    }
}

/// The size that a line says, and how long what follows it is.
fn size_line(line: &[u8]) -> Option<(u64, usize)> {
    let line = line.strip_suffix(b"\r\n")?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, extensions) = line.split_at(digits);
    let mut parts = outside_quotes(extensions, b';').into_iter();
    // Where there are extensions, only white space stands before the first.
    let before = parts.next()?;
    let has_extensions = extensions.contains(&b';');
    let before_is_good = before.is_empty() || has_extensions && trimmed(&before).is_empty();
    let is_good = (1..=16).contains(&digits)
        && before_is_good
        && !extensions.ends_with(b" ")
        && !extensions.ends_with(b"\t")
        && parts.all(|part| is_extension(&part));
    is_good.then(|| (number(size) as u64, extensions.len()))
}

/// `name` or `name = value`, with white space around each.
fn is_extension(part: &[u8]) -> bool {
    match &outside_quotes(part, b'=')[..] {
        [name] => is_token(trimmed(name)),
        [name, value] => {
            let value = trimmed(value);
            is_token(trimmed(name)) && (is_token(value) || is_quoted(value))
        }
        _ => false,
    }
}

/// `text` in pieces, between each of the separators that stand in no quoted string.
fn outside_quotes(text: &[u8], separator: u8) -> Vec<Vec<u8>> {
    let mut pieces = vec![Vec::new()];
    let (mut is_quoted, mut is_escaped) = (false, false);
    for &byte in text {
        if byte == separator && !is_quoted {
            pieces.push(Vec::new());
            continue;
        }
        is_quoted ^= byte == b'"' && !is_escaped;
        is_escaped = is_quoted && byte == b'\\' && !is_escaped;
        pieces.last_mut().expect("there is one").push(byte);
    }
    pieces
}

fn is_quoted(text: &[u8]) -> bool {
    let Some(inside) = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")) else {
        return false;
    };
    let mut bytes = inside.iter();
    while let Some(byte) = bytes.next() {
        let byte = if *byte == b'\\' { bytes.next() } else { Some(byte).filter(|b| **b != b'"') };
        if !byte.is_some_and(|byte| is_value_byte(*byte)) {
            return false;
        }
    }
    true
}

fn is_trailer_line(line: &[u8]) -> bool {
    let Some(line) = line.strip_suffix(b"\r\n") else { return false };
    let mut parts = line.splitn(2, |byte| *byte == b':');
    match (parts.next(), parts.next()) {
        (Some(b""), None) => true,
        (Some(name), Some(value)) => is_token(name) && value.iter().copied().all(is_value_byte),
        _ => false,
    }
}

fn is_token(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !text.is_empty() && text.iter().all(is_part)
}

fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7F
}

fn trimmed(text: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !is_blank(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &text[start..end]
}

/// Hexadecimal digits; more than there are in 128 bits are too many anyway.
fn number(digits: &[u8]) -> u128 {
    let value = |byte: &u8| u128::from(char::from(*byte).to_digit(16).unwrap_or_default());
    digits.iter().fold(0, |sum: u128, digit| sum.saturating_mul(16).saturating_add(value(digit)))
}
