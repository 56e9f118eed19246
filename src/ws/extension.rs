//! Negotiation of permessage-deflate (RFC 6455 §9.1, RFC 7692 §5 and §7.1).
//!
//! A client offers extensions with parameters, the best first; the server takes the first offer
//! that it can keep to and answers with what is agreed. An offer with anything unknown, doubled or
//! out of range in it is declined; a field that does not even follow the grammar fails the
//! handshake.

use std::fmt::Write;

use memchr::memchr2;

use crate::http::is_token;

/// What both sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateParameters {
    /// What the client said the server's window may be at most, if it said a number: 2 to this
    /// power, in bytes, 9–15.
    pub server_max_window_bits: Option<u8>,
    /// What the client said its window will be at most, if it said a number.
    pub client_max_window_bits: Option<u8>,
    /// The server starts each message with an empty window.
    pub server_no_context_takeover: bool,
    /// The client starts each message with an empty window.
    pub client_no_context_takeover: bool,
}

/// A field that does not follow the grammar of RFC 6455 §9.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The largest window, and the one that is meant when nothing is said (RFC 7692 §7.1.2).
const WINDOW_BITS_MAX: u8 = 15;

/// Answers the offers in the values of all `Sec-WebSocket-Extensions` fields; `None` declines them
/// all. Unless `allows_takeover`, both windows are agreed to start empty: so nothing needs to be
/// kept between messages.
pub fn negotiate<'a>(
    values: impl Iterator<Item = &'a [u8]>,
    allows_takeover: bool,
) -> Result<Option<DeflateParameters>, Malformed> {
    let mut agreed = None;
    let (mut has_values, mut has_offers) = (false, false);
    for value in values {
        has_values = true;
        for offer in split(value, b',') {
            let offer = offer?;
            if offer.is_empty() {
                continue; // RFC 9110 §5.6.1.2: empty elements are ignored …
            }
            has_offers = true;
            let mut parts = split(offer, b';');
            let name = parts.next().ok_or(Malformed)??;
            if !is_token(name) {
                return Err(Malformed);
            }
            // The grammar is checked to the end, also after an offer was found good.
            let parameters = read_parameters(parts)?;
            if name.eq_ignore_ascii_case(b"permessage-deflate") && agreed.is_none() {
                agreed = parameters;
            }
        }
    }
    if has_values && !has_offers {
        return Err(Malformed); // … but RFC 6455 §9.1 wants one that is not.
    }
    Ok(agreed.map(|agreed: DeflateParameters| DeflateParameters {
        server_no_context_takeover: agreed.server_no_context_takeover || !allows_takeover,
        // RFC 7692 §7.1.1.2: the server may ask for this although it was not offered.
        client_no_context_takeover: agreed.client_no_context_takeover || !allows_takeover,
        ..agreed
    }))
}

impl DeflateParameters {
    /// The server's window is 2 to this power, in bytes.
    pub fn server_window_bits(&self) -> u8 {
        self.server_max_window_bits.unwrap_or(WINDOW_BITS_MAX)
    }

    /// The value of the response's field.
    pub fn encode(&self) -> String {
        let mut value = String::from("permessage-deflate");
        if self.server_no_context_takeover {
            value.push_str("; server_no_context_takeover");
        }
        if self.client_no_context_takeover {
            value.push_str("; client_no_context_takeover");
        }
        // RFC 7692 §7.1.2.1: accepted by being repeated, 15 too.
        if let Some(bits) = self.server_max_window_bits {
            let _ = write!(value, "; server_max_window_bits={bits}");
        }
        if let Some(bits) = self.client_max_window_bits {
            let _ = write!(value, "; client_max_window_bits={bits}");
        }
        value
    }
}

/// The parameters of one offer; `None` if it must be declined.
fn read_parameters<'a>(
    parts: impl Iterator<Item = Result<&'a [u8], Malformed>>,
) -> Result<Option<DeflateParameters>, Malformed> {
    let mut server_bits = None;
    let mut client_bits = None;
    let mut server_takeover = None;
    let mut client_takeover = None;
    let mut is_good = true;
    for part in parts {
        let (name, value) = read_parameter(part?)?;
        // RFC 7692 §7.1: an unknown name, a second one of a name, or a value that the name does not
        // have makes the server decline the offer.
        is_good &= match (name, value) {
            (b"server_no_context_takeover", None) => server_takeover.replace(()).is_none(),
            (b"client_no_context_takeover", None) => client_takeover.replace(()).is_none(),
            (b"server_max_window_bits", Some(value)) => {
                let bits = read_window_bits(&value);
                bits.is_some() && server_bits.replace(bits).is_none()
            }
            // Without a value the client only says that it understands the parameter.
            (b"client_max_window_bits", None) => client_bits.replace(None).is_none(),
            (b"client_max_window_bits", Some(value)) => {
                let bits = read_window_bits(&value);
                bits.is_some() && client_bits.replace(bits).is_none()
            }
            _ => false,
        };
    }
    Ok(is_good.then_some(DeflateParameters {
        server_max_window_bits: server_bits.flatten(),
        client_max_window_bits: client_bits.flatten(),
        server_no_context_takeover: server_takeover.is_some(),
        client_no_context_takeover: client_takeover.is_some(),
    }))
}

/// RFC 7692 §7.1.2: a number from 8 to 15 without a leading zero. zlib has no raw window of 8, so
/// that offer is declined too.
fn read_window_bits(value: &[u8]) -> Option<u8> {
    match value {
        b"9" => Some(9),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

/// A parameter's name and, unquoted, its value.
fn read_parameter(part: &[u8]) -> Result<(&[u8], Option<Vec<u8>>), Malformed> {
    let mut sides = part.splitn(2, |&byte| byte == b'=');
    let name = sides.next().ok_or(Malformed)?.trim_ascii();
    let value = sides.next().map(<[u8]>::trim_ascii);
    if !is_token(name) {
        return Err(Malformed);
    }
    let Some(value) = value else { return Ok((name, None)) };
    // RFC 6455 §9.1: a quoted value must be a token once it is unquoted.
    let value = match value {
        [b'"', inner @ .., b'"'] => unquote(inner),
        _ => value.to_vec(),
    };
    if is_token(&value) { Ok((name, Some(value))) } else { Err(Malformed) }
}

/// RFC 9110 §5.6.4: a backslash stands before a character that is meant literally.
fn unquote(quoted: &[u8]) -> Vec<u8> {
    let mut is_escaped = false;
    let keep = |&byte: &u8| {
        is_escaped = byte == b'\\' && !is_escaped;
        !is_escaped
    };
    quoted.iter().copied().filter(keep).collect()
}

/// The parts of `text` between separators that are not inside quotation marks, trimmed. Each byte
/// is looked at once.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = Result<&[u8], Malformed>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest.take()?;
        let mut end = 0;
        while let Some(found) = memchr2(separator, b'"', &text[end..]) {
            end += found;
            if text[end] == separator {
                rest = Some(&text[end + 1..]);
                return Some(Ok(text[..end].trim_ascii()));
            }
            let Some(length) = quoted_length(&text[end..]) else { return Some(Err(Malformed)) };
            end += length;
        }
        Some(Ok(text.trim_ascii()))
    })
}

/// The length of the quoted string that `text` begins with, its marks included.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    let closes = |&byte: &u8| {
        let is_literal = is_escaped;
        is_escaped = byte == b'\\' && !is_literal;
        byte == b'"' && !is_literal
    };
    text[1..].iter().position(closes).map(|inner| inner + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is answered to the offers `value`; empty if they are declined.
    fn answer(value: &str) -> Result<String, Malformed> {
        let agreed = negotiate([value.as_bytes()].into_iter(), true)?;
        Ok(agreed.map(|agreed| agreed.encode()).unwrap_or_default())
    }

    #[test]
    fn first_offer_that_can_be_kept_is_taken() {
        for (offers, expected) in [
            ("permessage-deflate", "permessage-deflate"),
            ("Permessage-Deflate", "permessage-deflate"),
            ("x-webkit-deflate-frame", ""),
            ("x-other; a=1; b=\"2\", permessage-deflate", "permessage-deflate"),
            (" , permessage-deflate ,", "permessage-deflate"),
            ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
            (
                "permessage-deflate;server_no_context_takeover;client_no_context_takeover",
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            ),
            (
                "permessage-deflate; server_max_window_bits=7, permessage-deflate; \
                 server_max_window_bits=\"12\"; client_max_window_bits=\"\\9\", permessage-deflate",
                "permessage-deflate; server_max_window_bits=12; client_max_window_bits=9",
            ),
        ] {
            assert_eq!(answer(offers), Ok(expected.to_owned()), "{offers}");
        }
    }

    /// RFC 9110 §5.3: the values of several fields are one list, so one of them may be empty.
    #[test]
    fn several_fields_are_one_list() {
        let agreed = |values: &[&'static [u8]]| {
            negotiate(values.iter().copied(), true).map(|agreed| agreed.is_some())
        };
        assert_eq!(agreed(&[]), Ok(false));
        assert_eq!(agreed(&[b"", b"permessage-deflate"]), Ok(true));
        assert_eq!(agreed(&[b"x", b"permessage-deflate", b","]), Ok(true));
        assert_eq!(agreed(&[b"", b","]), Err(Malformed));
    }

    #[test]
    fn every_window_is_kept_or_declined() {
        for side in ["server", "client"] {
            for bits in 0..=300 {
                let offer = format!("permessage-deflate; {side}_max_window_bits={bits}");
                let expected = if (9..=15).contains(&bits) { offer.clone() } else { String::new() };
                assert_eq!(answer(&offer), Ok(expected), "{offer}");
            }
            for bits in ["08", "09", "010", "+9", "-9", "9x", "1_0", "0x9"] {
                let offer = format!("permessage-deflate; {side}_max_window_bits={bits}");
                assert_eq!(answer(&offer), Ok(String::new()), "{offer}");
            }
        }
    }

    #[test]
    fn offer_with_anything_wrong_in_it_is_declined() {
        for parameters in [
            "server_max_window_bits",
            "server_no_context_takeover=true",
            "client_no_context_takeover=1",
            "server_no_context_takeover; server_no_context_takeover",
            "client_max_window_bits; client_max_window_bits",
            "client_max_window_bits; client_max_window_bits=10",
            "server_max_window_bits=10; server_max_window_bits=10",
            "Server_No_Context_Takeover",
            "constructor",
            "__proto__=1",
        ] {
            let offer = format!("permessage-deflate; {parameters}");
            assert_eq!(answer(&offer), Ok(String::new()), "{offer}");
        }
    }

    #[test]
    fn field_outside_the_grammar_fails() {
        for value in [
            "",
            " , ,",
            "permessage-deflate;",
            "permessage-deflate; =1",
            "permessage-deflate; a=",
            "permessage-deflate; a=\"",
            "permessage-deflate; a=\"b c\"",
            "permessage-deflate; a=\"b\\\"",
            "permessage deflate",
            "; a",
            "a, permessage-deflate; b=\"\"",
            "permessage-deflate, a;;b",
        ] {
            assert_eq!(answer(value), Err(Malformed), "{value}");
        }
    }

    /// The pathological fields of other parsers: work is linear in the bytes.
    #[test]
    fn long_fields_are_read_once() {
        for value in ["a;b=\"\\\\".repeat(1_600), " ".repeat(8_192), ",".repeat(8_192)] {
            let _ = answer(&value);
        }
    }

    #[test]
    fn windows_start_empty_unless_takeover_is_allowed() {
        let agreed = negotiate([&b"permessage-deflate"[..]].into_iter(), false);
        let agreed = agreed.map(|agreed| agreed.map(|agreed| agreed.encode()));
        let expected = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(agreed, Ok(Some(expected.to_owned())));
    }
}
