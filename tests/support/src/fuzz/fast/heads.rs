//! Requests: whole, in one other split, and by what [`requests`](super::requests) knows of them.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};

use headcount::http::{
    BodyDecoder, FieldStorage, HeadLimits, HeadScanner, RequestError, RequestHead,
};
use headcount::ws::handshake::{self, Wishes};

use super::INPUT_MAX;
use super::cuts::{Cuts, drawn_from};
use super::requests::{check_accepted, plain_head};
use crate::fuzz::heads::{BODY_BYTES_MAX, LIMITS};

/// What became of a part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// A head of so many bytes, and a hash of all that anybody asks of it.
    Accepted(usize, u64),
    /// The body of what was accepted goes wrong.
    Broken(RequestError),
    /// And whether the response has no content.
    Refused(RequestError, bool),
}

/// The memory that a pass needs.
#[derive(Default)]
struct Requests {
    whole: Vec<Verdict>,
    split: Vec<Verdict>,
    buffer: Vec<u8>,
    /// As long as `buffer`, and what was looked at is other bytes.
    poisoned: Vec<u8>,
    response: Vec<u8>,
}

thread_local! {
    static REQUESTS: RefCell<Requests> = RefCell::default();
}

/// The target: one request after the other, as they come.
pub fn head(input: &[u8]) {
    let input = &input[..input.len().min(INPUT_MAX)];
    let limits = &LIMITS[drawn_from(input).below(2)];
    REQUESTS.with_borrow_mut(|requests| requests.check(input, limits));
}

impl Requests {
    fn check(&mut self, input: &[u8], limits: &HeadLimits) {
        self.read(std::iter::once(input), limits);
        std::mem::swap(&mut self.whole, &mut self.split);
        if let (Some(length), false) = (plain_head(input, limits), self.whole.is_empty()) {
            let is_accepted = |verdict| matches!(verdict, Verdict::Accepted(n, _) if n == length);
            assert!(is_accepted(self.whole[0]), "{:?}: {}", self.whole[0], input.escape_ascii());
        }
        self.read(Cuts::new(input, drawn_from(input)), limits);
        assert_eq!(self.whole, self.split, "{}", input.escape_ascii());
    }

    /// Puts the verdicts on what comes in these pieces into `split`. Nothing is looked at after a
    /// refusal.
    fn read<'a>(&mut self, pieces: impl Iterator<Item = &'a [u8]>, limits: &HeadLimits) {
        self.split.clear();
        self.buffer.clear();
        self.poisoned.clear();
        let mut from = 0;
        let mut scanner = HeadScanner::default();
        let mut body: Option<BodyDecoder> = None;
        for piece in pieces {
            let seen = self.buffer.len();
            self.buffer.extend_from_slice(piece);
            self.check_work(piece, seen.saturating_sub(from), (scanner, body.is_none()), limits);
            loop {
                if let Some(decoder) = &mut body {
                    match decoder.decode(&self.buffer[from..]).map(|it| (it.used, it.is_complete)) {
                        Ok((0, false)) => break,
                        Ok((used, is_complete)) => {
                            from += used;
                            body = body.filter(|_| !is_complete);
                            continue;
                        }
                        Err(error) => return self.split.push(Verdict::Broken(error)),
                    }
                }
                match self.next(from, &mut scanner, limits) {
                    Ok(None) => break,
                    Ok(Some((length, next_body))) => {
                        from += length;
                        scanner = HeadScanner::default();
                        body = Some(next_body);
                    }
                    Err(verdict) => return self.split.push(verdict),
                }
            }
        }
    }

    /// Reads a head, if it is all there.
    fn next(
        &mut self,
        from: usize,
        scanner: &mut HeadScanner,
        limits: &HeadLimits,
    ) -> Result<Option<(usize, BodyDecoder)>, Verdict> {
        let input = &self.buffer[from..];
        let is_head = |scanner: &HeadScanner| scanner.is_head(input, limits);
        let refused = |error, scanner| Verdict::Refused(error, is_head(scanner));
        let Some(length) = scanner.scan(input, limits).map_err(|error| refused(error, scanner))?
        else {
            return Ok(None);
        };
        let mut storage = FieldStorage::default();
        let head = RequestHead::decode(&input[..length], limits, &mut storage)
            .map_err(|error| refused(error, scanner))?;
        check_accepted(&input[..length], head.version, head.body, limits);
        self.response.clear();
        let facts = hash(&head, &mut self.response);
        self.split.push(Verdict::Accepted(length, facts));
        let body = BodyDecoder::new(head.body, BODY_BYTES_MAX).map_err(Verdict::Broken)?;
        Ok(Some((length, body)))
    }

    /// What was looked at for the end of a field line is not looked at again before that has come:
    /// the same is found where these bytes are others. So a head is linear work however it comes.
    fn check_work(
        &mut self,
        piece: &[u8],
        seen: usize,
        (scanner, is_head): (HeadScanner, bool),
        limits: &HeadLimits,
    ) {
        self.poisoned.resize(self.buffer.len() - piece.len(), b'\n');
        let from = self.poisoned.len() - seen;
        let mut before = &self.buffer[from..from + seen];
        while let Some(rest) = before.strip_prefix(b"\r\n") {
            before = rest;
        }
        let is_after_line = before.contains(&b'\n');
        let has_end = piece.contains(&b'\r') || piece.contains(&b'\n');
        let is_inside = !has_end && !before.ends_with(b"\r");
        if !is_head || !is_after_line || !is_inside {
            return;
        }
        self.poisoned.extend_from_slice(piece);
        let (mut one, mut other) = (scanner, scanner);
        let found = one.scan(&self.buffer[from..], limits);
        let expected = other.scan(&self.poisoned[from..], limits);
        assert_eq!(found, expected, "what was seen is seen again: {}", self.buffer.escape_ascii());
        self.poisoned.truncate(from + seen);
    }
}

/// A hash of all that anybody asks of a head, the response to it as a handshake among that.
fn hash(head: &RequestHead<'_>, response: &mut Vec<u8>) -> u64 {
    let wishes =
        Wishes { subprotocol: Some("headcount.v1"), deflates: true, allows_takeover: true };
    let handshake = handshake::accept(head, wishes, response).map(drop);
    let mut hasher = DefaultHasher::new();
    std::mem::discriminant(&head.method).hash(&mut hasher);
    std::mem::discriminant(&head.version).hash(&mut hasher);
    std::mem::discriminant(&handshake).hash(&mut hasher);
    (&*head.path, head.query, head.host, response).hash(&mut hasher);
    (head.keeps_alive(), head.expects_continue).hash(&mut hasher);
    hasher.finish()
}
