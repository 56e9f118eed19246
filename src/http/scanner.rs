//! The end of a request head, found in bytes that arrive in pieces (RFC 9112 §2–§5).
//!
//! A line is judged when it is complete, and only the request line before that. So the first fault
//! in the order of the bytes is the one that is told, however the bytes are cut, and what can't
//! become a head is refused without waiting for the rest of it.

use memchr::memchr2;

use super::error::RequestError;
use super::limits::HeadLimits;
use super::request_line::RequestLine;
use super::token::{is_token_byte, is_value_byte};

/// No method that is registered is longer than this.
const METHOD_BYTES_MAX: usize = 24;

/// Where the scanning of one head has come to.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadScanner {
    /// Where the request line starts, after empty lines.
    start: u32,
    /// Where the line starts that is not complete.
    line: u32,
    /// So many bytes have been looked at for a line's end.
    scanned: u32,
    /// Field lines so far.
    fields: u32,
}

impl HeadScanner {
    /// The length of the head at the front of `input`, which on each call begins with the bytes of
    /// the call before; `None` if its end has not come.
    pub fn scan(
        &mut self,
        input: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<usize>, RequestError> {
        let window = &input[..input.len().min(limits.head_bytes_max)];
        // RFC 9112 §2.2: a server should ignore an empty line before the request line.
        while self.line == self.start && window[self.start as usize..].starts_with(b"\r\n") {
            self.start += 2;
            (self.line, self.scanned) = (self.start, self.start);
        }
        if self.line == self.start {
            let seen = (self.scanned - self.start) as usize;
            judge_start(&window[self.start as usize..], seen, limits)?;
        }
        while let Some(end) = self.line_end(window)? {
            let line = &window[self.line as usize..end];
            match line {
                _ if self.line == self.start => {
                    RequestLine::decode(line.strip_suffix(b"\r\n").unwrap_or(line))?;
                }
                b"\r\n" => return Ok(Some(end)),
                _ => self.judge_field_line(line, limits)?,
            }
            (self.line, self.scanned) = (end as u32, end as u32);
        }
        if input.len() > window.len() {
            return Err(RequestError::HeadTooLarge);
        }
        Ok(None)
    }

    /// Whether `input`, which was scanned, begins with a HEAD request: its response has no content,
    /// even if it is refused (RFC 9110 §9.3.2). What lies beyond the limit does not count, or the
    /// response would depend on how much of it had come.
    pub fn is_head(&self, input: &[u8], limits: &HeadLimits) -> bool {
        let window = &input[..input.len().min(limits.head_bytes_max)];
        window.get(self.start as usize..).is_some_and(|rest| rest.starts_with(b"HEAD "))
    }

    /// Where the line that is under way ends, its CRLF included.
    ///
    /// RFC 9112 §2.2: a lone LF may be taken for a line's end and a lone CR must not be. To take
    /// neither leaves nothing for two readers to disagree on.
    fn line_end(&mut self, window: &[u8]) -> Result<Option<usize>, RequestError> {
        let from = self.scanned as usize;
        let at = memchr2(b'\r', b'\n', &window[from..]).map_or(window.len(), |found| from + found);
        self.scanned = at as u32; // A CR at the end is looked at again when its LF may be there.
        match window[at..] {
            [b'\r', b'\n', ..] => Ok(Some(at + 2)),
            [] | [b'\r'] => Ok(None),
            _ => Err(RequestError::BareLineEnd),
        }
    }

    fn judge_field_line(&mut self, line: &[u8], limits: &HeadLimits) -> Result<(), RequestError> {
        if !is_field_line(line) {
            return Err(RequestError::Malformed);
        }
        self.fields += 1;
        if self.fields as usize > limits.fields_max {
            return Err(RequestError::HeadTooLarge);
        }
        Ok(())
    }
}

/// RFC 9112 §5: a name, a colon right after it, a value; no continuation of the line before.
fn is_field_line(line: &[u8]) -> bool {
    let Some(colon) = line.iter().position(|&byte| !is_token_byte(byte)) else { return false };
    let [b':', value @ .., b'\r', b'\n'] = &line[colon..] else { return false };
    // Every byte is looked at, many at once, which is sooner done than to stop at the first that is
    // wrong.
    colon > 0 && value.iter().fold(true, |so_far, &byte| so_far & is_value_byte(byte))
}

/// Judges the beginning of a request line, for a line that may never end: a method, a space, and a
/// target that is not too long. `seen` bytes of it were there the last time.
fn judge_start(part: &[u8], seen: usize, limits: &HeadLimits) -> Result<(), RequestError> {
    let method = part.iter().position(|&byte| !is_token_byte(byte)).unwrap_or(part.len());
    match part.get(method) {
        // RFC 9112 §3: longer than any that is implemented is answered 501.
        _ if method > METHOD_BYTES_MAX => return Err(RequestError::UnknownMethod),
        None => return Ok(()),
        Some(b'\r') if part.len() == 1 => return Ok(()), // Half of another empty line.
        Some(b' ') if method > 0 => {}
        Some(_) => return Err(RequestError::Malformed),
    }
    // A target that is not too long ends here at the latest. That is looked at once, when this byte
    // has come, and not with each byte before and after: a head that comes byte by byte is linear
    // work.
    let end_max = method + 1 + limits.target_bytes_max;
    let is_decided = part.len() <= end_max || seen > end_max;
    let has_end = |part: &[u8]| part.iter().any(|byte| b" \r\n".contains(byte));
    match is_decided || has_end(&part[method + 1..=end_max]) {
        true => Ok(()),
        false => Err(RequestError::TargetTooLong),
    }
}

#[cfg(test)]
mod tests {
    use httparse::EMPTY_HEADER;

    use super::*;

    #[test]
    fn line_that_can_be_no_request_line_is_refused_before_its_end() {
        let limits = HeadLimits { head_bytes_max: 100, target_bytes_max: 5, fields_max: 2 };
        let judge = |part: &str| judge_start(part.as_bytes(), 0, &limits);
        let longest = "M".repeat(METHOD_BYTES_MAX);
        for part in ["", "\r", "G", "GET", "GET ", "GET /four", "GET /four ", &longest] {
            assert_eq!(judge(part), Ok(()), "{part:?}");
        }
        for part in [" ", " GET", "\rG", "GET\r", "GET:", ":"] {
            assert_eq!(judge(part), Err(RequestError::Malformed), "{part:?}");
        }
        assert_eq!(judge(&format!("{longest}M")), Err(RequestError::UnknownMethod));
        assert_eq!(judge("GET /five!"), Err(RequestError::TargetTooLong));

        let mut scanner = HeadScanner::default();
        let head = b"GET / HTTP/1.1\r\na: b\r\nc: d\r\n";
        assert_eq!(scanner.scan(head, &limits), Ok(None));
        let head = [head, &b"e: f\r\n"[..]].concat();
        assert_eq!(scanner.scan(&head, &limits), Err(RequestError::HeadTooLarge));
    }

    /// The head is split by httparse in the end: a line that is let in here it must take, and the
    /// other way round, or the answer would depend on how the head was cut.
    #[test]
    fn field_line_is_what_httparse_takes_for_one() {
        for line in ["Name: a value\r\n", "n:\r\n", "n:v\r\n", "n:  v \t\r\n", ":v\r\n"] {
            for at in 0..line.len() - 2 {
                for byte in (0..=255).filter(|byte| !b"\r\n".contains(byte)) {
                    let mut line = line.as_bytes().to_vec();
                    line[at] = byte;
                    let mut storage = [EMPTY_HEADER];
                    let parsed = httparse::parse_headers(&line, &mut storage).is_ok();
                    assert_eq!(is_field_line(&line), parsed, "{}", line.escape_ascii());
                }
            }
        }
    }
}
