//! The chunked transfer coding (RFC 9112 §7.1), decoded byte by byte and without a buffer.
//!
//! Data are passed on where they lie. Sizes, extensions and trailers are steps of a state machine
//! that keeps none of their bytes, so it makes no difference how a body is cut, and the first byte
//! that is wrong is the one that is told. Lines end in CRLF and in nothing else.

use super::error::RequestError;
use super::token::{is_token_byte, is_value_byte};

/// Digits of a chunk size, leading zeros included: as many as 64 bits have.
const SIZE_DIGITS_MAX: u8 = 16;

/// Bytes of chunk extensions and trailer fields in one body. RFC 9112 §7.1.1: "A server ought to
/// limit the total length of chunk extensions".
const EXTRAS_BYTES_MAX: u16 = 4096;

/// What has come of a chunked body.
#[derive(Debug)]
pub(super) struct ChunkedDecoder {
    place: Place,
    /// The size of the chunk as far as it has come, then what is still to come of its data.
    chunk_bytes: u64,
    /// How much data there may still be, in all chunks from this one on.
    room: u64,
    extras_bytes: u16,
}

/// What the next byte is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The size of a chunk, after so many digits.
    Size(u8),
    /// What follows the size.
    Extension(Extension),
    /// The LF after that.
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// What follows the last chunk.
    Trailer(Trailer),
    /// The LF of the empty line at the end.
    LastLf,
    Complete,
}

/// RFC 9112 §7.1.1: `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// White space that only a semicolon can follow.
    Gap,
    BeforeName,
    Name,
    AfterName,
    BeforeValue,
    Token,
    /// In a quoted string (RFC 9110 §5.6.4).
    Quoted,
    /// After a backslash there.
    Escaped,
    /// After its closing quote.
    Unquoted,
}

/// RFC 9112 §7.1.2: `*( field-line CRLF )`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trailer {
    Start,
    Name,
    Value,
    Lf,
}

impl ChunkedDecoder {
    /// Awaits a body with at most so much data.
    pub(super) fn new(bytes_max: u64) -> ChunkedDecoder {
        ChunkedDecoder { place: Place::Size(0), chunk_bytes: 0, room: bytes_max, extras_bytes: 0 }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.place == Place::Complete
    }

    /// Uses the front of `input` up to the end of the first data in it, or of the body. Says how
    /// many bytes that were, and which of them are data.
    pub(super) fn decode<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<(usize, &'a [u8]), RequestError> {
        let mut used = 0;
        while let Some(&byte) = input.get(used)
            && self.place != Place::Complete
        {
            if self.place == Place::Data {
                let rest = &input[used..];
                let length = usize::try_from(self.chunk_bytes).unwrap_or(usize::MAX);
                let data = &rest[..length.min(rest.len())];
                self.chunk_bytes -= data.len() as u64;
                if self.chunk_bytes == 0 {
                    self.place = Place::DataCr;
                }
                return Ok((used + data.len(), data));
            }
            self.place = self.step(byte)?;
            used += 1;
        }
        Ok((used, &[]))
    }

    /// What follows a byte that is not of data.
    fn step(&mut self, byte: u8) -> Result<Place, RequestError> {
        let next = match (self.place, byte) {
            (Place::Size(digits), _) if byte.is_ascii_hexdigit() => {
                self.add_digit(byte, digits)?;
                Place::Size(digits + 1)
            }
            (Place::Size(1..), _) => {
                let next = match byte {
                    b'\r' => Place::SizeLf,
                    _ => Place::Extension(Extension::Gap.after(byte)?),
                };
                self.check_size()?;
                next
            }
            (Place::Extension(extension), b'\r') if extension.may_end() => Place::SizeLf,
            (Place::Extension(extension), _) => Place::Extension(extension.after(byte)?),
            (Place::SizeLf, b'\n') => {
                self.room -= self.chunk_bytes;
                if self.chunk_bytes == 0 { Place::Trailer(Trailer::Start) } else { Place::Data }
            }
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => Place::Size(0),
            (Place::Trailer(Trailer::Start), b'\r') => Place::LastLf,
            (Place::Trailer(trailer), _) => Place::Trailer(trailer.after(byte)?),
            (Place::LastLf, b'\n') => Place::Complete,
            _ => return Err(RequestError::BadChunk),
        };
        let is_extra = matches!(
            (self.place, next),
            (_, Place::Extension(_)) | (Place::Trailer(_), Place::Trailer(_))
        );
        if is_extra {
            self.extras_bytes += 1;
            if self.extras_bytes > EXTRAS_BYTES_MAX {
                return Err(RequestError::ExtrasTooLong);
            }
        }
        Ok(next)
    }

    /// RFC 9112 §7.1: "recipients MUST anticipate potentially large hexadecimal numerals and
    /// prevent parsing errors due to integer conversion overflows".
    fn add_digit(&mut self, byte: u8, digits: u8) -> Result<(), RequestError> {
        if digits == SIZE_DIGITS_MAX {
            return Err(RequestError::BadChunk);
        }
        let digit = char::from(byte).to_digit(16).ok_or(RequestError::BadChunk)?;
        self.chunk_bytes = self.chunk_bytes << 4 | u64::from(digit);
        Ok(())
    }

    /// The digits of a size are over.
    fn check_size(&self) -> Result<(), RequestError> {
        if self.chunk_bytes > self.room { Err(RequestError::BodyTooLarge) } else { Ok(()) }
    }
}

impl Extension {
    /// Whether the line may end here.
    fn may_end(self) -> bool {
        matches!(self, Extension::Name | Extension::Token | Extension::Unquoted)
    }

    fn after(self, byte: u8) -> Result<Extension, RequestError> {
        use Extension::*;
        Ok(match (self, byte) {
            (Quoted, b'"') => Unquoted,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, _) if is_value_byte(byte) => Quoted,
            (Gap | BeforeName | AfterName | BeforeValue, b' ' | b'\t') => self,
            (Name, b' ' | b'\t') => AfterName,
            (Token | Unquoted, b' ' | b'\t') => Gap,
            (Gap | Name | AfterName | Token | Unquoted, b';') => BeforeName,
            (Name | AfterName, b'=') => BeforeValue,
            (BeforeValue, b'"') => Quoted,
            (BeforeName | Name, _) if is_token_byte(byte) => Name,
            (BeforeValue | Token, _) if is_token_byte(byte) => Token,
            _ => return Err(RequestError::BadChunk),
        })
    }
}

impl Trailer {
    fn after(self, byte: u8) -> Result<Trailer, RequestError> {
        Ok(match (self, byte) {
            (Trailer::Start | Trailer::Name, _) if is_token_byte(byte) => Trailer::Name,
            (Trailer::Name, b':') => Trailer::Value,
            (Trailer::Value, b'\r') => Trailer::Lf,
            (Trailer::Value, _) if is_value_byte(byte) => Trailer::Value,
            (Trailer::Lf, b'\n') => Trailer::Start,
            _ => return Err(RequestError::BadChunk),
        })
    }
}
