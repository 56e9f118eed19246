//! Session ids: what nobody can guess who was not told.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest, Sha1};

use crate::config::Secret;

/// 120 bits in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sid([u8; Sid::LENGTH]);

impl Sid {
    const LENGTH: usize = 20;
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
        let mut digits = [0; Sid::LENGTH];
        let written = URL_SAFE_NO_PAD.encode_slice(&digest[..15], &mut digits);
        debug_assert_eq!(written, Ok(Sid::LENGTH), "15 bytes are 20 characters of base64");
        Sid(digits)
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
                    assert!(sid.len() == 20 && sid.chars().all(is_allowed), "{sid}");
                    assert!(seen.insert(sid));
                }
            }
        }
    }
}
