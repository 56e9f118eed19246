//! Compressed messages, inflated by miniz_oxide, which shares no code with the server's zlib-rs.

use miniz_oxide::inflate::TINFLStatus as Status;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// What the messages of one connection may become together. What is more is not foretold.
const OUTPUT_MAX: usize = 128 * 1024;

/// What a sender takes off each message, and a receiver puts back.
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

/// An empty block that is the last of its stream.
const LAST_BLOCK: [u8; 5] = [1, 0, 0, 0xFF, 0xFF];

/// Empty blocks: in the middle of a block they would mean something.
const EMPTY_BLOCKS: [[u8; 5]; 128] = [[0, 0, 0, 0xFF, 0xFF]; 128];

/// What a message becomes.
pub enum Inflated<'a> {
    Message(&'a [u8]),
    Invalid,
    TooLong,
    /// It can't be said.
    Unknown,
}

/// The messages of one connection.
pub struct Inflating {
    context: Box<DecompressorOxide>,
    keeps_window: bool,
    output: Box<[u8]>,
    /// Where the stream began in `output`, and how much there is of it.
    stream: usize,
    end: usize,
}

impl Default for Inflating {
    fn default() -> Inflating {
        let output = vec![0; OUTPUT_MAX].into();
        Inflating { context: Box::default(), keeps_window: false, output, stream: 0, end: 0 }
    }
}

impl Inflating {
    /// Begins a connection.
    pub fn restart(&mut self, keeps_window: bool) {
        self.keeps_window = keeps_window;
        self.begin_stream(0);
    }

    fn begin_stream(&mut self, at: usize) {
        self.context.init();
        (self.stream, self.end) = (at, at);
    }

    /// Inflates the next message to at most `bytes_max` bytes. It is changed on the way.
    pub fn inflate(&mut self, message: &mut Vec<u8>, bytes_max: usize) -> Inflated<'_> {
        if !self.keeps_window {
            self.begin_stream(0);
        }
        let (start, length) = (self.end, message.len());
        if start + bytes_max + 1 > OUTPUT_MAX {
            return Inflated::Unknown;
        }
        let most = start + bytes_max;
        let whole = self.feed(message, most);
        if !matches!(whole, Fed::All | Fed::Ended) {
            return whole.refusal();
        }
        let end = self.end;
        message.extend_from_slice(&TAIL);
        let tail = self.feed(&message[length..], most);
        let is_whole = match tail {
            Fed::All | Fed::Ended if self.keeps_window => {
                matches!(self.feed(EMPTY_BLOCKS.as_flattened(), most), Fed::All)
            }
            Fed::All | Fed::Ended => matches!(self.feed(&LAST_BLOCK, most), Fed::Ended),
            refused => return refused.refusal(),
        };
        if !is_whole || length == 0 || self.end > end {
            return Inflated::Invalid;
        }
        Inflated::Message(&self.output[start..end])
    }

    /// Inflates more, as long as the output does not pass `most`.
    fn feed(&mut self, mut input: &[u8], most: usize) -> Fed {
        let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        loop {
            let output = &mut self.output[self.stream..=most];
            let at = self.end - self.stream;
            let (status, used, made) = decompress(&mut self.context, input, output, at, flags);
            (input, self.end) = (&input[used..], self.end + made);
            match status {
                _ if self.end > most => return Fed::TooLong,
                Status::Done => {
                    self.begin_stream(self.end);
                    if input.is_empty() {
                        return Fed::Ended;
                    }
                }
                Status::NeedsMoreInput => return Fed::All,
                _ => return Fed::Invalid,
            }
        }
    }
}

/// What came of a part of a message.
enum Fed {
    /// All of it was used.
    All,
    /// A stream has ended with it.
    Ended,
    Invalid,
    TooLong,
}

impl Fed {
    fn refusal(self) -> Inflated<'static> {
        if matches!(self, Fed::TooLong) { Inflated::TooLong } else { Inflated::Invalid }
    }
}
