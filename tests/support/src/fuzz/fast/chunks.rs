//! A request body that lies there whole: where it ends and how much data it has, read line by line
//! (RFC 9112 §7.1). Why a bad one is bad is for the thorough target to say.

/// How many bytes a body has that is complete; its data are put into `data`. `None` if it is not
/// complete, or not good.
pub fn read_chunked(input: &[u8], bytes_max: u64, data: &mut Vec<u8>) -> Option<usize> {
    data.clear();
    let (mut at, mut extras) = (0, 0);
    loop {
        let line = line(&input[at..])?;
        at += line.len() + 2;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if !(1..=16).contains(&digits) || !are_extensions(&line[digits..]) {
            return None;
        }
        extras += line.len() - digits;
        let size = u64::from_str_radix(str::from_utf8(&line[..digits]).ok()?, 16).ok()?;
        if extras > 4096 || size > bytes_max - data.len() as u64 {
            return None;
        }
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).ok()?;
        data.extend_from_slice(input.get(at..at.checked_add(size)?)?);
        at += size;
        if input.get(at..at + 2)? != b"\r\n" {
            return None;
        }
        at += 2;
    }
    loop {
        let line = line(&input[at..])?;
        at += line.len() + 2;
        if line.is_empty() {
            return Some(at);
        }
        extras += line.len() + 2;
        let colon = line.iter().position(|byte| *byte == b':')?;
        let is_good = is_token(&line[..colon]) && line[colon..].iter().all(|b| is_value_byte(*b));
        if extras > 4096 || !is_good {
            return None;
        }
    }
}

/// The first line without its CRLF, if there is no CR or LF in it.
fn line(input: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr2(b'\r', b'\n', input)?;
    (input.get(end..end + 2)? == b"\r\n").then(|| &input[..end])
}

/// `*( BWS ";" BWS name [ BWS "=" BWS value ] )`, and no white space at the end.
fn are_extensions(mut text: &[u8]) -> bool {
    while !text.is_empty() {
        let Some(rest) = trimmed(text).strip_prefix(b";") else { return false };
        let (name, rest) = split_token(trimmed(rest));
        if name.is_empty() {
            return false;
        }
        text = rest;
        let Some(rest) = trimmed(rest).strip_prefix(b"=") else { continue };
        let rest = trimmed(rest);
        let after = match rest.strip_prefix(b"\"") {
            Some(quoted) => after_quote(quoted),
            None => Some(split_token(rest)).filter(|(value, _)| !value.is_empty()).map(|v| v.1),
        };
        let Some(after) = after else { return false };
        text = after;
    }
    true
}

/// What follows the closing quote.
fn after_quote(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', byte, rest @ ..] if is_value_byte(*byte) => rest,
            [byte, rest @ ..] if *byte != b'\\' && is_value_byte(*byte) => rest,
            _ => return None,
        }
    }
}

fn trimmed(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    &text[blanks..]
}

fn split_token(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| is_token_byte(**byte)).count())
}

pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

/// RFC 9110 §5.6.2, looked up: each comparison is one that a fuzzer looks at.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        let is_delimiter = matches!(
            byte,
            b'"' | b'(' | b')' | b',' | b'/' | b':'..=b'@' | b'['..=b']' | b'{' | b'}'
        );
        table[byte as usize] = !is_delimiter;
        byte += 1;
    }
    table
};

fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[usize::from(byte)]
}

pub fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7F
}
