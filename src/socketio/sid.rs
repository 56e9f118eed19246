//! Session ids: what nobody can guess who was not told.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest, Sha1};

use crate::config::Secret;

/// 120 bits that nobody can guess, and the number of the session, in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sid([u8; Sid::LENGTH]);

impl Sid {
    const LENGTH: usize = 26;
    /// Bytes before base64: those that are secret, and after them the number.
    const BYTES: usize = 19;
    const SECRET_BYTES: usize = 15;
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&digit| write!(f, "{}", char::from(digit)))
    }
}

/// The ids of one session: that of Engine.IO and, after it, one for each CONNECT.
///
/// SHA-1 is a keyed generator here. All its inputs have one length and 40 of its 160 bits are not
/// shown, so no output says anything about the secret or another output.
///
/// The number of the session is in there as it is: with it a session is found without a table of
/// ids, and who does not know the secret can't make the rest for it.
#[derive(Clone, Copy, Debug)]
pub struct Sids<'a> {
    /// What makes them the server's own.
    pub secret: &'a Secret,
    /// The number of the session, which no other session has.
    pub session: u32,
}

impl Sids<'_> {
    /// The id of this number.
    pub fn sid(self, index: u32) -> Sid {
        let digest = Sha1::new()
            .chain_update(self.secret.as_bytes())
            .chain_update(self.session.to_be_bytes())
            .chain_update(index.to_be_bytes())
            .finalize();
        let mut bytes = [0; Sid::BYTES];
        bytes[..Sid::SECRET_BYTES].copy_from_slice(&digest[..Sid::SECRET_BYTES]);
        bytes[Sid::SECRET_BYTES..].copy_from_slice(&self.session.to_be_bytes());
        let mut digits = [0; Sid::LENGTH];
        let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut digits);
        debug_assert_eq!(written, Ok(Sid::LENGTH), "19 bytes are 26 characters of base64");
        Sid(digits)
    }

    /// The number of the session that has this id of Engine.IO, if the server ever gave it out.
    pub fn session(secret: &Secret, text: &str) -> Option<u32> {
        // The buffer may have to be longer than what is decoded.
        let mut bytes = [0; Sid::LENGTH];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let number = bytes[..length].get(Sid::SECRET_BYTES..)?.try_into().ok()?;
        let session = u32::from_be_bytes(number);
        let sid = Sids { secret, session }.sid(0);
        // Takes the same time wherever they differ.
        let differences = sid.0.iter().zip(text.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        (differences == 0).then_some(session)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_differ_and_depend_on_the_secret() {
        let mut seen = BTreeSet::new();
        for secret in [Secret::default(), Secret::new([1; 32])] {
            for session in 0..10 {
                for index in 0..10 {
                    let sid = Sids { secret: &secret, session }.sid(index).to_string();
                    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
                    assert!(sid.len() == 26 && sid.chars().all(is_allowed), "{sid}");
                    let of = Sids::session(&secret, &sid);
                    assert_eq!(of, (index == 0).then_some(session), "{index}");
                    assert!(seen.insert(sid));
                }
            }
        }
    }

    #[test]
    fn id_that_was_not_given_out_is_of_no_session() {
        let secret = Secret::new([1; 32]);
        let sid = Sids { secret: &secret, session: 7 }.sid(0).to_string();
        assert_eq!(Sids::session(&secret, &sid), Some(7));
        assert_eq!(Sids::session(&Secret::new([2; 32]), &sid), None);
        for index in 0..sid.len() {
            let mut other = sid.clone().into_bytes();
            other[index] = if other[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(Sids::session(&secret, str::from_utf8(&other).unwrap()), None, "{index}");
            let shorter: String = sid.chars().take(index).collect();
            assert_eq!(Sids::session(&secret, &shorter), None, "{index}");
        }
        for other in ["__proto__", &format!("{sid}A"), &format!("{sid}="), &"A".repeat(10_000)] {
            assert_eq!(Sids::session(&secret, other), None, "{other:.40}");
        }
    }
}
