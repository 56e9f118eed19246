//! Request bodies: in every split, and as a slow decoder reads them.

use headcount::http::{BodyDecoder, BodyLength, RequestError};

use super::fields::check_refusal;
use super::slow_body::SlowBody;
use super::splits::splits;

/// A longer input is cut off: the slow decoder is as slow as it is plain.
const INPUT_MAX: usize = 1024;

/// What became of a body.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    data: Vec<u8>,
    /// How many bytes of the input it had, if it is complete.
    end: Result<Option<usize>, RequestError>,
}

/// The target. The first line says what the rest is: `MOST chunked` or `MOST LENGTH`, in bytes;
/// what is no such line is a chunked body itself, of 100 bytes at most.
pub fn body_thorough(input: &[u8]) {
    let input = &input[..input.len().min(INPUT_MAX)];
    let (length, bytes_max, body) = read(input).unwrap_or((BodyLength::Chunked, 100, input));
    let expected = slowly(length, bytes_max, body);
    if let Err(error) = expected.end {
        check_refusal(error);
    }
    for pieces in splits(body) {
        let found = decode(length, bytes_max, &pieces);
        assert_eq!(found, expected, "{}", body.escape_ascii());
    }
}

pub fn read(input: &[u8]) -> Option<(BodyLength, u64, &[u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let (most, length) = str::from_utf8(&input[..end]).ok()?.split_once(' ')?;
    let length = match length {
        "chunked" => BodyLength::Chunked,
        bytes => BodyLength::Known(bytes.parse().ok()?),
    };
    Some((length, most.parse().ok()?, &input[end + 1..]))
}

fn decode(length: BodyLength, bytes_max: u64, pieces: &[&[u8]]) -> Outcome {
    let mut outcome = Outcome { data: Vec::new(), end: Ok(None) };
    let mut decoder = match BodyDecoder::new(length, bytes_max) {
        Ok(decoder) => decoder,
        Err(error) => return Outcome { end: Err(error), ..outcome },
    };
    let mut used = 0;
    // A body without a byte is complete before anything comes.
    for mut rest in std::iter::once(&[][..]).chain(pieces.iter().copied()) {
        loop {
            let decoded = match decoder.decode(rest) {
                Ok(decoded) => decoded,
                Err(error) => return Outcome { end: Err(error), ..outcome },
            };
            assert!(decoded.used > 0 || rest.is_empty() || decoded.is_complete, "it goes on");
            assert!(decoded.data.len() <= decoded.used);
            used += decoded.used;
            rest = &rest[decoded.used..];
            outcome.data.extend_from_slice(decoded.data);
            assert!(outcome.data.len() as u64 <= bytes_max);
            if decoded.is_complete {
                return Outcome { end: Ok(Some(used)), ..outcome };
            }
            if rest.is_empty() {
                break;
            }
        }
    }
    outcome
}

fn slowly(length: BodyLength, bytes_max: u64, body: &[u8]) -> Outcome {
    let mut slow = match SlowBody::new(length, bytes_max) {
        Ok(slow) => slow,
        Err(error) => return Outcome { data: Vec::new(), end: Err(error) },
    };
    let mut bytes = body.iter();
    let end = loop {
        if slow.is_complete() {
            break Ok(Some(body.len() - bytes.len()));
        }
        match bytes.next().map(|byte| slow.push(*byte)) {
            None => break Ok(None),
            Some(Err(error)) => break Err(error),
            Some(Ok(())) => {}
        }
    };
    Outcome { data: slow.data, end }
}

/// How many bytes of `input` the body has, if it is all there and has at most `bytes_max`.
pub fn body_end(
    length: BodyLength,
    bytes_max: u64,
    input: &[u8],
) -> Result<Option<usize>, RequestError> {
    slowly(length, bytes_max, input).end
}
