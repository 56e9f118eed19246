//! A request whose head has come and whose body is coming.
//!
//! What a request is answered depends on all of it, so it waits here until the body is complete.
//! The head is kept as it came, and read again then.

use crate::http::{BodyDecoder, BodyLength, RequestError};

/// What becomes of the body of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyUse {
    /// It is read, so that what follows it can be, and thrown away.
    Discard,
    /// It is collected, and is part of what is asked.
    Collect,
}

/// A request that waits for its body.
#[derive(Debug)]
pub(crate) struct Body {
    head: Vec<u8>,
    decoder: BodyDecoder,
    usage: BodyUse,
    content: Vec<u8>,
}

/// A request of which no more will come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WholeRequest {
    pub(crate) head: Vec<u8>,
    /// What was collected of the body, or why it can't be read to its end.
    pub(crate) content: Result<Vec<u8>, RequestError>,
}

impl Body {
    /// Awaits a body of such a length, and at most `bytes_max` bytes of it.
    pub(crate) fn new(
        head: &[u8],
        length: BodyLength,
        usage: BodyUse,
        bytes_max: u32,
    ) -> Result<Body, RequestError> {
        let decoder = BodyDecoder::new(length, bytes_max.into())?;
        Ok(Body { head: head.to_vec(), decoder, usage, content: Vec::new() })
    }

    /// Takes what `input` has of it. Says how many bytes that were, and whether the body is
    /// complete.
    pub(super) fn receive(&mut self, input: &[u8]) -> Result<(usize, bool), RequestError> {
        let mut used = 0;
        loop {
            let decoded = self.decoder.decode(&input[used..])?;
            used += decoded.used;
            // Memory grows with what has come, and not with what a length promises.
            if self.usage == BodyUse::Collect {
                self.content.extend_from_slice(decoded.data);
            }
            if decoded.is_complete || used == input.len() {
                return Ok((used, decoded.is_complete));
            }
        }
    }

    /// The request, now that its body is there or is known to be broken.
    pub(super) fn end(self, outcome: Result<(), RequestError>) -> WholeRequest {
        WholeRequest { head: self.head, content: outcome.map(|()| self.content) }
    }

    /// Bytes of memory that it holds.
    pub(super) fn buffered_bytes(&self) -> usize {
        size_of::<Body>() + self.head.capacity() + self.content.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"POST / HTTP/1.1\r\n\r\n";

    /// What comes of a body, in pieces of `size` bytes, and how many bytes are left behind it.
    fn receive(
        length: BodyLength,
        usage: BodyUse,
        input: &[u8],
        size: usize,
    ) -> (Option<Result<Vec<u8>, RequestError>>, usize) {
        let mut body = Body::new(HEAD, length, usage, 10).unwrap();
        let mut from = 0;
        for to in
            (0..input.len()).map(|at| at + 1).filter(|to| to % size == 0 || *to == input.len())
        {
            match body.receive(&input[from..to]) {
                Ok((used, true)) => return (Some(Ok(body.content)), input.len() - from - used),
                Ok((used, false)) => from += used,
                Err(error) => return (Some(Err(error)), 0),
            }
        }
        (None, input.len() - from)
    }

    #[test]
    fn body_is_collected_or_thrown_away_and_what_follows_is_left() {
        let chunks = b"2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\nX: y\r\n\r\nGET";
        let cases: [(BodyLength, &[u8]); 2] =
            [(BodyLength::Known(5), b"helloGET"), (BodyLength::Chunked, chunks)];
        for (length, input) in cases {
            for size in 1..=input.len() {
                let collected = receive(length, BodyUse::Collect, input, size);
                assert_eq!(collected, (Some(Ok(b"hello".to_vec())), 3), "{size}");
                let discarded = receive(length, BodyUse::Discard, input, size);
                assert_eq!(discarded, (Some(Ok(Vec::new())), 3), "{size}");
            }
            let part = &input[..input.len() - 4];
            assert_eq!(receive(length, BodyUse::Collect, part, 1), (None, 0));
        }
        let bad = receive(BodyLength::Chunked, BodyUse::Collect, b"5\rhello", 3);
        assert_eq!(bad, (Some(Err(RequestError::BadChunk)), 0));
        let large = receive(BodyLength::Chunked, BodyUse::Discard, b"B\r\nhello", 3);
        assert_eq!(large, (Some(Err(RequestError::BodyTooLarge)), 0));
        assert!(Body::new(HEAD, BodyLength::Known(11), BodyUse::Collect, 10).is_err());
    }

    /// THREATS A2: memory is for bytes that came, whatever length was promised.
    #[test]
    fn body_holds_what_has_come_of_it() {
        let megabyte = 1 << 20;
        let mut body =
            Body::new(HEAD, BodyLength::Known(megabyte), BodyUse::Collect, 1 << 20).unwrap();
        let empty = body.buffered_bytes();
        assert!(empty <= 256, "{empty} bytes");
        body.receive(&[7; 1000]).unwrap();
        assert!((1000..3000).contains(&(body.buffered_bytes() - empty)));
        let mut body =
            Body::new(HEAD, BodyLength::Known(megabyte), BodyUse::Discard, 1 << 20).unwrap();
        body.receive(&[7; 1000]).unwrap();
        assert_eq!(body.buffered_bytes(), empty);
    }
}
