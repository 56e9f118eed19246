//! Digests: numbers by which two copies of a roster are compared without sending either.

use std::fmt;
use std::ops::{AddAssign, SubAssign};

use super::entries::Seen;
use super::hex;

/// The digest of a roster: the sum of the hashes of its entries, in two lanes of 32 bits.
///
/// A sum can be brought up to date for each entry that changed, and unlike XOR it tells an entry
/// that is there twice from one that is not there. Lanes of 32 bits are what a browser multiplies
/// without big integers. A digest shows that a copy has drifted. It is no proof against malice:
/// people who choose their names can make two rosters that have the same one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest {
    a: u32,
    b: u32,
}

impl Digest {
    /// The hash of one entry: of its name, its status and its data.
    pub(super) fn of(name: &str, seen: &Seen) -> Digest {
        let mut lanes = Lanes { a: 0x811c_9dc5, b: 0x050c_5d1f, length: 0 };
        lanes.take(name.as_bytes());
        lanes.take(b"\0");
        lanes.take(seen.status.word().as_bytes());
        lanes.take(b"\0");
        lanes.take(seen.data.as_deref().unwrap_or_default().as_bytes());
        Digest { a: finalized(lanes.a ^ lanes.length), b: finalized(lanes.b ^ lanes.length) }
    }

    /// The hash of something that is made of these parts.
    pub(super) fn of_parts<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Digest {
        let mut lanes = Lanes { a: 0x811c_9dc5, b: 0x050c_5d1f, length: 0 };
        for part in parts {
            lanes.take(part);
            lanes.take(b"\0");
        }
        Digest { a: finalized(lanes.a ^ lanes.length), b: finalized(lanes.b ^ lanes.length) }
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Digest> {
        hex::parse(text, 16).map(|both| Digest::from_bits(both as u64))
    }

    /// Both lanes as one number.
    pub fn to_bits(self) -> u64 {
        u64::from(self.a) << 32 | u64::from(self.b)
    }

    /// The digest that is this number.
    pub fn from_bits(both: u64) -> Digest {
        Digest { a: (both >> 32) as u32, b: both as u32 }
    }
}

impl AddAssign for Digest {
    fn add_assign(&mut self, other: Digest) {
        self.a = self.a.wrapping_add(other.a);
        self.b = self.b.wrapping_add(other.b);
    }
}

impl SubAssign for Digest {
    fn sub_assign(&mut self, other: Digest) {
        self.a = self.a.wrapping_sub(other.a);
        self.b = self.b.wrapping_sub(other.b);
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.to_bits())
    }
}

/// Two hashes in the manner of FNV-1a, with bases and factors of their own.
struct Lanes {
    a: u32,
    b: u32,
    length: u32,
}

impl Lanes {
    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.a = (self.a ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            self.b = (self.b ^ u32::from(byte)).wrapping_mul(0x9e37_79b1);
        }
        self.length = self.length.wrapping_add(bytes.len() as u32);
    }
}

/// The last step of MurmurHash3: each bit of the input changes half of those of the output.
const fn finalized(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::super::data::Status;
    use super::*;

    fn of(entries: &[(&str, Status, Option<&str>)]) -> String {
        let mut digest = Digest::default();
        for (name, status, data) in entries {
            digest += Digest::of(name, &Seen { status: *status, data: data.map(Into::into) });
        }
        digest.to_string()
    }

    /// The vectors of the reference.
    #[test]
    fn digest_is_that_of_the_reference() {
        use Status::{Active, Hidden, Idle};
        let data = Some("{\"a\":[true,null,\"x\u{2028}\"],\"b\":1}");
        let numbers = Some("{\"\\r\":1,\"k\":0.1,\"m\":0,\"n\":1e+21,\"€\":\"ö\"}");
        for (entries, digest) in [
            (&[][..], "0000000000000000"),
            (&[("Ada", Active, None)], "a90740435337e0ea"),
            (&[("Ada", Active, None), ("Bob", Active, None)], "f98d07773b8a0ea1"),
            (&[("Bob", Active, None), ("Ada", Active, None)], "f98d07773b8a0ea1"),
            (&[("李雷", Active, None), ("韩梅梅", Active, None)], "de96c0e6d547990e"),
            (&[("👩‍👩‍👧", Active, None)], "1c4cdc5ba17cb071"),
            (&[("é", Active, None)], "3b5bc9a95cdd9ff0"),
            (&[("Ada", Idle, None)], "cf7642ca29e79a82"),
            (&[("Ada", Hidden, None)], "3d34f3304c847d78"),
            (&[("Ada", Active, Some("{}"))], "b7d36bbe4f57bb87"),
            (&[("Ada", Active, data)], "6f70affade72d6c2"),
            (&[("Ada", Active, numbers)], "07e4d5f19f517957"),
        ] {
            assert_eq!(of(entries), digest, "{entries:?}");
        }
        let names: Vec<String> = (0..1000).map(|i| format!("n{i}")).collect();
        let entries: Vec<_> = names.iter().map(|name| (&**name, Active, None)).collect();
        assert_eq!(of(&entries), "841346450f0e3cae");
    }

    #[test]
    fn digest_is_read_as_it_is_written_and_what_left_is_out_of_it() {
        let ada = Digest::of("Ada", &Seen::default());
        assert_eq!(Digest::parse(&ada.to_string()), Some(ada));
        for text in
            ["", "a90740435337e0e", "a90740435337e0eaa", "+90740435337e0ea", "A90740435337e0ea"]
        {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
        let mut digest = ada;
        digest += ada;
        assert_ne!(digest, ada, "one that is there twice");
        digest -= ada;
        digest -= ada;
        assert_eq!(digest, Digest::default());
    }
}
