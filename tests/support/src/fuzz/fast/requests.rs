//! Request heads, read once more: what plainly must be accepted, and what must not be.

use headcount::http::{BodyLength, HeadLimits, Version};

use super::chunks::{is_token, is_value_byte};

/// The length of the head at the front of `input`, if nobody could object to it: a common method,
/// letters in its path, one `Host`, and no field with a say about the body.
pub fn plain_head(input: &[u8], limits: &HeadLimits) -> Option<usize> {
    let mut at = 0;
    let mut lines = std::iter::from_fn(|| {
        let rest = &input[at..];
        let end = memchr::memchr(b'\r', rest)?;
        at += end + 2;
        (rest.get(end + 1) == Some(&b'\n')).then(|| (&rest[..end], at))
    });
    let (line, _) = lines.next()?;
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target) = (words.next()?, words.next()?);
    let is_plain = [&b"GET"[..], b"HEAD", b"POST", b"OPTIONS"].contains(&method)
        && target.starts_with(b"/")
        && target.len() <= limits.target_bytes_max
        && target.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'/')
        && words.next() == Some(b"HTTP/1.1")
        && words.next().is_none();
    if !is_plain {
        return None;
    }
    let (mut fields, mut hosts) = (0, 0);
    for (line, end) in lines {
        if line.is_empty() {
            let fits = end <= limits.head_bytes_max && fields <= limits.fields_max.min(128);
            return (fits && hosts == 1).then_some(end);
        }
        fields += 1;
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let is_host = name.eq_ignore_ascii_case(b"host");
        hosts += usize::from(is_host);
        let decides = [&b"content-length"[..], b"transfer-encoding", b"expect"];
        let is_plain = is_token(name)
            && line[colon..].iter().all(|byte| is_value_byte(*byte))
            && !decides.iter().any(|other| name.eq_ignore_ascii_case(other))
            && !(is_host && (value.is_empty() || !value.iter().all(u8::is_ascii_alphanumeric)));
        if !is_plain {
            return None;
        }
    }
    None
}

/// Panics if `head`, which was accepted, could be understood in two ways or is over a limit.
pub fn check_accepted(head: &[u8], version: Version, body: BodyLength, limits: &HeadLimits) {
    let shown = head.escape_ascii();
    assert!(head.len() <= limits.head_bytes_max, "{shown}");
    let mut text = head;
    while let Some(rest) = text.strip_prefix(b"\r\n") {
        text = rest;
    }
    let text = text.strip_suffix(b"\r\n\r\n").expect("an end");
    let mut from = 0;
    let mut lines = std::iter::from_fn(|| {
        let rest = text.get(from..)?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        from += end + 1;
        Some(&rest[..end])
    });
    let request_line = lines.next().unwrap_or_default();
    let request_line = request_line.strip_suffix(b"\r").unwrap_or(request_line);
    let mut words = request_line.split(|byte| *byte == b' ');
    let [method, target, third] = [words.next(), words.next(), words.next()].map(Option::unwrap);
    assert!(is_token(method) && words.next().is_none(), "{shown}");
    assert!(target.len() <= limits.target_bytes_max, "{shown}");
    assert!(target.iter().all(u8::is_ascii_graphic), "{shown}");
    assert_eq!(third == b"HTTP/1.0", version == Version::Http10, "{shown}");

    let (mut fields, mut hosts, mut codings) = (0, 0, 0);
    let mut length = None;
    for line in lines {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        fields += 1;
        let colon = memchr::memchr(b':', line).expect("a field has a colon");
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        assert!(is_token(name) && line[colon..].iter().all(|byte| is_value_byte(*byte)), "{shown}");
        hosts += u32::from(name.eq_ignore_ascii_case(b"host"));
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            assert!(value.eq_ignore_ascii_case(b"chunked"), "{shown}");
            codings += 1;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            assert!(length.is_none() && value.iter().all(u8::is_ascii_digit), "{shown}");
            length = str::from_utf8(value).ok().and_then(|digits| digits.parse::<u64>().ok());
            assert!(length.is_some(), "{shown}");
        }
    }
    let is_one = match (codings, length) {
        (0, length) => body == BodyLength::Known(length.unwrap_or(0)),
        (1, None) => body == BodyLength::Chunked && version == Version::Http11,
        _ => false,
    };
    assert!(is_one, "two readers: {shown}");
    assert!(fields <= limits.fields_max, "{shown}");
    assert!(hosts == 1 || hosts == 0 && version == Version::Http10, "{shown}");
}
