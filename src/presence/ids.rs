//! Handles of what there is in presence.

use std::fmt;
use std::num::NonZeroU32;

use super::hex;

/// The handle of a room, for as long as somebody follows it or is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoomId(NonZeroU32);

/// The handle of an entry, for as long as it has members or the last commit told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryId(NonZeroU32);

/// The handle of a member. It is never good for another one, even in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId {
    pub(super) index: u32,
    pub(super) generation: NonZeroU32,
}

/// The id of a client: 128 bits that it chose at random. It outlives the client's connections, and
/// whoever knows it can go on in the client's place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId([u8; 16]);

impl ClientId {
    /// Reads 32 hexadecimal digits, in lower case.
    pub fn parse(text: &str) -> Option<ClientId> {
        hex::parse(text, 32).map(ClientId::from_bits)
    }

    /// The id as one number.
    pub fn to_bits(self) -> u128 {
        u128::from_be_bytes(self.0)
    }

    /// The id that is this number.
    pub fn from_bits(bits: u128) -> ClientId {
        ClientId(bits.to_be_bytes())
    }
}

impl MemberId {
    /// As one number.
    pub(super) fn to_bits(self) -> u64 {
        u64::from(self.index) << 32 | u64::from(self.generation.get())
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.to_bits())
    }
}

impl fmt::Debug for ClientId {
    /// It is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientId(…)")
    }
}

impl RoomId {
    pub(super) fn of(index: usize) -> RoomId {
        RoomId(number(index))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl EntryId {
    pub(super) fn of(index: usize) -> EntryId {
        EntryId(number(index))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

fn number(index: usize) -> NonZeroU32 {
    let number = u32::try_from(index + 1).ok().and_then(NonZeroU32::new);
    number.expect("there are fewer of them than fit into 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_id_is_read_as_it_is_written() {
        let text = "00ff10a0b1c2d3e4f5061728394a5b6c";
        let id = ClientId::parse(text).unwrap();
        assert_eq!(id.to_string(), text);
        assert!(!format!("{id:?}").contains("ff"), "it is not shown");
        let upper = text.to_uppercase();
        let short = text.split_at(1).1;
        for text in ["", short, &format!("{text}0"), &upper, &format!("+{short}")] {
            assert_eq!(ClientId::parse(text), None, "{text}");
        }
    }
}
