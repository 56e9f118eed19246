//! Numbers of a fixed length in hexadecimal, as they are on the wire.

/// Reads so many digits, in lower case.
pub(super) fn parse(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let is_number = text.len() == digits && text.bytes().all(is_digit);
    u128::from_str_radix(text, 16).ok().filter(|_| is_number)
}
