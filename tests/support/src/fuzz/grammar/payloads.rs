//! Payloads of frames: text that is cut or wrong, close codes, and compressed blocks.

use std::cell::RefCell;

use headcount::ws::Deflater;

use crate::fuzz::splits::Xorshift;

/// Characters, the beginnings of some, and what is none.
const CHARACTERS: [&[u8]; 20] = [
    b"a",
    b"\x7f",
    b"\xc2\x80",
    b"\xdf\xbf",
    b"\xe0\xa0\x80",
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbf",
    b"\xf0\x90\x80\x80",
    b"\xf4\x8f\xbf\xbf",
    b"\xe4\xbd",
    b"\xf0\x9f\xa6",
    b"\xf0\x9f",
    b"\xc3",
    b"\x80",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xc0\xaf",
    b"\xf5",
    b"\xe0\x9f\xbf",
];

const CODES: [u16; 24] = [
    0, 1, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
    1014, 1015, 1016, 2999, 3000, 4999, 5000,
];

/// Lengths at which something changes, and those beside them.
const LENGTHS: [usize; 24] = [
    0, 1, 2, 3, 4, 5, 31, 32, 33, 123, 124, 125, 126, 127, 128, 199, 200, 201, 255, 256, 299, 300,
    301, 1024,
];

/// Blocks of RFC 1951 and RFC 7692 §7.2.3, whole ones and others.
const BLOCKS: [&[u8]; 14] = [
    b"\xf2\x48\xcd\xc9\xc9\x07\x00",
    b"\xf3\x48\xcd\xc9\xc9\x07\x00",
    b"\xf2\x00\x11\x00\x00",
    b"\x00\x05\x00\xfa\xffHello",
    b"\x01\x05\x00\xfa\xffHello",
    b"\x00\x05\x00\xfa\xfeHello",
    b"\x00\x00\x00\xff\xff",
    b"\x01\x00\x00\xff\xff",
    b"\x00",
    b"\x01",
    b"\x02",
    b"\x03",
    b"\x06",
    b"\x04\xc0\x81\x08\x00\x00\x00\x00\x20\x7f\xeb\x0b\x00\x00",
];

/// The payload of a frame of this opcode.
pub fn payload(opcode: u8, is_compressed: bool, random: &mut Xorshift) -> Vec<u8> {
    match opcode {
        8 if random.below(4) > 0 => {
            let mut payload = CODES[random.below(CODES.len())].to_be_bytes().to_vec();
            payload.extend(text(random.below(3), random));
            payload
        }
        _ if is_compressed => deflated(random),
        _ if random.below(2) == 0 => text(random.below(6), random),
        _ => vec![b'a'; length(random)],
    }
}

/// A length at which something changes, or one beside it.
pub fn length(random: &mut Xorshift) -> usize {
    LENGTHS[random.below(LENGTHS.len())]
}

fn text(characters: usize, random: &mut Xorshift) -> Vec<u8> {
    (0..characters).flat_map(|_| CHARACTERS[random.below(CHARACTERS.len())]).copied().collect()
}

thread_local! {
    static DEFLATER: RefCell<Deflater> = RefCell::new(Deflater::new(6));
}

fn deflated(random: &mut Xorshift) -> Vec<u8> {
    match random.below(3) {
        0 => {
            let mut plain = text(1 + random.below(6), random);
            plain = plain.repeat([1, 2, 50, 100, 300][random.below(5)]);
            let mut out = Vec::new();
            let bits = 9 + random.below(7) as u8;
            DEFLATER.with_borrow_mut(|deflater| deflater.deflate(&plain, bits, &mut out));
            out
        }
        1 => {
            let length = length(random);
            let mut block = vec![0];
            block.extend((length as u16).to_le_bytes());
            block.extend((!(length as u16)).to_le_bytes());
            block.resize(5 + length, b'a');
            block.push(0);
            block
        }
        _ => (0..1 + random.below(3)).flat_map(|_| BLOCKS[random.below(14)]).copied().collect(),
    }
}
