//! RFC 1951 and RFC 7692 §7.2.2 once more, slow and obvious: bit by bit, from the first message on.
//!
//! Huffman codes are decoded in the way of Mark Adler's `puff`: a code is compared with the first
//! of its length, so there are no tables and no fast paths.

/// What inflating stops at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// The input has ended inside a block.
    NeedsInput,
    /// The input has ended between two blocks.
    Between,
    /// The input has ended with the last block of a stream.
    Ended,
    Invalid,
    /// There is more output than was allowed.
    TooLong,
}

/// What a message becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inflated {
    Message(Vec<u8>),
    Invalid,
    TooLong,
}

/// The compressed messages of one connection.
#[derive(Debug)]
pub struct Inflater {
    keeps_window: bool,
    /// What was inflated so far, and to how many bytes.
    input: Vec<u8>,
    output_bytes: usize,
}

/// What a sender takes off each message, and a receiver puts back.
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];

impl Inflater {
    pub fn new(keeps_window: bool) -> Inflater {
        Inflater { keeps_window, input: Vec::new(), output_bytes: 0 }
    }

    /// Inflates the next message to at most `bytes_max` bytes.
    pub fn inflate(&mut self, message: &[u8], bytes_max: usize) -> Inflated {
        // A stream must end at this empty last block: then the message was not cut off. Where the
        // window is kept, so is the stream, and it must be between two blocks.
        let last_block: &[u8] = if self.keeps_window { &[] } else { &[1, 0, 0, 0xFF, 0xFF] };
        if !self.keeps_window {
            (self.input, self.output_bytes) = (Vec::new(), 0);
        }
        let mut lengths = Vec::new();
        let mut outcome = (Stop::Invalid, Vec::new());
        for part in [message, &TAIL, last_block] {
            self.input.extend_from_slice(part);
            outcome = self.inflate_all(bytes_max);
            match outcome.0 {
                Stop::Invalid => return Inflated::Invalid,
                Stop::TooLong => return Inflated::TooLong,
                Stop::NeedsInput | Stop::Between | Stop::Ended => {}
            }
            lengths.push(outcome.1.len());
        }
        let (stop, output) = outcome;
        let is_whole = stop == Stop::Ended || self.keeps_window && stop == Stop::Between;
        // What follows a message says nothing, if it is not taken for a part of it.
        let is_all = lengths.iter().all(|&length| length == output.len());
        if !is_whole || !is_all || message.is_empty() {
            return Inflated::Invalid;
        }
        self.output_bytes += output.len();
        Inflated::Message(output)
    }

    /// Inflates everything from the first message on, and returns what the last one becomes.
    fn inflate_all(&self, bytes_max: usize) -> (Stop, Vec<u8>) {
        let mut bits = Bits { input: &self.input, at: 0 };
        let room = self.output_bytes + bytes_max;
        let mut output = Output { bytes: Vec::new(), stream_start: 0, room };
        let stop = streams(&mut bits, &mut output);
        (stop, output.bytes.split_off(self.output_bytes))
    }
}

/// One stream after the other: each begins at a byte, and with an empty window.
fn streams(bits: &mut Bits<'_>, output: &mut Output) -> Stop {
    loop {
        if bits.at == bits.input.len() * 8 {
            return Stop::Between;
        }
        let is_last = match block(bits, output) {
            Ok(is_last) => is_last,
            Err(stop) => return stop,
        };
        if is_last {
            bits.align();
            output.stream_start = output.bytes.len();
            if bits.at == bits.input.len() * 8 {
                return Stop::Ended;
            }
        }
    }
}

fn block(bits: &mut Bits<'_>, output: &mut Output) -> Result<bool, Stop> {
    let is_last = bits.take(1)? == 1;
    match bits.take(2)? {
        0 => stored(bits, output)?,
        1 => {
            let mut lengths = [8; 288];
            lengths[144..256].fill(9);
            lengths[256..280].fill(7);
            codes(bits, output, &Code::new(&lengths), &Code::new(&[5; 32]))?;
        }
        2 => {
            let (literals, distances) = dynamic(bits)?;
            codes(bits, output, &literals, &distances)?;
        }
        _ => return Err(Stop::Invalid),
    }
    Ok(is_last)
}

fn stored(bits: &mut Bits<'_>, output: &mut Output) -> Result<(), Stop> {
    bits.align();
    let (length, complement) = (bits.take(16)?, bits.take(16)?);
    if length != !complement & 0xFFFF {
        return Err(Stop::Invalid);
    }
    for _ in 0..length {
        output.push(bits.take(8)? as u8)?;
    }
    Ok(())
}

/// §3.2.7: the lengths of both codes, in a code of their own.
fn dynamic(bits: &mut Bits<'_>) -> Result<(Code, Code), Stop> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let counts = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let (literals, distances, orders) = (counts.0 as usize, counts.1 as usize, counts.2 as usize);
    if literals > 286 || distances > 30 {
        return Err(Stop::Invalid);
    }
    let mut lengths = [0; 19];
    for &index in &ORDER[..orders] {
        lengths[index] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths);
    if code.left < 0 || code.left > 0 && !code.is_empty() {
        return Err(Stop::Invalid);
    }
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let symbol = match code.is_empty() {
            // zlib takes a code without any symbols for one in which every bit is a 0.
            true => bits.take(1).map(|_| 0)?,
            false => code.decode(bits)?,
        };
        let (length, times) = match symbol {
            0..=15 => (symbol as u8, 1),
            16 => {
                let times = 3 + bits.take(2)?;
                (*lengths.last().ok_or(Stop::Invalid)?, times)
            }
            17 => (0, 3 + bits.take(3)?),
            _ => (0, 11 + bits.take(7)?),
        };
        lengths.extend((0..times).map(|_| length));
    }
    if lengths.len() > literals + distances || lengths[256] == 0 {
        return Err(Stop::Invalid);
    }
    let (literals, distances) = lengths.split_at(literals);
    let (literals, distances) = (Code::new(literals), Code::new(distances));
    if !literals.is_usable() || !distances.is_usable() {
        return Err(Stop::Invalid);
    }
    Ok((literals, distances))
}

/// §3.2.3 and §3.2.5: literals, and copies of what came before.
fn codes(
    bits: &mut Bits<'_>,
    output: &mut Output,
    literals: &Code,
    distances: &Code,
) -> Result<(), Stop> {
    loop {
        let symbol = literals.decode(bits)?;
        let length = match symbol {
            0..=255 => {
                output.push(symbol as u8)?;
                continue;
            }
            256 => return Ok(()),
            257..=264 => symbol - 254,
            265..=284 => {
                let extra = (symbol - 261) / 4;
                (((symbol - 265) % 4 + 4) << extra) + 3 + bits.take(extra)?
            }
            285 => 258,
            _ => return Err(Stop::Invalid),
        };
        let distance = match distances.decode(bits)? {
            symbol @ 0..=3 => symbol + 1,
            symbol @ 4..=29 => {
                let extra = symbol / 2 - 1;
                ((symbol % 2 + 2) << extra) + 1 + bits.take(extra)?
            }
            _ => return Err(Stop::Invalid),
        };
        for _ in 0..length {
            output.copy(distance as usize)?;
        }
    }
}

struct Output {
    bytes: Vec<u8>,
    stream_start: usize,
    /// The most bytes there can be.
    room: usize,
}

impl Output {
    fn push(&mut self, byte: u8) -> Result<(), Stop> {
        if self.bytes.len() == self.room {
            return Err(Stop::TooLong);
        }
        self.bytes.push(byte);
        Ok(())
    }

    fn copy(&mut self, distance: usize) -> Result<(), Stop> {
        if distance > self.bytes.len() - self.stream_start {
            return Err(Stop::Invalid);
        }
        self.push(self.bytes[self.bytes.len() - distance])
    }
}

/// A Huffman code (§3.2.2): how many symbols have each length, and the symbols in their order.
struct Code {
    counts: [u32; 16],
    symbols: Vec<u32>,
    /// Codes that are not given to a symbol, of 15 bits; below 0 if too many are.
    left: i32,
}

impl Code {
    fn new(lengths: &[u8]) -> Code {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for length in 1..16 {
            for (symbol, _) in lengths.iter().enumerate().filter(|(_, of)| **of == length) {
                counts[usize::from(length)] += 1;
                symbols.push(symbol as u32);
            }
        }
        let given = (1..16).map(|length| (counts[length] as i32) << (15 - length));
        Code { counts, symbols, left: (1 << 15) - given.sum::<i32>() }
    }

    fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// zlib's rule: complete, or none but a single code of one bit, or no code at all.
    fn is_usable(&self) -> bool {
        let is_single = self.symbols.len() == 1 && self.counts[1] == 1;
        self.left == 0 || is_single || self.is_empty()
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Result<u32, Stop> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return Ok(self.symbols[(index + code - first) as usize]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
            if self.left > 0 {
                return Err(Stop::Invalid);
            }
        }
        Err(Stop::Invalid)
    }
}

/// §3.1.1: bits from the least significant one on.
struct Bits<'a> {
    input: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Result<u32, Stop> {
        let mut value = 0;
        for index in 0..count {
            let byte = self.input.get(self.at / 8).ok_or(Stop::NeedsInput)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << index;
            self.at += 1;
        }
        Ok(value)
    }

    fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }
}
