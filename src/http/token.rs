//! Tokens (RFC 9110 §5.6.2): the words that methods, field names and options are.

/// The bytes that may be in a token (RFC 9110 §5.6.2): looked up, for all names of a request.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let mut others = b"!#$%&'*+-.^_`|~".as_slice();
    while let [byte, rest @ ..] = others {
        table[*byte as usize] = true;
        others = rest;
    }
    table
};

/// Whether `byte` may be in a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    TOKEN_BYTES[usize::from(byte)]
}

/// Whether `byte` may be in the value of a field (RFC 9110 §5.5): visible characters, spaces, tabs
/// and obs-text.
pub(super) fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// Whether `text` is a token (RFC 9110 §5.6.2).
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}
