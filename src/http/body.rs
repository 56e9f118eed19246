//! Request bodies: how long one is (RFC 9112 §6), and its bytes as they come.
//!
//! Two readers who disagree on where a body ends take different bytes for the next request. So what
//! the RFC lets a server repair is refused here: a body has one length, said in one way.

use super::chunked::ChunkedDecoder;
use super::error::RequestError;
use super::request_line::Version;
use super::token::is_token;

/// How it is known where a request body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// After so many bytes. RFC 9112 §6.3, 7: after none if the head says nothing.
    Known(u64),
    /// After the last chunk.
    Chunked,
}

impl BodyLength {
    /// The length that a head says, by the values of its `Transfer-Encoding` and `Content-Length`.
    pub(super) fn decode<'a>(
        version: Version,
        codings: impl Iterator<Item = &'a [u8]>,
        mut lengths: impl Iterator<Item = &'a [u8]>,
    ) -> Result<BodyLength, RequestError> {
        let mut codings = codings.peekable();
        if codings.peek().is_none() {
            return Ok(BodyLength::Known(decode_length(lengths)?));
        }
        // RFC 9112 §6.1: in HTTP/1.0 any coding is faulty framing; §6.3, 3: with a length beside
        // it, this "might indicate an attempt to perform request smuggling".
        if version == Version::Http10 || lengths.next().is_some() {
            return Err(RequestError::BadCoding);
        }
        check_codings(codings).map(|()| BodyLength::Chunked)
    }

    /// Whether it is known that there is no body, or one without a byte, which is the same.
    pub fn is_zero(self) -> bool {
        self == BodyLength::Known(0)
    }
}

/// RFC 9110 §8.6: `1*DIGIT`. RFC 9112 §6.3, 5: a length that is said twice may be taken for one
/// where both are the same. Nobody needs that, so it is refused.
fn decode_length<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Result<u64, RequestError> {
    let digits = match (values.next(), values.next()) {
        (None, _) => return Ok(0),
        (Some(digits @ [_, ..]), None) => digits,
        _ => return Err(RequestError::BadLength),
    };
    let add = |number: u64, digit: &u8| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    };
    digits.iter().try_fold(0, add).ok_or(RequestError::BadLength)
}

/// RFC 9112 §6.1, §7: `chunked` comes once, last, and without parameters. It is the only coding
/// that is known here. One without it at the end could end anywhere, which §6.3, 4 has answered
/// with 400; only another one before it is answered with 501.
fn check_codings<'a>(values: impl Iterator<Item = &'a [u8]>) -> Result<(), RequestError> {
    let (mut is_chunked, mut are_all_known) = (false, true);
    for coding in values.flat_map(|value| value.split(|&byte| byte == b',')) {
        let coding = coding.trim_ascii();
        let name = coding.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        if is_chunked || !is_token(name) {
            return Err(RequestError::BadCoding);
        }
        is_chunked = name.eq_ignore_ascii_case(b"chunked");
        if is_chunked && name.len() < coding.len() {
            return Err(RequestError::BadCoding);
        }
        are_all_known &= is_chunked;
    }
    match is_chunked {
        true if are_all_known => Ok(()),
        true => Err(RequestError::UnknownCoding),
        false => Err(RequestError::BadCoding),
    }
}

/// A request body that is coming.
#[derive(Debug)]
pub struct BodyDecoder(Framing);

#[derive(Debug)]
enum Framing {
    /// So many bytes are still to come.
    Known(u64),
    Chunked(ChunkedDecoder),
}

/// What one look at the input gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// Bytes of the input that are used.
    pub used: usize,
    /// Those of them that are data: the next of the body.
    pub data: &'a [u8],
    /// Whether that was the end of the body. What follows is the next request.
    pub is_complete: bool,
}

impl BodyDecoder {
    /// Awaits a body of such a length and at most `bytes_max` bytes of data. One that says that it
    /// is longer is refused before it comes.
    pub fn new(length: BodyLength, bytes_max: u64) -> Result<BodyDecoder, RequestError> {
        match length {
            BodyLength::Known(bytes) if bytes > bytes_max => Err(RequestError::BodyTooLarge),
            BodyLength::Known(bytes) => Ok(BodyDecoder(Framing::Known(bytes))),
            BodyLength::Chunked => {
                Ok(BodyDecoder(Framing::Chunked(ChunkedDecoder::new(bytes_max))))
            }
        }
    }

    /// Uses the front of `input`: some data and what frames them. Only once all of the input is
    /// used or the body is complete there is nothing more to be had from it. After an error nothing
    /// that follows means anything.
    pub fn decode<'a>(&mut self, input: &'a [u8]) -> Result<Decoded<'a>, RequestError> {
        match &mut self.0 {
            Framing::Known(left) => {
                let length = usize::try_from(*left).unwrap_or(usize::MAX);
                let data = &input[..length.min(input.len())];
                *left -= data.len() as u64;
                Ok(Decoded { used: data.len(), data, is_complete: *left == 0 })
            }
            Framing::Chunked(decoder) => {
                let (used, data) = decoder.decode(input)?;
                Ok(Decoded { used, data, is_complete: decoder.is_complete() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(version: Version, codings: &[&str], lengths: &[&str]) -> Result<BodyLength, u16> {
        let bytes = |values: &[&str]| -> Vec<Vec<u8>> {
            values.iter().map(|value| value.as_bytes().to_vec()).collect()
        };
        let (codings, lengths) = (bytes(codings), bytes(lengths));
        BodyLength::decode(
            version,
            codings.iter().map(Vec::as_slice),
            lengths.iter().map(Vec::as_slice),
        )
        .map_err(|error| error.status().code())
    }

    #[test]
    fn length_is_one_number_of_digits() {
        for (values, expected) in [
            (&[][..], Ok(0)),
            (&["0"], Ok(0)),
            (&["000"], Ok(0)),
            (&["005"], Ok(5)),
            (&["18446744073709551615"], Ok(u64::MAX)),
            (&["00000000000000000000000000000000000000018446744073709551615"], Ok(u64::MAX)),
            (&["18446744073709551616"], Err(400)),
            (&["18446744073709551621"], Err(400)),
            (&["99999999999999999999"], Err(400)),
            (&[""], Err(400)),
            (&["+5"], Err(400)),
            (&["-5"], Err(400)),
            (&["-0"], Err(400)),
            (&["0x5"], Err(400)),
            (&["5 5"], Err(400)),
            (&["5_0"], Err(400)),
            (&["5,5"], Err(400)),
            (&["5, 5"], Err(400)),
            (&["5", "5"], Err(400)),
            (&["5", "6"], Err(400)),
            (&["", "5"], Err(400)),
        ] {
            let expected = expected.map(BodyLength::Known);
            assert_eq!(length(Version::Http11, &[], values), expected, "{values:?}");
        }
    }

    #[test]
    fn coding_is_chunked_and_nothing_beside_it() {
        for (values, expected) in [
            (&["chunked"][..], Ok(BodyLength::Chunked)),
            (&["CHUNKED"], Ok(BodyLength::Chunked)),
            (&[" \tchunked\t "], Ok(BodyLength::Chunked)),
            (&["gzip, chunked"], Err(501)),
            (&["gzip", "chunked"], Err(501)),
            (&["gzip;q=1 , chunked"], Err(501)),
            (&["identity, chunked"], Err(501)),
            (&["gzip"], Err(400)),
            (&["identity"], Err(400)),
            (&["xchunked"], Err(400)),
            (&["chunked, gzip"], Err(400)),
            (&["chunked", "identity"], Err(400)),
            (&["chunked, chunked"], Err(400)),
            (&["chunked", "chunked"], Err(400)),
            (&["chunked;q=1"], Err(400)),
            (&["chunked;"], Err(400)),
            (&["\"chunked\""], Err(400)),
            (&["chun ked"], Err(400)),
            (&[""], Err(400)),
            (&[","], Err(400)),
            (&[", chunked"], Err(400)),
            (&["chunked,"], Err(400)),
            (&["gzip,,chunked"], Err(400)),
        ] {
            assert_eq!(length(Version::Http11, values, &[]), expected, "{values:?}");
            assert_eq!(length(Version::Http10, values, &[]), Err(400), "1.0: {values:?}");
            for other in ["0", "5", "", "x"] {
                assert_eq!(length(Version::Http11, values, &[other]), Err(400), "{values:?}");
            }
        }
    }

    /// All of a body, which comes in pieces of `size` bytes: its data, and what follows it.
    fn decode(
        length: BodyLength,
        bytes_max: u64,
        input: &[u8],
        size: usize,
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), RequestError> {
        let mut decoder = BodyDecoder::new(length, bytes_max)?;
        let mut body = Vec::new();
        let (mut from, mut to) = (0, 0);
        loop {
            let decoded = decoder.decode(&input[from..to])?;
            from += decoded.used;
            body.extend_from_slice(decoded.data);
            if decoded.is_complete {
                return Ok((body, Some(input[from..].to_vec())));
            }
            if from == to {
                if to == input.len() {
                    return Ok((body, None));
                }
                to = input.len().min(to + size);
            }
        }
    }

    /// Whatever the sizes of the pieces are.
    #[track_caller]
    fn check(
        length: BodyLength,
        bytes_max: u64,
        input: &[u8],
        expected: Result<(&[u8], Option<&[u8]>), RequestError>,
    ) {
        let expected = expected.map(|(body, rest)| (body.to_vec(), rest.map(<[u8]>::to_vec)));
        for size in 1..=input.len().max(1) {
            let found = decode(length, bytes_max, input, size);
            assert_eq!(found, expected, "{} by {size}", input.escape_ascii());
        }
    }

    #[test]
    fn body_of_known_length_ends_after_so_many_bytes() {
        let known = BodyLength::Known;
        check(known(0), 0, b"GET", Ok((b"", Some(b"GET"))));
        check(known(5), 5, b"helloGET", Ok((b"hello", Some(b"GET"))));
        check(known(5), 5, b"hell", Ok((b"hell", None)));
        check(known(6), 5, b"", Err(RequestError::BodyTooLarge));
        check(known(u64::MAX), u64::MAX - 1, b"", Err(RequestError::BodyTooLarge));
        check(known(u64::MAX), u64::MAX, b"hello", Ok((b"hello", None)));
    }

    const TOO_LARGE: Result<(&[u8], Option<&[u8]>), RequestError> = Err(RequestError::BodyTooLarge);

    const GOOD: [&str; 10] = [
        "5\r\nhello\r\n0\r\n\r\n",
        "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "0000000000000005\r\nhello\r\n0000000000000000\r\n\r\n",
        "5;a\r\nhello\r\n0;b\r\n\r\n",
        "5;a=b;c\r\nhello\r\n0\r\n\r\n",
        "5 \t; \ta\t =\t b ;c\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\"\r\nhello\r\n0\r\n\r\n",
        "5;a=\" ;\\\"\\\\\t\u{e9}\";b\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nA:\r\nb: c \u{e9}\t:\r\n\r\n",
        "5\r\nhello\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: x\r\n\r\n",
    ];

    const BAD: [&str; 62] = [
        // The size.
        "\r\n",
        " 5\r\n",
        "+5\r\n",
        "-5\r\n",
        "0x5\r\n",
        "0X5\r\n",
        "g\r\n",
        "5_0\r\n",
        "5g\r\n",
        "FFFFFFFFFFFFFFFF0\r\n",
        "10000000000000005\r\n",
        "00000000000000005\r\n",
        "5 \r\n",
        "5\t\r\n",
        "5\n",
        "5\r5",
        "5\r\r\n",
        ";a\r\n",
        "5\0\r\n",
        // Extensions.
        "5;\r\n",
        "5; \r\n",
        "5;;a\r\n",
        "5;a;\r\n",
        "5;=b\r\n",
        "5;a=\r\n",
        "5;a= \r\n",
        "5;a b\r\n",
        "5;a \r\n",
        "5;a=b \r\n",
        "5;a=b c\r\n",
        "5;a=b=c\r\n",
        "5;a=b\"c\"\r\n",
        "5;a=\"b\"c\r\n",
        "5;a=\"\r\n\"\r\n",
        "5;a=\"\\\r\n",
        "5;\"a\"=b\r\n",
        "5;a[=b\r\n",
        "5;a\nb\r\n",
        "5;a\rb\r\n",
        "5;\0\r\n",
        "5;a=\u{e9}\r\n",
        "5;a=\"\u{7f}\"\r\n",
        "5 a\r\n",
        // Data.
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n",
        "3\r\nhello\r\n0\r\n\r\n",
        // What follows the last chunk.
        "0\r\n\n",
        "0\n\n",
        "0\r\n\rX",
        "0\r\nX\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX: y\r\n z\r\n\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: y\rz\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\nX\u{e9}: y\r\n\r\n",
        "0\r\n5\r\nhello\r\n0\r\n\r\n",
    ];

    #[test]
    fn chunks_are_those_of_the_grammar_and_no_others() {
        let check = |input: &[u8], expected| check(BodyLength::Chunked, 20, input, expected);
        for good in GOOD {
            check(good.as_bytes(), Ok((b"hello", Some(b""))));
            check(&[good, "GET"].concat().into_bytes(), Ok((b"hello", Some(b"GET"))));
            for end in 0..good.len() {
                let part = decode(BodyLength::Chunked, 20, &good.as_bytes()[..end], 3);
                assert!(
                    matches!(part, Ok((_, None))),
                    "{}",
                    &good.as_bytes()[..end].escape_ascii()
                );
            }
        }
        check(b"0\r\n\r\n5\r\n", Ok((b"", Some(b"5\r\n"))));
        check(
            b"A\r\nhelloworld\r\na\r\nhelloworld\r\n0\r\n\r\n",
            Ok((b"helloworldhelloworld", Some(b""))),
        );
        for bad in BAD {
            check(bad.as_bytes(), Err(RequestError::BadChunk));
        }
        for large in ["15\r\n", "15;a\r\n", "8000000000000000\r\n", "FFFFFFFFFFFFFFFF "] {
            check(large.as_bytes(), TOO_LARGE);
        }
        check(b"14\r\nhelloworldhelloworld\r\n1\r\n", TOO_LARGE);
        check(b"a\r\nhelloworld\r\nb\r\n", TOO_LARGE);
    }

    /// What is no data has a limit of its own, which many small chunks do not reach.
    #[test]
    fn extensions_and_trailers_have_a_limit() {
        let check = |input: String, expected| {
            for size in [1, 7, input.len()] {
                let found = decode(BodyLength::Chunked, 1 << 20, input.as_bytes(), size);
                let found = found.map(|(body, rest)| (body.len(), rest.is_some()));
                assert_eq!(found, expected, "{} bytes by {size}", input.len());
            }
        };
        let (most, too_long) = (4096, Err(RequestError::ExtrasTooLong));
        check(format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(most - 1)), Ok((1, true)));
        check(format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(most)), too_long);
        check("1;a\r\nx\r\n".repeat(most / 2) + "0\r\n\r\n", Ok((most / 2, true)));
        check("1;a\r\nx\r\n".repeat(most / 2) + "0;a\r\n\r\n", too_long);
        check(format!("0\r\n{}\r\n", "a:\r\n".repeat(most / 4)), Ok((0, true)));
        check(format!("0\r\n{}a:\r\n\r\n", "a:\r\n".repeat(most / 4)), too_long);
        check("1\r\nx\r\n".repeat(100_000) + "0\r\n\r\n", Ok((100_000, true)));
    }
}
