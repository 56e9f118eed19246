//! Request bodies: whole, in one other split, and as [`read_chunked`] reads them.

use std::cell::RefCell;

use headcount::http::{BodyDecoder, BodyLength, RequestError};

use super::INPUT_MAX;
use super::chunks::read_chunked;
use super::cuts::{Cuts, drawn_from};
use crate::fuzz::bodies::read;

/// The data of a body, as two readers have them.
#[derive(Default)]
struct Bodies {
    found: Vec<u8>,
    again: Vec<u8>,
}

thread_local! {
    static BODIES: RefCell<Bodies> = RefCell::default();
}

/// The target: an input is what it is for the thorough one.
pub fn body(input: &[u8]) {
    let input = &input[..input.len().min(INPUT_MAX)];
    let (length, bytes_max, body) = read(input).unwrap_or((BodyLength::Chunked, 100, input));
    BODIES.with_borrow_mut(|bodies| bodies.check(length, bytes_max, body));
}

impl Bodies {
    fn check(&mut self, length: BodyLength, bytes_max: u64, body: &[u8]) {
        let shown = body.escape_ascii();
        let whole = decode(length, bytes_max, std::iter::once(body), &mut self.found);
        let expected = match length {
            BodyLength::Chunked => read_chunked(body, bytes_max, &mut self.again),
            BodyLength::Known(bytes) => {
                let end = usize::try_from(bytes).ok().filter(|_| bytes <= bytes_max);
                let data = end.and_then(|end| body.get(..end));
                self.again.clear();
                self.again.extend_from_slice(data.unwrap_or_default());
                data.map(<[u8]>::len)
            }
        };
        assert_eq!(whole.ok().flatten(), expected, "where it ends: {shown}");
        assert!(expected.is_none() || self.found == self.again, "its data: {shown}");
        let cuts = Cuts::new(body, drawn_from(body));
        let split = decode(length, bytes_max, cuts, &mut self.again);
        assert_eq!(split, whole, "{shown}");
        assert!(self.found == self.again, "the data of two splits: {shown}");
    }
}

/// Puts the data of a body into `data`, and says how many bytes of input it has if it is complete.
fn decode<'a>(
    length: BodyLength,
    bytes_max: u64,
    pieces: impl Iterator<Item = &'a [u8]>,
    data: &mut Vec<u8>,
) -> Result<Option<usize>, RequestError> {
    data.clear();
    let mut decoder = BodyDecoder::new(length, bytes_max)?;
    let mut used = 0;
    // A body without a byte is complete before anything comes.
    for mut rest in std::iter::once(&[][..]).chain(pieces) {
        loop {
            let decoded = decoder.decode(rest)?;
            assert!(decoded.used > 0 || rest.is_empty() || decoded.is_complete, "it goes on");
            assert!(decoded.data.len() <= decoded.used);
            used += decoded.used;
            rest = &rest[decoded.used..];
            data.extend_from_slice(decoded.data);
            assert!(data.len() as u64 <= bytes_max);
            if decoded.is_complete {
                return Ok(Some(used));
            }
            if rest.is_empty() {
                break;
            }
        }
    }
    Ok(None)
}
