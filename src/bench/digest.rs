//! The digest of a roster, as docs/protocol.md defines it, computed with code of its own: a digest
//! that the server got wrong is another one here.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::hexadecimal::hexadecimal;

/// The sum of the hashes of entries, in two lanes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest([u32; 2]);

/// Basis and prime of each lane.
const LANES: [(u32, u32); 2] = [(0x811c_9dc5, 0x0100_0193), (0x050c_5d1f, 0x9e37_79b1)];

impl Digest {
    /// Of one entry, whose data are in the form of RFC 8785.
    pub(crate) fn of(name: &str, status: &str, data: Option<&str>) -> Digest {
        let text = [name, status, data.unwrap_or_default()].join("\0");
        Digest(LANES.map(|(basis, prime)| {
            let mix = |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(prime);
            finish(text.bytes().fold(basis, mix) ^ text.len() as u32)
        }))
    }

    /// Of these entries and some others.
    pub(crate) fn with(self, others: Digest) -> Digest {
        self.combine(others, u32::wrapping_add)
    }

    /// Of these entries but for some of them.
    pub(crate) fn without(self, some: Digest) -> Digest {
        self.combine(some, u32::wrapping_sub)
    }

    fn combine(self, other: Digest, lane: fn(u32, u32) -> u32) -> Digest {
        Digest([lane(self.0[0], other.0[0]), lane(self.0[1], other.0[1])])
    }
}

const fn finish(hash: u32) -> u32 {
    let hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    let hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(f, "{first:08x}{second:08x}")
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        hexadecimal(deserializer).map(|both| Digest([(both >> 32) as u32, both as u32]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_that_of_the_reference() {
        for (name, status, data, digest) in [
            ("Ada", "active", None, "a90740435337e0ea"),
            ("é", "active", None, "3b5bc9a95cdd9ff0"),
            ("👩‍👩‍👧", "active", None, "1c4cdc5ba17cb071"),
            ("Ada", "idle", None, "cf7642ca29e79a82"),
            ("Ada", "hidden", None, "3d34f3304c847d78"),
            ("Ada", "active", Some("{}"), "b7d36bbe4f57bb87"),
            (
                "Ada",
                "active",
                Some("{\"a\":[true,null,\"x\u{2028}\"],\"b\":1}"),
                "6f70affade72d6c2",
            ),
        ] {
            assert_eq!(Digest::of(name, status, data).to_string(), digest, "{name}");
        }
        let many = (0..1000).map(|number| Digest::of(&format!("n{number}"), "active", None));
        let many = many.fold(Digest::default(), Digest::with);
        assert_eq!(many.to_string(), "841346450f0e3cae");
        let ada = Digest::of("Ada", "active", None);
        assert_eq!(many.with(ada).without(ada), many);
        assert_eq!(serde_json::from_str::<Digest>("\"841346450f0e3cae\"").ok(), Some(many));
    }
}
