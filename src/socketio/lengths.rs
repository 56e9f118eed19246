//! Long-polling in Engine.IO v3: each packet of a payload after its length.
//!
//! ```text
//!   6:4hello3:4é!10:b4AQIDBA==                 text: the length is in UTF-16 code units
//!   00 06 FF 4hello 01 05 FF 04 01 02 03 04    as bytes: a text or bytes, and how many bytes
//! ```
//!
//! The second form spares bytes the base64. Clients choose it for what they send if there are bytes
//! in it; what we send always has the first.
//!
//! A text begins with a digit, and the other form with 0 or 1 itself: so a payload says which of
//! them it is, whatever its media type.

use super::error::PacketError;
use super::message::Message;

/// What ends a length among bytes.
const END_OF_LENGTH: u8 = 0xFF;

/// What is left of a payload.
#[derive(Debug)]
pub(super) enum Rest<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl<'a> Rest<'a> {
    /// All of a payload. There is one packet in it, or several.
    pub(super) fn of(payload: &'a [u8]) -> Result<Rest<'a>, PacketError> {
        match payload {
            [] => Err(PacketError::BadLength),
            [0 | 1, ..] => Ok(Rest::Bytes(payload)),
            _ => str::from_utf8(payload).map(Rest::Text).map_err(|_| PacketError::BadText),
        }
    }

    /// Takes the next packet. A text of no length is none: that is how a client writes that there
    /// is nothing.
    pub(super) fn next(&mut self) -> Option<Result<Message<'a>, PacketError>> {
        loop {
            let taken = match self {
                Rest::Text("") | Rest::Bytes([]) => return None,
                Rest::Text(text) => take_text(text),
                Rest::Bytes(bytes) => take_bytes(bytes),
            };
            match taken {
                Ok((message, rest)) => {
                    *self = rest;
                    if message != Message::Text("") {
                        return Some(Ok(message));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn take_text(payload: &str) -> Result<(Message<'_>, Rest<'_>), PacketError> {
    let (digits, rest) = payload.split_once(':').ok_or(PacketError::BadLength)?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(PacketError::BadLength);
    }
    let length = digits.parse().map_err(|_| PacketError::BadLength)?;
    let (text, rest) = split_at_units(rest, length).ok_or(PacketError::BadLength)?;
    Ok((Message::Text(text), Rest::Text(rest)))
}

fn take_bytes(payload: &[u8]) -> Result<(Message<'_>, Rest<'_>), PacketError> {
    let (&kind, rest) = payload.split_first().ok_or(PacketError::BadLength)?;
    let digits = rest.iter().take_while(|&&byte| byte != END_OF_LENGTH);
    let mut length: usize = 0;
    let mut digits_count = 0;
    for &digit in digits {
        let longer = length.checked_mul(10).and_then(|tens| tens.checked_add(digit.into()));
        length = longer.filter(|_| digit <= 9).ok_or(PacketError::BadLength)?;
        digits_count += 1;
    }
    // Behind the digits is what ends them.
    let rest = rest.get(digits_count + 1..).filter(|_| digits_count > 0);
    let (content, rest) =
        rest.and_then(|rest| rest.split_at_checked(length)).ok_or(PacketError::BadLength)?;
    let message = match kind {
        0 => Message::Text(str::from_utf8(content).map_err(|_| PacketError::BadText)?),
        1 => Message::Binary(content),
        _ => return Err(PacketError::BadLength),
    };
    Ok((message, Rest::Bytes(rest)))
}

/// The first `units` code units of UTF-16, and what comes after them.
fn split_at_units(text: &str, units: usize) -> Option<(&str, &str)> {
    let mut left = units;
    for (index, c) in text.char_indices() {
        if left == 0 {
            return Some(text.split_at(index));
        }
        left = left.checked_sub(c.len_utf16())?;
    }
    (left == 0).then_some((text, ""))
}

/// Adds the length of a packet to a payload, which comes in pieces of a text.
pub(super) fn push_length(pieces: &[&[u8]], payload: &mut Vec<u8>) {
    // Each character has one byte that does not go on with another's. One of four bytes has two
    // code units.
    let units_of = |&byte: &u8| usize::from(byte & 0xC0 != 0x80) + usize::from(byte >= 0xF0);
    let units: usize = pieces.iter().map(|piece| piece.iter().map(units_of).sum::<usize>()).sum();
    payload.extend_from_slice(units.to_string().as_bytes());
    payload.push(b':');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &[u8], expected: &[Result<Message<'_>, PacketError>]) {
        let mut found = Vec::new();
        match Rest::of(payload) {
            Err(error) => found.push(Err(error)),
            Ok(mut rest) => {
                while found.last().is_none_or(Result::is_ok)
                    && let Some(message) = rest.next()
                {
                    found.push(message);
                }
            }
        }
        assert_eq!(found, expected, "{}", payload.escape_ascii());
    }

    fn text(text: &str) -> Result<Message<'_>, PacketError> {
        Ok(Message::Text(text))
    }

    #[test]
    fn length_of_a_text_is_in_utf16() {
        check(b"6:4hello", &[text("4hello")]);
        check(b"1:21:3", &[text("2"), text("3")]);
        check("3:4\u{674e}\u{96f7}1:2".as_bytes(), &[text("4\u{674e}\u{96f7}"), text("2")]);
        check("3:4\u{1f600}1:2".as_bytes(), &[text("4\u{1f600}"), text("2")]);
        check("3:4e\u{301}".as_bytes(), &[text("4e\u{301}")]);
        check(b"3:a:b", &[text("a:b")]);
        check(b"003:4:1", &[text("4:1")]);
        check(b"0:", &[]);
        check(b"0:0:1:20:", &[text("2")]);
    }

    #[test]
    fn text_that_is_not_as_long_as_said_is_refused() {
        let bad = Err(PacketError::BadLength);
        for payload in [
            "",
            ":",
            ":4",
            "4",
            "4hello",
            "7:4hello",
            "-1:4",
            "+1:4",
            " 1:4",
            "1 :4",
            "1e0:4",
            "0x1:4",
            "1.0:4",
            "\u{661}:4",
            "99999999999999999999:4",
            "1:",
        ] {
            check(payload.as_bytes(), &[bad]);
        }
        check(b"1:4\n", &[text("4"), bad]);
        check(b"5:4hello", &[text("4hell"), bad]);
        check(b"1:21:", &[text("2"), bad]);
        // The half of a character is no character.
        check("2:4\u{1f600}".as_bytes(), &[bad]);
        check(b"2:4\xFF", &[Err(PacketError::BadText)]);
    }

    #[test]
    fn bytes_have_their_length_in_bytes() {
        check(b"\x01\x05\xFF\x04\x01\x02\x03\xFF", &[Ok(Message::Binary(&[4, 1, 2, 3, 255]))]);
        check(
            b"\x00\x06\xFF4hello\x01\x01\x00\xFF\x04123456789",
            &[text("4hello"), Ok(Message::Binary(b"\x04123456789"))],
        );
        check("\0\u{4}".as_bytes(), &[Err(PacketError::BadLength)]);
        let word = [&b"\x00\x04\xFF"[..], "4\u{674e}".as_bytes()].concat();
        check(&word, &[text("4\u{674e}")]);
        check(b"\x01\x00\xFF", &[Ok(Message::Binary(&[]))]);
        check(b"\x00\x00\xFF", &[]);
    }

    #[test]
    fn bytes_that_are_not_as_many_as_said_are_refused() {
        let cases: [&[u8]; 12] = [
            b"\x00",
            b"\x01",
            b"\x01\xFF",
            b"\x01\xFF\x04",
            b"\x01\x01",
            b"\x01\x02\xFF\x04",
            b"\x01\x0A\xFF\x04123456789",
            b"\x01\xFE\xFF\x04",
            b"\x011\xFF\x04",
            &[&b"\x01"[..], &[9; 30], b"\xFF\x04"].concat(),
            b"\x01\x01\xFF",
            b"\x00\x03\xFF4a",
        ];
        for payload in cases {
            check(payload, &[Err(PacketError::BadLength)]);
        }
        check(b"\x00\x02\xFF4\xFF", &[Err(PacketError::BadText)]);
        check(b"\x00\x01\xFF2\x02\x01\xFF2", &[text("2"), Err(PacketError::BadLength)]);
    }

    #[test]
    fn length_is_that_of_all_pieces() {
        for (pieces, expected) in [
            (&["42", "[\"login\"]"][..], "11:"),
            (&["4\u{e9}\u{674e}", "\u{1f600}"], "5:"),
            (&[""], "0:"),
            (&["123456789", "0"], "10:"),
        ] {
            let mut payload = Vec::new();
            let bytes: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
            push_length(&bytes, &mut payload);
            assert_eq!(str::from_utf8(&payload), Ok(expected), "{pieces:?}");
            let units = pieces.concat().encode_utf16().count();
            assert_eq!(format!("{units}:"), expected);
        }
    }
}
