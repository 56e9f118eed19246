//! Compression of messages (RFC 7692 §7.2), on zlib-rs.
//!
//! By default neither side keeps its window from one message to the next. Then a connection that
//! waits holds no compression state at all: one [`Inflater`] and one [`Deflater`] serve them all.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::error::ProtocolError;

/// What ends the output of a flush, and is taken off a message and put back (§7.2.1, §7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Empty blocks, longer together than any header of a block.
const EMPTY_BLOCKS: [[u8; 5]; 128] = [[0x00, 0x00, 0x00, 0xFF, 0xFF]; 128];

/// An empty block that is the last of its stream.
const LAST_BLOCK: [u8; 5] = [0x01, 0x00, 0x00, 0xFF, 0xFF];

/// Output grows by this much at a time: so much, at most, is made beyond a limit.
const STEP_BYTES: usize = 16 * 1024;

/// Windows of 2 to these powers, in bytes.
const WINDOW_BITS: std::ops::RangeInclusive<u8> = 9..=15;

/// What serves all connections that keep no window.
#[derive(Debug)]
pub struct Codec {
    /// For what comes.
    pub inflater: Inflater,
    /// For what goes.
    pub deflater: Deflater,
}

/// Inflates messages, whatever window they were made with.
#[derive(Debug)]
pub struct Inflater {
    context: Decompress,
    output: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Inflater {
        Inflater { context: Decompress::new(false), output: Vec::new() }
    }
}

impl Inflater {
    /// Inflates a whole message to at most `bytes_max` bytes. The result is lent until the next
    /// call. With `takeover` the window is that of the message before.
    ///
    /// It stops as soon as the output passes the limit: what a bomb would become is never made.
    pub fn inflate(
        &mut self,
        message: &[u8],
        takeover: bool,
        bytes_max: usize,
    ) -> Result<&[u8], ProtocolError> {
        self.output.clear();
        // With more room than the limit it would depend on the messages before this one whether it
        // is refused for the limit or for what is wrong behind it.
        self.output.shrink_to(bytes_max.saturating_add(1).min(2 * STEP_BYTES));
        if !takeover {
            self.context.reset(false);
        }
        self.feed(message, bytes_max)?;
        let length = self.output.len();
        self.feed(&TAIL, bytes_max)?;
        // A message that was cut off would be taken for a whole one, were this not asked: after a
        // whole one, empty blocks make no output, and the last of all ends the stream.
        let is_whole = match takeover {
            true => matches!(self.feed(EMPTY_BLOCKS.as_flattened(), bytes_max), Ok(false)),
            false => self.feed(&LAST_BLOCK, bytes_max)?,
        };
        if !is_whole || message.is_empty() || self.output.len() > length {
            return Err(ProtocolError::InvalidDeflate);
        }
        Ok(&self.output)
    }

    /// Bytes of memory held for output.
    pub fn buffered_bytes(&self) -> usize {
        self.output.capacity()
    }

    /// Inflates more of a message, and says whether its last block has ended with it.
    fn feed(&mut self, mut input: &[u8], bytes_max: usize) -> Result<bool, ProtocolError> {
        loop {
            if self.output.len() > bytes_max {
                return Err(ProtocolError::TooLong);
            }
            if self.output.len() == self.output.capacity() {
                let room = bytes_max + 1 - self.output.len();
                self.output.reserve_exact(room.min(self.output.len().max(STEP_BYTES)));
            }
            let before = (self.context.total_in(), self.output.len());
            let status = self
                .context
                .decompress_vec(input, &mut self.output, FlushDecompress::None)
                // What is wrong comes after all that was made of what is before it.
                .map_err(|_| match self.output.len() > bytes_max {
                    true => ProtocolError::TooLong,
                    false => ProtocolError::InvalidDeflate,
                })?;
            let used = (self.context.total_in() - before.0) as usize;
            input = &input[used..];
            match status {
                // §7.2.3.4: a sender may end a stream inside a message; another one follows.
                Status::StreamEnd if input.is_empty() => return Ok(true),
                Status::StreamEnd => self.context.reset(false),
                Status::Ok | Status::BufError => {
                    let has_room = self.output.len() < self.output.capacity();
                    if input.is_empty() && has_room {
                        return Ok(false);
                    }
                    if used == 0 && has_room && self.output.len() == before.1 {
                        return Err(ProtocolError::InvalidDeflate); // It would go on like this.
                    }
                }
            }
        }
    }
}

/// Deflates messages, each with an empty window.
#[derive(Debug)]
pub struct Deflater {
    level: Compression,
    /// A context for each size of window, made when it is first needed.
    contexts: [Option<Compress>; 7],
}

impl Deflater {
    /// A deflater that takes so much trouble: 1 is fast, 9 is thorough.
    pub fn new(level: u32) -> Deflater {
        Deflater { level: Compression::new(level), contexts: Default::default() }
    }

    /// Appends the deflated form of `message` to `out`.
    pub fn deflate(&mut self, message: &[u8], window_bits: u8, out: &mut Vec<u8>) {
        assert!(WINDOW_BITS.contains(&window_bits), "negotiated");
        let level = self.level;
        let context = self.contexts[usize::from(window_bits - WINDOW_BITS.start())]
            .get_or_insert_with(|| Compress::new_with_window_bits(level, false, window_bits));
        context.reset();
        deflate(context, message, out);
    }
}

/// Deflates messages, each with the window of the one before.
#[derive(Debug)]
pub struct TakeoverDeflater(Compress);

impl TakeoverDeflater {
    /// As [`Deflater::new`], for one connection and one size of window.
    pub fn new(level: u32, window_bits: u8) -> TakeoverDeflater {
        let level = Compression::new(level);
        TakeoverDeflater(Compress::new_with_window_bits(level, false, window_bits))
    }

    /// Appends the deflated form of `message` to `out`.
    pub fn deflate(&mut self, message: &[u8], out: &mut Vec<u8>) {
        deflate(&mut self.0, message, out);
    }
}

fn deflate(context: &mut Compress, mut message: &[u8], out: &mut Vec<u8>) {
    if message.is_empty() {
        out.push(0x00); // §7.2.3.6
        return;
    }
    let start = out.len();
    loop {
        out.reserve(message.len() / 2 + 64);
        let before = context.total_in();
        let status = context.compress_vec(message, out, FlushCompress::Sync);
        assert!(status.is_ok(), "memory to memory");
        message = &message[(context.total_in() - before) as usize..];
        // With room left over, the flush is complete.
        if message.is_empty() && out.len() < out.capacity() {
            break;
        }
    }
    debug_assert!(out[start..].ends_with(&TAIL));
    out.truncate(out.len() - TAIL.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inflated(message: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        Inflater::default().inflate(message, false, 1 << 20).map(<[u8]>::to_vec)
    }

    fn deflated(message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Deflater::new(6).deflate(message, 15, &mut out);
        out
    }

    #[test]
    fn examples_of_the_rfc_are_inflated() {
        // RFC 7692 §7.2.3.1, .3 (no compression), .4 (BFINAL), .5 (two blocks), .6 (empty).
        assert_eq!(inflated(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]), Ok(b"Hello".into()));
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        assert_eq!(inflated(&stored), Ok(b"Hello".into()));
        assert_eq!(
            inflated(&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00]),
            Ok(b"Hello".into())
        );
        let blocks = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflated(&blocks), Ok(b"Hello".into()));
        assert_eq!(inflated(&[0x00]), Ok(b"".into()));
        assert_eq!(deflated(b""), [0x00]);
        assert_eq!(deflated(b"Hello"), [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    }

    /// §7.2.3.2: the second message refers to the first.
    #[test]
    fn window_is_kept_if_that_was_agreed() {
        let mut inflater = Inflater::default();
        let first = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflater.inflate(&first, true, 99), Ok(&b"Hello"[..]));
        let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
        assert_eq!(inflater.inflate(&second, true, 99), Ok(&b"Hello"[..]));
        assert_eq!(inflater.inflate(&second, false, 99), Err(ProtocolError::InvalidDeflate));
        let mut deflater = TakeoverDeflater::new(6, 15);
        let mut out = Vec::new();
        deflater.deflate(b"Hello", &mut out);
        out.clear();
        deflater.deflate(b"Hello", &mut out);
        assert_eq!(out, second);
    }

    #[test]
    fn messages_come_back_from_every_window() {
        let mut deflater = Deflater::new(6);
        let mut inflater = Inflater::default();
        for length in [1, 2, 100, 16_384, 16_385, 100_000] {
            let text: Vec<u8> =
                (0..length).map(|index: u64| (index * index / 7 % 90) as u8).collect();
            for bits in WINDOW_BITS {
                let mut out = Vec::new();
                deflater.deflate(&text, bits, &mut out);
                assert_eq!(inflater.inflate(&out, false, length as usize), Ok(&text[..]));
            }
        }
    }

    /// Noise that comes twice is short the second time if the first is in the window, or else not.
    #[test]
    fn nothing_is_further_back_than_the_window_that_was_agreed_on() {
        let mut deflater = Deflater::new(6);
        let mut random = 1_u64;
        let mut noise = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 32) as u8
        };
        for bits in WINDOW_BITS.rev() {
            let window = 1 << bits;
            for (distance, is_seen) in [(window / 2 - 20, true), (window * 3 / 2, false)] {
                let once: Vec<u8> = (0..distance).map(|_| noise()).collect();
                let mut message = Vec::new();
                deflater.deflate(&[&once[..], &once].concat(), bits, &mut message);
                assert_eq!(message.len() < distance * 3 / 2, is_seen, "{bits} bits, {distance}");
            }
        }
    }

    #[test]
    fn bomb_is_noticed_while_it_goes_off() {
        let bomb = deflated(&vec![0; 64 << 20]);
        assert!(bomb.len() < 70_000);
        let mut inflater = Inflater::default();
        assert_eq!(inflater.inflate(&bomb, false, 100_000), Err(ProtocolError::TooLong));
        assert!((100_001..100_001 + STEP_BYTES).contains(&inflater.buffered_bytes()));
        assert_eq!(inflater.inflate(&[0x00], false, 100_000), Ok(&b""[..]));
        let little = 2 * STEP_BYTES..3 * STEP_BYTES;
        assert!(little.contains(&inflater.buffered_bytes()), "{}", inflater.buffered_bytes());
    }

    #[test]
    fn limit_is_exact() {
        let message = deflated(&[7; 1_000]);
        assert!(Inflater::default().inflate(&message, false, 1_000).is_ok());
        let found = Inflater::default().inflate(&message, false, 999).map(<[u8]>::len);
        assert_eq!(found, Err(ProtocolError::TooLong));
    }

    /// A byte too many, and then a block of a type that there is not.
    #[test]
    fn what_is_wrong_first_is_what_is_told() {
        let message = [0x00, 0x04, 0x00, 0xfb, 0xff, 1, 2, 3, 4, 0x06];
        for (bytes_max, expected) in
            [(3, ProtocolError::TooLong), (4, ProtocolError::InvalidDeflate)]
        {
            let found = Inflater::default().inflate(&message, false, bytes_max).map(<[u8]>::len);
            assert_eq!(found, Err(expected));
        }
    }

    /// The room that a longer message has left makes no difference.
    #[test]
    fn what_is_wrong_first_is_told_whatever_was_inflated_before() {
        let mut message = deflated(&[7; 1_000]);
        message.push(0x06);
        for bytes_before in [1, 1_000, 30_000] {
            let mut inflater = Inflater::default();
            let before = deflated(&vec![7; bytes_before]);
            assert!(inflater.inflate(&before, false, bytes_before).is_ok());
            let found = inflater.inflate(&message, false, 300).map(<[u8]>::len);
            assert_eq!(found, Err(ProtocolError::TooLong), "after {bytes_before} bytes");
            assert!(inflater.buffered_bytes() <= 301, "{}", inflater.buffered_bytes());
        }
    }

    #[test]
    fn message_that_is_cut_off_or_corrupt_is_refused() {
        let text: Vec<u8> = (0..2_000_u32).map(|index| (index * index % 251) as u8).collect();
        let whole = deflated(&text);
        assert_eq!(inflated(&whole), Ok(text));
        for cut in 1..whole.len() {
            assert!(inflated(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert_eq!(inflated(&[0xFF; 20]), Err(ProtocolError::InvalidDeflate));
        assert_eq!(inflated(b""), Err(ProtocolError::InvalidDeflate));
        assert!(inflated(&[whole, vec![0x07]].concat()).is_err(), "more after the end");
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        for cut in 0..hello.len() {
            for takeover in [false, true] {
                let found =
                    Inflater::default().inflate(&hello[..cut], takeover, 99).map(<[u8]>::len);
                assert!(found.is_err(), "Hello cut at {cut}: {found:?}");
            }
        }
    }

    #[test]
    fn flood_of_empty_blocks_is_linear() {
        let blocks = [0x00, 0x00, 0x00, 0xFF, 0xFF].repeat(13_000);
        assert_eq!(inflated(&[blocks, vec![0x00]].concat()), Ok(vec![]));
    }
}
