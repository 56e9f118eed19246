//! The payload of a Close frame (RFC 6455 §5.5.1, §7.4).

use std::str;

use super::close_code::CloseCode;
use super::error::ProtocolError;

/// The status code in the payload of a Close frame; `None` if the payload is empty.
pub fn decode(payload: &[u8]) -> Result<Option<CloseCode>, ProtocolError> {
    match *payload {
        [] => Ok(None),
        [_] => Err(ProtocolError::CloseTooShort),
        [high, low, ref reason @ ..] => {
            let code = CloseCode::decode(u16::from_be_bytes([high, low]))
                .ok_or(ProtocolError::CloseCodeInvalid)?;
            str::from_utf8(reason).map_err(|_| ProtocolError::InvalidUtf8)?;
            Ok(Some(code))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_code_is_accepted_only_if_it_may_be_sent() {
        for code in 0..=u16::MAX {
            let allowed = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            let expected = if allowed {
                Ok(CloseCode::decode(code))
            } else {
                Err(ProtocolError::CloseCodeInvalid)
            };
            assert_eq!(decode(&code.to_be_bytes()), expected, "{code}");
        }
    }

    #[test]
    fn close_reason_must_be_utf8() {
        assert_eq!(decode(b""), Ok(None));
        assert_eq!(decode(b"\x03"), Err(ProtocolError::CloseTooShort));
        assert_eq!(decode("\u{3}\u{e8}再见".as_bytes()), Err(ProtocolError::CloseCodeInvalid));
        assert_eq!(decode(b"\x03\xe8\xe5\x86\x8d"), Ok(Some(CloseCode::NORMAL)));
        assert_eq!(decode(b"\x03\xe8\xe5\x86"), Err(ProtocolError::InvalidUtf8));
    }
}
